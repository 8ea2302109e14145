//! `stripe` from npm calls `localstripe` from `PyPI`.

use serde_json::{Value, json};

use crate::{script::Script, tap::Tap};

const KEY: &str = "sk_test_theInstitutionsOwnSecretKey";

/// An application of the institution, and Stripe's stand-in behind a tap.
struct Stage {
    application: Script,
    tap: Tap,
    _stripe: Script,
}

impl Stage {
    async fn new() -> Self {
        let mut stripe = Script::python("stripe_provider.py");
        let port = stripe.ask("listen", json!({})).await.as_u64().expect("a port");
        let tap = Tap::before(port.try_into().unwrap()).await;
        let mut application = Script::node("stripe.js");
        let at = tap.address.port();
        application.ask("connect", json!({ "port": at, "key": KEY, "retries": 2 })).await;
        Self { application, tap, _stripe: stripe }
    }

    /// A call that must succeed; what it made or found.
    async fn call(&mut self, on: &str, method: &str, with: Value) -> Value {
        let answer = self.application.ask("call", call(on, method, with)).await;
        assert_eq!(answer["status"], 200, "{on}.{method}: {answer}");
        answer["result"].clone()
    }

    /// A call that must fail; the error that the SDK throws.
    async fn fail(&mut self, on: &str, method: &str, with: Value) -> Value {
        let answer = self.application.try_ask("call", call(on, method, with)).await;
        answer.expect_err("the SDK throws an error")
    }
}

fn call(on: &str, method: &str, with: Value) -> Value {
    let mut call = json!({ "on": on, "method": method });
    call["with"] = with;
    call
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the SDKs: make test-sdk"]
async fn the_stand_in_and_the_sdk_agree() {
    let mut stage = Stage::new().await;
    let order = json!([{ "amount": 1250, "currency": "eur" }]);
    let made = stage.call("paymentIntents", "create", order).await;
    assert_eq!(made["status"], "requires_payment_method", "a payment is made: {made}");
    let found = stage.call("paymentIntents", "retrieve", json!([made["id"]])).await;
    assert_eq!(found["amount"], 1250, "and found: {found}");
    let nobody = stage.fail("paymentIntents", "retrieve", json!(["pi_nobody"])).await;
    assert_eq!(nobody["status"], 404, "another is not: {nobody}");
    let heard = stage.tap.heard();
    assert_eq!(heard.matches(&format!("Authorization: Bearer {KEY}")).count(), 3, "{heard}");

    let event = json!({ "payload": "{}", "secret": "whsec_a" });
    let header = stage.application.ask("sign", event).await;
    let taken = json!({ "payload": "{}", "header": header, "secret": "whsec_a" });
    stage.application.ask("verify", taken).await;
    let refused = json!({ "payload": "{ }", "header": header, "secret": "whsec_a" });
    let refused = stage.application.try_ask("verify", refused).await;
    assert!(refused.is_err(), "the SDK refuses what it did not sign");
}
