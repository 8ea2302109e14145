//! Alipay: what leaves for it, what comes back, and what the institution receives of notifications.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
};

use tollgate::sandbox::RsaPair;
use tollgate_api::{Clock, SystemClock};
use tollgate_crypto::{Algorithm, PrivateKey, PublicKey, SigningKey, base64_decode, base64_encode};

use crate::support::*;

const APP: &str = "2021001122334455";
const JSON: (&str, &str) = ("content-type", "application/json");

/// Both parties' keys.
struct Keys {
    ours: RsaPair,
    alipays: RsaPair,
}

impl Keys {
    fn new() -> Self {
        Self { ours: RsaPair::generate().unwrap(), alipays: RsaPair::generate().unwrap() }
    }

    fn recipe(&self, provider: &Provider) -> Recipe {
        Recipe::to(provider)
            .file("app.key", &self.ours.private)
            .file("alipay.pem", &self.alipays.public)
    }

    /// Signs as Alipay.
    fn signer(&self) -> impl Fn(&str) -> String + Send + Sync + use<> {
        let key = PrivateKey::from_pem(&self.alipays.private).unwrap();
        let key = SigningKey::new(key, Algorithm::Rs256, None).unwrap();
        move |message| base64_encode(&key.sign(message.as_bytes()).unwrap())
    }

    /// Checks as Alipay what the gateway signed.
    fn checker(&self) -> impl Fn(&str, &str) -> bool + Send + Sync + use<> {
        let key = PublicKey::from_pem(&self.ours.public).unwrap();
        move |message, signature| {
            let signature = base64_decode(signature).unwrap_or_default();
            key.verify(Algorithm::Rs256, message.as_bytes(), &signature).is_ok()
        }
    }
}

