//! What a reload does not forget.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_that_is_used_up_stays_so() {
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let program =
        Recipe::to(&provider).plugin("rate_limit: { per: address, limit: 3/h }").run().await;
    let mut caller = program.http1().await;
    let mut seen = Vec::new();
    for turn in 1..=5 {
        let answer = caller.call("GET", "/", &[], b"", None).await;
        seen.push(answer.status);
        unrelated_change(&program, turn + 1).await;
    }
    assert_eq!(seen, [200, 200, 200, 429, 429], "four reloads gave nothing back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_not_fetched_again_and_health_is_not_forgotten() {
    let issuer = Issuer::new("k1");
    let keys = issuer.serve().await;
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let dead = Refusing::new();
    let jwt = format!(
        "jwt: {{ issuer: {}, audience: {}, jwks: {}/jwks.json }}",
        Issuer::NAME,
        Issuer::AUDIENCE,
        keys.url()
    );
    let program = Recipe::to_endpoints(&[&provider.url(), &dead.url()])
        .plugin(&jwt)
        .upstream("health: { interval: 1h, unhealthy_after: 1 }")
        .run()
        .await;
    let token = format!("Bearer {}", issuer.token(&serde_json::json!({})));
    let headers = [("authorization", token.as_str())];
    within("the dead endpoint is found out", async {
        while program.metrics().await.count("tollgate_upstream_endpoint_healthy", &[]) != 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let mut caller = program.http1().await;
    within("the keys were fetched", async {
        while caller.call("GET", "/", &headers, b"", None).await.status != 200 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let fetched = keys.requests().len();
    for turn in 2..=4 {
        unrelated_change(&program, turn).await;
        for _ in 0..4 {
            let answer = caller.call("GET", "/", &headers, b"", None).await;
            assert_eq!(answer.status, 200, "known keys, known health: {}", answer.text());
        }
        let metrics = program.metrics().await;
        assert_eq!(
            metrics.count("tollgate_upstream_endpoint_healthy", &[]),
            1,
            "the dead one is still known to be dead right after the reload"
        );
    }
    assert_eq!(keys.requests().len(), fetched, "nothing was fetched again");
}
