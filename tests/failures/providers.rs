//! Providers that fail.

use std::sync::Arc;

use serde_json::Value;

use crate::support::*;

/// What is expected of a POST to a failing provider.
struct Expected {
    status: u16,
    code: &'static str,
    outcome: &'static str,
}

/// Each kind of exchange with a provider that fails before its answer is complete.
async fn fails(provider: &Provider, http2: bool, upstream: &str, expected: Expected) {
    let authority = Authority::new();
    let protocol = if http2 { "protocol: http2" } else { "protocol: http1" };
    for held in [false, true] {
        for caller_http2 in [false, true] {
            let what = format!("held={held}, caller http2={caller_http2}, provider http2={http2}");
            let gateway = Recipe::to(provider)
                .tls(&authority)
                .upstream(protocol)
                .upstream(upstream)
                .assemble(|edit| {
                    if held {
                        edit.plugin("holding", Arc::new(Holding));
                    }
                });
            let before = provider.requests().len();
            let mut caller = gateway.caller(caller_http2, &authority).await;
            let answer = caller.call("POST", "/pay", &[], b"{}", None).await;
            assert_eq!(answer.status, expected.status, "{what}: {}", answer.text());
            assert_eq!(answer.fault().as_deref(), Some(expected.code), "{what}");
            let record = gateway.record("the exchange is recorded", |_| true).await;
            assert_eq!(record["fault"]["code"], expected.code, "{what}: {record}");
            assert_eq!(record["outcome"], expected.outcome, "{what}: {record}");
            assert_eq!(record["status"], expected.status, "{what}: {record}");
            let asked = provider.requests().len() - before;
            assert!(asked <= 1, "{what}: a payment is asked for once: {asked}");
        }
    }
}

