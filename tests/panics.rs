//! A panic is a bug that costs one exchange.

use std::sync::Arc;

use crate::support::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_is_answered_with_500_counted_and_recorded() {
    let authority = Authority::new();
    for http2 in [false, true] {
        let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
        let gateway = Recipe::to(&provider)
            .tls(&authority)
            .assemble(|edit| edit.plugin("panicking", Arc::new(Panicking::OnRequest)));
        for round in 1..=3 {
            let mut caller = gateway.caller(http2, &authority).await;
            let answer = caller.call("POST", "/pay", &[], b"{}", None).await;
            assert_eq!(answer.status, 500, "http2={http2}: {}", answer.text());
            assert_eq!(answer.fault().as_deref(), Some("internal"), "it tells nothing else");
            assert!(!answer.text().contains("as the test"), "nor why: {}", answer.text());
            let counted = gateway.metrics_until("it is counted", |metrics| {
                metrics.count("tollgate_panics_total", &[]) == round
            });
            counted.await;
        }
        let record = gateway.record("it is recorded", |_| true).await;
        assert_eq!(record["fault"]["code"], "internal", "http2={http2}: {record}");
        assert!(record["outcome"].is_null(), "nothing was asked of the provider: {record}");
        assert_eq!(provider.connections(), 0, "http2={http2}: nothing at all");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_after_the_request_was_sent_leaves_its_outcome_unknown() {
    let authority = Authority::new();
    for http2 in [false, true] {
        let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
        let gateway = Recipe::to(&provider)
            .tls(&authority)
            .assemble(|edit| edit.plugin("panicking", Arc::new(Panicking::OnResponse)));
        let mut caller = gateway.caller(http2, &authority).await;
        let answer = caller.call("POST", "/pay", &[], b"{}", None).await;
        assert_eq!(answer.status, 500, "http2={http2}: {}", answer.text());
        assert_eq!(answer.fault().as_deref(), Some("internal"), "http2={http2}");
        let record = gateway.record("it is recorded", |_| true).await;
        assert_eq!(record["outcome"], "unknown", "http2={http2}: {record}");
        assert_eq!(record["upstream"], "provider", "http2={http2}: {record}");
        let metrics = gateway.metrics().await;
        let unknown = metrics.count("tollgate_attempts_total", &[("outcome", "unknown")]);
        assert_eq!(unknown, 1, "http2={http2}: and counted as such");
        assert!(provider.only_request().complete, "http2={http2}: the provider acted, once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_on_the_same_connection_do_not_notice_a_panic() {
    struct OnPath;
    impl tollgate_api::Plugin for OnPath {
        fn needs(&self) -> tollgate_api::Needs {
            tollgate_api::Needs::NOTHING
        }

        fn on_request<'a>(
            &'a self,
            exchange: &'a mut tollgate_api::Exchange,
        ) -> tollgate_api::Step<'a, tollgate_api::Flow> {
            assert!(exchange.request.path != "/panic", "as the test wants it");
            tollgate_api::Step::Now(Ok(tollgate_api::Flow::Continue))
        }
    }
    let authority = Authority::new();
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let gateway = Recipe::to(&provider)
        .tls(&authority)
        .assemble(|edit| edit.plugin("on_path", Arc::new(OnPath)));
    let mut caller = gateway.http2(&authority).await;
    for (path, status) in
        [("/fine", 200), ("/panic", 500), ("/fine", 200), ("/panic", 500), ("/fine", 200)]
    {
        let answer = caller.call("POST", path, &[], b"{}", None).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
    }
    let connections = gateway.metrics().await.count("tollgate_connections_total", &[]);
    assert_eq!(connections, 1, "all on one connection");
}
