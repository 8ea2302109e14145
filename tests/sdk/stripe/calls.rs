//! An application calls Stripe through the gateway.

use serde_json::json;

use super::{KEY, PLACEHOLDER, Stage, VERSION};
use crate::support::{Recipe, Refusing};

/// The values of a field in every head that a tap heard.
fn fields<'a>(heard: &'a str, name: &str) -> Vec<&'a str> {
    let lines = heard.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the SDKs: make test-sdk"]
async fn an_application_pays_refunds_and_cancels_without_the_institutions_key() {
    let mut stage = Stage::new().await;
    let plugin = format!("stripe: {{ secret_key: {{ file: stripe.key }}, version: {VERSION} }}");
    let _gateway = stage.through(&plugin).await;
    let number = "4242424242424242";
    let card = json!({ "number": number, "exp_month": 12, "exp_year": 2040, "cvc": "123" });
    let card = json!([{ "type": "card", "card": card }]);
    let card = stage.call("paymentMethods", "create", card).await["id"].clone();
    stage.tap.heard();

    let order = json!({ "amount": 1250, "currency": "eur", "payment_method": card });
    let order = json!([order, { "idempotencyKey": "order-17" }]);
    let made = stage.call("paymentIntents", "create", order).await;
    assert_eq!(made["status"], "requires_confirmation", "a payment is made: {made}");
    let heard = stage.tap.heard();
    let bearer = format!("Bearer {KEY}");
    assert_eq!(fields(&heard, "authorization"), [&bearer], "with the gateway's key: {heard}");
    assert_eq!(fields(&heard, "stripe-version"), [VERSION], "and its version: {heard}");
    assert_eq!(fields(&heard, "idempotency-key"), ["order-17"], "and the order's key: {heard}");
    assert!(!heard.contains(PLACEHOLDER), "nothing of the application's key: {heard}");

    let id = &made["id"];
    let paid = stage.call("paymentIntents", "confirm", json!([id])).await;
    assert_eq!(paid["status"], "succeeded", "it is confirmed: {paid}");
    let found = stage.call("paymentIntents", "retrieve", json!([id])).await;
    assert_eq!((&found["status"], &found["amount"]), (&json!("succeeded"), &json!(1250)), "found");
    let part = json!([{ "payment_intent": id, "amount": 400 }]);
    let refund = stage.call("refunds", "create", part).await;
    assert_eq!((&refund["status"], &refund["amount"]), (&json!("succeeded"), &json!(400)), "back");
    let other = json!([{ "amount": 300, "currency": "usd", "payment_method": card }]);
    let other = stage.call("paymentIntents", "create", other).await;
    let cancelled = stage.call("paymentIntents", "cancel", json!([other["id"]])).await;
    assert_eq!(cancelled["status"], "canceled", "another is cancelled: {cancelled}");

    let heard = stage.tap.heard();
    assert_eq!(fields(&heard, "authorization"), [&bearer; 5], "each with the gateway's key");
    let keys = fields(&heard, "idempotency-key");
    assert_eq!(keys.len(), 4, "each that changes something with a key of its own: {keys:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the SDKs: make test-sdk"]
async fn errors_of_stripe_reach_the_application_as_stripes_own() {
    let mut stage = Stage::new().await;
    let _gateway = stage.through("stripe: { secret_key: { file: stripe.key } }").await;
    let nobody = stage.fail("paymentIntents", "retrieve", json!(["pi_nobody"])).await;
    assert_eq!(nobody["status"], 404, "an unknown payment: {nobody}");
    assert_eq!(nobody["type"], "StripeInvalidRequestError", "in the SDK's words: {nobody}");
    let wrong = json!([{ "amount": -1, "currency": "eur" }]);
    let wrong = stage.fail("paymentIntents", "create", wrong).await;
    assert_eq!(wrong["status"], 400, "a wrong amount: {wrong}");
    for error in [&nobody, &wrong] {
        assert!(error["headers"]["tollgate-error"].is_null(), "no fault of the gateway: {error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the SDKs: make test-sdk"]
async fn an_idempotency_key_that_stripe_would_not_take_never_reaches_it() {
    let mut stage = Stage::new().await;
    let _gateway = stage.through("stripe: { secret_key: { file: stripe.key } }").await;
    let order = json!({ "amount": 1250, "currency": "eur" });
    let long = json!([order, { "idempotencyKey": "k".repeat(256) }]);
    let refused = stage.fail("paymentIntents", "create", long).await;
    assert_eq!(refused["status"], 400, "the gateway refuses: {refused}");
    let code = &refused["headers"]["tollgate-error"];
    assert_eq!(code, "idempotency_key_invalid", "and says that it was the gateway: {refused}");
    assert_eq!(stage.tap.heard(), "", "Stripe hears nothing");

    let longest = "k".repeat(255);
    let made = json!([order, { "idempotencyKey": longest }]);
    stage.call("paymentIntents", "create", made).await;
    assert_eq!(fields(&stage.tap.heard(), "idempotency-key"), [longest], "the longest is sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the SDKs: make test-sdk"]
async fn no_refusal_of_the_gateway_is_a_payment_to_the_application() {
    let mut stage = Stage::new().await;
    let nobody = Refusing::new();
    for (what, recipe, code) in [
        ("no connection", Recipe::to_endpoints(&[&nobody.url()]), "upstream_unreachable"),
        (
            "another path",
            Recipe::to_endpoints(&[&nobody.url()]).route("match: { path: /v2 }"),
            "route_not_found",
        ),
        (
            "too many",
            Recipe::to_endpoints(&[&nobody.url()])
                .plugin("rate_limit: { per: address, limit: 1/h }"),
            "rate_limited",
        ),
    ] {
        let gateway = recipe.start();
        stage.connect(gateway.address("plain").port(), PLACEHOLDER).await;
        let order = json!([{ "amount": 1250, "currency": "eur" }]);
        // The SDK repeats some of them by itself.
        let error = stage.fail("paymentIntents", "create", order).await;
        let told = &error["headers"]["tollgate-error"];
        assert_eq!(told, code, "{what}: {error}");
        assert_eq!(error["code"], code, "the application can tell: {error}");
    }
}
