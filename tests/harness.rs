//! The harness itself: each way to run a gateway serves a request, over each protocol.

use crate::support::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_of_each_kind_serves_every_pair_of_protocols() {
    let authority = Authority::new();
    for over_tls in [false, true] {
        for speaks_http2 in [false, true] {
            let protocols: &[&str] = if speaks_http2 { &["h2"] } else { &["http/1.1"] };
            let tls = over_tls.then(|| authority.server(protocols, false));
            let echo = |request: &Received| Reply::new(200, request.body.clone());
            let provider = if speaks_http2 {
                Provider::http2_over(tls, echo).await
            } else {
                Provider::http1_over(tls, echo).await
            };
            let protocol = if speaks_http2 { "protocol: http2" } else { "protocol: http1" };
            let recipe = || {
                Recipe::to(&provider)
                    .tls(&authority)
                    .upstream(protocol)
                    .upstream("tls: { trust: ca.pem }")
            };
            let whole = recipe().start();
            let assembled = recipe().assemble(|_| {});
            for (gateway, kind) in [(&whole, "whole"), (&assembled, "assembled")] {
                for http2 in [false, true] {
                    let mut caller = gateway.caller(http2, &authority).await;
                    let answer =
                        caller.call("POST", "/pay?x=1", &[("x-a", "b")], b"{}", None).await;
                    let what = format!(
                        "{kind}, caller http2={http2}, provider http2={speaks_http2} tls={over_tls}"
                    );
                    assert_eq!(
                        (answer.status, answer.text().as_str()),
                        (200, "{}"),
                        "the answer came back: {what}: {answer:?}"
                    );
                }
            }
            let requests = provider.requests();
            assert_eq!(requests.len(), 4, "each request arrived once");
            assert!(
                requests.iter().all(|request| request.complete && request.target == "/pay?x=1"),
                "as it was sent: {requests:?}"
            );
            let metrics = whole.metrics_until("both requests are counted", |metrics| {
                metrics.count("tollgate_requests_total", &[("route", "pay"), ("status", "200")])
                    == 2
            });
            metrics.await;
            let record = assembled
                .record("an exchange is recorded", |record| record["protocol"] == "HTTP/2")
                .await;
            assert_eq!(record["status"], 200, "with its status: {record}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_real_program_serves_logs_and_ends_on_a_signal() {
    let provider = Provider::http1(|_| Reply::new(201, "made")).await;
    let mut program = Recipe::to(&provider).held().run().await;
    let answer = program.http1().await.call("POST", "/pay", &[], b"{}", Some(1)).await;
    assert_eq!((answer.status, answer.text().as_str()), (201, "made"), "it serves");
    let record = program.record("the exchange is logged", |record| record["status"] == 201).await;
    assert_eq!(record["upstream"], "provider", "with the upstream: {record}");
    let requests = program.metrics().await.count("tollgate_requests_total", &[("status", "201")]);
    assert_eq!(requests, 1, "and counted");
    program.signal(rustix::process::Signal::TERM);
    let status = program.ended().await;
    assert!(status.success(), "it drains and ends well: {status}\n{}", program.talk());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_of_the_issuer_are_accepted_and_others_are_not() {
    let (issuer, stranger) = (Issuer::new("k1"), Issuer::new("k1"));
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let gateway =
        Recipe::to(&provider).file("jwks.json", issuer.jwks()).plugin(&Issuer::plugin()).start();
    let mut caller = gateway.http1().await;
    for (issuer, status) in [(&issuer, 200), (&stranger, 401)] {
        let token = format!("Bearer {}", issuer.token(&serde_json::json!({})));
        let answer = caller.call("POST", "/", &[("authorization", &token)], b"", None).await;
        assert_eq!(answer.status, status, "by signature alone: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ordinary_client_is_served_over_http2_and_keeps_its_connection() {
    let authority = Authority::new();
    let provider = Provider::http1(|request| Reply::new(200, request.body.clone())).await;
    let gateway = Recipe::to(&provider).tls(&authority).start();
    let client = Gateway::client(&authority);
    for body in ["first", "second"] {
        let sending = client.post(gateway.url("tls", "/pay")).body(body).send();
        let answer = sending.await.expect("an answer");
        assert_eq!(answer.version(), http::Version::HTTP_2, "as ALPN agrees");
        assert_eq!(answer.text().await.unwrap(), body, "the answer comes whole");
    }
    let connections = gateway.metrics().await.count("tollgate_connections_total", &[]);
    assert_eq!(connections, 1, "both on one connection");
}
