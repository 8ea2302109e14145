//! Callers that are slow.

use std::sync::Arc;

use bytes::Bytes;

use crate::support::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_does_not_come_to_its_end_is_given_up() {
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let gateway = Recipe::to(&provider).listener("limits: { header_timeout: 300ms }").start();
    let mut caller = gateway.http1().await;
    caller.send("POST /x HTTP/1.1\r\nHost: pay.exam").await;
    let answer = caller.answer("POST").await;
    assert_eq!(answer.status, 408, "given up: {}", answer.text());
    assert_eq!(answer.fault().as_deref(), Some("header_timeout"), "it says why");
    assert!(caller.closed().await, "and the connection is closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_does_not_come_to_its_end_is_given_up_and_never_completed() {
    let authority = Authority::new();
    for held in [false, true] {
        for http2 in [false, true] {
            let what = format!("held={held}, http2={http2}");
            let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
            let gateway = Recipe::to(&provider)
                .tls(&authority)
                .route("limits: { body_timeout: 1s }")
                .assemble(|edit| {
                    if held {
                        edit.plugin("holding", Arc::new(Holding));
                    }
                });
            let answer = if http2 {
                let mut caller = gateway.http2(&authority).await;
                let request = http2::request("POST", "/x", &[("content-length", "10")]);
                let (response, mut stream) = caller.begin(request, false).await;
                stream.send_data(Bytes::from("half."), false).unwrap();
                within("an answer", http2::read(response)).await.unwrap()
            } else {
                let mut caller = gateway.http1().await;
                let head = "POST /x HTTP/1.1\r\nHost: pay.example\r\nContent-Length: 10\r\n\r\n";
                caller.send(format!("{head}half.")).await;
                let answer = caller.answer("POST").await;
                assert!(caller.closed().await, "{what}: the connection is closed");
                answer
            };
            assert_eq!(answer.status, 408, "{what}: {}", answer.text());
            assert_eq!(answer.fault().as_deref(), Some("body_timeout"), "{what}");
            let record = gateway.record("it is recorded", |_| true).await;
            assert_eq!(record["fault"]["blame"], "caller", "{what}: {record}");
            let whole = provider.requests().iter().any(|request| request.complete);
            assert!(!whole, "{what}: the provider never gets a complete request");
            if held {
                assert!(provider.requests().is_empty(), "{what}: nor any of it");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_for_a_slow_caller_is_not_charged_to_the_provider() {
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    // Less than the caller takes, and more than a busy machine does.
    let gateway = Recipe::to(&provider)
        .upstream("timeouts: { first_byte: 1s, progress: 1s, total: 1s }")
        .assemble(|_| {});
    let mut caller = gateway.http1().await;
    caller.send("POST /x HTTP/1.1\r\nHost: pay.example\r\nContent-Length: 10\r\n\r\nhalf.").await;
    provider.until("the first half arrives", |requests| !requests.is_empty()).await;
    let slowness = std::time::Duration::from_millis(1_500);
    // The subject is time itself; nothing is waited for.
    tokio::time::sleep(slowness).await;
    caller.send("half.").await;
    let answer = caller.answer("POST").await;
    assert_eq!(answer.status, 200, "the caller may take its time: {}", answer.text());
    let record = gateway.record("it is recorded", |_| true).await;
    let (caller_ms, upstream_ms) = (record["caller_ms"].as_f64(), record["upstream_ms"].as_f64());
    assert!(caller_ms.unwrap() >= 1_000.0, "it is the caller's time: {record}");
    assert!(upstream_ms.unwrap() < 1_000.0, "and not the provider's: {record}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_does_not_read_is_given_up_and_the_answer_is_recorded() {
    let authority = Authority::new();
    let large = Bytes::from(vec![b'x'; 64 * 1024 * 1024]);
    let provider = Provider::http1(move |_| Reply::new(200, large.clone())).await;
    for http2 in [false, true] {
        let gateway = Recipe::to(&provider)
            .tls(&authority)
            .listener("limits: { write_timeout: 300ms }")
            .assemble(|_| {});
        let is_it = |record: &serde_json::Value| record["caller_gone"] == true;
        let record = if http2 {
            let mut caller = gateway.http2(&authority).await;
            let (response, mut stream) =
                caller.begin(http2::request("POST", "/x", &[]), false).await;
            stream.send_data(Bytes::from("1"), true).unwrap();
            let response = within("a head", response).await.unwrap();
            let record = gateway.record("the caller is given up", is_it).await;
            drop(response);
            record
        } else {
            let mut caller = gateway.http1().await;
            caller
                .send("POST /x HTTP/1.1\r\nHost: pay.example\r\nContent-Length: 1\r\n\r\n1")
                .await;
            gateway.record("the caller is given up", is_it).await
        };
        assert_eq!(record["outcome"], "answered", "http2={http2}: the provider did it: {record}");
        assert_eq!(record["attempts"].as_array().map(Vec::len), Some(1), "once: {record}");
    }
}
