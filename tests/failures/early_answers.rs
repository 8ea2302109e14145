//! Answers that come before the request's body ended.

use bytes::Bytes;

use crate::support::*;

/// Answers at the head, and reads no body.
async fn hasty(http2: bool) -> Provider {
    let reply = || Reply::new(403, "too early").with("x-provider", "yes");
    if http2 {
        Provider::streams(move |mut stream: Stream| async move {
            stream.reply(&reply()).await;
        })
        .await
    } else {
        Provider::raw(move |mut peer: Peer| async move {
            peer.head().await;
            // If the body has left by then, the connection could serve a next request: not here.
            let _ = peer.reply(&reply().with("Connection", "close")).await;
            peer.silence().await;
        })
        .await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_does_not_wait_for_the_rest_of_the_request() {
    let authority = Authority::new();
    for provider_http2 in [false, true] {
        let provider = hasty(provider_http2).await;
        let protocol = if provider_http2 { "protocol: http2" } else { "protocol: http1" };
        let gateway = Recipe::to(&provider).tls(&authority).upstream(protocol).assemble(|_| {});

        let mut caller = gateway.http1().await;
        caller
            .send("POST /x HTTP/1.1\r\nHost: pay.example\r\nContent-Length: 500000\r\n\r\npart")
            .await;
        let answer = caller.answer("POST").await;
        let what = format!("provider http2={provider_http2}");
        assert_eq!((answer.status, answer.text().as_str()), (403, "too early"), "HTTP/1.1, {what}");
        assert_eq!(answer.header("x-provider").as_deref(), Some("yes"), "HTTP/1.1, {what}");
        assert_eq!(answer.header("connection").as_deref(), Some("close"), "HTTP/1.1, {what}");
        assert!(
            caller.closed().await,
            "HTTP/1.1, {what}: where the next request begins is unknown"
        );

        let mut caller = gateway.http2(&authority).await;
        for round in 0..2 {
            let request = http2::request("POST", "/x", &[("content-length", "500000")]);
            let (response, mut stream) = caller.begin(request, false).await;
            // The answer may have come already.
            let _ = stream.send_data(Bytes::from("part"), false);
            let answer = within("an answer", http2::read(response)).await;
            let answer = answer.unwrap_or_else(|error| panic!("HTTP/2, {what}, {round}: {error}"));
            assert_eq!(
                (answer.status, answer.text().as_str()),
                (403, "too early"),
                "HTTP/2, {what}"
            );
        }
        let connections =
            gateway.metrics().await.count("tollgate_connections_total", &[("listener", "tls")]);
        assert_eq!(connections, 1, "HTTP/2, {what}: the connection goes on");
        let record = gateway.record("it is recorded", |_| true).await;
        assert_eq!(record["outcome"], "answered", "{what}: {record}");
        assert!(record["fault"].is_null(), "{what}: nobody is at fault: {record}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_not_lost_while_a_large_body_is_still_being_sent() {
    let authority = Authority::new();
    for provider_http2 in [false, true] {
        let provider = hasty(provider_http2).await;
        let protocol = if provider_http2 { "protocol: http2" } else { "protocol: http1" };
        let gateway = Recipe::to(&provider)
            .tls(&authority)
            .upstream(protocol)
            .route("limits: { request_body: 16MiB }")
            .assemble(|_| {});
        for http2 in [false, true] {
            for chunks in [None, Some(10_000)] {
                let what =
                    format!("caller http2={http2}, provider http2={provider_http2}, {chunks:?}");
                let mut caller = gateway.caller(http2, &authority).await;
                let body = pattern(3 * 1024 * 1024);
                let answer = caller.call("POST", "/x", &[], &body, chunks).await;
                assert_eq!((answer.status, answer.text().as_str()), (403, "too early"), "{what}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_counts_although_the_provider_closes_without_reading_the_request() {
    let provider = Provider::raw(|mut peer: Peer| async move {
        peer.head().await;
        let _ = peer.reply(&Reply::new(429, "not now").with("Connection", "close")).await;
        let _ = peer.line.finish().await;
        peer.silence().await;
    })
    .await;
    let gateway = Recipe::to(&provider).route("limits: { request_body: 16MiB }").assemble(|_| {});
    for _ in 0..5 {
        let mut caller = gateway.http1().await;
        let answer = caller.call("POST", "/x", &[], &pattern(2 * 1024 * 1024), None).await;
        assert_eq!((answer.status, answer.text().as_str()), (429, "not now"), "it is passed on");
    }
}
