//! Reloads under load.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_reloads_under_load_lose_no_request() {
    let authority = Authority::new();
    let provider = Provider::http1(|request| Reply::new(200, request.body.clone())).await;
    let program = Arc::new(
        Recipe::to(&provider)
            .tls(&authority)
            .held()
            .plugin("headers: { response: { set: { X-Turn: turn-0 } } }")
            .plugin("rate_limit: { per: route, limit: 1000000/s }")
            .run()
            .await,
    );
    let stop = Arc::new(AtomicBool::new(false));
    let served = Arc::new(AtomicU64::new(0));
    let mut callers = Vec::new();
    for number in 0..6 {
        let tls = program.address("tls");
        let mut caller = if number % 2 == 0 {
            Caller::Http1(Box::new(Http1::connect_tls(tls, &authority).await))
        } else {
            Caller::Http2(Http2::connect_tls(tls, &authority).await)
        };
        let (stop, served) = (stop.clone(), served.clone());
        callers.push(tokio::spawn(async move {
            // Each on one connection for all the time: no reload may close it.
            while !stop.load(Ordering::Relaxed) {
                let body = format!("{{\"number\":{}}}", served.fetch_add(1, Ordering::Relaxed));
                let answer = caller.call("POST", "/pay", &[], body.as_bytes(), None).await;
                assert_eq!((answer.status, answer.text()), (200, body), "served: {answer:?}");
                let turn = answer.header("x-turn").expect("the plugin ran");
                assert!(turn.starts_with("turn-") && !turn.contains(','), "once: {turn}");
            }
        }));
    }
    for turn in 1..=200 {
        let before = served.load(Ordering::Relaxed);
        edit(&program, &format!("turn-{}", turn - 1), &format!("turn-{turn}"));
        let outcome = reload(&program).await;
        assert_ne!(outcome["outcome"], "refused", "turn {turn}: {outcome}");
        within("requests between reloads", async {
            while served.load(Ordering::Relaxed) < before + 3 {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.expect("every request of every caller was served");
    }
    let mut last = program.http1().await;
    let answer = last.call("POST", "/pay", &[], b"{}", None).await;
    assert_eq!(answer.header("x-turn").as_deref(), Some("turn-200"), "the last one is in force");
    let metrics = program.metrics().await;
    assert_eq!(metrics.count("tollgate_config_generation", &[]), 201, "each was one generation");
    assert_eq!(metrics.count("tollgate_reloads_total", &[("result", "refused")]), 0, "none failed");
    let faults = metrics.count("tollgate_faults_total", &[]);
    assert_eq!(faults, 0, "no request failed in any way");
    let opened = metrics.count("tollgate_connections_total", &[("listener", "tls")]);
    assert_eq!(opened, 6, "no caller had to connect again");
}
