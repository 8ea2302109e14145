//! Stripe: payment intents, in any currency but three.

use serde_json::{Value, json};

use super::stage::{Call, Sent, Stage};

fn payment() -> Value {
    json!({ "channel": "stripe", "order_id": "order_0001", "amount": "10.50", "currency": "USD",
        "description": "Tea & more" })
}

fn refund() -> Value {
    json!({ "channel": "stripe", "refund_id": "refund_0001", "amount": "2.50", "currency": "USD",
        "reference": "pi_1" })
}

fn intent(status: &str) -> Value {
    json!({ "id": "pi_1", "object": "payment_intent", "status": status, "amount": 1050,
        "currency": "usd", "client_secret": "pi_1_secret_2", "latest_charge": null,
        "metadata": { "order_id": "order_0001" }, "last_payment_error": null })
}

fn expected(status: &str) -> Value {
    let mut expected = json!({ "order_id": "order_0001", "channel": "stripe", "status": status,
        "amount": "10.50", "currency": "USD", "provider_reference": "pi_1" });
    if status == "requires_action" {
        // Not where it is only asked for: see `clients`.
        expected["action"] = json!({ "type": "client_secret", "value": "pi_1_secret_2" });
    }
    expected
}

const QUERY: &str = "/v1/payments/order_0001?channel=stripe&reference=pi_1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_is_created_asked_for_and_cancelled() {
    let stage = Stage::new().await;
    stage.answers(200, &intent("requires_payment_method"));
    stage
        .maps(
            "a payment",
            Call("POST", "/v1/payments", payment()),
            Sent(
                "POST /v1/payment_intents",
                "amount=1050&automatic_payment_methods%5Benabled%5D=true&currency=usd&description=Tea%20%26%20more&metadata%5Border_id%5D=order_0001",
            ),
            &expected("requires_action"),
        )
        .await;
    assert_eq!(stage.last().header("idempotency-key").as_deref(), Some("payment-order_0001"));
    let mut stored = payment();
    stored["payment_method"] = "pm_1".into();
    stored["return_url"] = "https://shop.example/back".into();
    stage.answers(200, &intent("succeeded"));
    stage
        .maps(
            "a payment by a stored method",
            Call("POST", "/v1/payments", stored),
            Sent(
                "POST /v1/payment_intents",
                "amount=1050&automatic_payment_methods%5Benabled%5D=true&confirm=true&currency=usd&description=Tea%20%26%20more&metadata%5Border_id%5D=order_0001&payment_method=pm_1&return_url=https%3A%2F%2Fshop.example%2Fback",
            ),
            &expected("paid"),
        )
        .await;
    let charge = |refunded: i64, all: bool| json!({ "amount_refunded": refunded, "refunded": all });
    for (state, charge, status) in [
        ("requires_payment_method", Value::Null, "requires_action"),
        ("requires_confirmation", Value::Null, "requires_action"),
        ("requires_action", Value::Null, "requires_action"),
        ("processing", Value::Null, "pending"),
        ("requires_capture", charge(0, false), "pending"),
        ("canceled", Value::Null, "canceled"),
        ("succeeded", charge(0, false), "paid"),
        ("succeeded", charge(250, false), "partially_refunded"),
        ("succeeded", charge(1050, true), "refunded"),
    ] {
        let mut found = intent(state);
        found["latest_charge"] = charge;
        stage.answers(200, &found);
        let mut expected = expected(status);
        expected.as_object_mut().unwrap().remove("action");
        let sent = Sent("GET /v1/payment_intents/pi_1?expand%5B%5D=latest_charge", "");
        stage.maps(state, Call("GET", QUERY, Value::Null), sent, &expected).await;
    }
    stage.answers(200, &intent("canceled"));
    let cancel = json!({ "channel": "stripe", "reference": "pi_1" });
    stage
        .maps(
            "a cancellation",
            Call("POST", "/v1/payments/order_0001/cancel", cancel),
            Sent("POST /v1/payment_intents/pi_1/cancel", ""),
            &expected("canceled"),
        )
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_is_created_and_asked_for() {
    let stage = Stage::new().await;
    let refunded = json!({ "id": "re_1", "object": "refund", "status": "succeeded", "amount": 250,
        "currency": "usd", "payment_intent": intent("succeeded"),
        "metadata": { "order_id": "order_0001", "refund_id": "refund_0001" } });
    let expected = json!({ "order_id": "order_0001", "refund_id": "refund_0001",
        "channel": "stripe", "status": "succeeded", "amount": "2.50", "currency": "USD",
        "provider_reference": "re_1" });
    stage.answers(200, &refunded);
    stage
        .maps(
            "a refund",
            Call("POST", "/v1/payments/order_0001/refunds", refund()),
            Sent(
                "POST /v1/refunds",
                "amount=250&expand%5B%5D=payment_intent&metadata%5Border_id%5D=order_0001&metadata%5Brefund_id%5D=refund_0001&payment_intent=pi_1",
            ),
            &expected,
        )
        .await;
    assert_eq!(stage.last().header("idempotency-key").as_deref(), Some("refund-refund_0001"));
    let path = |refund: &str| {
        format!("/v1/payments/order_0001/refunds/{refund}?channel=stripe&reference=re_1")
    };
    stage
        .maps(
            "a question about it",
            Call("GET", &path("refund_0001"), Value::Null),
            Sent("GET /v1/refunds/re_1", ""),
            &expected,
        )
        .await;
    stage.tells(Call("GET", &path("refund_0002"), Value::Null), (404, "not_found")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stripe_refuses_is_told_by_one_list_of_codes() {
    let stage = Stage::new().await;
    for (status, error, expected) in [
        (400, json!({ "type": "invalid_request_error" }), (422, "invalid_request")),
        (404, json!({ "code": "resource_missing" }), (404, "not_found")),
        (402, json!({ "type": "card_error", "decline_code": "lost" }), (402, "declined")),
        (400, json!({ "code": "balance_insufficient" }), (409, "insufficient_balance")),
        (400, json!({ "code": "charge_already_refunded" }), (409, "conflict")),
        (400, json!({ "type": "idempotency_error" }), (409, "conflict")),
        (409, json!({ "type": "api_error" }), (409, "conflict")),
        (401, json!({ "type": "invalid_request_error" }), (502, "not_authorized")),
        (429, json!({ "code": "rate_limit" }), (429, "rate_limited")),
        (500, json!({ "type": "api_error" }), (502, "provider_unavailable")),
    ] {
        stage.answers(status, &json!({ "error": error }));
        stage.tells(Call("POST", "/v1/payments", payment()), expected).await;
        stage.tells(Call("GET", QUERY, Value::Null), expected).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stripe_cannot_do_here_is_refused_before_anything_is_sent() {
    let stage = Stage::new().await;
    for currency in ["ISK", "MGA", "UGX"] {
        let mut other = payment();
        other["currency"] = currency.into();
        let call = Call("POST", "/v1/payments", other);
        let problem = stage.refuses(call, "operation_unsupported").await;
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(currency), "{currency}: it is said why: {detail}");
    }
    let refund = "/v1/payments/order_0001/refunds/refund_0001?channel=stripe";
    let problem = stage.refuses(Call("GET", refund, Value::Null), "field_invalid").await;
    assert_eq!(problem["errors"][0]["parameter"], "reference", "Stripe finds by its own alone");
    stage.answers(200, &intent("succeeded"));
    let other = Call("GET", "/v1/payments/order_0002?channel=stripe&reference=pi_1", Value::Null);
    stage.tells(other, (404, "not_found")).await;
}
