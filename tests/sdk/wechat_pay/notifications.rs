//! The SDK signs and encrypts notifications that the gateway verifies, decrypts and acknowledges.

use serde_json::{Value, json};
use tollgate_api::{Clock, SystemClock};

use super::{API_V3_KEY, MERCHANT, PLATFORM_KEY};
use crate::{
    party::{PROVIDER, STRANGER},
    script::Script,
    support::{Answer, Gateway, Provider, Recipe, Reply},
};

/// WeChat Pay as the SDK makes it, the gateway, and the institution behind it.
struct Stage {
    wechat: Script,
    gateway: Gateway,
    institution: Provider,
}

impl Stage {
    /// With an institution that answers with this status.
    async fn new(status: u16) -> Self {
        let institution = Provider::http1(move |_| Reply::new(status, "")).await;
        let platform = format!("public_keys: [{{ id: {PLATFORM_KEY}, key: platform.pem }}]");
        let account = format!("merchant_id: '{MERCHANT}', api_v3_key: {{ file: v3.key }}");
        let gateway = Recipe::to(&institution)
            .file("v3.key", API_V3_KEY)
            .file("platform.pem", &PROVIDER.public)
            .plugin(&format!("wechat_pay: {{ {account}, platform_keys: {{ {platform} }} }}"))
            .start();
        Self { wechat: Script::node("wechat_pay.js"), gateway, institution }
    }

    /// A notification of this event, encrypted under this key.
    async fn notification(&mut self, id: &str, key: &str) -> String {
        let resource = json!({
            "mchid": MERCHANT, "out_trade_no": id, "trade_state": "SUCCESS",
            "attach": "中", "amount": { "total": 100 },
        });
        let event = json!({
            "id": id, "event_type": "TRANSACTION.SUCCESS", "original_type": "transaction",
            "associated_data": "transaction", "resource": resource.to_string(), "api_v3_key": key,
        });
        self.wechat.ask("notification", event).await.as_str().unwrap().to_owned()
    }

    /// The headers with which the SDK signs this body.
    async fn sign(&mut self, body: &str, signer: &Signer) -> Vec<(String, String)> {
        let now = i64::try_from(SystemClock::new().unix().as_secs()).unwrap();
        let input = json!({
            "body": body, "serial": signer.serial, "private_key": signer.key,
            "timestamp": now - signer.age,
        });
        let headers = self.wechat.ask("sign", input).await;
        let pairs = headers.as_object().unwrap().iter();
        pairs.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
    }

    async fn send(&self, headers: &[(String, String)], body: &str) -> Answer {
        let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let headers: Vec<_> =
            [("content-type", "application/json")].into_iter().chain(headers).collect();
        let mut wechat = self.gateway.http1().await;
        wechat.call("POST", "/notifications", &headers, body.as_bytes(), None).await
    }

    /// Signs and sends.
    async fn notify(&mut self, body: &str, signer: &Signer) -> Answer {
        let headers = self.sign(body, signer).await;
        self.send(&headers, body).await
    }
}

/// Who signs a notification, and how long ago.
struct Signer {
    serial: &'static str,
    key: &'static str,
    age: i64,
}

fn platform() -> Signer {
    Signer { serial: PLATFORM_KEY, key: &PROVIDER.private, age: 0 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the SDKs: make test-sdk"]
async fn a_notification_of_the_sdk_arrives_decrypted_and_once() {
    let mut stage = Stage::new(200).await;
    let body = stage.notification("EV-1", API_V3_KEY).await;
    for turn in 0..2 {
        let answer = stage.notify(&body, &platform()).await;
        assert!(matches!(answer.status, 200 | 204), "acknowledged, turn {turn}: {answer:?}");
    }
    let received = stage.institution.only_request();
    let event = String::from_utf8(received.body.clone()).unwrap();
    assert!(event.contains(r#""trade_state":"SUCCESS""#), "it is decrypted: {event}");
    assert!(event.contains("\"attach\":\"中\""), "whole: {event}");
    assert!(!event.contains("ciphertext"), "and no ciphertext is left: {event}");
    let left = received.headers.iter().filter(|(name, _)| name.starts_with("wechatpay-"));
    assert_eq!(left.count(), 0, "nor what was checked: {:?}", received.headers);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the SDKs: make test-sdk"]
async fn what_the_sdk_signs_otherwise_reaches_nobody_and_is_told_to_fail() {
    let mut stage = Stage::new(200).await;
    let body = stage.notification("EV-1", API_V3_KEY).await;
    let other = stage.notification("EV-1", "00000000000000000000000000000000").await;
    let stranger = Signer { key: &STRANGER.private, ..platform() };
    let unknown = Signer { serial: "PUB_KEY_ID_0", ..platform() };
    for (what, body, signer, code) in [
        ("another's key", &body, &stranger, "signature_invalid"),
        ("an unknown serial", &body, &unknown, "signature_key_unknown"),
        ("an old time", &body, &Signer { age: 301, ..platform() }, "signature_expired"),
        ("a time to come", &body, &Signer { age: -310, ..platform() }, "signature_expired"),
        ("another APIv3 key", &other, &platform(), "decryption_failed"),
    ] {
        let answer = stage.notify(body, signer).await;
        refused(what, &answer, code);
    }
    let headers = stage.sign(&body, &platform()).await;
    let changed = body.replace("SUCCESS", "CLOSED ");
    refused("a changed body", &stage.send(&headers, &changed).await, "signature_invalid");
    for absent in ["Timestamp", "Nonce", "Serial", "Signature"] {
        let name = format!("Wechatpay-{absent}");
        let rest: Vec<_> = headers.iter().filter(|(other, _)| *other != name).cloned().collect();
        refused(&format!("no {name}"), &stage.send(&rest, &body).await, "signature_missing");
    }
    let mut probe = headers.clone();
    for (_, value) in probe.iter_mut().filter(|(name, _)| name == "Wechatpay-Signature") {
        value.insert_str(0, "WECHATPAY/SIGNTEST/");
    }
    refused("a probe", &stage.send(&probe, &body).await, "signature_invalid");
    assert_eq!(stage.institution.requests().len(), 0, "the institution saw none of it");

    let answer = stage.send(&headers, &body).await;
    assert!(matches!(answer.status, 200 | 204), "what was signed is taken: {answer:?}");
    stage.send(&headers, &body).await;
    assert_eq!(stage.institution.requests().len(), 1, "and delivered once, whoever repeats it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the SDKs: make test-sdk"]
async fn a_notification_that_the_institution_does_not_take_is_to_be_sent_again() {
    let mut stage = Stage::new(500).await;
    let body = stage.notification("EV-1", API_V3_KEY).await;
    for turn in 1..=2 {
        let answer = stage.notify(&body, &platform()).await;
        assert!(answer.status >= 400, "not acknowledged: {answer:?}");
        assert!(answer.text().contains("\"FAIL\""), "in WeChat Pay's form: {answer:?}");
        assert_eq!(stage.institution.requests().len(), turn, "and delivered each time");
    }
}

fn refused(what: &str, answer: &Answer, code: &str) {
    assert_eq!(answer.fault().as_deref(), Some(code), "{what} is refused: {answer:?}");
    let body: Value = serde_json::from_slice(&answer.body).expect("an answer in JSON");
    assert_eq!(body["code"], "FAIL", "{what}: in WeChat Pay's form: {body}");
}