fn now() -> String {
    SystemClock::new().unix().as_millis().to_string()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first == b'%' {
            let (digits, after) = rest.split_at(2);
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap());
            rest = after;
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn encoded(text: &str) -> String {
    let byte = |byte: u8| {
        if byte.is_ascii_alphanumeric() {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(byte).collect()
}

fn parameters(encoded: &str) -> BTreeMap<String, String> {
    let pairs = encoded.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(body).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_v3_call_is_signed_and_only_a_signed_answer_comes_back() {
    let keys = Keys::new();
    let (sign, check) = (keys.signer(), keys.checker());
    let provider = Provider::http1(move |request| {
        let field = request.header("authorization").unwrap_or_default();
        let said = field.strip_prefix("ALIPAY-SHA256withRSA ").unwrap_or_default();
        let (said, signature) = said.split_once(",sign=").unwrap_or_default();
        let body = text(&request.body);
        let message = format!("{said}\n{}\n{}\n{body}\n", request.method, request.target);
        if !check(&message, signature) {
            return Reply::new(401, r#"{"code":"INVALID_SIGNATURE"}"#);
        }
        let answer = r#"{"trade_status":"TRADE_SUCCESS","note":"a\/b"}"#;
        let (time, nonce) = (now(), field.len().to_string() + &now());
        let signature = sign(&format!("{time}\n{nonce}\n{answer}\n"));
        let body = if body.contains("forged") {
            answer.replace("SUCCESS", "CLOSED")
        } else {
            answer.to_owned()
        };
        Reply::new(200, body)
            .with("alipay-timestamp", &time)
            .with("alipay-nonce", &nonce)
            .with("alipay-signature", &signature)
            .with("alipay-trace-id", "t-1")
    })
    .await;
    let gateway = keys
        .recipe(&provider)
        .upstream_plugin(&format!(
            "alipay: {{ app_id: \"{APP}\", private_key: {{ file: app.key }}, alipay_public_key: alipay.pem }}"
        ))
        .start();
    let mut caller = gateway.http1().await;
    let path = "/v3/alipay/trade/query?a=b%20c&d";
    let body = br#"{"out_trade_no":"1"}"#;
    let answer = caller.call("POST", path, &[LOCAL, JSON], body, None).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.text(), r#"{"trade_status":"TRADE_SUCCESS","note":"a\/b"}"#, "byte for byte");
    assert_eq!(
        answer.header("alipay-trace-id").as_deref(),
        Some("t-1"),
        "what helps support stays"
    );
    assert_eq!(answer.header("alipay-signature"), None, "the signature is the gateway's matter");
    assert_eq!(provider.requests()[0].body, body, "the body as it was sent");
    let answer = caller.call("GET", "/v3/alipay/trade/query", &[LOCAL], b"", None).await;
    assert_eq!(answer.status, 200, "without a body: {}", answer.text());
    let forged = br#"{"out_trade_no":"forged"}"#;
    let answer = caller.call("POST", path, &[LOCAL, JSON], forged, None).await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert_eq!(answer.fault().as_deref(), Some("upstream_signature_invalid"), "forged on the way");
    assert!(
        !answer.text().contains("TRADE"),
        "nothing of it reaches the caller: {}",
        answer.text()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_v2_call_is_made_of_a_json_object_and_answered_with_the_signed_object() {
    let keys = Keys::new();
    let (sign, check) = (keys.signer(), keys.checker());
    let provider = Provider::http1(move |request| {
        let (path, query) = request.target.split_once('?').unwrap_or_default();
        let mut sent = parameters(query);
        sent.extend(parameters(&text(&request.body)));
        let signature = sent.remove("sign").unwrap_or_default();
        let pairs: Vec<_> = sent.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let sound = path == "/gateway.do"
            && request.method == "POST"
            && check(&pairs.join("&"), &signature);
        if !sound {
            return Reply::new(200, r#"{"error_response":{"code":"40002"}}"#);
        }
        let content = format!("{{\"code\":\"10000\", \"echo\":{}}}", sent["biz_content"]);
        let member = sent["method"].replace('.', "_") + "_response";
        Reply::new(200, format!("{{\"{member}\":{content},\"sign\":\"{}\"}}", sign(&content)))
    })
    .await;
    let gateway = keys
        .recipe(&provider)
        .upstream_plugin(&format!(
            "alipay: {{ protocol: v2, app_id: \"{APP}\", private_key: {{ file: app.key }}, alipay_public_key: alipay.pem }}"
        ))
        .start();
    let mut caller = gateway.http1().await;
    let body = "{\"method\":\"alipay.trade.pay\",\"biz_content\":{\"total_amount\": 1.50,\"subject\":\"中 &%+\"}}";
    let answer = caller.call("POST", "/alipay", &[LOCAL, JSON], body.as_bytes(), None).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let expected = "{\"code\":\"10000\", \"echo\":{\"total_amount\": 1.50,\"subject\":\"中 &%+\"}}";
    assert_eq!(answer.text(), expected, "the object alone, as it was signed");
    let refused = caller.call("POST", "/alipay", &[LOCAL, JSON], b"{}", None).await;
    assert_eq!(refused.fault().as_deref(), Some("field_invalid"), "no method: {}", refused.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_antom_call_goes_to_the_sandbox_and_is_signed_over_its_path() {
    let keys = Keys::new();
    let (sign, check) = (keys.signer(), keys.checker());
    let provider = Provider::http1(move |request| {
        let header = |name: &str| request.header(name).unwrap_or_default();
        let field = header("signature");
        let (_, signature) = field.split_once("signature=").unwrap_or_default();
        let (client, time) = (header("client-id"), header("request-time"));
        let target = &request.target;
        let message = format!("POST {target}\n{client}.{time}.{}", text(&request.body));
        if target != "/ams/sandbox/api/v1/payments/pay" || !check(&message, &decoded(signature)) {
            return Reply::new(200, r#"{"result":{"resultStatus":"F"}}"#);
        }
        let answer = r#"{"result":{"resultStatus":"S"}}"#;
        let signature = encoded(&sign(&format!("POST {target}\n{client}.{time}.{answer}")));
        Reply::new(200, answer)
            .with("response-time", &time)
            .with("client-id", &client)
            .with("signature", &format!("algorithm=RSA256,keyVersion=1,signature={signature}"))
    })
    .await;
    let gateway = keys
        .recipe(&provider)
        .upstream_plugin(
            "alipay: { protocol: antom, client_id: SANDBOX_5X, private_key: { file: app.key }, alipay_public_key: alipay.pem }",
        )
        .start();
    let mut caller = gateway.http1().await;
    let answer = caller.call("POST", "/ams/api/v1/payments/pay", &[LOCAL, JSON], b"{}", None).await;
    assert_eq!(answer.text(), r#"{"result":{"resultStatus":"S"}}"#, "{}", answer.status);
    let answer = caller.call("POST", "/ams/other", &[LOCAL, JSON], b"{}", None).await;
    assert_eq!(answer.fault().as_deref(), Some("upstream_signature_missing"), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notification_reaches_the_institution_once_and_alipay_reads_its_own_words() {
    let keys = Keys::new();
    let sign = keys.signer();
    let status = Arc::new(AtomicU16::new(500));
    let said = status.clone();
    let institution = Provider::http1(move |_| {
        Reply::new(said.load(Ordering::SeqCst), "{\"detail\":1}").with("x-internal", "1")
    })
    .await;
    let gateway = keys
        .recipe(&institution)
        .plugin(&format!("alipay: {{ app_id: \"{APP}\", alipay_public_key: alipay.pem }}"))
        .start();
    let time = SystemClock::new().unix().as_millis();
    let signed = format!(
        "app_id={APP}&notify_id=n-1&subject=a=b&c %25 +&total_amount=2.00&utc_timestamp={time}"
    );
    let form = format!(
        "app_id={APP}&notify_id=n-1&subject=a%3Db%26c+%2525+%2B&total_amount=2.00&utc_timestamp={time}&sign_type=RSA2&sign={}",
        encoded(&sign(&signed))
    );
    let kind = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    let mut alipay = gateway.http1().await;
    let forged = form.replace("2.00", "9.00");
    for (form, answers, expected, delivered) in [
        (&forged, 200, (401, "fail"), 0),
        (&form, 500, (500, "fail"), 1),
        (&form, 204, (200, "success"), 2),
        (&form, 204, (200, "success"), 2),
    ] {
        status.store(answers, Ordering::SeqCst);
        let answer = alipay.call("POST", "/notify", &[LOCAL, kind], form.as_bytes(), None).await;
        assert_eq!((answer.status, answer.text().as_str()), expected, "it answers {answers}");
        assert_eq!(answer.header("x-internal"), None, "nothing of the institution's");
        assert_eq!(institution.requests().len(), delivered, "deliveries so far");
    }
    let received = &institution.requests()[1];
    let event = format!(
        "{{\"app_id\":\"{APP}\",\"notify_id\":\"n-1\",\"subject\":\"a=b&c %25 +\",\"total_amount\":\"2.00\",\"utc_timestamp\":\"{time}\"}}"
    );
    assert_eq!(text(&received.body), event, "decoded once, without the signature");
    assert_eq!(received.header("content-type").as_deref(), Some("application/json"), "JSON");
}
