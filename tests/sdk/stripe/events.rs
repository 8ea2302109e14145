//! Stripe's events reach the institution through the gateway, and nobody else's do.

use serde_json::{Value, json};
use tollgate_api::{Clock, SystemClock};

use super::Stage;
use crate::support::{Answer, Gateway, Http1, LOCAL, Provider, Recipe, Reply};

/// What Stripe signs with today, and until yesterday.
const SECRETS: [&str; 2] = ["whsec_theNewSecret", "whsec_theOldSecret"];

/// Where the institution receives events and answers with this status, and the gateway before it.
async fn receiving(status: u16) -> (Provider, Gateway) {
    let institution = Provider::http1(move |_| Reply::new(status, "{}")).await;
    let secrets = "{ webhook_secrets: [{ file: new.secret }, { file: old.secret }] }";
    let recipe = Recipe::to(&institution).file("new.secret", SECRETS[0]);
    let recipe = recipe.file("old.secret", SECRETS[1]).plugin(&format!("stripe: {secrets}"));
    (institution, recipe.start())
}

fn event(id: &str) -> String {
    json!({ "id": id, "object": "event", "type": "charge.refunded", "data": { "object": {} } })
        .to_string()
}

async fn send(gateway: &Gateway, signature: &str, body: &str) -> Answer {
    let headers = [("content-type", "application/json"), ("stripe-signature", signature)];
    let mut stripe = gateway.http1().await;
    stripe.call("POST", "/stripe/events", &headers, body.as_bytes(), None).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the SDKs: make test-sdk"]
async fn an_event_of_localstripe_arrives_and_one_under_another_secret_does_not() {
    let mut stage = Stage::new().await;
    let (institution, gateway) = receiving(200).await;
    let url = format!("http://{}/stripe/events", gateway.address("plain"));
    // In this order: once the good one has arrived, the bad one was refused.
    for (id, secret) in [("bad", "whsec_ofSomebodyElse"), ("good", SECRETS[0])] {
        let hook = json!({ "url": url, "secret": secret, "events": ["customer.created"] });
        let (path, body) = (format!("/_config/webhooks/{id}"), hook.to_string());
        let headers = [("content-type", "application/json"), LOCAL];
        let mut operator = Http1::connect(([127, 0, 0, 1], stage.port).into()).await;
        let answer = operator.call("POST", &path, &headers, body.as_bytes(), None).await;
        assert_eq!(answer.status, 200, "localstripe takes the webhook: {}", answer.text());
    }
    stage.connect(stage.port, super::KEY).await;
    let customer = json!([{ "name": "中 & Müller" }]);
    let customer = stage.call("customers", "create", customer).await;
    institution.until("the event arrives", |events| events.iter().any(|e| e.complete)).await;

    let received = institution.only_request();
    let event: Value = serde_json::from_slice(&received.body).expect("the event is JSON");
    assert_eq!(event["type"], "customer.created", "as it was sent: {event}");
    assert_eq!(event["data"]["object"]["id"], customer["id"], "about this customer: {event}");
    assert_eq!(received.header("stripe-signature"), None, "without what was checked already");
    let refused = [("code", "signature_invalid")];
    let metrics = gateway.metrics().await;
    assert_eq!(metrics.count("tollgate_faults_total", &refused), 1, "the other was refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the SDKs: make test-sdk"]
async fn events_signed_by_the_sdk_are_taken_under_either_secret_and_only_as_signed() {
    let mut stage = Stage::new().await;
    let (institution, gateway) = receiving(200).await;
    let now = SystemClock::new().unix().as_secs();
    for (number, secret) in SECRETS.iter().enumerate() {
        let body = event(&format!("evt_{number}"));
        let signing = json!({ "payload": body, "secret": secret });
        let header = stage.application.ask("sign", signing).await;
        let answer = send(&gateway, header.as_str().unwrap(), &body).await;
        assert_eq!(answer.status, 200, "under secret {number}: {}", answer.text());
    }
    let received = institution.requests();
    assert_eq!(received.len(), 2, "both arrived");
    assert_eq!(received[1].body, event("evt_1").into_bytes(), "byte for byte");

    let body = event("evt_2");
    let changed = body.replace("refunded", "captured");
    for (what, secret, at, sent, code) in [
        ("another secret", "whsec_ofSomebodyElse", now, &body, "signature_invalid"),
        ("a changed body", SECRETS[0], now, &changed, "signature_invalid"),
        ("an old time", SECRETS[0], now - 310, &body, "signature_expired"),
        ("a time to come", SECRETS[0], now + 310, &body, "signature_expired"),
    ] {
        let signing = json!({ "payload": body, "secret": secret, "timestamp": at });
        let header = stage.application.ask("sign", signing).await;
        let answer = send(&gateway, header.as_str().unwrap(), sent).await;
        assert_eq!(answer.fault().as_deref(), Some(code), "{what} is refused: {answer:?}");
    }
    let answer = send(&gateway, "", &body).await;
    assert_eq!(answer.status, 401, "an empty signature is refused: {answer:?}");
    assert_eq!(institution.requests().len(), 2, "the institution saw none of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the SDKs: make test-sdk"]
async fn an_event_is_delivered_until_it_is_taken_and_never_again() {
    let mut stage = Stage::new().await;
    let now = SystemClock::new().unix().as_secs();
    let body = event("evt_1");
    // Stripe signs each repetition anew.
    let mut headers = Vec::new();
    for age in [2, 1, 0] {
        let signing = json!({ "payload": body, "secret": SECRETS[0], "timestamp": now - age });
        headers.push(stage.application.ask("sign", signing).await.as_str().unwrap().to_owned());
    }
    for (status, deliveries) in [(503, 3), (200, 1)] {
        let (institution, gateway) = receiving(status).await;
        for header in &headers {
            let answer = send(&gateway, header, &body).await;
            assert_eq!(answer.status, status, "Stripe learns whether it was taken: {answer:?}");
        }
        assert_eq!(institution.requests().len(), deliveries, "delivered until taken: {status}");
        let again = send(&gateway, &headers[0], &body).await;
        let code = Some("signature_replayed");
        assert_eq!(again.fault().as_deref(), code, "the very same message is refused: {again:?}");
    }
}
