//! The SDK's functions sign notifications that the gateway verifies and acknowledges, and the gateway
//! agrees with what the SDK says of them.

use serde_json::{Value, json};
use tollgate_api::{Clock, SystemClock};

use super::APP;
use crate::{
    party::{INSTITUTION, PROVIDER, STRANGER},
    script::Script,
    support::{Answer, Gateway, Provider, Recipe, Reply},
};

/// Alipay as the SDK makes it, the gateway, and the institution behind it.
struct Stage {
    alipay: Script,
    gateway: Gateway,
    institution: Provider,
}

impl Stage {
    /// With an institution that answers with this status.
    async fn new(status: u16) -> Self {
        Self::knowing(&PROVIDER.public, status).await
    }

    /// With this public key as Alipay's.
    async fn knowing(alipay_key: &str, status: u16) -> Self {
        let institution = Provider::http1(move |_| Reply::new(status, "")).await;
        let gateway = Recipe::to(&institution)
            .file("alipay.pem", alipay_key)
            .plugin(&format!("alipay: {{ app_id: '{APP}', alipay_public_key: alipay.pem }}"))
            .start();
        let mut alipay = Script::node("alipay.js");
        let settings = json!({
            "appId": APP, "privateKey": INSTITUTION.private, "alipayPublicKey": alipay_key,
        });
        alipay.ask("connect", settings).await;
        Self { alipay, gateway, institution }
    }

    /// A signed form and its encoding.
    async fn sign(&mut self, form: &Value, key: &str, keep_sign_type: bool) -> (Value, String) {
        let input = json!({ "form": form, "private_key": key, "keep_sign_type": keep_sign_type });
        let made = self.alipay.ask("notification", input).await;
        (made["form"].clone(), made["body"].as_str().unwrap().to_owned())
    }

    /// What the SDK says of a form.
    async fn sdk_takes(&mut self, form: &Value) -> bool {
        self.alipay.ask("check", json!({ "form": form })).await.as_bool().unwrap()
    }

    async fn send(&self, body: &str) -> Answer {
        let form = "application/x-www-form-urlencoded; charset=utf-8";
        let headers = [("content-type", form)];
        let mut alipay = self.gateway.http1().await;
        alipay.call("POST", "/notifications", &headers, body.as_bytes(), None).await
    }
}

fn form(id: &str) -> Value {
    json!({
        "notify_id": id, "notify_type": "trade_status_sync", "utc_timestamp": now(),
        "app_id": APP, "charset": "utf-8", "version": "1.0", "sign_type": "RSA2",
        "out_trade_no": "A1", "trade_no": "2026A1", "total_amount": "12.50",
        "trade_status": "TRADE_SUCCESS", "subject": "测试 a=b&c %25 +", "body": "",
        "fund_bill_list": r#"[{"amount":"12.50","fundChannel":"ALIPAYACCOUNT"}]"#,
    })
}

/// In milliseconds.
fn now() -> String {
    SystemClock::new().unix().as_millis().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the SDKs: make test-sdk"]
async fn notifications_of_both_families_arrive_and_each_once() {
    let mut stage = Stage::new(200).await;
    for (number, keep_sign_type) in [(1, false), (2, true)] {
        let id = format!("notify-{number}");
        let (form, body) = stage.sign(&form(&id), &PROVIDER.private, keep_sign_type).await;
        assert!(stage.sdk_takes(&form).await, "the SDK takes it");
        for _ in 0..2 {
            let answer = stage.send(&body).await;
            assert_eq!((answer.status, answer.text().as_str()), (200, "success"), "{answer:?}");
        }
        let received = stage.institution.requests();
        assert_eq!(received.len(), number, "it arrived once: {received:?}");
        let event = String::from_utf8(received[number - 1].body.clone()).unwrap();
        assert!(event.contains(&id) && event.contains("TRADE_SUCCESS"), "whole: {event}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the SDKs: make test-sdk"]
async fn what_the_sdk_refuses_reaches_nobody() {
    let mut stage = Stage::new(200).await;
    let (honest, body) = stage.sign(&form("notify-1"), &PROVIDER.private, false).await;
    let (forged, forged_body) = stage.sign(&form("notify-1"), &STRANGER.private, false).await;
    let mut cheaper = honest.clone();
    cheaper["total_amount"] = json!("0.01");
    let mut longer = honest.clone();
    longer["extra"] = json!("1");
    for (what, form, body) in [
        ("another's key", &forged, forged_body),
        ("another amount", &cheaper, body.replace("=12.50", "=0.01")),
        ("one more parameter", &longer, format!("{body}&extra=1")),
    ] {
        assert!(!stage.sdk_takes(form).await, "the SDK refuses {what}");
        let answer = stage.send(&body).await;
        assert_eq!(answer.fault().as_deref(), Some("signature_invalid"), "{what}: {answer:?}");
        assert_ne!(answer.text(), "success", "{what} is not acknowledged");
    }
    let mut other = form("notify-2");
    other["app_id"] = json!("2021000000000000");
    let (_, other) = stage.sign(&other, &PROVIDER.private, false).await;
    let answer = stage.send(&other).await;
    let code = "notification_misdirected";
    assert_eq!(answer.fault().as_deref(), Some(code), "another app's: {answer:?}");
    assert_eq!(stage.institution.requests().len(), 0, "the institution saw none of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the SDKs: make test-sdk"]
async fn the_gateway_and_the_sdk_agree_about_recorded_notifications() {
    let vectors = include_str!("../../vectors/generated/alipay.json");
    let vectors: Value = serde_json::from_str(vectors).unwrap();
    assert_eq!(vectors["app_id"], APP, "they are about this app");
    let key = vectors["alipay_public_key_pem"].as_str().unwrap();
    let mut stage = Stage::knowing(key, 200).await;
    let negative = vectors["notify_negative"].as_array().unwrap();
    assert!(!negative.is_empty(), "there are forms to refuse");
    // As they were recorded they are too old, so they are signed again today, and changed as they were.
    let recorded = vectors["notify"]["form_params"].as_object().unwrap();
    let mut renewed = vectors["notify"]["form_params"].clone();
    let all = renewed.as_object_mut().unwrap();
    all.retain(|name, _| !matches!(name.as_str(), "notify_time" | "sign"));
    all.insert("utc_timestamp".to_owned(), now().into());
    let provider = vectors["alipay_private_key_pem"].as_str().unwrap();
    let (renewed, _) = stage.sign(&renewed, provider, false).await;
    for vector in negative.iter().chain([&vectors["notify"]]) {
        let mut form = renewed.clone();
        for (name, value) in vector["form_params"].as_object().unwrap() {
            if recorded.get(name) != Some(value) {
                form[name] = value.clone();
            }
        }
        let form = &form;
        let body = stage.alipay.ask("encode", json!({ "form": form })).await;
        let taken = stage.send(body.as_str().unwrap()).await.text() == "success";
        assert_eq!(taken, stage.sdk_takes(form).await, "both say the same of {form}");
        assert_eq!(taken, vector["why"].is_null(), "and what they should");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the SDKs: make test-sdk"]
async fn a_notification_that_the_institution_does_not_take_is_to_be_sent_again() {
    let mut stage = Stage::new(500).await;
    let (_, body) = stage.sign(&form("notify-1"), &PROVIDER.private, false).await;
    for turn in 1..=2 {
        let answer = stage.send(&body).await;
        assert_ne!(answer.text(), "success", "not acknowledged: {answer:?}");
        assert_eq!(stage.institution.requests().len(), turn, "and delivered each time");
    }
}
