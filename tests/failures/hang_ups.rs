//! Callers that leave.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{Notify, mpsc};

use crate::support::*;

/// Sends a POST, leaves once the provider has all of it, and lets the provider answer then.
async fn leaves_after_its_request(http2: bool, provider_http2: bool, held: bool) {
    let what = format!("http2={http2}, provider http2={provider_http2}, held={held}");
    let authority = Authority::new();
    let gate = Arc::new(Notify::new());
    let provider = if provider_http2 {
        let gate = gate.clone();
        Provider::streams(move |mut stream: Stream| {
            let gate = gate.clone();
            async move {
                stream.request().await;
                gate.notified().await;
                stream.reply(&Reply::new(201, "made")).await;
            }
        })
        .await
    } else {
        let gate = gate.clone();
        Provider::raw(move |mut peer: Peer| {
            let gate = gate.clone();
            async move {
                while peer.request().await.is_some() {
                    gate.notified().await;
                    let _ = peer.reply(&Reply::new(201, "made")).await;
                }
            }
        })
        .await
    };
    let protocol = if provider_http2 { "protocol: http2" } else { "protocol: http1" };
    let gateway = Recipe::to(&provider).tls(&authority).upstream(protocol).assemble(|edit| {
        if held {
            edit.plugin("holding", Arc::new(Holding));
        }
    });
    let arrived = provider.until("the request arrives", |requests| {
        requests.first().is_some_and(|request| request.complete)
    });
    if http2 {
        let mut caller = gateway.http2(&authority).await;
        let (_response, mut stream) =
            caller.begin(http2::request("POST", "/pay", &[]), false).await;
        stream.send_data(Bytes::from("{}"), true).unwrap();
        arrived.await;
        caller.vanish();
    } else {
        let mut caller = gateway.http1().await;
        caller.send("POST /pay HTTP/1.1\r\nHost: pay.example\r\nContent-Length: 2\r\n\r\n{}").await;
        arrived.await;
        caller.line.reset();
    }
    gate.notify_one();
    let record = gateway.record("the exchange is recorded", |_| true).await;
    assert_eq!(record["outcome"], "answered", "{what}: the call was completed: {record}");
    assert_eq!(record["status"], 201, "{what}: with the provider's answer: {record}");
    assert!(record["fault"].is_null() || record["fault"]["blame"] == "caller", "{what}: {record}");
    assert!(provider.only_request().body == b"{}", "{what}: once, and whole");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_is_completed_and_recorded_although_its_caller_left() {
    for http2 in [false, true] {
        for provider_http2 in [false, true] {
            for held in [false, true] {
                leaves_after_its_request(http2, provider_http2, held).await;
            }
        }
    }
}

/// A provider that tells, once its connection or stream has ended, whether the request was whole.
async fn witness(http2: bool) -> (Provider, mpsc::UnboundedReceiver<bool>) {
    let (tell, ended) = mpsc::unbounded_channel();
    let provider = if http2 {
        Provider::streams(move |mut stream: Stream| {
            let tell = tell.clone();
            async move {
                let whole = stream.request().await.is_some();
                if whole {
                    stream.silence().await;
                }
                let _ = tell.send(whole);
            }
        })
        .await
    } else {
        Provider::raw(move |mut peer: Peer| {
            let tell = tell.clone();
            async move {
                let whole = peer.request().await.is_some();
                if whole {
                    peer.silence().await;
                }
                let _ = tell.send(whole);
            }
        })
        .await
    };
    (provider, ended)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_whose_caller_left_before_its_end_is_never_completed() {
    let authority = Authority::new();
    for http2 in [false, true] {
        for provider_http2 in [false, true] {
            for announced in [false, true] {
                let what =
                    format!("http2={http2}, provider http2={provider_http2}, length={announced}");
                let (provider, mut ended) = witness(provider_http2).await;
                let protocol = if provider_http2 { "protocol: http2" } else { "protocol: http1" };
                let gateway =
                    Recipe::to(&provider).tls(&authority).upstream(protocol).assemble(|_| {});
                let part = provider.until("a part arrives", |requests| {
                    requests.first().is_some_and(|request| request.body == b"part")
                });
                if http2 {
                    let mut caller = gateway.http2(&authority).await;
                    let fields: &[_] = if announced { &[("content-length", "50")] } else { &[] };
                    let request = http2::request("POST", "/pay", fields);
                    let (_response, mut stream) = caller.begin(request, false).await;
                    stream.send_data(Bytes::from("part"), false).unwrap();
                    part.await;
                    if announced {
                        stream.send_reset(h2::Reason::CANCEL);
                    } else {
                        caller.vanish();
                    }
                    let whole = within("the provider sees the end", ended.recv()).await;
                    assert_eq!(
                        whole,
                        Some(false),
                        "{what}: the provider never gets a whole request"
                    );
                } else {
                    let mut caller = gateway.http1().await;
                    let head = "POST /pay HTTP/1.1\r\nHost: pay.example\r\n";
                    let message = if announced {
                        format!("{head}Content-Length: 50\r\n\r\npart")
                    } else {
                        format!("{head}Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n")
                    };
                    caller.send(message).await;
                    part.await;
                    if announced {
                        drop(caller);
                    } else {
                        caller.line.reset();
                    }
                    let whole = within("the provider sees the end", ended.recv()).await;
                    assert_eq!(
                        whole,
                        Some(false),
                        "{what}: the provider never gets a whole request"
                    );
                }
                let record = gateway.record("it is recorded", |_| true).await;
                assert_eq!(record["fault"]["code"], "caller_incomplete", "{what}: {record}");
                assert_eq!(record["caller_gone"], true, "{what}: {record}");
                assert!(!provider.requests()[0].complete, "{what}: not whole");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_payment_whose_caller_left_before_its_end_is_never_begun() {
    let authority = Authority::new();
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let gateway = Recipe::to(&provider)
        .tls(&authority)
        .assemble(|edit| edit.plugin("holding", Arc::new(Holding)));
    let mut caller = gateway.http1().await;
    caller.send("POST /pay HTTP/1.1\r\nHost: pay.example\r\nContent-Length: 50\r\n\r\npart").await;
    drop(caller);
    let record = gateway.record("it is recorded", |_| true).await;
    assert_eq!(record["fault"]["blame"], "caller", "the caller's fault: {record}");
    assert_eq!(provider.connections(), 0, "the provider hears nothing of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_is_given_up_when_its_caller_leaves() {
    let authority = Authority::new();
    for http2 in [false, true] {
        for provider_http2 in [false, true] {
            let what = format!("http2={http2}, provider http2={provider_http2}");
            let (provider, mut ended) = witness(provider_http2).await;
            let protocol = if provider_http2 { "protocol: http2" } else { "protocol: http1" };
            let gateway = Recipe::to(&provider).tls(&authority).upstream(protocol).assemble(|_| {});
            let arrived = provider.until("it arrives", |requests| !requests.is_empty());
            if http2 {
                let mut caller = gateway.http2(&authority).await;
                let (response, _) = caller.begin(http2::request("GET", "/x", &[]), true).await;
                arrived.await;
                drop(response);
                caller.vanish();
            } else {
                let mut caller = gateway.http1().await;
                caller.send("GET /x HTTP/1.1\r\nHost: pay.example\r\n\r\n").await;
                arrived.await;
                drop(caller);
            }
            let told = within("the provider is told that nobody waits", ended.recv()).await;
            assert_eq!(told, Some(true), "{what}: while it was still thinking");
            let record = gateway.record("it is recorded", |_| true).await;
            assert_eq!(record["caller_gone"], true, "{what}: {record}");
            assert_eq!(record["fault"]["code"], "caller_gone", "{what}: {record}");
        }
    }
}
