mod keys;

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use serde_json::{Value, json};
use tollgate_api::{
    Answer, BodyNeed, Decision, Fault, Measure, Origin, Plugin, Quota, RateLimiter, RateLimiters,
    Settings, Side, Step, StoreError, Verdict,
    testing::{Bench, FakeLimiters, answer_with_body, exchange, request, respond, verdict},
};

use super::RateLimit;

/// A bench whose limiters the test scripts.
fn bench() -> (Bench, FakeLimiters) {
    let mut bench = Bench::new();
    let limiters = FakeLimiters::default();
    bench.stores.rate_limiters = Arc::new(limiters.clone());
    (bench, limiters)
}

fn refused(verdicts: Vec<Verdict>) -> Decision {
    Decision { allowed: false, verdicts, shared_bucket: false }
}

fn state(remaining: u32, reset: u64, retry_after: u64) -> Verdict {
    Verdict {
        remaining,
        reset: Duration::from_millis(reset),
        retry_after: Duration::from_millis(retry_after),
    }
}

fn texts(headers: &HeaderMap, name: &str) -> Vec<String> {
    headers.get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
}

/// The answer to a request that was let through, as the caller sees it.
async fn answered(plugin: &dyn Plugin, answer: Answer) -> HeaderMap {
    let mut exchange = exchange();
    let result = request(plugin, &mut exchange).await;
    assert_eq!(verdict(&result), "ok", "it passes");
    respond(plugin, &mut exchange, answer).await.unwrap();
    exchange.answer.unwrap().headers
}

#[test]
fn the_example_is_accepted() {
    let example: Value = serde_saphyr::from_str(RateLimit::EXAMPLE).unwrap();
    let settings = example.get("rate_limit").unwrap().clone();
    bench().0.plugin::<RateLimit>(settings);
}

#[test]
fn wrong_settings_are_refused_at_their_place() {
    for (settings, pointer, expected) in [
        (json!({}), "", "expected a `limit`"),
        (json!({ "limits": [] }), "", "expected a `limit`"),
        (json!({ "limit": "1/s", "limits": [{ "limit": "1/s" }] }), "/limits", "not both"),
        (json!({ "limits": [{ "limit": "1/s" }], "burst": 2 }), "/burst", "belongs to a `limit`"),
        (json!({ "limit": "1/s", "cost": 2 }), "/limit", "below the cost"),
        (json!({ "limit": "9/s", "burst": 1, "cost": 2 }), "/burst", "below the cost"),
        (
            json!({ "limits": [{ "limit": "9/s" }, { "limit": "9/s", "burst": 1 }], "cost": 2 }),
            "/limits/1/burst",
            "below the cost",
        ),
        (json!({ "limits": vec![json!({ "limit": "1/s" }); 9] }), "/limits", "at most 8"),
        (json!({ "limit": "200" }), "/limit", "200/s"),
        (json!({ "limit": "0/s" }), "/limit", "greater than zero"),
        (json!({ "limit": "1/s", "burst": 0 }), "/burst", "nonzero"),
        (json!({ "limit": "4294967296/s" }), "/limit", "at most"),
        (json!({ "limit": "1/s", "burst": 4_294_967_296_u64 }), "/burst", "u32"),
        (json!({ "limits": [{ "limit": "1/s", "brst": 1 }] }), "/limits/0/brst", "unknown field"),
        (json!({ "limit": "1/s", "per": "tenant" }), "/per", "unknown variant"),
        (json!({ "limit": "1/s", "per": { "header": "x y" } }), "/per/header", "header name"),
        (
            json!({ "limit": "1/s", "per": { "expression": "requst.path" } }),
            "/per/expression",
            "did you mean",
        ),
        (json!({ "limit": "1/s", "on_failure": "ignore" }), "/on_failure", "unknown variant"),
        (json!({ "limit": "1/s", "lmit": 1 }), "/lmit", "unknown field"),
    ] {
        let errors = bench().0.errors::<RateLimit>(settings.clone());
        let found = errors.iter().any(|error| {
            let text = format!("{} {}", error.expected, error.hint.as_deref().unwrap_or_default());
            error.pointer == pointer && text.contains(expected)
        });
        assert!(found, "{settings}: expected `{expected}` at `{pointer}`, got {errors:?}");
    }
}

#[test]
fn only_an_expression_over_the_body_needs_the_body() {
    for (per, need) in [
        (json!("client"), BodyNeed::Nothing),
        (json!({ "header": "x-tenant" }), BodyNeed::Nothing),
        (json!({ "expression": "request.path" }), BodyNeed::Nothing),
        (json!({ "expression": "body.merchant" }), BodyNeed::Whole),
    ] {
        let plugin = bench().0.plugin::<RateLimit>(json!({ "per": per, "limit": "1/s" }));
        assert_eq!(plugin.needs().request, need, "{per}");
        assert_eq!(plugin.needs().answer, BodyNeed::Nothing, "{per}");
    }
}

