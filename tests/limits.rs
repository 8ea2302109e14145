//! Rate limits under concurrency, counted from outside: exactly as many pass as are allowed.

use std::collections::BTreeMap;

use serde_json::json;

use crate::support::*;

/// Sends requests on several connections of both protocols at once. Returns every status and the
/// number that `RateLimit` says remain.
async fn storm(
    program: &Binary,
    authority: &Authority,
    headers: &[(&str, &str)],
    connections: usize,
    each: usize,
) -> Vec<(u16, Answer)> {
    let mut callers = Vec::new();
    for number in 0..connections {
        let tls = program.address("tls");
        let mut caller = if number % 2 == 0 {
            Caller::Http1(Box::new(Http1::connect_tls(tls, authority).await))
        } else {
            Caller::Http2(Http2::connect_tls(tls, authority).await)
        };
        let headers: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        callers.push(tokio::spawn(async move {
            let headers: Vec<(&str, &str)> =
                headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let mut answers = Vec::new();
            for _ in 0..each {
                let answer = caller.call("GET", "/", &headers, b"", None).await;
                answers.push((answer.status, answer));
            }
            answers
        }));
    }
    let mut all = Vec::new();
    for caller in callers {
        all.extend(caller.await.expect("every request was answered"));
    }
    all
}

fn counts(answers: &[(u16, Answer)]) -> BTreeMap<u16, usize> {
    let mut counts = BTreeMap::new();
    for (status, _) in answers {
        *counts.entry(*status).or_default() += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_as_many_pass_as_the_limit_says_and_each_is_told_what_remains() {
    let authority = Authority::new();
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let program = Recipe::to(&provider)
        .tls(&authority)
        .plugin("rate_limit: { per: address, limit: 100/d }")
        .run()
        .await;
    let answers = storm(&program, &authority, &[], 8, 50).await;
    assert_eq!(counts(&answers), BTreeMap::from([(200, 100), (429, 300)]), "of 400");
    assert_eq!(provider.requests().len(), 100, "no other reached the provider");
    let mut remaining: Vec<u64> = answers
        .iter()
        .filter(|(status, _)| *status == 200)
        .map(|(_, answer)| {
            let field = answer.header("ratelimit").expect("RateLimit is sent");
            let left = field.split(';').find_map(|part| part.trim().strip_prefix("r="));
            left.and_then(|left| left.parse().ok()).unwrap_or_else(|| panic!("a number: {field}"))
        })
        .collect();
    remaining.sort_unstable();
    assert_eq!(remaining, (0..100).collect::<Vec<u64>>(), "each saw a count of its own");
    for (status, answer) in &answers {
        let retry = answer.header("retry-after").and_then(|after| after.parse::<u64>().ok());
        assert_eq!(*status == 429, retry.is_some_and(|after| after > 0), "{answer:?}");
    }
    let refused =
        |metrics: &Metrics| metrics.count("tollgate_faults_total", &[("code", "rate_limited")]);
    let metrics = program.metrics_until("all are counted", |metrics| refused(metrics) >= 300).await;
    assert_eq!(refused(&metrics), 300, "and each once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tightest_of_several_limits_counts_and_a_refusal_takes_nothing_from_the_others() {
    let authority = Authority::new();
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let program = Recipe::to(&provider)
        .tls(&authority)
        .plugin("rate_limit: { per: route, limits: [{ limit: 60/d }, { limit: 20/s, burst: 10 }] }")
        .run()
        .await;
    let passed = within("all that a day allows", async {
        let mut passed = 0;
        while passed < 60 {
            let found = counts(&storm(&program, &authority, &[], 4, 10).await);
            passed += found.get(&200).copied().unwrap_or_default();
        }
        passed
    })
    .await;
    assert_eq!(passed, 60, "however many the limit per second refused in between");
    let refused = program.metrics().await.count("tollgate_faults_total", &[]);
    assert!(refused > 0, "and it did refuse some");
    let answers = storm(&program, &authority, &[], 2, 10).await;
    assert_eq!(counts(&answers), BTreeMap::from([(429, 20)]), "the day is used up");
    let policy = answers[0].1.header("ratelimit-policy").unwrap_or_default();
    assert!(policy.contains("q=60") && policy.contains("q=20"), "both are announced: {policy}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_and_header_values_are_counted_apart() {
    let authority = Authority::new();
    let issuer = Issuer::new("k1");
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let program = Recipe::to(&provider)
        .tls(&authority)
        .file("jwks.json", issuer.jwks())
        .plugin(&Issuer::plugin())
        .plugin("rate_limit: { per: client, limit: 30/d }")
        .plugin("{ rate_limit: { per: { header: x-shop }, limit: 20/d }, name: per-shop }")
        .run()
        .await;
    let token = |client: &str| format!("Bearer {}", issuer.token(&json!({ "client_id": client })));
    let (one, two) = (token("one"), token("two"));
    let one_a = [("authorization", one.as_str()), ("x-shop", "a")];
    let two_b = [("authorization", two.as_str()), ("x-shop", "b")];
    let (first, second) = tokio::join!(
        storm(&program, &authority, &one_a, 4, 10),
        storm(&program, &authority, &two_b, 4, 10)
    );
    let expected = BTreeMap::from([(200, 20), (429, 20)]);
    assert_eq!(counts(&first), expected, "shop `a` has 20 of its own");
    assert_eq!(counts(&second), expected, "and shop `b` too");
    // What the second limit refused had passed the first and counted there: 30 are used up.
    let one_c = [("authorization", one.as_str()), ("x-shop", "c")];
    let third = storm(&program, &authority, &one_c, 2, 5).await;
    assert_eq!(counts(&third), BTreeMap::from([(429, 10)]), "client `one` has none left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_in_shadow_counts_and_refuses_nobody() {
    let authority = Authority::new();
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let program = Recipe::to(&provider)
        .tls(&authority)
        .plugin("{ rate_limit: { per: address, limit: 10/d }, mode: shadow }")
        .run()
        .await;
    let answers = storm(&program, &authority, &[], 4, 10).await;
    assert_eq!(counts(&answers), BTreeMap::from([(200, 40)]), "nobody is refused");
    assert!(answers[0].1.header("ratelimit").is_none(), "nor told of a limit");
    let refused = [("mode", "shadow"), ("verdict", "refuse")];
    let counted = program.metrics().await.count("tollgate_plugin_verdicts_total", &refused);
    assert_eq!(counted, 30, "but it is counted who would have been");
}
