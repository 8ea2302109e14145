//! WeChat Pay: Native payments in CNY.

use serde_json::{Value, json};

use super::stage::{Call, Sent, Stage};

fn payment() -> Value {
    json!({ "channel": "wechat_pay", "order_id": "order_0001", "amount": "10.50",
        "currency": "CNY", "description": "Tea" })
}

fn refund() -> Value {
    json!({ "channel": "wechat_pay", "refund_id": "refund_0001", "amount": "2.5",
        "payment_amount": "10.50", "currency": "CNY" })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_is_created_asked_for_and_cancelled() {
    let stage = Stage::new().await;
    stage.answers(200, &json!({ "code_url": "weixin://wxpay/bizpayurl?pr=p4lpSuKzz" }));
    let create = "POST /v3/pay/transactions/native";
    stage
        .maps(
            "a payment",
            Call("POST", "/v1/payments", payment()),
            Sent(
                create,
                r#"{"amount":{"currency":"CNY","total":1050},"appid":"wxd678efh567hg6787","description":"Tea","mchid":"1900000109","notify_url":"https://notify.example:8444/notify/wechat_pay","out_trade_no":"order_0001"}"#,
            ),
            &json!({ "order_id": "order_0001", "channel": "wechat_pay", "status": "requires_action",
                "amount": "10.50", "currency": "CNY",
                "action": { "type": "qr_code", "value": "weixin://wxpay/bizpayurl?pr=p4lpSuKzz" } }),
        )
        .await;
    for (state, status) in [
        ("SUCCESS", "paid"),
        ("REFUND", "refunded"),
        ("NOTPAY", "requires_action"),
        ("USERPAYING", "pending"),
        ("CLOSED", "canceled"),
        ("REVOKED", "canceled"),
        ("PAYERROR", "failed"),
    ] {
        stage.answers(
            200,
            &json!({ "out_trade_no": "order_0001", "transaction_id": "4200001", "trade_state": state,
                "amount": { "total": 1050, "payer_total": 1000, "currency": "CNY" } }),
        );
        let query = "GET /v3/pay/transactions/out-trade-no/order_0001?mchid=1900000109";
        stage
            .maps(
                state,
                Call("GET", "/v1/payments/order_0001?channel=wechat_pay", Value::Null),
                Sent(query, ""),
                &json!({ "order_id": "order_0001", "channel": "wechat_pay", "status": status,
                    "amount": "10.50", "currency": "CNY", "provider_reference": "4200001" }),
            )
            .await;
    }
    stage.answers_text(204, "");
    stage
        .maps(
            "a cancellation",
            Call("POST", "/v1/payments/order_0001/cancel", json!({ "channel": "wechat_pay" })),
            Sent(
                "POST /v3/pay/transactions/out-trade-no/order_0001/close",
                r#"{"mchid":"1900000109"}"#,
            ),
            &json!({ "order_id": "order_0001", "channel": "wechat_pay", "status": "canceled",
                "currency": "CNY" }),
        )
        .await;
    stage.answers(200, &json!({ "out_trade_no": "order_0001", "trade_state": "NOTPAY" }));
    stage
        .maps(
            "an order that nobody paid",
            Call("GET", "/v1/payments/order_0001?channel=wechat_pay", Value::Null),
            Sent("GET /v3/pay/transactions/out-trade-no/order_0001?mchid=1900000109", ""),
            &json!({ "order_id": "order_0001", "channel": "wechat_pay",
                "status": "requires_action", "currency": "CNY" }),
        )
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_is_created_and_asked_for() {
    let stage = Stage::new().await;
    let expected = json!({ "order_id": "order_0001", "refund_id": "refund_0001",
        "channel": "wechat_pay", "status": "pending", "amount": "2.50", "currency": "CNY",
        "provider_reference": "5030001" });
    stage.answers(
        200,
        &json!({ "refund_id": "5030001", "out_refund_no": "refund_0001", "out_trade_no": "order_0001",
            "status": "PROCESSING", "amount": { "refund": 250, "total": 1050, "currency": "CNY" } }),
    );
    stage
        .maps(
            "a refund",
            Call("POST", "/v1/payments/order_0001/refunds", refund()),
            Sent(
                "POST /v3/refund/domestic/refunds",
                r#"{"amount":{"currency":"CNY","refund":250,"total":1050},"notify_url":"https://notify.example:8444/notify/wechat_pay","out_refund_no":"refund_0001","out_trade_no":"order_0001"}"#,
            ),
            &expected,
        )
        .await;
    stage
        .maps(
            "a question about it",
            Call(
                "GET",
                "/v1/payments/order_0001/refunds/refund_0001?channel=wechat_pay",
                Value::Null,
            ),
            Sent("GET /v3/refund/domestic/refunds/refund_0001", ""),
            &expected,
        )
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_wechat_pay_refuses_is_told_by_one_list_of_codes() {
    let stage = Stage::new().await;
    for (status, code, expected) in [
        (400, "PARAM_ERROR", (422, "invalid_request")),
        (404, "ORDER_NOT_EXIST", (404, "not_found")),
        (403, "OUT_TRADE_NO_USED", (409, "conflict")),
        (400, "ORDERPAID", (409, "conflict")),
        (400, "ORDER_CLOSED", (409, "conflict")),
        (400, "INVALID_REQUEST", (409, "conflict")),
        (403, "NOT_ENOUGH", (409, "insufficient_balance")),
        (403, "RULE_LIMIT", (402, "declined")),
        (403, "NO_AUTH", (502, "not_authorized")),
        (401, "SIGN_ERROR", (502, "not_authorized")),
        (429, "FREQUENCY_LIMITED", (429, "rate_limited")),
        (500, "SYSTEM_ERROR", (502, "provider_unavailable")),
    ] {
        stage.answers(status, &json!({ "code": code, "message": "no" }));
        stage.tells(Call("POST", "/v1/payments", payment()), expected).await;
        stage.tells(Call("POST", "/v1/payments/order_0001/refunds", refund()), expected).await;
    }
    stage.answers(400, &json!({ "code": "INVALID_REQUEST", "message": "no" }));
    for path in ["/v1/payments/order_0001", "/v1/payments/order_0001/refunds/refund_0001"] {
        let path = format!("{path}?channel=wechat_pay");
        // Whoever asks is not told to ask.
        stage.tells(Call("GET", &path, Value::Null), (422, "invalid_request")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_currency_is_refused_before_anything_is_sent() {
    let stage = Stage::new().await;
    let mut other = payment();
    other["currency"] = "USD".into();
    let problem = stage.refuses(Call("POST", "/v1/payments", other), "operation_unsupported").await;
    assert_eq!(problem["detail"], "WeChat Pay takes CNY alone.", "and it is said why");
    let mut without = refund();
    without.as_object_mut().unwrap().remove("payment_amount");
    let call = Call("POST", "/v1/payments/order_0001/refunds", without);
    let problem = stage.refuses(call, "field_invalid").await;
    assert_eq!(problem["errors"][0]["pointer"], "/payment_amount", "WeChat Pay needs it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_in_another_currency_is_not_taken_for_yuan() {
    let stage = Stage::new().await;
    let refunds = "/v1/payments/order_0001/refunds";
    let amount = |currency: &str| json!({ "total": 1050, "refund": 250, "currency": currency });
    for (currency, fault) in [("CNY", None), ("USD", Some("upstream_invalid_answer"))] {
        let paid = json!({ "out_trade_no": "order_0001", "trade_state": "SUCCESS",
            "transaction_id": "4200001", "amount": amount(currency) });
        let refunded = json!({ "refund_id": "5030001", "out_refund_no": "refund_0001",
            "out_trade_no": "order_0001", "status": "SUCCESS", "amount": amount(currency) });
        let query = "/v1/payments/order_0001?channel=wechat_pay";
        let query_refund = format!("{refunds}/refund_0001?channel=wechat_pay");
        for (call, answer) in [
            (Call("GET", query, Value::Null), &paid),
            (Call("POST", refunds, refund()), &refunded),
            (Call("GET", &query_refund, Value::Null), &refunded),
        ] {
            let what = format!("{currency}: {} {}", call.0, call.1);
            stage.answers(200, answer);
            let answer = stage.call(call).await;
            assert_eq!(answer.fault().as_deref(), fault, "{what}: {}", answer.text());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_of_another_order_is_not_there() {
    let stage = Stage::new().await;
    stage.answers(
        200,
        &json!({ "refund_id": "5030001", "out_refund_no": "refund_0001",
            "out_trade_no": "order_0002", "status": "SUCCESS",
            "amount": { "refund": 250, "total": 1050, "currency": "CNY" } }),
    );
    let path = "/v1/payments/order_0001/refunds/refund_0001?channel=wechat_pay";
    stage.tells(Call("GET", path, Value::Null), (404, "not_found")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_was_paid_is_not_refunded() {
    let stage = Stage::new().await;
    for (amount, paid) in [("10.51", "10.50"), ("9", "10.50"), ("100", "10.50")] {
        let mut refund = refund();
        refund["amount"] = amount.into();
        refund["payment_amount"] = paid.into();
        let call = Call("POST", "/v1/payments/order_0001/refunds", refund);
        if amount == "9" {
            stage.answers(500, &json!({}));
            stage.tells(call, (502, "provider_unavailable")).await;
            continue;
        }
        let problem = stage.refuses(call, "field_invalid").await;
        let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().collect();
        let names: Vec<_> = fields.iter().map(|field| &field["pointer"]).collect();
        assert_eq!(names, ["/amount", "/payment_amount"], "{amount} of {paid}");
    }
}
