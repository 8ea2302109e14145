//! Further attempts: only where nothing was sent.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::Value;
use tokio::sync::{Notify, mpsc};
use tollgate_api::{Clock, SystemClock};

use crate::support::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_whose_outcome_is_unknown_is_not_repeated_anywhere() {
    let closing = || {
        Provider::raw(|mut peer: Peer| async move {
            peer.request().await;
        })
    };
    let (one, other) = (closing().await, closing().await);
    for held in [false, true] {
        let gateway = Recipe::to_endpoints(&[&one.url(), &other.url()]).assemble(|edit| {
            if held {
                edit.plugin("holding", Arc::new(Holding));
            }
        });
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let before = one.requests().len() + other.requests().len();
            let answer = gateway.http1().await.call(method, "/pay", &[], b"{}", None).await;
            assert_eq!(answer.fault().as_deref(), Some("upstream_broken"), "{method}: {answer:?}");
            let asked = one.requests().len() + other.requests().len() - before;
            assert_eq!(asked, 1, "{method}, held={held}: exactly one request, at one endpoint");
        }
        let record = gateway.record("it is recorded", |record| record["method"] == "POST").await;
        assert_eq!(record["attempts"].as_array().map(Vec::len), Some(1), "{record}");
        assert_eq!(record["outcome"], "unknown", "{record}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_goes_to_another_endpoint_if_the_first_refuses_the_connection() {
    let (refusing, provider) = (Refusing::new(), Provider::http1(|_| Reply::new(200, "ok")).await);
    for held in [false, true] {
        // Each on a gateway of its own: an endpoint that refused is avoided for a while.
        for round in 0..4 {
            let endpoints = [refusing.url(), provider.url()];
            let gateway = Recipe::to_endpoints(&[&endpoints[0], &endpoints[1]]).assemble(|edit| {
                if held {
                    edit.plugin("holding", Arc::new(Holding));
                }
            });
            let before = provider.requests().len();
            for _ in 0..2 {
                let answer = gateway.http1().await.call("POST", "/pay", &[], b"{}", None).await;
                assert_eq!(answer.status, 200, "held={held}, {round}: {}", answer.text());
            }
            assert_eq!(provider.requests().len(), before + 2, "one charge for each");
            let twice = |record: &Value| record["attempts"].as_array().map(Vec::len) == Some(2);
            let record = gateway.record("one of them met the refusal first", twice).await;
            assert_eq!(record["attempts"][0]["outcome"], "nothing_sent", "{record}");
            assert_eq!(record["attempts"][1]["outcome"], "answered", "{record}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_the_provider_refused_is_asked_for_again() {
    let streams = Arc::new(AtomicUsize::new(0));
    let provider = {
        let streams = streams.clone();
        Provider::streams(move |mut stream: Stream| {
            let first = streams.fetch_add(1, Ordering::SeqCst) == 0;
            async move {
                if first {
                    return stream.reset(h2::Reason::REFUSED_STREAM);
                }
                stream.request().await;
                stream.reply(&Reply::new(200, "ok")).await;
            }
        })
        .await
    };
    let gateway = Recipe::to(&provider)
        .upstream("protocol: http2")
        .assemble(|edit| edit.plugin("holding", Arc::new(Holding)));
    let answer = gateway.http1().await.call("POST", "/pay", &[], b"{}", None).await;
    assert_eq!(
        answer.status,
        200,
        "it was not processed, so it may be repeated: {}",
        answer.text()
    );
    assert_eq!(streams.load(Ordering::SeqCst), 2, "once more");
    let record = gateway.record("it is recorded", |_| true).await;
    assert_eq!(record["attempts"][0]["outcome"], "nothing_sent", "{record}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_died_while_idle_never_makes_a_payment_unknown() {
    let hang_up = Arc::new(Notify::new());
    let (tell, mut gone) = mpsc::unbounded_channel();
    let provider = {
        let hang_up = hang_up.clone();
        Provider::raw(move |mut peer: Peer| {
            let (hang_up, tell) = (hang_up.clone(), tell.clone());
            async move {
                peer.request().await;
                let _ = peer.reply(&Reply::new(200, "ok")).await;
                hang_up.notified().await;
                drop(peer);
                let _ = tell.send(());
            }
        })
        .await
    };
    let gateway = Recipe::to(&provider).assemble(|_| {});
    let mut caller = gateway.http1().await;
    for round in 1..=10 {
        let answer = caller.call("POST", "/pay", &[], b"{}", None).await;
        assert_eq!(answer.status, 200, "round {round}: {}", answer.text());
        assert_eq!(provider.requests().len(), round, "round {round}: one charge for each");
        hang_up.notify_one();
        within("the provider closes", gone.recv()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_takes_no_connection_that_was_idle_for_too_long_and_a_question_does() {
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let gateway = Recipe::to(&provider).upstream("reuse_unsafe: 5ms").start();
    let mut caller = gateway.http1().await;
    let clock = SystemClock::new();
    for (method, connection) in [("GET", 1), ("GET", 1), ("POST", 2)] {
        let answer = caller.call(method, "/", &[], b"", None).await;
        assert_eq!(answer.status, 200, "{method}: {}", answer.text());
        let request = provider.requests().pop().unwrap();
        assert_eq!(request.connection, connection, "{method} goes over the right connection");
        // The subject is time itself: the connection is to be idle for this long.
        let since = clock.tick();
        while clock.tick().since(since).as_millis() < 20 {
            tokio::task::yield_now().await;
        }
    }
}
