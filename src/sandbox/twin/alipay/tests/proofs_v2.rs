//! Who proves what to whom in v2.

use http::header::{CONTENT_TYPE, HeaderValue};

use super::*;
use app::answered;

const METHOD: &str = "alipay.trade.query";

fn content() -> Value {
    json!({ "out_trade_no": "order-1" })
}

#[tokio::test]
async fn whatever_was_signed_cannot_be_changed() {
    let bench = Bench::new();
    bench.order("order-1", "9.00").await;
    let parameters = bench.parameters(METHOD, &content());
    let mut sorted: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    sorted.sort();
    let signature = bench.sign(sorted.join("&").as_bytes());
    let good = answered(bench.reply(bench.v2(&parameters, Some(&signature))).await);
    assert_eq!(good.json["code"], "10000", "as it was signed: {}", good.json);
    assert!(bench.is_proven(&good), "and the answer is signed");

    let with = |name: &str, value: &str| {
        let mut changed = parameters.clone();
        changed.retain(|(other, _)| other != name);
        if !value.is_empty() {
            changed.push((name.to_owned(), value.to_owned()));
        }
        (changed, signature.clone())
    };
    let swapped: String = signature.chars().rev().collect();
    for ((changed, signature), what) in [
        (with("method", "alipay.trade.close"), "another method"),
        (with("notify_url", "https://other.example"), "another address"),
        (with("notify_url", ""), "a parameter less"),
        (with("auth_token", "1"), "a parameter more"),
        (with("timestamp", "2026-01-01 08:00:01"), "another time"),
        (with("biz_content", r#"{"out_trade_no":"order-2"}"#), "another content"),
        (with("version", "1.1"), "another version"),
        (with("charset", "UTF-8"), "written otherwise"),
        ((parameters.clone(), swapped), "another signature"),
        ((parameters.clone(), "?".to_owned()), "no base64"),
    ] {
        let refused = answered(bench.reply(bench.v2(&changed, Some(&signature))).await);
        assert_eq!(refused.code(), "invalid-signature", "{what}");
        assert_eq!(refused.json["code"], "40002", "{what}");
        assert_eq!(refused.status, StatusCode::OK, "{what}: the status says nothing");
        assert!(bench.is_proven(&refused), "{what}: and that is signed");
    }
    let mut empty = parameters.clone();
    empty.push(("return_url".to_owned(), String::new()));
    let good = answered(bench.reply(bench.v2(&empty, Some(&signature))).await);
    assert_eq!(good.json["code"], "10000", "what is empty is not signed");
}

#[tokio::test]
async fn parameters_are_refused_for_what_is_wrong_with_them() {
    let bench = Bench::new();
    let with = |name: &str, value: &str| {
        let mut changed = bench.parameters(METHOD, &content());
        changed.retain(|(other, _)| other != name);
        if !value.is_empty() {
            changed.push((name.to_owned(), value.to_owned()));
        }
        bench.v2(&changed, None)
    };
    let mut get = with("", "");
    get.method = Method::GET;
    let mut twice = with("", "");
    twice.body = [&twice.body[..], b"&biz_content={}"].concat().into();
    let mut json = with("", "");
    json.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let unsigned = bench.v2(&bench.parameters(METHOD, &content()), Some(""));
    for (request, code, signed) in [
        (with("app_id", ""), "missing-app-id", false),
        (with("app_id", "2021"), "invalid-app-id", false),
        (get, "invalid-http-method", false),
        (twice, "invalid-parameter", false),
        (json, "invalid-parameter", false),
        (with("method", ""), "missing-method", true),
        (with("method", "alipay.trade.none"), "invalid-method", true),
        (with("charset", ""), "missing-charset", true),
        (with("charset", "gbk"), "invalid-charset", true),
        (with("format", "xml"), "invalid-format", true),
        (with("sign_type", ""), "missing-signature-type", true),
        (with("sign_type", "RSA"), "invalid-signature-type", true),
        (with("version", ""), "missing-version", true),
        (unsigned, "missing-signature", true),
        (with("timestamp", ""), "missing-timestamp", true),
        (with("timestamp", "2026-01-01T08:00:00"), "invalid-timestamp", true),
        (with("timestamp", "2026-01-01 07:30:00"), "invalid-timestamp", true),
        (with("timestamp", "2026-01-01 08:30:00"), "invalid-timestamp", true),
        (with("timestamp", "2026-01-01 00:00:00"), "invalid-timestamp", true),
        (with("encrypt_type", "DES"), "invalid-encrypt-type", true),
        (with("encrypt_type", "AES"), "decryption-error", true),
        (with("app_cert_sn", "1"), "missing-alipay-root-cert-sn", true),
        (with("alipay_root_cert_sn", "1"), "missing-app-cert-sn", true),
        (with("biz_content", "{"), "illegal-json", true),
        (with("timestamp", "2026-01-01 07:30:01"), "ACQ.TRADE_NOT_EXIST", true),
    ] {
        let refused = answered(bench.reply(request).await);
        assert_eq!(refused.code(), code, "{}", refused.json);
        assert_eq!(bench.is_proven(&refused), signed, "{code}: whether it is signed");
    }
}

#[tokio::test]
async fn certificates_and_encryption_are_known_here_too() {
    let mut bench = Bench::new().certified();
    bench.encrypts = true;
    bench.order("order-1", "9.00").await;
    let answer = bench.call(Protocol::V2, METHOD, &content()).await;
    assert_eq!(answer.json["trade_status"], "WAIT_BUYER_PAY", "read: {}", answer.json);
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(!text.contains("WAIT_BUYER_PAY"), "and encrypted: {text}");
    assert!(bench.is_proven(&answer), "what is encrypted is signed with its quotes");
    let whole: Value = serde_json::from_str(&text).unwrap();
    let published = bench.twin.dialect().keys();
    assert_eq!(whole["alipay_cert_sn"], published["keys"][0]["alipay_cert_sn"], "the certificate");
    for (fault, what) in [(Fault::WrongSignature, "wrong"), (Fault::ProbeSignature, "a probe")] {
        bench.twin.faults().plan(fault, Plan::times(1));
        let answer = bench.call(Protocol::V2, METHOD, &content()).await;
        assert!(!bench.is_proven(&answer), "a signature that is {what}");
    }
    bench.encrypts = false;
    bench.twin.faults().plan(Fault::ErrorAfterCharge, Plan::times(1));
    let failed = bench.call(Protocol::V2, "alipay.trade.close", &content()).await;
    assert_eq!(failed.json["code"], "20000", "its own error has status {}", failed.status);
    assert!(bench.is_proven(&failed), "and is signed");
}

#[tokio::test]
async fn a_wrong_clock_waits_for_what_carries_a_time() {
    let bench = Bench::new();
    bench.order("order-1", "9.00").await;
    bench.twin.faults().plan(Fault::ClockSkew, Plan::times(1));
    bench.call(Protocol::V2, METHOD, &content()).await;
    assert_eq!(bench.twin.faults().shown()["clock_skew"]["times"], 1, "v2 carries none");
    bench.call(Protocol::V3, METHOD, &content()).await;
    assert_eq!(bench.twin.faults().shown()["clock_skew"]["times"], 0, "v3 does");
}