/// For providers that fall silent: short where they do, long where a busy machine takes its time.
const SILENT: &str = "timeouts: { connect: 20s, first_byte: 400ms, total: 30s }";
const HALTING: &str = "timeouts: { connect: 20s, first_byte: 20s, progress: 400ms, total: 30s }";
const MUTE: &str = "timeouts: { connect: 400ms }";
const PATIENT: &str = "timeouts: { connect: 20s }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_provider_is_a_timeout_whose_outcome_is_unknown() {
    let expected = || Expected { status: 504, code: "upstream_timeout", outcome: "unknown" };
    let provider = Provider::raw(|mut peer: Peer| async move {
        peer.request().await;
        peer.silence().await;
    })
    .await;
    fails(&provider, false, SILENT, expected()).await;
    let provider = Provider::streams(|mut stream: Stream| async move {
        stream.request().await;
        stream.silence().await;
    })
    .await;
    fails(&provider, true, SILENT, expected()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_stops_in_the_middle_of_its_head_is_a_timeout() {
    let provider = Provider::raw(|mut peer: Peer| async move {
        peer.request().await;
        peer.write("HTTP/1.1 200 OK\r\nContent-Le").await;
        peer.silence().await;
    })
    .await;
    let expected = Expected { status: 504, code: "upstream_timeout", outcome: "unknown" };
    fails(&provider, false, SILENT, expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_breaks_off_leaves_the_outcome_unknown() {
    let expected = || Expected { status: 502, code: "upstream_broken", outcome: "unknown" };
    let resetting = Provider::raw(|mut peer: Peer| async move {
        peer.request().await;
        peer.reset();
    })
    .await;
    fails(&resetting, false, "", expected()).await;
    let closing = Provider::raw(|mut peer: Peer| async move {
        peer.request().await;
    })
    .await;
    fails(&closing, false, "", expected()).await;
    let cutting = Provider::raw(|mut peer: Peer| async move {
        peer.request().await;
        peer.write("HTTP/1.1 200 OK\r\nContent-Le").await;
    })
    .await;
    fails(&cutting, false, "", expected()).await;
    let streams = Provider::streams(|mut stream: Stream| async move {
        stream.request().await;
        stream.reset(h2::Reason::INTERNAL_ERROR);
    })
    .await;
    fails(&streams, true, "", expected()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_http_is_an_invalid_answer_whose_outcome_is_unknown() {
    for nonsense in ["SSH-2.0-OpenSSH_9.6\r\n\r\n", "HTTP/1.1 abc OK\r\n\r\n", "\0\0\0\0\r\n\r\n"] {
        let provider = Provider::raw(move |mut peer: Peer| async move {
            peer.request().await;
            peer.write(nonsense).await;
            peer.silence().await;
        })
        .await;
        let expected =
            Expected { status: 502, code: "upstream_invalid_answer", outcome: "unknown" };
        fails(&provider, false, "", expected).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_cannot_be_connected_to_was_sent_nothing() {
    let refusing = Refusing::new();
    let mute = Provider::raw(|mut peer: Peer| async move { peer.silence().await }).await;
    let stranger = Authority::new();
    let untrusted =
        Provider::http1_over(Some(stranger.server(&["http/1.1"], false)), |_| Reply::new(200, ""))
            .await;
    let mute_url = mute.url().replace("http:", "https:");
    for (url, timeouts, status, code) in [
        (refusing.url(), PATIENT, 502, "upstream_unreachable"),
        (mute_url, MUTE, 504, "upstream_connect_timeout"),
        (untrusted.url(), PATIENT, 502, "upstream_tls_failed"),
    ] {
        let authority = Authority::new();
        let recipe = Recipe::to_endpoints(&[&url]).tls(&authority).upstream(timeouts);
        let gateway = recipe.upstream("tls: { trust: ca.pem }").assemble(|_| {});
        let answer = gateway.http1().await.call("POST", "/pay", &[], b"{}", None).await;
        assert_eq!(answer.status, status, "{code}: {}", answer.text());
        assert_eq!(answer.fault().as_deref(), Some(code), "it says why");
        let record = gateway.record("the exchange is recorded", |_| true).await;
        assert_eq!(record["outcome"], "nothing_sent", "{code}: {record}");
    }
    assert_eq!(untrusted.requests().len(), 0, "a server that is not trusted is told nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_stops_midway_is_left_incomplete_if_it_streams_and_refused_if_it_is_held() {
    let authority = Authority::new();
    for silent in [false, true] {
        let provider = Provider::raw(move |mut peer: Peer| async move {
            peer.request().await;
            peer.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf.").await;
            if silent {
                peer.silence().await;
            }
        })
        .await;
        let code = if silent { "upstream_timeout" } else { "upstream_broken" };
        let recipe = || Recipe::to(&provider).tls(&authority).upstream(HALTING);
        let is_it = |record: &Value| record["fault"]["code"] == code;

        let gateway = recipe().assemble(|_| {});
        let mut caller = gateway.http1().await;
        caller.send("POST /x HTTP/1.1\r\nHost: pay.example\r\nContent-Length: 1\r\n\r\n1").await;
        let cut = caller.try_answer("POST").await;
        assert!(cut.is_err(), "HTTP/1.1: it cannot be taken for whole: {cut:?}");
        let record = gateway.record("it is recorded", is_it).await;
        assert_eq!(record["status"], 200, "as what was sent: {record}");

        let gateway = recipe().assemble(|_| {});
        let mut caller = gateway.http2(&authority).await;
        let (response, _) = caller.begin(http2::request("GET", "/x", &[]), true).await;
        let cut = within("an end", http2::read(response)).await;
        assert!(cut.is_err(), "HTTP/2: it cannot be taken for whole: {cut:?}");
        gateway.record("it is recorded", is_it).await;

        let gateway = recipe().assemble(|edit| edit.plugin("holding", Arc::new(Holding)));
        let answer = gateway.http1().await.call("POST", "/x", &[], b"1", None).await;
        assert_eq!(answer.fault().as_deref(), Some(code), "held: {}", answer.text());
        assert!(!answer.text().contains("half"), "nothing of it arrives: {}", answer.text());
        let record = gateway.record("it is recorded", is_it).await;
        assert!(record["outcome"] != "nothing_sent", "the provider has acted, maybe: {record}");
    }
}
