//! The SDK's functions judge what the gateway signed, and the gateway what they signed.

use serde_json::{Value, json};

use super::{AES_KEY, APP, Stage};
use crate::{
    party::{INSTITUTION, PROVIDER},
    script::Script,
    support::{Answer, Gateway, Recipe},
};

/// A gateway whose upstream is the stand-in.
struct Calling {
    gateway: Gateway,
    rest: bool,
}

impl Calling {
    fn new(stage: &Stage, rest: bool, encrypted: bool) -> Self {
        let alipay = if stage.certificates {
            "certificates: { app: app.crt, alipay: alipay.crt, root: root.crt }"
        } else {
            "alipay_public_key: alipay.pem"
        };
        let encryption = if encrypted { ", encryption_key: { file: aes.key }" } else { "" };
        let protocol = if rest { "v3" } else { "v2" };
        let gateway = Recipe::to_endpoints(&[&format!("http://127.0.0.1:{}", stage.port)])
            .file("app.key", &INSTITUTION.private)
            .file("app.crt", &INSTITUTION.certificate)
            .file("alipay.pem", &PROVIDER.public)
            .file("alipay.crt", &PROVIDER.certificate)
            .file("root.crt", &PROVIDER.root)
            .file("aes.key", AES_KEY)
            .upstream_plugin(&format!(
                "alipay: {{ protocol: {protocol}, app_id: '{APP}', \
                 private_key: {{ file: app.key }}, {alipay}{encryption} }}"
            ))
            .start();
        Self { gateway, rest }
    }

    /// A call of `alipay.trade.*` as a caller of the gateway writes it.
    async fn call(&self, what: &str, content: &Value) -> Answer {
        let (path, body) = if self.rest {
            (format!("/v3/alipay/trade/{what}"), content.clone())
        } else {
            let method = format!("alipay.trade.{what}");
            ("/".to_owned(), json!({ "method": method, "biz_content": content }))
        };
        let headers = [("content-type", "application/json")];
        let body = body.to_string();
        self.gateway.http1().await.call("POST", &path, &headers, body.as_bytes(), None).await
    }

    async fn query(&self) -> Answer {
        self.call("query", &json!({ "out_trade_no": "A1" })).await
    }

