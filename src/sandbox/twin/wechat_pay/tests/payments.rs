//! Orders, queries, closing and refunds.

use super::{merchant::native, *};

const QUERY: &str = "/v3/pay/transactions/out-trade-no/order-1?mchid=1900000109";

#[tokio::test]
async fn an_order_is_made_paid_queried_and_refunded() {
    let bench = Bench::new();
    let made = bench.order("order-1", 500).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.json);
    let url = made.json["code_url"].as_str().unwrap();
    assert!(url.starts_with("weixin://wxpay/bizpayurl?pr="), "{url}");
    assert_eq!(bench.get(QUERY).await.json["trade_state"], "NOTPAY", "nobody paid yet");

    bench.twin.desk().pay("order-1").unwrap();
    let paid = bench.get(QUERY).await.json;
    assert_eq!(paid["trade_state"], "SUCCESS", "paid: {paid:#}");
    assert_eq!(paid["amount"]["payer_total"], 500, "the amount in fen");
    assert_eq!(paid["success_time"], "2026-01-01T08:00:00+08:00", "in China's time");
    let id = paid["transaction_id"].as_str().unwrap();
    let same = bench.get(&format!("/v3/pay/transactions/id/{id}?mchid=1900000109")).await;
    assert_eq!(same.json, paid, "by WeChat Pay's own number");

    let refund = bench.refund("refund-1", "order-1", 200, 500).await;
    assert_eq!(refund.status, StatusCode::OK, "{}", refund.json);
    assert_eq!(refund.json["status"], "PROCESSING", "the money is on its way");
    let refunded = bench.twin.desk().complete_refund("refund-1").unwrap();
    assert_eq!(refunded.amount, 200, "it arrived");
    let told = bench.get("/v3/refund/domestic/refunds/refund-1").await.json;
    assert_eq!(
        (&told["status"], &told["amount"]["refund"]),
        (&json!("SUCCESS"), &json!(200)),
        "{told:#}"
    );
    assert_eq!(bench.get(QUERY).await.json["trade_state"], "REFUND", "in part");
}

#[tokio::test]
async fn every_kind_of_order_is_answered_in_its_own_way_and_needs_its_own_fields() {
    let bench = Bench::new();
    for (kind, more, member, start) in [
        ("native", json!({}), "code_url", "weixin://"),
        ("app", json!({}), "prepay_id", "wx20260101"),
        ("jsapi", json!({ "payer": { "openid": "oUpF8uMuAJO" } }), "prepay_id", "wx20260101"),
        (
            "h5",
            json!({ "scene_info": { "payer_client_ip": "192.0.2.1", "h5_info": { "type": "Wap" } } }),
            "h5_url",
            "https://wx.tenpay.com/",
        ),
    ] {
        let mut body = native(&format!("order-{kind}"), 500);
        let path = format!("/v3/pay/transactions/{kind}");
        let bare = bench.post(&path, &body).await;
        assert_eq!(bare.status.is_success(), more == json!({}), "{kind}: {}", bare.json);
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = bench.post(&path, &body).await;
        let told = made.json[member].as_str().unwrap_or_default();
        assert!(told.starts_with(start), "{kind}: {}", made.json);
        let again = bench.post(&path, &body).await;
        assert_eq!(again.json, made.json, "{kind}: the same order has the same answer");
    }
}

#[tokio::test]
async fn an_order_number_stands_for_one_order() {
    let bench = Bench::new();
    bench.order("order-1", 500).await;
    let other = bench.order("order-1", 501).await;
    assert_eq!(
        (other.status.as_u16(), &other.json["code"]),
        (403, &json!("OUT_TRADE_NO_USED")),
        "another amount: {}",
        other.json
    );
    let mut body = native("order-1", 500);
    body["description"] = "coffee".into();
    let other = bench.post("/v3/pay/transactions/native", &body).await;
    assert_eq!(other.json["code"], "OUT_TRADE_NO_USED", "another description");
    let body = native("order-1", 500);
    let other = bench.post("/v3/pay/transactions/app", &body).await;
    assert_eq!(other.json["code"], "OUT_TRADE_NO_USED", "another kind");
    bench.twin.desk().pay("order-1").unwrap();
    let paid = bench.order("order-1", 500).await;
    assert_eq!(paid.json["message"], "该订单已支付", "it is paid");
    let book = bench.twin.book();
    assert_eq!((&book["orders"], &book["paid"]), (&json!(1), &json!(1)), "once: {book:#}");
    assert_eq!(book["totals"]["CNY"]["paid"], 500, "as it was first");
    let refusals = bench.twin.desk().refusals();
    let why = refusals[0]["why"].as_str().unwrap();
    assert!(why.contains("tea, green"), "the developer is told what it stands for: {why}");
}

