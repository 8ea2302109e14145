//! `stripe` from npm calls `localstripe` from `PyPI` through the gateway, and gets its signed events back.

mod calls;
mod events;

use serde_json::{Value, json};

use crate::{
    script::Script,
    support::{Authority, Gateway, Recipe},
    tap::Tap,
};

/// The key of the institution, which its applications never see.
const KEY: &str = "sk_test_theInstitutionsOwnSecretKey";
/// What an application has to give its SDK instead.
const PLACEHOLDER: &str = "sk_test_placeholder";
const VERSION: &str = "2025-09-30.clover";

/// An application of the institution, and Stripe's stand-in behind a tap.
struct Stage {
    application: Script,
    authority: Authority,
    tap: Tap,
    /// Where the stand-in itself listens.
    port: u16,
    _stripe: Script,
}

impl Stage {
    async fn new() -> Self {
        let mut stripe = Script::python("stripe_provider.py");
        let port = stripe.ask("listen", json!({})).await.as_u64().expect("a port");
        let port = port.try_into().unwrap();
        let authority = Authority::new();
        let tap = Tap::before(port, &authority).await;
        let application = Script::node("stripe.js");
        Self { application, authority, tap, port, _stripe: stripe }
    }

    /// Has the application call what listens at this port, and repeat what fails as the SDK sees fit.
    async fn connect(&mut self, port: u16, key: &str) {
        let settings = json!({ "port": port, "key": key, "retries": 2 });
        self.application.ask("connect", settings).await;
    }

    /// Has the application call a gateway whose upstream is the stand-in, with this plugin.
    async fn through(&mut self, plugin: &str) -> Gateway {
        let gateway = Recipe::to_endpoints(&[&format!("https://{}", self.tap.address)])
            .file("trust.pem", self.authority.pem())
            .file("stripe.key", KEY)
            .upstream("tls: { trust: trust.pem }")
            .upstream_plugin(plugin)
            .start();
        self.connect(gateway.address("plain").port(), PLACEHOLDER).await;
        gateway
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
    stage.connect(stage.port, KEY).await;
    let order = json!([{ "amount": 1250, "currency": "eur" }]);
    let made = stage.call("paymentIntents", "create", order).await;
    assert_eq!(made["status"], "requires_payment_method", "a payment is made: {made}");
    let found = stage.call("paymentIntents", "retrieve", json!([made["id"]])).await;
    assert_eq!(found["amount"], 1250, "and found: {found}");
    let nobody = stage.fail("paymentIntents", "retrieve", json!(["pi_nobody"])).await;
    assert_eq!(nobody["status"], 404, "another is not: {nobody}");

    let event = json!({ "payload": "{}", "secret": "whsec_a" });
    let header = stage.application.ask("sign", event).await;
    let taken = json!({ "payload": "{}", "header": header, "secret": "whsec_a" });
    stage.application.ask("verify", taken).await;
    let refused = json!({ "payload": "{ }", "header": header, "secret": "whsec_a" });
    let refused = stage.application.try_ask("verify", refused).await;
    assert!(refused.is_err(), "the SDK refuses what it did not sign");
}
