//! What is asked of the wrong payment at Stripe, or of a payment whose number nobody knows.

use serde_json::{Value, json};

use super::stage::{Call, Sent, Stage, parsed};

const SEARCH: &str = "/v1/payments/order_0001?channel=stripe";

fn intent(order: &Value, currency: &str) -> Value {
    json!({ "id": "pi_1", "object": "payment_intent", "status": "succeeded", "amount": 1050,
        "currency": currency, "client_secret": "pi_1_secret_2",
        "latest_charge": { "amount_refunded": 0, "refunded": false },
        "metadata": { "order_id": order } })
}

/// The provider did it, and it was not what was meant.
async fn is_a_mismatch(stage: &Stage, call: Call<'_>, expected: &Value) {
    let what = format!("{} {}", call.1, call.2);
    let answer = stage.call(call).await;
    assert_eq!(answer.status, 502, "{what}: not as if it were done: {}", answer.text());
    assert_eq!(answer.fault(), None, "{what}: it is the provider's word");
    let told = parsed(&answer);
    let mut error = told["error"].clone();
    let message = error.as_object_mut().unwrap().remove("message");
    assert!(message.is_some_and(|text| text.is_string()), "{what}: in words: {told}");
    assert_eq!(error, *expected, "{what}: whose it was");
    assert_eq!(told.as_object().unwrap().len(), 1, "{what}: and nothing that looks done: {told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_of_another_order_or_currency_is_never_told_as_the_one_that_was_meant() {
    let stage = Stage::new().await;
    for (asked, order, paid) in [
        ("USD", json!("order_0002"), "usd"),
        ("KWD", json!("order_0001"), "usd"),
        ("USD", json!("order_0001"), "isk"),
        ("USD", Value::Null, "usd"),
    ] {
        stage.answers(
            200,
            &json!({ "id": "re_1", "object": "refund", "status": "succeeded", "amount": 10500,
                "currency": paid, "payment_intent": intent(&order, paid),
                "metadata": { "order_id": "order_0001", "refund_id": "refund_0001" } }),
        );
        let refund = json!({ "channel": "stripe", "refund_id": "refund_0001", "amount": "10.50",
            "currency": asked, "reference": "pi_1" });
        let expected = json!({ "code": "mismatch", "order_id": order,
            "currency": paid.to_uppercase(), "provider_reference": "re_1" });
        let call = Call("POST", "/v1/payments/order_0001/refunds", refund);
        is_a_mismatch(&stage, call, &expected).await;
    }
    // Without the payment nobody can tell whose it was.
    stage.answers(
        200,
        &json!({ "id": "re_1", "object": "refund", "status": "succeeded", "amount": 1050,
            "currency": "usd", "payment_intent": "pi_1",
            "metadata": { "order_id": "order_0001", "refund_id": "refund_0001" } }),
    );
    let refund = json!({ "channel": "stripe", "refund_id": "refund_0001", "amount": "10.50",
        "currency": "USD", "reference": "pi_1" });
    let answer = stage.call(Call("POST", "/v1/payments/order_0001/refunds", refund)).await;
    assert_eq!(answer.fault().as_deref(), Some("upstream_invalid_answer"), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancellation_of_another_order_is_never_told_as_the_one_that_was_meant() {
    let stage = Stage::new().await;
    for order in [json!("order_0002"), Value::Null] {
        stage.answers(200, &intent(&order, "usd"));
        let cancel = json!({ "channel": "stripe", "reference": "pi_1" });
        let expected =
            json!({ "code": "mismatch", "order_id": order, "provider_reference": "pi_1" });
        let call = Call("POST", "/v1/payments/order_0001/cancel", cancel);
        is_a_mismatch(&stage, call, &expected).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancellation_that_failed_is_not_repeated_by_its_key() {
    let stage = Stage::new().await;
    stage.answers(400, &json!({ "error": { "code": "payment_intent_unexpected_state" } }));
    let mut keys = Vec::new();
    for _ in 0..2 {
        let cancel = json!({ "channel": "stripe", "reference": "pi_1" });
        let call = Call("POST", "/v1/payments/order_0001/cancel", cancel);
        stage.tells(call, (409, "conflict")).await;
        keys.extend(stage.last().header("idempotency-key"));
    }
    assert_eq!(keys.len(), 2, "each has a key");
    assert_ne!(keys[0], keys[1], "and Stripe looks anew each time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_whose_answer_was_lost_is_found_by_its_order() {
    let stage = Stage::new().await;
    let page = |data: Vec<Value>| {
        json!({ "object": "search_result", "url": "/v1/payment_intents/search", "data": data,
            "has_more": false, "next_page": null })
    };
    let target = "GET /v1/payment_intents/search?expand%5B%5D=data.latest_charge&limit=10&query=metadata%5B%27order_id%27%5D%3A%27order_0001%27";
    let own = json!("order_0001");
    for (amount, all, status) in
        [(0, false, "paid"), (250, false, "partially_refunded"), (1050, true, "refunded")]
    {
        let mut found = intent(&own, "usd");
        found["latest_charge"] = json!({ "amount_refunded": amount, "refunded": all });
        stage.answers(200, &page(vec![found]));
        let expected = json!({ "order_id": "order_0001", "channel": "stripe", "status": status,
            "amount": "10.50", "currency": "USD", "provider_reference": "pi_1" });
        let call = Call("GET", SEARCH, Value::Null);
        stage.maps(status, call, Sent(target, ""), &expected).await;
    }
    for (state, status) in [
        ("requires_payment_method", "requires_action"),
        ("processing", "pending"),
        ("requires_capture", "pending"),
        ("canceled", "canceled"),
    ] {
        let mut found = intent(&own, "usd");
        found["status"] = state.into();
        found["latest_charge"] = Value::Null;
        stage.answers(200, &page(vec![found]));
        let answer = parsed(&stage.call(Call("GET", SEARCH, Value::Null)).await);
        assert_eq!(answer["status"], status, "{state}: {answer}");
    }
    for (what, found) in
        [("nothing", vec![]), ("in capitals", vec![intent(&json!("ORDER_0001"), "usd")])]
    {
        stage.answers(200, &page(found));
        stage.tells(Call("GET", SEARCH, Value::Null), (404, "not_found")).await;
        assert_eq!(stage.last().method, "GET", "{what}");
    }
    stage.answers(200, &page(vec![intent(&own, "usd"), intent(&own, "usd")]));
    let answer = stage.call(Call("GET", SEARCH, Value::Null)).await;
    let expected = json!({ "code": "ambiguous", "provider_references": ["pi_1", "pi_1"] });
    assert_eq!((answer.status, &parsed(&answer)["error"]), (409, &expected), "two of them");
    for order in ["a%27b%27c%27d", "%27%20OR%20amount%3E1%20", "order-0001"] {
        let path = format!("/v1/payments/{order}?channel=stripe");
        let problem = stage.refuses(Call("GET", &path, Value::Null), "field_invalid").await;
        assert_eq!(problem["errors"][0]["parameter"], "order_id", "{order} is not put in quotes");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amounts_in_units_of_stripes_own_are_never_converted() {
    let stage = Stage::new().await;
    let own = json!("order_0001");
    let refund = |currency: &str| {
        json!({ "id": "re_1", "object": "refund", "status": "succeeded", "amount": 1050,
            "currency": currency,
            "metadata": { "order_id": "order_0001", "refund_id": "refund_0001" } })
    };
    for currency in ["isk", "mga", "ugx"] {
        let with = format!("{SEARCH}&reference=pi_1");
        let refunds = "/v1/payments/order_0001/refunds/refund_0001?channel=stripe&reference=re_1";
        let cancel = json!({ "channel": "stripe", "reference": "pi_1" });
        let page = json!({ "object": "search_result", "data": [intent(&own, currency)] });
        for (call, answer) in [
            (Call("GET", &with, Value::Null), intent(&own, currency)),
            (Call("GET", SEARCH, Value::Null), page),
            (Call("GET", refunds, Value::Null), refund(currency)),
            (Call("POST", "/v1/payments/order_0001/cancel", cancel), intent(&own, currency)),
        ] {
            let what = format!("{currency}: {} {}", call.0, call.1);
            stage.answers(200, &answer);
            let answer = stage.call(call).await;
            let fault = answer.fault();
            assert_eq!(fault.as_deref(), Some("upstream_invalid_answer"), "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_that_was_declined_can_be_found_again() {
    let stage = Stage::new().await;
    let mut open = intent(&json!("order_0001"), "usd");
    open["status"] = "requires_payment_method".into();
    let payment = json!({ "channel": "stripe", "order_id": "order_0001", "amount": "10.50",
        "currency": "USD", "description": "Tea", "payment_method": "pm_1" });
    for (status, error, code) in [
        (402, json!({ "type": "card_error", "payment_intent": open }), "declined"),
        (
            400,
            json!({ "code": "payment_intent_unexpected_state", "payment_intent": open }),
            "conflict",
        ),
    ] {
        stage.answers(status, &json!({ "error": error }));
        let answer = stage.call(Call("POST", "/v1/payments", payment.clone())).await;
        let error = &parsed(&answer)["error"];
        assert_eq!(error["code"], code, "{}", answer.text());
        assert_eq!(error["provider_reference"], "pi_1", "{code}: which payment it is");
    }
}
