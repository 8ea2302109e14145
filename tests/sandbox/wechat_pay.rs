//! WeChat Pay's twin over the network.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    Sandbox,
    merchant::{Call, Merchant},
};
use crate::support::{Provider, Reply};

/// What somebody on the way does.
type Change = fn(&mut Call);

const NOWHERE: &str = "https://merchant.example/notify";
const QUERY: &str = "/v3/pay/transactions/out-trade-no/order-1?mchid=1900000109";

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_is_paid_and_told_over_tls() {
    let shop = Provider::http1(|_| Reply::new(204, "")).await;
    let sandbox = Sandbox::start("wechat_pay", &[]).await;
    let merchant = Merchant::of(&sandbox);
    let notify = format!("http://{}/notify", shop.address);
    let made = merchant.order("order-1", &notify).await.unwrap();
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    assert!(merchant.is_proven(|name| made.field(name), &made.body), "the answer is signed");
    let (status, _) = sandbox.tell("/_pay", &json!({ "order": "order-1" })).await;
    assert_eq!(status, StatusCode::OK, "the payer pays");
    let told = merchant.get(QUERY).await.unwrap();
    assert_eq!(told.json["trade_state"], "SUCCESS", "{}", told.body);
    assert!(merchant.is_proven(|name| told.field(name), &told.body), "the answer is signed");
    shop.until("the notification", |requests| requests.iter().any(|request| request.complete))
        .await;
    let notice = &shop.requests()[0];
    let body = String::from_utf8(notice.body.clone()).unwrap();
    let field = |name: &str| notice.header(name).unwrap_or_default();
    assert!(merchant.is_proven(field, &body), "the notification is signed: {body}");
    assert!(!merchant.is_proven(field, &format!("{body} ")), "and of another body it is not");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_changed_on_the_way_is_refused_and_why_can_be_read() {
    let sandbox = Sandbox::start("wechat_pay", &["--plain"]).await;
    let merchant = Merchant::of(&sandbox);
    merchant.order("order-1", NOWHERE).await.unwrap();
    let close = "/v3/pay/transactions/out-trade-no/order-1/close";
    let changes: [(&str, Change); 8] = [
        ("method", |call| call.method = Method::PUT),
        ("path", |call| call.target = call.target.replace("order-1", "order-2")),
        ("query", |call| call.target.push_str("?a=1")),
        ("timestamp", |call| call.timestamp += 1),
        ("nonce", |call| call.nonce.push('0')),
        ("serial", |call| call.serial = call.serial.replacen(['1', '2', '4', '5'], "3", 1)),
        ("body", |call| call.body.push(' ')),
        ("signature", |call| {
            let other = if call.signature.starts_with('A') { "B" } else { "A" };
            call.signature.replace_range(..1, other);
        }),
    ];
    for (what, change) in changes {
        let mut call = merchant.sign(Method::POST, close, r#"{"mchid":"1900000109"}"#);
        change(&mut call);
        let refused = merchant.send(&call).await.unwrap();
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "another {what}: {}", refused.body);
        assert_eq!(refused.json["code"], "SIGN_ERROR", "another {what}");
        assert!(merchant.is_proven(|name| refused.field(name), &refused.body), "signed: {what}");
        let refusals = sandbox.watch("/_refusals").await;
        let last = refusals.as_array().unwrap().last().unwrap().clone();
        assert_eq!(last["code"], "SIGN_ERROR", "another {what}: {last:#}");
        assert!(!last["why"].as_str().unwrap().is_empty(), "another {what}: {last:#}");
    }
    let told = merchant.get(QUERY).await.unwrap();
    assert_eq!(told.json["trade_state"], "NOTPAY", "nothing of it closed the order");
    let call = merchant.sign(Method::POST, close, r#"{"mchid":"1900000109"}"#);
    assert_eq!(merchant.send(&call).await.unwrap().status, StatusCode::NO_CONTENT, "unchanged");
    let again = merchant.send(&call).await.unwrap();
    assert_eq!(again.status, StatusCode::UNAUTHORIZED, "sent a second time: {}", again.body);
}

/// Which of twenty orders were answered, and what the book says of them.
async fn twenty(seed: &str) -> (Vec<bool>, Vec<(Value, Value)>) {
    let arguments = ["--plain", "--seed", seed, "--fault", "lost_answer=0.5"];
    let sandbox = Sandbox::start("wechat_pay", &arguments).await;
    let merchant = Merchant::of(&sandbox);
    let mut answered = Vec::new();
    for order in 0..20 {
        answered.push(merchant.order(&format!("order-{order}"), NOWHERE).await.is_some());
    }
    let book = sandbox.watch("/_book").await;
    let payments = book["payments"].as_array().unwrap().iter();
    (answered, payments.map(|payment| (payment["order"].clone(), payment["id"].clone())).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_with_the_same_seed_are_the_same_and_lost_answers_are_booked() {
    let first = twenty("7").await;
    let lost = first.0.iter().filter(|answered| !**answered).count();
    assert!((3..=17).contains(&lost), "about half of the answers were lost: {lost}");
    assert_eq!(first.1.len(), 20, "every order stands in the book: {:?}", first.1);
    assert_eq!(first, twenty("7").await, "the same seed");
    assert_ne!(first, twenty("8").await, "another seed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_repeated_until_it_is_answered_stands_in_the_book_once() {
    let sandbox = Sandbox::start("wechat_pay", &["--plain"]).await;
    let merchant = Merchant::of(&sandbox);
    for fault in ["lost_answer", "reset_mid_answer", "error_after_charge"] {
        let (status, _) = sandbox.tell("/_faults", &json!({ "name": fault, "times": 1 })).await;
        assert_eq!(status, StatusCode::OK, "{fault} is planned");
        let answer = merchant.order("order-1", NOWHERE).await;
        let error = answer.is_none_or(|answer| answer.status.is_server_error());
        assert!(error, "{fault} happened");
    }
    assert_eq!(merchant.order("order-1", NOWHERE).await.unwrap().status, StatusCode::OK, "at last");
    sandbox.tell("/_pay", &json!({ "order": "order-1" })).await;
    let book = sandbox.watch("/_book").await;
    assert_eq!(
        (&book["orders"], &book["payments"][0]["requests"]),
        (&json!(1), &json!(4)),
        "{book:#}"
    );
    assert_eq!(book["totals"]["CNY"]["paid"], 500, "it was paid once: {book:#}");
    let wire = sandbox.watch("/_wire").await;
    assert_eq!(wire["request"]["target"], "/v3/pay/transactions/native", "{wire:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payer_pays_by_itself_and_a_notification_comes_twice() {
    let shop = Provider::http1(|_| Reply::new(200, "")).await;
    let notify = format!("http://{}/notify", shop.address);
    let arguments =
        ["--pay-after", "1ms", "--notify", &notify, "--fault", "duplicate_notification"];
    let sandbox = Sandbox::start("wechat_pay", &arguments).await;
    let merchant = Merchant::of(&sandbox);
    merchant.order("order-1", NOWHERE).await.unwrap();
    shop.until("both notifications", |requests| {
        requests.iter().filter(|request| request.complete).count() == 2
    })
    .await;
    let requests = shop.requests();
    assert_eq!(requests[0].body, requests[1].body, "they say the same");
    let nonce = |at: usize| requests[at].header("wechatpay-nonce");
    assert_ne!(nonce(0), nonce(1), "each is signed anew");
}
