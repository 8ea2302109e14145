//! Stripe: the endpoint's signing secret, and the account's secret key.

use std::sync::Arc;

use aws_lc_rs::hmac;
use tollgate::sandbox::twin::hex;
use tollgate_api::{Clock, SystemClock};

use super::*;

struct Scene {
    stand: Stand,
    /// Between Stripe and the gateway's route for webhooks.
    post: Relay,
    institution: Provider,
}

impl Scene {
    async fn new() -> (Arc<Self>, Gateway) {
        let institution = Provider::http1(|_| Reply::new(204, "")).await;
        let post = Relay::new().await;
        let stand = Stand::new("stripe", &format!("{}/told", post.server.url()));
        let gateway = stand
            .recipe(format!(
                "listeners: {{ plain: {{ address: '127.0.0.1:0' }} }}
routes:
  calls:
    match: {{ path_prefix: /v1 }}
    unauthenticated: true
    send_to: [{{ upstream: provider }}]
  events:
    match: {{ path: /told, methods: [POST] }}
    plugins: [{{ stripe: {{ webhook_secrets: [{{ file: twin/webhook_secret }}] }} }}]
    send_to: [{{ upstream: institution }}]
upstreams:
  provider:
    endpoints: ['http://{}']
    plugins: [{{ stripe: {{ secret_key: {{ file: twin/secret_key }} }} }}]
  institution: {{ endpoints: ['{}'] }}
",
                stand.address,
                institution.url()
            ))
            .start();
        post.leads_to(gateway.address("plain"));
        (Arc::new(Self { stand, post, institution }), gateway)
    }

    /// Brings the first webhook once more, signed with this secret alone so many seconds ago: each time
    /// must be another one.
    async fn tell_again(&self, gateway: &Gateway, secret: &str, age: u64) -> Answer {
        let mut message = Message::of_request(&self.post.server.requests()[0]);
        let time = SystemClock::new().unix().as_secs() - age;
        let signed = [format!("{time}.").as_bytes(), &message.body].concat();
        let code = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), &signed);
        message.headers.retain(|(name, _)| name != "stripe-signature");
        let signature = format!("t={time},v1={}", hex(code.as_ref()));
        message.headers.push(("stripe-signature".to_owned(), signature));
        message.send(&mut gateway.http1().await).await
    }
}

impl Shop for Scene {
    async fn order(&self, caller: &mut Http1, name: &str) {
        let body = "amount=500&currency=usd&payment_method=pm_card_visa&confirm=true\
                    &payment_method_types[]=card";
        let form = ("content-type", "application/x-www-form-urlencoded");
        let fields = [LOCAL, form, ("idempotency-key", name)];
        let paid = caller.call("POST", "/v1/payment_intents", &fields, body.as_bytes(), None).await;
        assert_eq!(paid.status, 200, "{name} is paid: {:?} {}", paid.fault(), paid.text());
        let paid: Value = serde_json::from_slice(&paid.body).unwrap();
        let path = format!("/v1/payment_intents/{}", paid["id"].as_str().unwrap());
        let found = caller.call("GET", &path, &[LOCAL], b"", None).await;
        assert_eq!(found.status, 200, "{name} is found: {:?} {}", found.fault(), found.text());
    }
}

/// A payment tells of itself and of its charge.
const EVENTS: usize = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_secret_of_stripe_changes_under_load_and_no_event_is_lost() {
    let (scene, gateway) = Scene::new().await;
    let secret = scene.stand.file("webhook_secret");
    let load = Load::start(&scene, gateway.address("plain"), "order");
    load.turns(1).await;
    // Stripe signs with both while the gateway knows the old one.
    let secrets = scene.stand.twin.rotate().await.unwrap();
    assert_eq!(secrets["webhook_secrets"].as_array().unwrap().len(), 2, "both are good");
    load.turns(1).await;
    // The gateway knows both.
    gateway.folder.write("twin/new_secret", scene.stand.file("webhook_secret"));
    let old = "{ file: twin/webhook_secret }";
    let both = "{ file: twin/webhook_secret }, { file: twin/new_secret }";
    change(&gateway, &[(old, both)]).await;
    load.turns(1).await;
    // Stripe signs with the new one alone.
    scene.stand.twin.retire();
    load.turns(1).await;
    let told = scene.tell_again(&gateway, &secret, 20).await;
    assert_eq!(told.status, 200, "the old one still counts: {}", told.text());
    // The gateway knows the new one alone.
    change(&gateway, &[(both, "{ file: twin/new_secret }")]).await;
    load.turns(2).await;
    let orders = load.end().await;
    delivered(&scene.stand, &scene.institution, EVENTS * orders).await;
    let told = scene.tell_again(&gateway, &secret, 40).await;
    assert_eq!(told.fault().as_deref(), Some("signature_invalid"), "the old one alone is no proof");
    let new = scene.stand.file("webhook_secret");
    let told = scene.tell_again(&gateway, &new, 60).await;
    assert_eq!(told.status, 200, "the new one is: {}", told.text());
    assert_eq!(scene.institution.requests().len(), EVENTS * orders, "nothing came a second time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_key_of_stripe_changes_under_load_and_the_old_one_is_not_seen_again() {
    let (scene, gateway) = Scene::new().await;
    let load = Load::start(&scene, gateway.address("plain"), "order");
    load.turns(2).await;
    scene.stand.twin.renew().await.unwrap();
    gateway.folder.write("twin/new_key", scene.stand.file("secret_key"));
    change(&gateway, &[("twin/secret_key", "twin/new_key")]).await;
    // What had begun ends with the old one.
    load.turns(1).await;
    let before = seen(&scene.stand);
    load.turns(2).await;
    let after = seen(&scene.stand);
    assert_eq!(after[0], before[0], "the old one is not seen any more");
    assert!(after[1] >= before[1] + 16, "the new one is: {after:?}");
    scene.stand.twin.revoke();
    load.turns(2).await;
    let orders = load.end().await;
    assert_eq!(scene.stand.refusals(), [""; 0], "Stripe refused nothing");
    assert_eq!(seen(&scene.stand)[0], after[0], "and it was not seen after it had ended either");
    delivered(&scene.stand, &scene.institution, EVENTS * orders).await;
}
