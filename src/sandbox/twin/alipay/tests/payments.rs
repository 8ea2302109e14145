//! Orders and what becomes of them, the same in both protocols.

use super::*;
use app::{answered, creation};

const BOTH: [Protocol; 2] = [Protocol::V2, Protocol::V3];

fn named(order: &str) -> Value {
    json!({ "out_trade_no": order })
}

#[tokio::test]
async fn an_order_by_code_is_found_once_it_is_paid() {
    for protocol in BOTH {
        let bench = Bench::new();
        let mut order = creation("order-1", "88.88");
        order.as_object_mut().unwrap().remove("buyer_id");
        for turn in 0..2 {
            let answer = bench.call(protocol, "alipay.trade.precreate", &order).await;
            let code = answer.json["qr_code"].as_str().unwrap_or_default();
            assert!(code.starts_with("https://qr.alipay.com/bax"), "{turn}: {}", answer.json);
        }
        for method in ["alipay.trade.query", "alipay.trade.close"] {
            let answer = bench.call(protocol, method, &named("order-1")).await;
            assert_eq!(answer.code(), "ACQ.TRADE_NOT_EXIST", "{method}: nobody has looked at it");
        }
        bench.clock.advance(Duration::from_secs(5));
        bench.twin.desk().pay("order-1").unwrap();
        let found = bench.call(protocol, "alipay.trade.query", &named("order-1")).await.json;
        assert_eq!(found["trade_status"], "TRADE_SUCCESS", "paid");
        assert_eq!(found["total_amount"], "88.88", "in yuan");
        assert_eq!(found["send_pay_date"], "2026-01-01 08:00:05", "in China's time");
        assert_eq!(found["fund_bill_list"][0]["amount"], "88.88", "from one account");
        let by_id = json!({ "trade_no": found["trade_no"], "out_trade_no": "other" });
        let again = bench.call(protocol, "alipay.trade.query", &by_id).await.json;
        assert_eq!(again["out_trade_no"], "order-1", "Alipay's number counts first");
        let again = bench.call(protocol, "alipay.trade.precreate", &order).await;
        assert_eq!(again.code(), "ACQ.TRADE_HAS_SUCCESS", "and it is paid");
        let book = bench.twin.book();
        assert_eq!(book["totals"]["CNY"]["paid"], 8_888, "once: {book:#}");
        assert_eq!(book["payments"][0]["requests"], 3, "and asked for three times");
    }
}

#[tokio::test]
async fn a_number_never_means_two_orders() {
    for protocol in BOTH {
        let bench = Bench::new();
        let order = creation("order-1", "9.00");
        let method = "alipay.trade.create";
        let first = bench.call(protocol, method, &order).await.json;
        let again = bench.call(protocol, method, &order).await.json;
        assert_eq!(first["trade_no"], again["trade_no"], "the same order");
        let mut other = order.clone();
        other["subject"] = "coffee".into();
        for other in [creation("order-1", "9.01"), other] {
            let refused = bench.call(protocol, method, &other).await;
            assert_eq!(refused.code(), "ACQ.CONTEXT_INCONSISTENT", "{other}");
        }
        let precreated = bench.call(protocol, "alipay.trade.precreate", &order).await;
        assert_eq!(precreated.code(), "ACQ.CONTEXT_INCONSISTENT", "another kind of order");
        let closed = bench.call(protocol, "alipay.trade.close", &named("order-1")).await;
        assert_eq!(closed.json["trade_no"], first["trade_no"], "closed");
        let closed = bench.call(protocol, "alipay.trade.close", &named("order-1")).await;
        assert_eq!(closed.code(), "ACQ.TRADE_STATUS_ERROR", "and not twice");
        let closed = bench.call(protocol, method, &order).await;
        assert_eq!(closed.code(), "ACQ.TRADE_HAS_CLOSE", "and not opened again");
        assert!(bench.twin.desk().pay("order-1").is_err(), "nobody pays it any more");
    }
}

