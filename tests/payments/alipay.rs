//! Alipay: QR codes in CNY.

use serde_json::{Value, json};

use super::stage::{Call, Sent, Stage};

fn payment() -> Value {
    json!({ "channel": "alipay", "order_id": "order_0001", "amount": 0.3, "currency": "CNY",
        "description": "Tea" })
}

fn refund() -> Value {
    json!({ "channel": "alipay", "refund_id": "refund_0001", "amount": "0.1", "currency": "CNY",
        "reason": "Cold" })
}

const QUERY: &str = r#"{"out_trade_no":"order_0001"}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_is_created_asked_for_and_cancelled() {
    let stage = Stage::new().await;
    stage.answers(
        200,
        &json!({ "out_trade_no": "order_0001", "qr_code": "https://qr.alipay.com/b" }),
    );
    stage
        .maps(
            "a payment",
            Call("POST", "/v1/payments", payment()),
            Sent(
                "POST /v3/alipay/trade/precreate",
                r#"{"notify_url":"https://notify.example:8444/notify/alipay","out_trade_no":"order_0001","subject":"Tea","total_amount":"0.30"}"#,
            ),
            &json!({ "order_id": "order_0001", "channel": "alipay", "status": "requires_action",
                "amount": "0.30", "currency": "CNY",
                "action": { "type": "qr_code", "value": "https://qr.alipay.com/b" } }),
        )
        .await;
    for (state, paid, status) in [
        ("WAIT_BUYER_PAY", false, "requires_action"),
        ("TRADE_SUCCESS", true, "paid"),
        ("TRADE_FINISHED", true, "paid"),
        ("TRADE_CLOSED", false, "canceled"),
        ("TRADE_CLOSED", true, "refunded"),
    ] {
        let mut trade = json!({ "out_trade_no": "order_0001", "trade_no": "2026112422001",
            "trade_status": state, "total_amount": "0.30" });
        if paid {
            trade["send_pay_date"] = "2026-11-24 20:00:00".into();
        }
        stage.answers(200, &trade);
        stage
            .maps(
                state,
                Call("GET", "/v1/payments/order_0001?channel=alipay", Value::Null),
                Sent("POST /v3/alipay/trade/query", QUERY),
                &json!({ "order_id": "order_0001", "channel": "alipay", "status": status,
                    "amount": "0.30", "currency": "CNY", "provider_reference": "2026112422001" }),
            )
            .await;
    }
    stage.answers(200, &json!({ "out_trade_no": "order_0001", "trade_no": "2026112422001" }));
    stage
        .maps(
            "a cancellation",
            Call("POST", "/v1/payments/order_0001/cancel", json!({ "channel": "alipay" })),
            Sent("POST /v3/alipay/trade/close", QUERY),
            &json!({ "order_id": "order_0001", "channel": "alipay", "status": "canceled",
                "currency": "CNY", "provider_reference": "2026112422001" }),
        )
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_is_created_and_asked_for() {
    let stage = Stage::new().await;
    let expected = |status: &str| {
        json!({ "order_id": "order_0001", "refund_id": "refund_0001", "channel": "alipay",
            "status": status, "amount": "0.10", "currency": "CNY",
            "provider_reference": "2026112422001" })
    };
    for (change, status) in [("Y", "succeeded"), ("N", "pending")] {
        stage.answers(
            200,
            &json!({ "out_trade_no": "order_0001", "trade_no": "2026112422001",
                "refund_fee": "0.20", "fund_change": change }),
        );
        stage
            .maps(
                "a refund",
                Call("POST", "/v1/payments/order_0001/refunds", refund()),
                Sent(
                    "POST /v3/alipay/trade/refund",
                    r#"{"out_request_no":"refund_0001","out_trade_no":"order_0001","refund_amount":"0.10","refund_reason":"Cold"}"#,
                ),
                &expected(status),
            )
            .await;
    }
    let call =
        || Call("GET", "/v1/payments/order_0001/refunds/refund_0001?channel=alipay", Value::Null);
    // Amounts come as texts or as numbers.
    for (amount, state, status) in [
        (r#""0.10""#, r#","refund_status":"REFUND_SUCCESS""#, "succeeded"),
        ("0.10", "", "pending"),
    ] {
        stage.answers_text(
            200,
            &format!(
                r#"{{"out_trade_no":"order_0001","trade_no":"2026112422001","out_request_no":"refund_0001","refund_amount":{amount}{state}}}"#
            ),
        );
        let sent = r#"{"out_request_no":"refund_0001","out_trade_no":"order_0001"}"#;
        let sent = Sent("POST /v3/alipay/trade/fastpay/refund/query", sent);
        stage.maps("a question about it", call(), sent, &expected(status)).await;
    }
    stage.answers(200, &json!({}));
    stage.tells(call(), (404, "not_found")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_alipay_could_not_notify_of_is_refused_before_anything_is_sent() {
    let stage = Stage::new().await;
    for description in ["Tea & more", "&", "Tea&total_amount=0.01"] {
        let mut ambiguous = payment();
        ambiguous["description"] = description.into();
        let call = Call("POST", "/v1/payments", ambiguous);
        let problem = stage.refuses(call, "operation_unsupported").await;
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("`&`"), "{description}: it is said why: {detail}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trade_in_another_currency_is_not_taken_for_one_in_yuan() {
    let stage = Stage::new().await;
    let call = || Call("GET", "/v1/payments/order_0001?channel=alipay", Value::Null);
    for (currency, fault) in [("CNY", None), ("USD", Some("upstream_invalid_answer"))] {
        stage.answers(
            200,
            &json!({ "out_trade_no": "order_0001", "trade_no": "2026112422001",
                "trade_status": "TRADE_SUCCESS", "total_amount": "0.30",
                "trans_currency": currency }),
        );
        let answer = stage.call(call()).await;
        assert_eq!(answer.fault().as_deref(), fault, "{currency}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_alipay_refuses_is_told_by_one_list_of_codes() {
    let stage = Stage::new().await;
    for (status, code, expected) in [
        (400, "ACQ.INVALID_PARAMETER", (422, "invalid_request")),
        (400, "ACQ.TRADE_NOT_EXIST", (404, "not_found")),
        (400, "ACQ.TRADE_HAS_SUCCESS", (409, "conflict")),
        (400, "ACQ.SELLER_BALANCE_NOT_ENOUGH", (409, "insufficient_balance")),
        (400, "ACQ.SELLER_BEEN_BLOCKED", (402, "declined")),
        (403, "app-not-authorized", (502, "not_authorized")),
        (400, "ACQ.SYSTEM_ERROR", (502, "provider_unavailable")),
        (500, "system-error", (502, "provider_unavailable")),
        (429, "too-many-requests", (429, "rate_limited")),
    ] {
        stage.answers(status, &json!({ "code": code, "message": "no" }));
        stage.tells(Call("POST", "/v1/payments", payment()), expected).await;
        stage.tells(Call("POST", "/v1/payments/order_0001/refunds", refund()), expected).await;
    }
}
