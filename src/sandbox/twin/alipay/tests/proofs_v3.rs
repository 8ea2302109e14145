//! Who proves what to whom in v3.

use http::HeaderValue;

use super::*;
use app::answered;

const TARGET: &str = "/v3/alipay/trade/query?a=%41";
const BODY: &str = r#"{"out_trade_no":"order-1"}"#;

/// The request with its `Authorization` changed.
fn altered(request: &Request, change: impl Fn(&str) -> String) -> Request {
    let mut request = request.clone();
    let value = request.headers["authorization"].to_str().unwrap();
    let value = HeaderValue::from_str(&change(value)).unwrap();
    request.headers.insert("authorization", value);
    request
}

#[tokio::test]
async fn whatever_was_signed_cannot_be_changed() {
    let bench = Bench::new();
    bench.order("order-1", "9.00").await;
    let signed = || bench.v3(&Method::POST, TARGET, BODY);
    let good = answered(bench.reply(signed()).await);
    assert_eq!((good.status, good.code()), (StatusCode::OK, ""), "as it was signed");

    let with = |target: &str, method: Method, body: &str| {
        let Request { headers, .. } = signed();
        Request::new(method, target, headers, Bytes::from(body.to_owned()))
    };
    let mut token = signed();
    token.headers.insert("alipay-app-auth-token", HeaderValue::from_static("t"));
    let other_nonce = altered(&signed(), |value| value.replacen("nonce=", "nonce=0", 1));
    let other_time = altered(&signed(), |value| value.replacen("timestamp=1", "timestamp=001", 1));
    let one_more = altered(&signed(), |value| value.replacen(",nonce=", ",b=1,nonce=", 1));
    let signature = altered(&signed(), |value| {
        let (head, signature) = value.split_once("sign=").unwrap();
        let swapped: String = signature.chars().rev().collect();
        format!("{head}sign={swapped}")
    });
    let empty =
        altered(&signed(), |value| format!("{}sign=", value.split_once("sign=").unwrap().0));
    for (request, what) in [
        (with("/v3/alipay/trade/close?a=%41", Method::POST, BODY), "another path"),
        (with("/v3/alipay/trade/query?a=A", Method::POST, BODY), "the query, encoded otherwise"),
        (with("/v3/alipay/trade/query", Method::POST, BODY), "no query"),
        (with(TARGET, Method::PUT, BODY), "another method"),
        (with(TARGET, Method::POST, r#"{"out_trade_no":"order-2"}"#), "another body"),
        (with(TARGET, Method::POST, r#"{"out_trade_no": "order-1"}"#), "a space more"),
        (with(TARGET, Method::POST, ""), "no body"),
        (token, "a token that was not signed"),
        (other_nonce, "another nonce"),
        (other_time, "the time, written otherwise"),
        (one_more, "one part more"),
        (signature, "another signature"),
        (empty, "no signature"),
    ] {
        let refused = answered(bench.reply(request).await);
        assert_eq!((refused.status.as_u16(), refused.code()), (400, "invalid-signature"), "{what}");
        assert!(bench.is_proven(&refused), "{what}: and that is signed");
        assert!(refused.json["message"].is_string() && refused.json["links"].is_array(), "{what}");
    }
    let refusal = bench.twin.desk().refusals().pop().unwrap();
    assert!(refusal["expected"].as_str().unwrap().contains("\nPOST\n/v3/"), "and why: {refusal}");
}

#[tokio::test]
async fn credentials_are_refused_for_what_is_wrong_with_them() {
    let bench = Bench::new();
    let signed = || bench.v3(&Method::POST, TARGET, BODY);
    let authorized = |text: &str| {
        let signature = bench.sign(format!("{text}\nPOST\n{TARGET}\n{BODY}\n").as_bytes());
        altered(&signed(), |_| format!("ALIPAY-SHA256withRSA {text},sign={signature}"))
    };
    let now = START.as_millis();
    let mut none = signed();
    none.headers.remove("authorization");
    let mut two = signed();
    let again = two.headers["authorization"].clone();
    two.headers.append("authorization", again);
    for (request, code, signed, what) in [
        (none, "missing-timestamp", false, "no credentials"),
        (two, "missing-timestamp", false, "two credentials"),
        (
            altered(&signed(), |value| value.replace("SHA256", "SHA1")),
            "invalid-authorization",
            false,
            "another scheme",
        ),
        (
            authorized(&format!("app_id=2,nonce=a,timestamp={now}")),
            "invalid-app-id",
            false,
            "another application",
        ),
        (
            authorized(&format!("nonce=b,timestamp={now}")),
            "missing-app-id",
            false,
            "no application",
        ),
        (authorized(&format!("app_id={},nonce=c", app::APP)), "missing-timestamp", true, "no time"),
        (
            authorized(&format!("app_id={},timestamp={now}", app::APP)),
            "missing-nonce",
            true,
            "no nonce",
        ),
        (
            authorized(&format!("app_id={},nonce=d,nonce=d,timestamp={now}", app::APP)),
            "invalid-authorization",
            false,
            "two nonces",
        ),
        (
            authorized(&format!("app_id={},nonce=e,timestamp={}", app::APP, now / 1000)),
            "invalid-timestamp",
            true,
            "seconds",
        ),
        (
            authorized(&format!("app_id={},nonce=f,timestamp={}", app::APP, now - 600_000)),
            "invalid-timestamp",
            true,
            "too old",
        ),
        (
            authorized(&format!("app_id={},nonce=g,timestamp={}", app::APP, now + 600_000)),
            "invalid-timestamp",
            true,
            "too early",
        ),
        (
            authorized(&format!("app_id={},nonce=h,timestamp=+{now}", app::APP)),
            "invalid-timestamp",
            true,
            "no plain number",
        ),
        (
            authorized(&format!("app_id={},app_cert_sn=1,nonce=i,timestamp={now}", app::APP)),
            "missing-alipay-root-cert-sn",
            true,
            "no root",
        ),
    ] {
        let refused = answered(bench.reply(request).await);
        assert_eq!((refused.status.as_u16(), refused.code()), (400, code), "{what}");
        assert_eq!(bench.is_proven(&refused), signed, "{what}: whether it is signed");
    }
    let edge = authorized(&format!("app_id={},nonce=j,timestamp={}", app::APP, now - 599_999));
    let once = answered(bench.reply(edge.clone()).await);
    assert_eq!(once.code(), "ACQ.TRADE_NOT_EXIST", "old, but not too old");
    assert_eq!(answered(bench.reply(edge).await).code(), "invalid-nonce", "and not twice");
}

#[tokio::test]
async fn certificates_are_named_on_both_sides() {
    let mut bench = Bench::new().certified();
    let answer = bench.order("order-1", "9.00").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json);
    let number = answer.headers["alipay-sn"].to_str().unwrap().to_owned();
    assert!(bench.is_proven(&answer), "the answer is signed");
    let published = bench.twin.dialect().keys();
    assert_eq!(
        published["keys"][0]["alipay_cert_sn"],
        number.as_str(),
        "and names the certificate"
    );
    let target = format!("/v3/alipay/open/app/alipaycert/download?alipay_cert_sn={number}");
    let answer = answered(bench.reply(bench.v3(&Method::GET, &target, "")).await);
    let expected = materials::encoded(published["keys"][0]["certificate"].as_str().unwrap());
    assert_eq!(answer.json["alipay_cert_content"], expected.as_str(), "which can be downloaded");

    let (app, root) = bench.certificates.clone().unwrap();
    for (certificates, code) in [
        ((root.clone(), root.clone()), "invalid-app-cert-sn"),
        ((app.clone(), app.clone()), "invalid-alipay-root-cert-sn"),
    ] {
        bench.certificates = Some(certificates);
        assert_eq!(bench.order("order-1", "9.00").await.code(), code, "the wrong one");
    }
    bench.certificates = None;
    let answer = bench.order("order-1", "9.00").await;
    assert!(!answer.headers.contains_key("alipay-sn"), "who names none is told none");

    bench.certificates = Some((app, root));
    bench.twin.rotate().await.unwrap();
    let answer = bench.order("order-1", "9.00").await;
    assert_ne!(answer.headers["alipay-sn"], number.as_str(), "a new key signs");
    assert!(bench.is_proven(&answer), "and is published");
    let old = answered(bench.reply(bench.v3(&Method::GET, &target, "")).await);
    assert_eq!(old.status, StatusCode::OK, "the old certificate is still good");
    bench.twin.retire();
    let old = answered(bench.reply(bench.v3(&Method::GET, &target, "")).await);
    assert_eq!(old.code(), "CERT_NOT_EXIST", "until it ends");
}

#[tokio::test]
async fn contents_are_encrypted_both_ways_or_refused() {
    let mut bench = Bench::new();
    bench.encrypts = true;
    let answer = bench.order("order-1", "9.00").await;
    assert_eq!(
        (answer.status, &answer.json["out_trade_no"]),
        (StatusCode::OK, &json!("order-1")),
        "read"
    );
    assert_eq!(
        answer.headers["alipay-encrypt-type"], "AES",
        "the answer says that it is encrypted"
    );
    assert!(!String::from_utf8_lossy(&answer.body).contains("order-1"), "and it is");
    assert!(bench.is_proven(&answer), "what is encrypted is signed");
    let order = bench.order("order-1", "9.01").await;
    assert_eq!(order.code(), "ACQ.CONTEXT_INCONSISTENT", "what is refused is not encrypted");

    bench.encrypts = false;
    let headers = |kind, media| {
        let mut request = bench.v3(&Method::POST, TARGET, BODY);
        request.headers.insert("alipay-encrypt-type", HeaderValue::from_static(kind));
        request.headers.insert("content-type", HeaderValue::from_static(media));
        request
    };
    for (request, code) in [
        (headers("AES", "text/plain"), "decryption-error"),
        (headers("AES", "application/json"), "invalid-encrypt-type"),
        (headers("DES", "text/plain"), "invalid-encrypt-type"),
    ] {
        assert_eq!(answered(bench.reply(request).await).code(), code, "in clear");
    }
}

#[tokio::test]
async fn signatures_are_wrong_when_that_is_wanted_and_clocks_too() {
    let bench = Bench::with(Options { seed: 1, ..Options::default() });
    bench.order("order-1", "9.00").await;
    for fault in [Fault::WrongSignature, Fault::ProbeSignature] {
        bench.twin.faults().plan(fault, Plan::times(1).on(On::Answer));
        assert!(!bench.is_proven(&bench.order("order-1", "9.00").await), "{fault:?}");
        assert!(bench.is_proven(&bench.order("order-1", "9.00").await), "{fault:?}, once");
    }
    bench.twin.faults().plan(Fault::ClockSkew, Plan::times(1));
    let answer = bench.order("order-1", "9.00").await;
    let time: u64 = answer.headers["alipay-timestamp"].to_str().unwrap().parse().unwrap();
    let now = u64::try_from(START.as_millis()).unwrap();
    assert_eq!(time.abs_diff(now), 660_000, "more than ten minutes away");
    assert!(bench.is_proven(&answer), "and rightly signed");
    bench.twin.faults().plan(Fault::ErrorAfterCharge, Plan::times(1));
    let failed = bench.order("order-1", "9.00").await;
    assert_eq!((failed.status.as_u16(), failed.code()), (500, "ACQ.SYSTEM_ERROR"), "its own error");
    assert!(bench.is_proven(&failed), "is signed as well");
}
