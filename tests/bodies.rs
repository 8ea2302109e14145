//! Bodies arrive byte for byte, held or streamed, over HTTP/1.1 and HTTP/2 on both sides, with an
//! announced length and without; what is too large is refused.

use std::sync::Arc;

use crate::support::*;

/// Who speaks what, and whether bodies are held.
#[derive(Debug, Clone, Copy)]
struct Way {
    caller_http2: bool,
    provider_http2: bool,
    held: bool,
}

impl Way {
    async fn provider(self) -> Provider {
        // The answer has the framing of the request.
        let echo = |request: &Received| {
            let reply = Reply::new(200, request.body.clone());
            Reply { chunks: request.header("x-chunks").map(|size| size.parse().unwrap()), ..reply }
        };
        if self.provider_http2 { Provider::http2(echo).await } else { Provider::http1(echo).await }
    }

    fn gateway(self, provider: &Provider, authority: &Authority) -> Gateway {
        let protocol = if self.provider_http2 { "protocol: http2" } else { "protocol: http1" };
        let recipe = Recipe::to(provider)
            .tls(authority)
            .route("limits: { request_body: 1MiB }")
            .upstream(protocol);
        recipe.assemble(|edit| {
            if self.held {
                edit.plugin("holding", Arc::new(Holding));
            }
        })
    }
}

/// Sizes around the seams of buffers and windows, and the limit itself.
const SIZES: [usize; 6] = [0, 1, 65_535, 65_536, 65_537, LIMIT];
const LIMIT: usize = 1024 * 1024;

async fn every_size_arrives(way: Way) {
    let authority = Authority::new();
    let provider = way.provider().await;
    let gateway = way.gateway(&provider, &authority);
    let mut caller = gateway.caller(way.caller_http2, &authority).await;
    let framings = SIZES.into_iter().flat_map(|size| [(size, None), (size, Some(7_000))]);
    // An HTTP/2 library takes a flood of tiny frames for an attack, so there are not too many.
    let tiny = if way.caller_http2 || way.provider_http2 { 2_000 } else { 70_000 };
    for (size, chunks) in framings.chain([(tiny, Some(1))]) {
        let what = format!("{size} bytes, chunks {chunks:?}, {way:?}");
        let body = pattern(size);
        let size_of_chunks = chunks.unwrap_or(0).to_string();
        let fields = [("x-chunks", size_of_chunks.as_str())];
        let fields = if chunks.is_some() { &fields[..] } else { &[] };
        let before = provider.requests().len();
        let answer = caller.call("POST", "/pay", fields, &body, chunks).await;
        assert_eq!(answer.status, 200, "accepted: {what}: {}", answer.text());
        assert!(answer.body == body, "the caller gets the answer byte for byte: {what}");
        let requests = provider.requests();
        assert_eq!(requests.len(), before + 1, "the provider is asked once: {what}");
        let request = &requests[before];
        assert!(request.complete && request.body == body, "byte for byte: {what}");
        let length = request.header("content-length");
        if way.held || chunks.is_none() {
            assert_eq!(length, Some(size.to_string()), "a known length is announced: {what}");
            assert_eq!(request.header("transfer-encoding"), None, "and nothing else: {what}");
        } else if !way.provider_http2 {
            assert_eq!(length, None, "an unknown length is not announced: {what}");
            assert_eq!(request.header("transfer-encoding").as_deref(), Some("chunked"), "{what}");
            assert!(!request.chunks.contains(&0), "no empty chunk in the middle: {what}");
        }
    }
    let connections = gateway.metrics().await.count("tollgate_connections_total", &[]);
    assert_eq!(connections, 1, "all of it on one connection: {way:?}");
}

async fn a_byte_too_many_is_refused(way: Way) {
    let authority = Authority::new();
    let provider = way.provider().await;
    let gateway = way.gateway(&provider, &authority);
    for chunks in [None, Some(7_000)] {
        let what = format!("chunks {chunks:?}, {way:?}");
        let mut caller = gateway.caller(way.caller_http2, &authority).await;
        let answer = caller.call("POST", "/pay", &[], &pattern(LIMIT + 1), chunks).await;
        assert_eq!(answer.status, 413, "refused: {what}: {}", answer.text());
        assert_eq!(answer.fault().as_deref(), Some("body_too_large"), "by the gateway: {what}");
        let is_it = |record: &serde_json::Value| record["fault"]["code"] == "body_too_large";
        gateway.record("the refusal is recorded", is_it).await;
        let complete = provider.requests().iter().filter(|request| request.complete).count();
        assert_eq!(complete, 0, "the provider never sees a complete request: {what}");
        if way.held || chunks.is_none() {
            assert_eq!(provider.requests().len(), 0, "nor any of it, if that can be: {what}");
        }
    }
}