#[tokio::test]
async fn the_store_is_asked_with_the_configured_quotas_and_cost() {
    let (mut bench, limiters) = bench();
    let plugin = bench.plugin::<RateLimit>(json!({
        "limits": [{ "limit": "200/s", "burst": 400 }, { "limit": "1000/d" }], "cost": 3
    }));
    request(&*plugin, &mut exchange()).await.unwrap();
    let (_, quotas, cost) = limiters.taken().remove(0);
    let quotas: Vec<_> = quotas
        .iter()
        .map(|quota| (quota.limit.get(), quota.period.as_secs(), quota.burst.get()))
        .collect();
    assert_eq!(quotas, [(200, 1, 400), (1000, 86_400, 1000)], "limit, period and burst");
    assert_eq!(cost, 3, "the cost of one request");
    assert_eq!(limiters.opened(), ["route/rate_limit"], "under the instance's name");
}

#[test]
fn a_shadowed_instance_counts_in_buckets_of_its_own() {
    let (mut bench, limiters) = bench();
    bench.shadow = true;
    bench.plugin::<RateLimit>(json!({ "limit": "1/s" }));
    assert_eq!(limiters.opened(), ["shadow/route/rate_limit"], "apart from the enforced one");
}

#[tokio::test]
async fn answers_say_where_the_caller_stands() {
    let (mut bench, limiters) = bench();
    let plugin = bench.plugin::<RateLimit>(json!({
        "limits": [{ "limit": "200/s", "burst": 400 }, { "limit": "1000/h", "burst": 10 }]
    }));
    limiters.decide(Ok(Decision {
        allowed: true,
        verdicts: vec![state(399, 5, 0), state(9, 3_600, 0)],
        shared_bucket: false,
    }));
    let own = Answer::new(StatusCode::OK, "text/plain", "ok".into());
    for answer in [answer_with_body("{}"), own] {
        let headers = answered(&*plugin, answer).await;
        assert_eq!(
            texts(&headers, "ratelimit-policy"),
            [r#""per-client-200/s";q=400;w=2, "per-client-1000/h";q=1000;w=3600"#],
            "what the limits are"
        );
        assert_eq!(
            texts(&headers, "ratelimit"),
            [r#""per-client-200/s";r=399;t=1, "per-client-1000/h";r=9;t=4"#],
            "what is left of them"
        );
        assert!(headers.get(RETRY_AFTER).is_none(), "nothing to wait for");
    }
}

#[tokio::test]
async fn what_a_provider_says_of_our_quota_with_it_is_removed() {
    let (mut bench, _) = bench();
    let outer = bench.plugin::<RateLimit>(json!({ "per": "address", "limit": "5/s" }));
    let inner = bench.plugin::<RateLimit>(json!({ "per": "route", "limit": "9/s" }));
    let mut exchange = exchange();
    exchange.slots_mut().enter(1);
    request(&*outer, &mut exchange).await.unwrap();
    exchange.slots_mut().enter(2);
    request(&*inner, &mut exchange).await.unwrap();
    let mut answer = answer_with_body("{}");
    answer.headers.insert("ratelimit", r#""default";r=50;t=30"#.parse().unwrap());
    answer.headers.insert("ratelimit-policy", r#""default";q=100;w=60"#.parse().unwrap());
    respond(&*inner, &mut exchange, answer).await.unwrap();
    let answer = exchange.answer.take().unwrap();
    exchange.slots_mut().enter(1);
    respond(&*outer, &mut exchange, answer).await.unwrap();
    let headers = exchange.answer.unwrap().headers;
    assert_eq!(
        texts(&headers, "ratelimit-policy"),
        [r#""per-route-9/s";q=9;w=1"#, r#""per-address-5/s";q=5;w=1"#],
        "those of both instances, and none of the provider's"
    );
    assert_eq!(texts(&headers, "ratelimit").len(), 2, "one state each");
}

#[tokio::test]
async fn a_refusal_says_when_to_come_back_and_never_too_early() {
    let (mut bench, limiters) = bench();
    let plugin = bench.plugin::<RateLimit>(json!({
        "limits": [{ "limit": "2/s" }, { "limit": "10/m" }, { "limit": "1000/h" }]
    }));
    limiters.decide(Ok(refused(vec![
        state(0, 1_000, 500),
        state(0, 60_000, 6_001),
        state(900, 360_000, 0),
    ])));
    let mut exchange = exchange();
    let result = request(&*plugin, &mut exchange).await;
    assert_eq!(verdict(&result), "rate_limited", "beyond the limit");
    let fault: Fault = result.unwrap_err();
    assert_eq!(fault.code().status, 429, "too many requests");
    assert_eq!(fault.headers()[RETRY_AFTER], "7", "rounded up, and the longest counts");
    let mut answer =
        Answer::new(StatusCode::TOO_MANY_REQUESTS, "application/problem+json", "{}".into());
    answer.origin = Origin::Fault(fault.code());
    respond(&*plugin, &mut exchange, answer).await.unwrap();
    let headers = exchange.answer.unwrap().headers;
    assert_eq!(
        texts(&headers, "ratelimit"),
        [r#""per-client-2/s";r=0;t=1, "per-client-10/m";r=0;t=7"#],
        "only what was exceeded, and no `t` beyond `Retry-After`"
    );
}

#[tokio::test]
async fn without_the_store_requests_are_refused_unless_configured_otherwise() {
    for (settings, expected) in [
        (json!({ "limit": "1/s" }), "store_unavailable"),
        (json!({ "limit": "1/s", "on_failure": "closed" }), "store_unavailable"),
        (json!({ "limit": "1/s", "on_failure": "open" }), "ok"),
    ] {
        let (mut bench, limiters) = bench();
        let plugin = bench.plugin::<RateLimit>(settings.clone());
        let degraded = |bench: &Bench| bench.figures.of("route/rate_limit", Measure::Degraded);
        assert_eq!(degraded(&bench), None, "{settings}: nothing has failed yet");
        limiters.decide(Err(StoreError));
        let mut failing = exchange();
        let result = request(&*plugin, &mut failing).await;
        assert_eq!(verdict(&result), expected, "{settings}");
        assert_eq!(degraded(&bench), Some(1.0), "{settings}: it shows");
        respond(&*plugin, &mut failing, answer_with_body("{}")).await.unwrap();
        let headers = failing.answer.unwrap().headers;
        assert!(headers.get("ratelimit").is_none(), "{settings}: nothing is known to tell");
        limiters.decide(Ok(Decision { allowed: true, verdicts: vec![], shared_bucket: false }));
        request(&*plugin, &mut exchange()).await.unwrap();
        assert_eq!(degraded(&bench), Some(0.0), "{settings}: until it is back");
    }
}

#[tokio::test]
async fn tracked_and_overflowing_keys_are_reported() {
    let (mut bench, limiters) = bench();
    let plugin = bench.plugin::<RateLimit>(json!({ "limit": "1/s" }));
    request(&*plugin, &mut exchange()).await.unwrap();
    bench.run_jobs().await;
    let figures = &bench.figures;
    assert_eq!(figures.of("route/rate_limit", Measure::RateLimitKeys), Some(1.0), "one key");
    assert_eq!(figures.of("route/rate_limit", Measure::RateLimitOverflow), None, "none shared");
    limiters.decide(Ok(Decision {
        allowed: true,
        verdicts: vec![state(1, 1, 0)],
        shared_bucket: true,
    }));
    request(&*plugin, &mut exchange()).await.unwrap();
    let overflow = figures.of("route/rate_limit", Measure::RateLimitOverflow);
    assert_eq!(overflow, Some(1.0), "a shared bucket is counted");
}

/// An engine that waits, as one over a network does.
#[derive(Clone, Default)]
struct Waiting(Arc<AtomicU32>);

impl RateLimiters for Waiting {
    fn limiter(&self, _: &str) -> Arc<dyn RateLimiter> {
        Arc::new(self.clone())
    }
}

impl RateLimiter for Waiting {
    fn take<'a>(
        &'a self,
        _: &'a [u8],
        _: &'a [Quota],
        _: NonZeroU32,
    ) -> Step<'a, Decision, StoreError> {
        Step::later(async {
            tokio::task::yield_now().await;
            let allowed = self.0.fetch_add(1, Ordering::SeqCst) == 0;
            Ok(Decision { allowed, verdicts: vec![], shared_bucket: false })
        })
    }

    fn keys(&self) -> usize {
        0
    }
}

#[tokio::test]
async fn an_engine_that_waits_counts_each_request_once() {
    let mut bench = Bench::new();
    let engine = Waiting::default();
    bench.stores.rate_limiters = Arc::new(engine.clone());
    let plugin = bench.plugin::<RateLimit>(json!({ "limit": "1/s" }));
    let first = request(&*plugin, &mut exchange()).await;
    assert_eq!(verdict(&first), "ok", "what the engine says");
    let second = request(&*plugin, &mut exchange()).await;
    assert_eq!(verdict(&second), "rate_limited", "what the engine says");
    assert_eq!(engine.0.load(Ordering::SeqCst), 2, "asked once for each");
}

#[test]
fn it_stands_on_routes_only() {
    assert!(RateLimit::SIDES.allows(Side::Route), "towards callers");
    assert!(!RateLimit::SIDES.allows(Side::Upstream), "not towards providers");
}
