//! The gateway before a twin, on the very entry of the configuration that the twin prints.

use serde_json::{Value, json};

use super::Sandbox;
use crate::support::{Answer, Gateway, LOCAL, Provider, Recipe, Reply};

const ORDERS: &str = "/v3/pay/transactions/native";
const SHOP: &str = "http://127.0.0.1:9";
const QUERY: &str = "/v3/pay/transactions/out-trade-no/order-1?mchid=1900000109";

/// A gateway before this twin, and before this shop, which is told of what was paid.
fn before(sandbox: &Sandbox, shop: &str) -> Gateway {
    let (_, entry) = sandbox.page.split_once("for Tollgate's configuration:\n").unwrap();
    let (entry, _) = entry.split_once("\nCtrl-C").unwrap();
    let folder = sandbox.folder.path().display();
    let public_key = sandbox.folder.read("pub_key_id");
    Recipe::new(format!(
        "listeners: {{ plain: {{ address: 127.0.0.1:0 }} }}
routes:
  pay:
    match: {{ path_prefix: /v3 }}
    unauthenticated: true
    send_to: [{{ upstream: wechat-pay }}]
  told:
    match: {{ path: /told }}
    plugins:
      - wechat_pay:
          merchant_id: \"1900000109\"
          api_v3_key: {{ file: {folder}/api_v3_key }}
          platform_keys:
            public_keys: [{{ id: {id}, key: {folder}/pub_key.pem }}]
    send_to: [{{ upstream: shop }}]
{entry}
  shop:
    endpoints: [{shop}]
",
        id = public_key.trim(),
    ))
    .start()
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
    order_told(number, "https://merchant.example/notify")
}

fn order_told(number: &str, notify: &str) -> String {
    json!({
        "appid": "wxd678efh567hg6787",
        "mchid": "1900000109",
        "description": "tea",
        "out_trade_no": number,
        "notify_url": notify,
        "amount": { "total": 500 },
    })
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_entry_that_is_printed_makes_the_gateway_a_merchant() {
    let sandbox = Sandbox::start("wechat_pay", &[]).await;
    let gateway = before(&sandbox, SHOP);
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
    let gateway = before(&sandbox, SHOP);
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
    let gateway = before(&sandbox, SHOP);
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

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_is_told_once_whatever_happens_to_notifications_on_their_way() {
    let shop = Provider::http1(|_| Reply::new(200, "")).await;
    let sandbox = Sandbox::start("wechat_pay", &["--ladder", "0.0001"]).await;
    let gateway = before(&sandbox, &shop.url());
    let told = format!("http://{}/told", gateway.address("plain"));
    for fault in ["duplicate_notification", "wrong_signature", "probe_signature", "clock_skew"] {
        let made = call(&gateway, "POST", ORDERS, &order_told(fault, &told)).await;
        assert_eq!(made.status, 200, "{fault}: {}", made.text());
        let plan = json!({ "name": fault, "times": 1, "on": "notification", "order": fault });
        sandbox.tell("/_faults", &plan).await;
        sandbox.tell("/_pay", &json!({ "order": fault })).await;
        sandbox
            .watch_until("/_book", |book| {
                let records = book["notifications"].as_array().unwrap();
                let record = records.iter().find(|record| record["order"] == fault);
                record.is_some_and(|record| {
                    record["state"] == "acknowledged"
                        && record["attempts"].as_array().unwrap().len() == 2
                })
            })
            .await;
    }
    let heard = shop.requests();
    let orders: Vec<Value> = heard
        .iter()
        .map(|request| {
            let event: Value = serde_json::from_slice(&request.body).unwrap();
            event["resource"]["out_trade_no"].clone()
        })
        .collect();
    let expected = ["duplicate_notification", "wrong_signature", "probe_signature", "clock_skew"];
    assert_eq!(
        orders, expected,
        "each order once, in clear: the copy and the forgeries did not pass"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settled_day_is_downloaded_through_the_gateway() {
    let sandbox = Sandbox::start("wechat_pay", &[]).await;
    let gateway = before(&sandbox, SHOP);
    call(&gateway, "POST", ORDERS, &order("order-1")).await;
    sandbox.tell("/_pay", &json!({ "order": "order-1" })).await;
    sandbox.tell("/_settle", &json!({ "date": "2026-11-24" })).await;
    let path = "/v3/bill/tradebill?bill_date=2026-11-24&bill_type=ALL";
    let announced = call(&gateway, "GET", path, "").await;
    let announced: Value = serde_json::from_slice(&announced.body).unwrap();
    let url = announced["download_url"].as_str().unwrap();
    let target = url.strip_prefix(&sandbox.url).expect("where the twin listens");
    let bill = call(&gateway, "GET", target, "").await;
    assert_eq!(bill.status, 200, "{}", bill.text());
    assert!(bill.text().contains("`order-1,"), "the order is in the bill: {}", bill.text());
}
