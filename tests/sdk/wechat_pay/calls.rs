//! The SDK's stand-in judges what the gateway signed, and the gateway what the SDK's functions signed.

use serde_json::{Value, json};

use super::{API_V3_KEY, LIES, MERCHANT, PLATFORM_KEY, Stage, order};
use crate::{
    party::{INSTITUTION, PROVIDER},
    support::{Answer, Gateway, Recipe},
};

const FIND: &str = "/v3/pay/transactions/out-trade-no/a%20b-%E4%B8%AD?mchid=1900000109";

/// A gateway whose upstream is the stand-in, with these keys of the platform and further settings.
pub(super) fn gateway(stage: &Stage, platform_keys: &str, more: &str) -> Gateway {
    let account = format!("merchant_id: '{MERCHANT}', certificate_serial: {}", INSTITUTION.serial);
    let keys = "private_key: { file: merchant.key }, api_v3_key: { file: v3.key }";
    Recipe::to_endpoints(&[&format!("https://localhost:{}", stage.port)])
        .file("trust.pem", stage.authority.pem())
        .file("merchant.key", &INSTITUTION.private)
        .file("v3.key", API_V3_KEY)
        .file("platform.pem", &PROVIDER.public)
        .file("platform.crt", &PROVIDER.certificate)
        .upstream("tls: { trust: trust.pem }")
        .upstream_plugin(&format!(
            "wechat_pay: {{ {account}, {keys}, platform_keys: {{ {platform_keys} }}{more} }}"
        ))
        .start()
}

pub(super) fn public_key() -> String {
    format!("public_keys: [{{ id: {PLATFORM_KEY}, key: platform.pem }}]")
}

pub(super) async fn post(gateway: &Gateway, path: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json")];
    gateway.http1().await.call("POST", path, &headers, body.to_string().as_bytes(), None).await
}

async fn find(gateway: &Gateway) -> Answer {
    gateway.http1().await.call("GET", FIND, &[], b"", None).await
}

async fn pay(gateway: &Gateway) -> Answer {
    post(gateway, "/v3/pay/transactions/jsapi", &order("a b-中")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the SDKs: make test-sdk"]
async fn calls_that_the_gateway_signed_are_taken_and_their_answers_verified() {
    let mut stage = Stage::new(PLATFORM_KEY).await;
    let gateway = gateway(&stage, &public_key(), "");
    let paid = pay(&gateway).await;
    assert_eq!(paid.text(), r#"{"prepay_id":"wxa b-中"}"#, "an order is taken: {paid:?}");
    let found = find(&gateway).await;
    assert!(found.text().contains("NOTPAY"), "and found: {found:?}");
    let close = FIND.replace("?mchid=1900000109", "/close");
    let closed = post(&gateway, &close, &json!({ "mchid": MERCHANT })).await;
    assert_eq!((closed.status, closed.text().as_str()), (204, ""), "and closed: {closed:?}");
    let unknown = FIND.replace("a%20b", "nobody");
    let unknown = gateway.http1().await.call("GET", &unknown, &[], b"", None).await;
    assert_eq!(unknown.status, 404, "another is not known: {unknown:?}");
    assert!(unknown.text().contains("ORDER_NOT_EXIST"), "in WeChat Pay's words: {unknown:?}");
    assert_eq!(unknown.fault(), None, "which is no fault of the gateway's");
    assert_eq!(stage.refusals().await, [const { Value::Null }; 4], "all were signed well");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the SDKs: make test-sdk"]
async fn no_answer_gets_through_that_was_not_signed_as_the_sdk_signs() {
    let mut stage = Stage::new(PLATFORM_KEY).await;
    let gateway = gateway(&stage, &public_key(), "");
    assert_eq!(pay(&gateway).await.status, 200, "an order is there");
    let told = [
        "upstream_signature_invalid",
        "upstream_signature_invalid",
        "upstream_signature_expired",
        "upstream_signature_key_unknown",
        "upstream_signature_invalid",
        "upstream_signature_missing",
    ];
    // Which the SDK lets pass.
    let more = [
        ("a repeated signature", "upstream_signature_malformed"),
        ("an answer of before", "upstream_signature_replayed"),
    ];
    for (lie, code) in LIES.into_iter().zip(told).chain(more) {
        stage.provider.ask("misbehave", json!({ "how": lie })).await;
        let answer = find(&gateway).await;
        assert_eq!(answer.fault().as_deref(), Some(code), "{lie} is refused: {answer:?}");
        assert_eq!(answer.status, 502, "as the provider's fault");
        assert!(!answer.text().contains("trade"), "not a byte gets through: {}", answer.text());
    }
    let answer = find(&gateway).await;
    assert_eq!(answer.status, 200, "and honest answers still do: {answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the SDKs: make test-sdk"]
async fn certificates_of_the_platform_are_fetched_decrypted_and_believed() {
    for keys in ["certificates: [platform.crt]", "download: true"] {
        let mut stage = Stage::new(&PROVIDER.serial).await;
        let gateway = gateway(&stage, keys, "");
        let paid = pay(&gateway).await;
        assert_eq!(paid.status, 200, "an order is taken with {keys}: {paid:?}");
        let heard = stage.provider.ask("requests", json!({})).await;
        let requests = heard.as_array().unwrap();
        let bad = requests.iter().any(|request| !request["refused"].is_null());
        assert!(!bad, "all were signed well: {requests:?}");
        let fetches =
            requests.iter().filter(|request| request["url"] == "/v3/certificates").count();
        assert_eq!(fetches, usize::from(keys.starts_with("download")), "once, or never: {keys}");
    }
}
