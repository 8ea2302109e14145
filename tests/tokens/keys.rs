//! Keys at a URL: fetched over TLS under a private authority, rotated, gone, and asked for in vain.

use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::support::*;

/// An issuer's key server that publishes what it is told to.
struct KeyServer {
    provider: Provider,
    published: Arc<Mutex<Option<String>>>,
}

impl KeyServer {
    /// Over TLS, with a certificate of this authority. Without keys it answers 500.
    async fn start(authority: &Authority, keys: String) -> Self {
        let published = Arc::new(Mutex::new(Some(keys)));
        let shown = published.clone();
        let tls = Some(authority.server(&["http/1.1"], false));
        let provider = Provider::http1_over(tls, move |_| match &*shown.lock().unwrap() {
            Some(keys) => Reply::new(200, keys.clone()).with("content-type", "application/json"),
            None => Reply::new(500, "out of order"),
        })
        .await;
        Self { provider, published }
    }

    fn publish(&self, keys: Option<String>) {
        *self.published.lock().unwrap() = keys;
    }

    fn fetches(&self) -> usize {
        self.provider.requests().len()
    }

    /// The plugin that takes its keys, with more settings.
    fn plugin(&self, settings: &str) -> String {
        format!(
            "jwt: {{ issuer: {}, audience: {}, jwks: {}/jwks.json, trust: ca.pem{settings} }}",
            Issuer::NAME,
            Issuer::AUDIENCE,
            self.provider.url()
        )
    }
}

async fn call(caller: &mut Http1, token: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    caller.call("GET", "/", &[("authorization", &bearer)], b"", None).await
}

/// Calls until the answer has this status and code.
async fn until(caller: &mut Http1, token: &str, status: u16, fault: Option<&str>) {
    let what = format!("an answer {status} {fault:?}");
    within(&what, async {
        loop {
            let answer = call(caller, token).await;
            if answer.status == status && answer.fault().as_deref() == fault {
                return;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotated_key_is_found_at_once_and_the_withdrawn_one_is_refused() {
    let authority = Authority::new();
    let (old, new) = (Issuer::new("k1"), Issuer::new("k2"));
    let server = KeyServer::start(&authority, old.jwks()).await;
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let program = Recipe::to(&provider)
        .file("ca.pem", authority.pem())
        .plugin(&server.plugin(", cooldown: 1s"))
        .run()
        .await;
    let (first, second) = (old.token(&json!({})), new.token(&json!({})));
    let mut caller = program.http1().await;
    until(&mut caller, &first, 200, None).await;
    server.publish(Some(new.jwks()));
    until(&mut caller, &second, 200, None).await;
    let answer = call(&mut caller, &first).await;
    assert_eq!(answer.status, 401, "the old key is gone, also for tokens that were remembered");
    let fetches = server.fetches();
    assert!((2..=4).contains(&fetches), "no more fetches than the rotation needed: {fetches}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_ridden_out_for_as_long_as_allowed_and_then_fails_closed() {
    let authority = Authority::new();
    let issuer = Issuer::new("k1");
    let server = KeyServer::start(&authority, issuer.jwks()).await;
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let program = Recipe::to(&provider)
        .file("ca.pem", authority.pem())
        .plugin(&server.plugin(", refresh: 1s, cooldown: 1s, keep_stale: 10s"))
        .run()
        .await;
    let token = issuer.token(&json!({}));
    let mut caller = program.http1().await;
    until(&mut caller, &token, 200, None).await;
    server.publish(None);
    let before = server.fetches();
    server.provider.until("a fetch that fails", |requests| requests.len() >= before + 2).await;
    let answer = call(&mut caller, &issuer.token(&json!({ "jti": "fresh" }))).await;
    assert_eq!(answer.status, 200, "known keys serve meanwhile: {}", answer.text());
    let degraded = program.metrics().await.count("tollgate_dependency_degraded", &[]);
    assert_eq!(degraded, 1, "and operators see that they are stale");
    // A token that was remembered is no exception.
    until(&mut caller, &token, 503, Some("keys_unavailable")).await;
    server.publish(Some(issuer.jwks()));
    until(&mut caller, &token, 200, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_unknown_keys_is_one_fetch_and_honest_callers_do_not_notice() {
    let authority = Authority::new();
    let issuer = Issuer::new("k1");
    let server = KeyServer::start(&authority, issuer.jwks()).await;
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let program = Recipe::to(&provider)
        .file("ca.pem", authority.pem())
        .plugin(&server.plugin(", cooldown: 1h, refresh: 1h"))
        .run()
        .await;
    let token = issuer.token(&json!({}));
    until(&mut program.http1().await, &token, 200, None).await;
    let before = server.fetches();
    let mut floods = Vec::new();
    for flood in 0..8 {
        let mut caller = program.http1().await;
        let honest = token.clone();
        floods.push(tokio::spawn(async move {
            for number in 0..25 {
                let stranger = Issuer::new(&format!("unknown-{flood}-{number}"));
                let answer = call(&mut caller, &stranger.token(&json!({}))).await;
                assert_eq!(answer.status, 401, "{}", answer.text());
                assert_eq!(answer.fault().as_deref(), Some("token_key_unknown"), "for its key");
                let answer = call(&mut caller, &honest).await;
                assert_eq!(answer.status, 200, "honest callers go on: {}", answer.text());
            }
        }));
    }
    for flood in floods {
        flood.await.expect("every answer was right");
    }
    let caused = server.fetches() - before;
    assert!(caused <= 1, "200 unknown keys caused {caused} fetches");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_a_server_that_nobody_vouches_for_are_not_taken() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let issuer = Issuer::new("k1");
    let server = KeyServer::start(&theirs, issuer.jwks()).await;
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let program =
        Recipe::to(&provider).file("ca.pem", ours.pem()).plugin(&server.plugin("")).run().await;
    let answer = call(&mut program.http1().await, &issuer.token(&json!({}))).await;
    assert_eq!(answer.fault().as_deref(), Some("keys_unavailable"), "fails closed: {answer:?}");
    assert_eq!(provider.requests().len(), 0, "nothing reached the provider");
    assert_eq!(server.fetches(), 0, "and nothing was said to the stranger");
}
