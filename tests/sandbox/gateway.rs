//! The gateway before a twin, on the very entry of the configuration that the twin prints.

use serde_json::{Value, json};

use super::Sandbox;
use crate::support::{Answer, Gateway, LOCAL, Recipe};

const ORDERS: &str = "/v3/pay/transactions/native";
const QUERY: &str = "/v3/pay/transactions/out-trade-no/order-1?mchid=1900000109";

/// A gateway whose only upstream is this twin.
fn before(sandbox: &Sandbox) -> Gateway {
    let (_, entry) = sandbox.page.split_once("for Tollgate's configuration:\n").unwrap();
    let (entry, _) = entry.split_once("\nCtrl-C").unwrap();
    let entry = entry.lines().map(|line| line.strip_prefix("  ").unwrap_or(line));
    let entry = entry.collect::<Vec<_>>().join("\n");
    let head = "listeners: { plain: { address: 127.0.0.1:0 } }
routes:
  pay:
    match: { path_prefix: /v3 }
    unauthenticated: true
    send_to: [{ upstream: wechat-pay }]
";
    Recipe::new(format!("{head}{entry}\n")).start()
}

async fn call(gateway: &Gateway, method: &str, path: &str, body: &str) -> Answer {
    let fields = [LOCAL, ("content-type", "application/json")];
    let mut fields = fields.to_vec();
    if body.is_empty() {
        fields.pop();
    }
    gateway.http1().await.call(method, path, &fields, body.as_bytes(), None).await
}

fn order(number: &str) -> String {
    json!({
        "appid": "wxd678efh567hg6787",
        "mchid": "1900000109",
        "description": "tea",
        "out_trade_no": number,
        "notify_url": "https://merchant.example/notify",
        "amount": { "total": 500 },
    })
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_entry_that_is_printed_makes_the_gateway_a_merchant() {
    let sandbox = Sandbox::start("wechat_pay", &[]).await;
    let gateway = before(&sandbox);
    let made = call(&gateway, "POST", ORDERS, &order("order-1")).await;
    assert_eq!(made.status, 200, "signed by the gateway, taken by the twin: {}", made.text());
    sandbox.tell("/_pay", &json!({ "order": "order-1" })).await;
    let told = call(&gateway, "GET", QUERY, "").await;
    let told: Value = serde_json::from_slice(&told.body).unwrap();
    assert_eq!(told["trade_state"], "SUCCESS", "and verified by the gateway: {told}");
    assert_eq!(sandbox.watch("/_refusals").await, json!([]), "the twin refused nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_twin_does_wrong_is_seen_by_the_gateway_and_no_order_is_made_twice() {
    let sandbox = Sandbox::start("wechat_pay", &[]).await;
    let gateway = before(&sandbox);
    for (fault, code) in [
        ("wrong_signature", Some("upstream_signature_invalid")),
        ("probe_signature", Some("upstream_signature_invalid")),
        ("clock_skew", Some("upstream_signature_expired")),
        ("lost_answer", None),
        ("reset_mid_answer", None),
    ] {
        // For the order alone: the gateway downloads certificates meanwhile.
        let plan = json!({ "name": fault, "times": 1, "order": fault });
        let (_, planned) = sandbox.tell("/_faults", &plan).await;
        assert_eq!(planned[fault]["times"], 1, "{fault} is planned");
        let answer = call(&gateway, "POST", ORDERS, &order(fault)).await;
        assert_eq!(answer.status, 502, "{fault}: {}", answer.text());
        if code.is_some() {
            assert_eq!(answer.fault().as_deref(), code, "{fault}: {}", answer.text());
        }
        assert!(!answer.text().contains("code_url"), "{fault}: nothing of it passes");
        let again = call(&gateway, "POST", ORDERS, &order(fault)).await;
        assert_eq!(again.status, 200, "{fault} is over: {}", again.text());
    }
    let book = sandbox.watch("/_book").await;
    assert_eq!(book["orders"], 5, "each order stands once: {book:#}");
    for payment in book["payments"].as_array().unwrap() {
        assert_eq!(payment["requests"], 2, "asked for twice by the caller alone: {payment:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_change_under_the_gateway_without_a_lost_answer() {
    let sandbox = Sandbox::start("wechat_pay", &[]).await;
    let gateway = before(&sandbox);
    for turn in 0..3 {
        let made = call(&gateway, "POST", ORDERS, &order(&format!("order-{turn}"))).await;
        assert_eq!(made.status, 200, "after {turn} changes of keys: {}", made.text());
        sandbox.tell("/_rotate", &json!({})).await;
    }
    sandbox.tell("/_retire", &json!({})).await;
    let made = call(&gateway, "POST", ORDERS, &order("order-3")).await;
    assert_eq!(made.status, 200, "with a certificate that had to be downloaded: {}", made.text());
    let book = sandbox.watch("/_book").await;
    assert!(
        book["payments"].as_array().unwrap().iter().all(|payment| payment["requests"] == 1),
        "no order was sent again for it: {book:#}"
    );
}
