//! Stripe: what leaves for it, what comes back, and what the institution receives of its webhooks.

use std::time::{SystemTime, UNIX_EPOCH};

use tollgate_crypto::{hmac_sha256, to_hex};

use crate::support::*;

const KEY: &str = "sk_test_0Canary5uWZ9pQ2xk";
const SECRET: &str = "whsec_0Canary5uWZ9pQ2xk";
const EVENT: &[u8] = b"{\n  \"id\": \"evt_1\",\n  \"object\": \"event\",\n  \"livemode\": false\n}";

fn calls(provider: &Provider, more: &str) -> Recipe {
    Recipe::to(provider).file("key", format!("{KEY}\n")).upstream_plugin(&format!(
        "stripe: {{ secret_key: {{ file: key }}, version: 2025-09-30.clover{more} }}"
    ))
}

fn webhooks(institution: &Provider) -> Recipe {
    Recipe::to(institution)
        .file("secret", format!("{SECRET}\n"))
        .plugin("stripe: { webhook_secrets: [{ file: secret }], livemode: false }")
}

/// A header over this body, signed this many seconds ago.
#[expect(clippy::disallowed_methods, reason = "the gateway under test has the system's clock")]
fn signed(ago: u64, body: &[u8]) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let time = (now - ago).to_string();
    let message = [time.as_bytes(), b".", body].concat();
    format!("t={time},v1={}", to_hex(&hmac_sha256(SECRET.as_bytes(), &message)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_reaches_stripe_with_our_key_and_its_answer_the_caller_with_stripes_advice() {
    let provider = Provider::http1(|_| {
        Reply::new(409, r#"{"error":{"type":"idempotency_error"}}"#)
            .with("request-id", "req_1")
            .with("idempotent-replayed", "true")
            .with("stripe-should-retry", "false")
    })
    .await;
    let gateway = calls(&provider, "").start();
    let mut caller = gateway.http1().await;
    let headers = [
        LOCAL,
        ("authorization", "Bearer sk_live_theirs"),
        ("stripe-version", "2020-08-27"),
        ("idempotency-key", "\"order-1\""),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let body = b"amount=1099&currency=eur";
    let answer = caller.call("POST", "/v1/payment_intents", &headers, body, None).await;
    assert_eq!(answer.status, 409, "Stripe's own answer: {}", answer.text());
    assert_eq!(answer.fault(), None, "and not ours");
    for (name, value) in
        [("request-id", "req_1"), ("idempotent-replayed", "true"), ("stripe-should-retry", "false")]
    {
        assert_eq!(answer.header(name).as_deref(), Some(value), "`{name}` reaches the caller");
    }
    let received = &provider.requests()[0];
    for (name, value) in [
        ("authorization", format!("Bearer {KEY}").as_str()),
        ("stripe-version", "2025-09-30.clover"),
        ("idempotency-key", "order-1"),
    ] {
        assert_eq!(received.header(name).as_deref(), Some(value), "`{name}` reaches Stripe");
    }
    assert_eq!(received.body, body, "the form as it was sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_without_a_key_or_on_a_foreign_account_does_not_reach_stripe() {
    let provider = Provider::http1(|_| Reply::new(200, "{}")).await;
    let gateway = calls(&provider, ", accounts: [acct_1]").start();
    let mut caller = gateway.http1().await;
    let key = ("idempotency-key", "order-1");
    for (headers, status, code) in [
        (vec![], 400, "idempotency_key_invalid"),
        (vec![key, key], 400, "idempotency_key_invalid"),
        (vec![key, ("stripe-account", "acct_2")], 403, "account_denied"),
        (vec![key, ("stripe-context", "acct_1/acct_2")], 403, "account_denied"),
    ] {
        let headers: Vec<_> = [LOCAL].into_iter().chain(headers).collect();
        let answer = caller.call("POST", "/v1/refunds", &headers, b"", None).await;
        assert_eq!(answer.status, status, "{headers:?}: {}", answer.text());
        assert_eq!(answer.fault().as_deref(), Some(code), "{headers:?}");
    }
    assert!(provider.requests().is_empty(), "nothing was sent");
    let headers = [LOCAL, key, ("stripe-account", "acct_1")];
    let answer = caller.call("POST", "/v1/refunds", &headers, b"", None).await;
    assert_eq!(answer.status, 200, "an account that it may act on: {}", answer.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_reaches_the_institution_once_and_stripe_hears_that_it_did() {
    let institution = Provider::http1(|_| Reply::new(204, "").with("x-internal", "detail")).await;
    let gateway = webhooks(&institution).start();
    let mut stripe = gateway.http1().await;
    for ago in [2, 1] {
        let header = signed(ago, EVENT);
        let headers = [LOCAL, ("stripe-signature", header.as_str())];
        let answer = stripe.call("POST", "/webhooks/stripe", &headers, EVENT, None).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.text(), r#"{"received":true}"#, "acknowledged");
        assert_eq!(answer.header("x-internal"), None, "with nothing of the institution's");
    }
    let received = institution.requests();
    assert_eq!(received.len(), 1, "the second sending is not delivered");
    assert_eq!(received[0].body, EVENT, "the event as it was signed");
    assert_eq!(received[0].header("stripe-signature"), None, "without the signature");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_is_not_proved_does_not_reach_the_institution() {
    let institution = Provider::http1(|_| Reply::new(200, "")).await;
    let gateway = webhooks(&institution).start();
    let mut stripe = gateway.http1().await;
    let sound = signed(0, EVENT);
    let live = br#"{"id":"evt_2","livemode":true}"#;
    let (old, other) = (signed(302, EVENT), signed(0, live));
    let tampered = [EVENT, b" "].concat();
    for (header, body, status, code) in [
        (None, EVENT, 401, "signature_missing"),
        (Some(&sound), tampered.as_slice(), 401, "signature_invalid"),
        (Some(&old), EVENT, 401, "signature_expired"),
        (Some(&other), live.as_slice(), 403, "notification_misdirected"),
    ] {
        let mut headers = vec![LOCAL];
        headers.extend(header.map(|header| ("stripe-signature", header.as_str())));
        let answer = stripe.call("POST", "/webhooks/stripe", &headers, body, None).await;
        assert_eq!(answer.status, status, "{code}: {}", answer.text());
        assert_eq!(answer.fault().as_deref(), Some(code), "with {header:?}");
    }
    assert!(institution.requests().is_empty(), "nothing was delivered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_institution_that_fails_hears_of_the_event_again() {
    let failures = std::sync::atomic::AtomicUsize::new(0);
    let institution = Provider::http1(move |_| {
        let first = failures.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
        if first { Reply::new(500, "stack trace") } else { Reply::new(200, "") }
    })
    .await;
    let gateway = webhooks(&institution).start();
    let mut stripe = gateway.http1().await;
    for (ago, status) in [(2, 500), (1, 200), (0, 200)] {
        let header = signed(ago, EVENT);
        let headers = [LOCAL, ("stripe-signature", header.as_str())];
        let answer = stripe.call("POST", "/webhooks/stripe", &headers, EVENT, None).await;
        assert_eq!(answer.status, status, "{ago}: {}", answer.text());
        assert!(!answer.text().contains("trace"), "what went wrong is not told");
    }
    assert_eq!(institution.requests().len(), 2, "until it was taken");
}
