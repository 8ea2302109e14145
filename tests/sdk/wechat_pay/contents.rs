//! What messages carry: sensitive fields, uploads and bills.

use serde_json::{Value, json};

use super::{
    PLATFORM_KEY, Stage,
    calls::{gateway, post, public_key},
};
use crate::script::Script;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the SDKs: make test-sdk"]
async fn sensitive_fields_are_sealed_for_the_sdk_and_opened_that_it_sealed() {
    let mut stage = Stage::new(PLATFORM_KEY).await;
    let fields = ", encrypt_fields: [payer.name], decrypt_fields: [payer.name]";
    let gateway = gateway(&stage, &public_key(), fields);
    let name = "张三 & Søn";
    let body = json!({ "payer": { "name": name, "country": "CN" }, "amount": 1 });
    let answer = post(&gateway, "/v3/sandbox/fields", &body).await;
    let told: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(told["payer"]["name"], name, "there and back: {told}");
    assert_eq!(told["payer"]["country"], "CN", "and what is not sensitive as it is");

    let requests = stage.provider.ask("requests", json!({})).await;
    let request = &requests[0];
    assert_eq!(request["refused"], Value::Null, "signed as it was sent: {request}");
    let sent = request["body"].as_str().unwrap();
    assert!(!sent.contains(name), "nobody else can read the name: {sent}");
    let serial = &request["headers"]["wechatpay-serial"];
    assert_eq!(serial, PLATFORM_KEY, "the key that it was sealed with is named");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the SDKs: make test-sdk"]
async fn an_upload_as_the_sdk_writes_it_is_signed_and_taken() {
    let mut stage = Stage::new(PLATFORM_KEY).await;
    let gateway = gateway(&stage, &public_key(), "");
    let mut sdk = Script::node("wechat_pay.js");
    let form = sdk.ask("form", json!({ "filename": "a.png", "text": "中 picture" })).await;
    let (kind, body) = (form["type"].as_str().unwrap(), form["body"].as_str().unwrap());
    let headers = [("content-type", kind)];
    let path = "/v3/merchant/media/upload";
    let mut caller = gateway.http1().await;
    let answer = caller.call("POST", path, &headers, body.as_bytes(), None).await;
    assert_eq!(answer.text(), r#"{"media_id":"a.png-11"}"#, "the file is taken: {answer:?}");
    assert_eq!(stage.refusals().await, [Value::Null], "because it was signed well");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the SDKs: make test-sdk"]
async fn a_bill_passes_only_with_the_digest_that_the_sdk_computed() {
    let mut stage = Stage::new(PLATFORM_KEY).await;
    let gateway = gateway(&stage, &public_key(), "");
    let file = "/v3/billdownload/file?token=T1";
    let mut caller = gateway.http1().await;
    let early = caller.call("GET", file, &[], b"", None).await;
    assert_eq!(early.fault().as_deref(), Some("checksum_unknown"), "not announced: {early:?}");

    let bill = "/v3/bill/tradebill?bill_date=2026-01-01";
    let announced = caller.call("GET", bill, &[], b"", None).await;
    assert!(announced.text().contains("SHA1"), "the bill is announced: {announced:?}");
    let whole = caller.call("GET", file, &[], b"", None).await;
    assert_eq!(whole.status, 200, "and comes: {whole:?}");
    assert!(whole.text().starts_with("交易时间"), "as it is: {}", whole.text());

    stage.provider.ask("misbehave", json!({ "how": "a changed body" })).await;
    let mut caller = gateway.http1().await;
    caller.send(format!("GET {file} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
    let changed = caller.try_answer("GET").await;
    let passed = changed.as_ref().is_ok_and(|answer| answer.status == 200);
    assert!(!passed, "a bill that was changed does not come whole: {changed:?}");
    assert!(stage.refusals().await.iter().all(Value::is_null), "every call was signed well");
}