macro_rules! every_way {
    ($($name:ident: $caller:literal, $provider:literal, $held:literal;)*) => {$(
        mod $name {
            use super::*;

            const WAY: Way =
                Way { caller_http2: $caller, provider_http2: $provider, held: $held };

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn bodies_of_every_size_and_framing_arrive_byte_for_byte() {
                every_size_arrives(WAY).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn a_body_one_byte_above_the_limit_is_refused() {
                a_byte_too_many_is_refused(WAY).await;
            }
        }
    )*};
}

every_way! {
    streamed_from_http1_to_http1: false, false, false;
    streamed_from_http1_to_http2: false, true, false;
    streamed_from_http2_to_http1: true, false, false;
    streamed_from_http2_to_http2: true, true, false;
    held_from_http1_to_http1: false, false, true;
    held_from_http1_to_http2: false, true, true;
    held_from_http2_to_http1: true, false, true;
    held_from_http2_to_http2: true, true, true;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_that_reads_the_body_has_it_held_and_arriving_unchanged() {
    let provider = Provider::http1(|_| Reply::new(200, "")).await;
    let gateway = Recipe::to(&provider).held().route("limits: { request_body: 64KiB }").start();
    let mut caller = gateway.http1().await;
    for (size, chunks) in [(0, None), (1, None), (65_535, Some(1)), (65_536, None)] {
        let body = json_of(size);
        let answer = caller.call("POST", "/", &[], &body, chunks).await;
        assert_eq!(answer.status, 200, "{size} bytes are accepted: {}", answer.text());
        let requests = provider.requests();
        let request = requests.last().expect("the provider was asked");
        assert!(request.body == body, "{size} bytes arrive unchanged");
        assert_eq!(request.header("content-length"), Some(size.to_string()), "with their length");
    }
    let answer = caller.call("POST", "/", &[], &json_of(65_537), None).await;
    assert_eq!(answer.fault().as_deref(), Some("body_too_large"), "a byte too many is refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_answer_above_its_cap_is_refused_and_not_one_byte_of_it_is_sent() {
    for (length, chunks) in [(1_025, None), (1_025, Some(100))] {
        let provider = Provider::http1(move |_| {
            let reply = Reply::new(200, vec![b'#'; length]);
            Reply { chunks, ..reply }
        })
        .await;
        let gateway = Recipe::to(&provider)
            .route("limits: { response_body: 1KiB }")
            .assemble(|edit| edit.plugin("holding", Arc::new(Holding)));
        let answer = gateway.http1().await.call("GET", "/", &[], b"", None).await;
        assert_eq!(answer.status, 502, "refused: {}", answer.text());
        assert_eq!(answer.fault().as_deref(), Some("response_too_large"), "chunks {chunks:?}");
        assert!(!answer.text().contains('#'), "nothing of it is sent: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_without_room_is_not_told_like_a_request_that_was_turned_away() {
    let provider = Provider::http1(|_| Reply::new(200, vec![b'#'; 140_000])).await;
    let gateway = Recipe::to(&provider)
        .top("limits: { held_memory: 128KiB }")
        .assemble(|edit| edit.plugin("holding", Arc::new(Holding)));
    let answer = gateway.http1().await.call("POST", "/", &[], b"", None).await;
    assert_eq!(answer.status, 502, "the provider has acted: {}", answer.text());
    assert_eq!(answer.fault().as_deref(), Some("answer_lost"), "and the caller can tell");
    assert!(!answer.text().contains('#'), "nothing of it is sent: {}", answer.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn held_bodies_share_one_budget_and_give_it_back() {
    let provider = Provider::http1(|_| Reply::new(200, "")).await;
    let gateway = Recipe::to(&provider)
        .held()
        .route("limits: { request_body: 1MiB }")
        .top("limits: { held_memory: 128KiB }")
        .start();
    let mut caller = gateway.http1().await;
    let answer = caller.call("POST", "/", &[], &json_of(140_000), None).await;
    assert_eq!(answer.status, 503, "more than the budget: {}", answer.text());
    assert_eq!(answer.fault().as_deref(), Some("overloaded"), "it says why");
    // Two fit: one may be answered and not given back yet when the next comes.
    for _ in 0..5 {
        let mut caller = gateway.http1().await;
        let answer = caller.call("POST", "/", &[], &json_of(60_000), None).await;
        assert_eq!(answer.status, 200, "what fits is held, again and again: {}", answer.text());
    }
}