#[tokio::test]
async fn a_payers_code_decides_what_happens() {
    for protocol in BOTH {
        let bench = Bench::new();
        let pay = async |order: &str, code: &str| {
            let content = json!({
                "out_trade_no": order, "total_amount": "0.01", "subject": "tea",
                "scene": "bar_code", "auth_code": code,
            });
            bench.call(protocol, "alipay.trade.pay", &content).await
        };
        let paid = pay("order-1", "28763443825664394").await;
        assert_eq!(paid.json["gmt_payment"], "2026-01-01 08:00:00", "paid: {}", paid.json);
        let again = pay("order-1", "28763443825664394").await;
        assert_eq!(again.code(), "ACQ.TRADE_HAS_SUCCESS", "and not twice");
        let invalid = pay("order-2", "28763443825660002").await;
        assert_eq!(invalid.code(), "ACQ.PAYMENT_AUTH_CODE_INVALID", "no code any more");
        let poor = pay("order-2", "28763443825660001").await;
        assert_eq!(poor.code(), "ACQ.BUYER_BALANCE_NOT_ENOUGH", "no money");
        let waiting = pay("order-2", "28763443825660003").await;
        match protocol {
            Protocol::V2 => assert_eq!(waiting.json["code"], "10003", "the payer has to agree"),
            Protocol::V3 => assert_eq!(waiting.status, StatusCode::ACCEPTED, "the payer has to"),
        }
        assert_eq!(waiting.json["trade_status"], "WAIT_BUYER_PAY", "and did not");
        let other = pay("order-2", "28763443825664395").await;
        assert_eq!(other.json["trade_status"], "TRADE_SUCCESS", "with another code");
        let book = bench.twin.book();
        assert_eq!(book["totals"]["CNY"]["paid"], 2, "a fen each: {book:#}");
    }
}

#[tokio::test]
async fn what_is_cancelled_is_closed_or_given_back() {
    for protocol in BOTH {
        let bench = Bench::new();
        let cancel = async |order: &str| {
            bench.call(protocol, "alipay.trade.cancel", &named(order)).await.json
        };
        assert_eq!(cancel("none").await.get("action"), None, "nothing to be done");
        bench.order("order-1", "9.00").await;
        for turn in 0..2 {
            assert_eq!(cancel("order-1").await["action"], "close", "cancelled {turn} times before");
        }
        bench.order("order-2", "9.00").await;
        bench.twin.desk().pay("order-2").unwrap();
        for turn in 0..2 {
            assert_eq!(
                cancel("order-2").await["action"],
                "refund",
                "cancelled {turn} times before"
            );
        }
        let book = bench.twin.book();
        assert_eq!(book["totals"]["CNY"], json!({ "paid": 900, "refunded": 900 }), "given back");
        let found = bench.call(protocol, "alipay.trade.query", &named("order-2")).await.json;
        assert_eq!(found["trade_status"], "TRADE_CLOSED", "and closed");
    }
}

#[tokio::test]
async fn a_content_is_refused_for_what_is_wrong_with_it() {
    let bench = Bench::new();
    let with = |name: &str, value: Value| {
        let mut order = creation("order-1", "9.00");
        order[name] = value;
        order
    };
    for (content, what) in [
        (json!({}), "nothing"),
        (with("out_trade_no", json!("a b")), "a space in a number"),
        (with("out_trade_no", json!("x".repeat(65))), "a long number"),
        (with("out_trade_no", json!(1)), "a number that is no text"),
        (with("total_amount", json!("0")), "no amount"),
        (with("total_amount", json!("9.001")), "a tenth of a fen"),
        (with("total_amount", Value::Null), "an amount that is not there"),
        (with("subject", json!("")), "no subject"),
        (with("buyer_id", json!("")), "no buyer"),
    ] {
        for protocol in BOTH {
            let refused = bench.call(protocol, "alipay.trade.create", &content).await;
            assert_eq!(refused.code(), "ACQ.INVALID_PARAMETER", "{what}");
        }
    }
    let number = with("total_amount", json!(88.88));
    let number = bench.call(Protocol::V2, "alipay.trade.create", &number);
    assert_eq!(number.await.json["code"], "10000", "an amount may be a number");
    let request = bench.v3(&Method::GET, "/v3/alipay/trade/create?out_trade_no=1", "");
    assert_eq!(answered(bench.reply(request).await).status, StatusCode::NOT_FOUND, "not with GET");
    let request = bench.v3(&Method::GET, "/v3/alipay/trade/query?out_trade_no=order-1", "");
    assert_eq!(answered(bench.reply(request).await).status, StatusCode::OK, "but queries are");
}

#[tokio::test]
async fn the_same_seed_makes_the_same_numbers_and_the_same_faults() {
    let run = async |seed| {
        let bench = Bench::with(Options { seed, ..Options::default() });
        bench.twin.faults().plan(Fault::ErrorAfterCharge, Plan::share("0.5").unwrap());
        let mut seen = Vec::new();
        for order in 0..16 {
            let answer = bench.order(&format!("order-{order}"), "9.00").await;
            seen.push(answer.status.as_u16());
        }
        let payments = bench.twin.book()["payments"].as_array().unwrap().clone();
        assert_eq!(payments.len(), 16, "a failure changes nothing of the book");
        (seen, payments.iter().map(|payment| payment["id"].clone()).collect::<Vec<_>>())
    };
    let first = run(7).await;
    assert_eq!(first, run(7).await, "the same");
    assert_ne!(first, run(8).await, "another seed decides otherwise");
}