#[tokio::test]
async fn a_wrong_field_is_named() {
    let bench = Bench::new();
    for (pointer, value) in [
        ("/appid", json!("")),
        ("/mchid", json!("1900000108")),
        ("/description", json!("x".repeat(128))),
        ("/out_trade_no", json!("short")),
        ("/out_trade_no", json!("with space")),
        ("/notify_url", json!("ftp://merchant.example/")),
        ("/notify_url", json!("https://merchant.example/?a=1")),
        ("/amount/total", json!(0)),
        ("/amount/total", json!(5.5)),
        ("/amount/total", json!("500")),
        ("/amount/total", json!(-1)),
        ("/amount/currency", json!("USD")),
        ("/attach", json!(1)),
    ] {
        let mut body = native("order-1", 500);
        match body.pointer_mut(pointer) {
            Some(member) => *member = value.clone(),
            None => body[&pointer[1..]] = value.clone(),
        }
        let refused = bench.post("/v3/pay/transactions/native", &body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{pointer} is {value}");
        assert_eq!(refused.json["code"], "PARAM_ERROR", "{pointer} is {value}");
        assert_eq!(refused.json["detail"]["field"], pointer, "{pointer} is {value}");
    }
    let mut request = bench.signed(&Method::POST, "/v3/pay/transactions/native", "{}");
    request.headers.remove("content-type");
    let refused = merchant::answered(bench.reply(request).await);
    assert_eq!(refused.json["detail"]["field"], "Content-Type", "not said to be JSON");
    assert_eq!(bench.twin.book()["orders"], 0, "nothing was ordered");
}

#[tokio::test]
async fn a_closed_order_stays_closed_and_a_paid_one_paid() {
    let bench = Bench::new();
    bench.order("order-1", 500).await;
    let (close, us) =
        ("/v3/pay/transactions/out-trade-no/order-1/close", json!({ "mchid": "1900000109" }));
    for turn in 0..2 {
        let closed = bench.post(close, &us).await;
        assert_eq!(closed.status, StatusCode::NO_CONTENT, "closed {turn} times before");
        assert!(closed.body.is_empty(), "without a body");
    }
    assert_eq!(bench.get(QUERY).await.json["trade_state"], "CLOSED", "closed");
    assert!(bench.twin.desk().pay("order-1").is_err(), "nobody can pay it");
    assert_eq!(
        bench.order("order-1", 500).await.json["code"],
        "ORDER_CLOSED",
        "nor order it again"
    );
    bench.order("order-2", 500).await;
    bench.twin.desk().pay("order-2").unwrap();
    let paid = bench.post(&close.replace("order-1", "order-2"), &us).await;
    assert_eq!(paid.json["message"], "该订单已支付", "a paid order");
    let unknown = bench.post(&close.replace("order-1", "order-3"), &us).await;
    assert_eq!(unknown.json["code"], "ORDER_NOT_EXIST", "an unknown order");
}

#[tokio::test]
async fn refunds_never_give_back_more_than_was_paid() {
    let bench = Bench::new();
    bench.order("order-1", 500).await;
    let early = bench.refund("refund-0", "order-1", 100, 500).await;
    assert_eq!(early.json["code"], "INVALID_REQUEST", "nobody paid yet");
    bench.twin.desk().pay("order-1").unwrap();
    let first = bench.refund("refund-1", "order-1", 300, 500).await;
    let again = bench.refund("refund-1", "order-1", 300, 500).await;
    assert_eq!(first.json["refund_id"], again.json["refund_id"], "the same refund");
    for (what, refused) in [
        ("another amount", bench.refund("refund-1", "order-1", 200, 500).await),
        ("more than is left", bench.refund("refund-2", "order-1", 201, 500).await),
        ("another total", bench.refund("refund-3", "order-1", 100, 501).await),
    ] {
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{what}");
        assert_eq!(refused.json["code"], "INVALID_REQUEST", "{what}");
    }
    let unknown = bench.refund("refund-4", "order-9", 100, 500).await;
    assert_eq!(unknown.json["code"], "RESOURCE_NOT_EXISTS", "an unknown order");
    assert_eq!(bench.twin.book()["refunded"], 1, "one refund stands in the book");
}

#[tokio::test]
async fn the_same_seed_gives_the_same_numbers() {
    let run = async |seed| {
        let bench = Bench::with(Options { seed, ..Options::default() });
        bench.order("order-1", 500).await;
        bench.twin.desk().pay("order-1").unwrap();
        let told = bench.get(QUERY).await.json;
        (told["transaction_id"].clone(), told["payer"].clone())
    };
    let first = run(7).await;
    assert_eq!(first, run(7).await, "the same seed");
    assert_ne!(first, run(8).await, "another seed");
}
