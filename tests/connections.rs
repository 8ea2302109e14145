//! A refusal does not cost the caller its connection.

use futures::future::join_all;

use crate::support::*;

const CALLERS: usize = 16;
const REQUESTS: usize = 12;

/// Many callers at once, each with many small POSTs that are refused.
async fn refused_under_load(gateway: &Gateway, authority: &Authority, http2: bool, status: u16) {
    let callers = (0..CALLERS).map(|_| async {
        let mut caller = gateway.caller(http2, authority).await;
        for round in 0..REQUESTS {
            // With a length and in chunks; on HTTP/1.1 all of it may come with the head or after it.
            let chunks = (round % 3 == 1).then_some(20);
            let answer = caller.call("POST", "/pay", &[], &pattern(54 * (1 + round)), chunks).await;
            assert_eq!(answer.status, status, "refused: {}", answer.text());
        }
    });
    within("all callers are answered", join_all(callers)).await;
    let metrics = gateway.metrics().await;
    let count = |name: &str| metrics.count(name, &[("listener", "tls")]);
    let callers = i64::try_from(CALLERS).unwrap();
    assert_eq!(count("tollgate_connections_total"), callers, "http2={http2}: none is lost");
    assert_eq!(
        count("tollgate_handshakes_total"),
        callers,
        "http2={http2}: no handshake is repeated"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_without_a_token_keep_their_connections_under_load() {
    let (authority, issuer) = (Authority::new(), Issuer::new("k1"));
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    for http2 in [false, true] {
        let gateway = Recipe::to(&provider)
            .tls(&authority)
            .file("jwks.json", issuer.jwks())
            .plugin(&Issuer::plugin())
            .start();
        refused_under_load(&gateway, &authority, http2, 401).await;
    }
    assert_eq!(provider.requests().len(), 0, "the provider is not asked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_above_their_limit_keep_their_connections_under_load() {
    let authority = Authority::new();
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    for http2 in [false, true] {
        let gateway = Recipe::to(&provider)
            .tls(&authority)
            .plugin("rate_limit: { per: address, limit: 1/d }")
            .start();
        let first = gateway.http1().await.call("GET", "/", &[], b"", None).await;
        assert_eq!(first.status, 200, "one is let through: {}", first.text());
        refused_under_load(&gateway, &authority, http2, 429).await;
    }
    assert_eq!(provider.requests().len(), 2, "the provider is asked for no other");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_waits_for_a_small_body_and_gives_up_a_large_one() {
    let issuer = Issuer::new("k1");
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let gateway =
        Recipe::to(&provider).file("jwks.json", issuer.jwks()).plugin(&Issuer::plugin()).start();
    let mut caller = gateway.http1().await;
    for _ in 0..3 {
        // The body in a segment of its own, after the head.
        caller.send("POST /x HTTP/1.1\r\nHost: pay.example\r\nContent-Length: 2\r\n\r\n").await;
        caller.send("{}").await;
        assert_eq!(caller.answer("POST").await.status, 401, "refused, and the connection is kept");
    }
    caller.send("POST /x HTTP/1.1\r\nHost: pay.example\r\nContent-Length: 500000\r\n\r\nx").await;
    let answer = caller.answer("POST").await;
    assert_eq!(answer.status, 401, "refused without waiting for it: {}", answer.text());
    assert_eq!(answer.header("connection").as_deref(), Some("close"), "and says that it closes");
    assert!(caller.closed().await, "and closes");
}