    async fn create(&self) -> Answer {
        let order = json!({ "out_trade_no": "A1", "subject": "测试 a=b&c%+ \"x\"" });
        self.call("create", &order).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the SDKs: make test-sdk"]
async fn calls_of_both_protocols_are_taken_with_keys_and_certificates_plain_and_encrypted() {
    for certificates in [false, true] {
        let mut stage = Stage::new(certificates).await;
        for (rest, encrypted) in [(false, false), (false, true), (true, false), (true, true)] {
            let how = format!("certificates={certificates} rest={rest} encrypted={encrypted}");
            let calling = Calling::new(&stage, rest, encrypted);
            let created = calling.create().await;
            let text: Value = serde_json::from_slice(&created.body).unwrap_or_default();
            assert_eq!(text["note"], "a/b 中", "an order is taken: {how}: {created:?}");
            let found = calling.query().await;
            let text: Value = serde_json::from_slice(&found.body).unwrap_or_default();
            assert_eq!(text["trade_status"], "WAIT_BUYER_PAY", "and found: {how}: {found:?}");
            let unknown = calling.call("query", &json!({ "out_trade_no": "A2" })).await;
            assert!(unknown.text().contains("TRADE_NOT_EXIST"), "an error: {how}: {unknown:?}");
            assert_eq!(unknown.fault(), None, "is Alipay's own: {how}");

            let requests = stage.provider.ask("requests", json!({})).await;
            let requests = requests.as_array().unwrap();
            assert_eq!(requests.len(), 3, "each was sent once: {how}");
            for request in requests {
                assert_eq!(request["refused"], Value::Null, "signed well: {how}: {request}");
                let sent = format!("{}{}", request["url"], request["body"]);
                let is_plain = sent.contains("out_trade_no");
                assert_eq!(is_plain, !encrypted, "encrypted if it should be: {how}: {request}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the SDKs: make test-sdk"]
async fn a_form_with_a_file_as_the_sdk_writes_it_is_signed_and_taken() {
    let mut stage = Stage::new(false).await;
    let calling = Calling::new(&stage, true, false);
    let mut sdk = Script::node("alipay.js");
    let file = json!({ "name": "a.png", "text": "中 picture" });
    let form = sdk.ask("form", json!({ "data": { "biz_code": "shop" }, "file": file })).await;
    let (kind, body) = (form["type"].as_str().unwrap(), form["body"].as_str().unwrap());
    let (path, headers) = ("/v3/alipay/open/file/upload", [("content-type", kind)]);
    let mut caller = calling.gateway.http1().await;
    let answer = caller.call("POST", path, &headers, body.as_bytes(), None).await;
    assert_eq!(answer.text(), r#"{"file_id":"shop-11"}"#, "the file is taken: {answer:?}");
    assert_eq!(stage.refusals().await, [Value::Null], "because it was signed well");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the SDKs: make test-sdk"]
async fn an_order_for_a_payers_app_is_signed_as_the_sdk_signs_it_and_not_sent() {
    let mut stage = Stage::new(false).await;
    let calling = Calling::new(&stage, false, false);
    let order = json!({ "out_trade_no": "A1", "total_amount": "5.00", "subject": "测试 a=b&c%+" });
    let answer = calling.call("app.pay", &order).await;
    let told: Value = serde_json::from_slice(&answer.body).expect("JSON");
    let mut sdk = stage.client(&INSTITUTION.private).await;
    let ours = sdk.ask("decode", json!({ "body": told["order_string"] })).await;
    let judged = json!({ "form": ours, "public_key": INSTITUTION.public });
    assert_eq!(sdk.ask("signed_by_app", judged).await, true, "the SDK verifies it: {ours}");

    let method = "alipay.trade.app.pay";
    let theirs = sdk.ask("order", json!({ "method": method, "content": order })).await;
    let theirs = sdk.ask("decode", json!({ "body": theirs })).await;
    let (ours, theirs) = (ours.as_object().unwrap(), theirs.as_object().unwrap());
    for (name, value) in theirs {
        let same = match name.as_str() {
            // Of the moment, and of the SDK itself.
            "sign" | "timestamp" => ours.contains_key(name),
            "alipay_sdk" => true,
            _ => ours.get(name) == Some(value),
        };
        assert!(same, "it says what the SDK's own says: {name}: {ours:?} {theirs:?}");
    }
    assert!(stage.refusals().await.is_empty(), "and Alipay was not called");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the SDKs: make test-sdk"]
async fn no_answer_gets_through_that_was_not_signed_as_the_sdk_signs() {
    let mut stage = Stage::new(true).await;
    for rest in [false, true] {
        let calling = Calling::new(&stage, rest, false);
        assert_eq!(calling.create().await.status, 200, "an order is there");
        let mut lies = vec![
            ("a changed body", "upstream_signature_invalid"),
            ("another's key", "upstream_signature_invalid"),
            ("no signature", "upstream_signature_missing"),
            ("an unknown serial", "upstream_signature_key_unknown"),
        ];
        if rest {
            // Which the SDK lets pass.
            lies.push(("an old timestamp", "upstream_signature_expired"));
            lies.push(("an answer of before", "upstream_signature_replayed"));
        }
        for (lie, code) in lies {
            stage.provider.ask("misbehave", json!({ "how": lie })).await;
            let answer = calling.query().await;
            assert_eq!(answer.fault().as_deref(), Some(code), "{lie}, rest={rest}: {answer:?}");
            assert_eq!(answer.status, 502, "as the provider's fault");
            assert!(!answer.text().contains("trade"), "not a byte gets through: {answer:?}");
        }
        let answer = calling.query().await;
        assert_eq!(answer.status, 200, "and honest answers still do: {answer:?}");
    }
}
