use std::time::Duration;

use super::support::{Bench, pick, specs};
use crate::upstream::{
    Balance, BudgetSpec, EndpointSpec, HealthKind, HealthSpec, PickError, Upstream,
};

fn endpoint(port: u16, weight: u32) -> EndpointSpec {
    EndpointSpec { weight, ..EndpointSpec::new(false, "127.0.0.1", port) }
}

fn fall_ill(upstream: &Upstream, index: usize) {
    let spec = HealthSpec { unhealthy_after: 1, ..HealthSpec::new(HealthKind::Tcp) };
    for target in upstream.0.places[index].endpoint.targets().iter() {
        target.checked(false, &spec);
    }
}

#[tokio::test]
async fn weights_are_exact_over_a_cycle() {
    let upstream = Bench::new().upstream(specs(&[endpoint(1, 5), endpoint(2, 3), endpoint(3, 0)]));
    let mut counts = [0; 3];
    for _ in 0..16 {
        counts[pick(&upstream).await.index()] += 1;
    }
    assert_eq!(counts, [10, 6, 0], "two cycles of five to three to nothing");
}

#[tokio::test]
async fn the_least_loaded_endpoint_is_the_idle_one() {
    let mut spec = specs(&[endpoint(1, 1), endpoint(2, 1), endpoint(3, 1)]);
    spec.balance = Balance::LeastLoaded;
    let upstream = Bench::new().upstream(spec);
    let first = pick(&upstream).await;
    let second = pick(&upstream).await;
    let third = pick(&upstream).await;
    let mut used = [first.index(), second.index(), third.index()];
    used.sort_unstable();
    assert_eq!(used, [0, 1, 2], "each exchange goes where none is");
    let freed = second.index();
    drop(second);
    assert_eq!(pick(&upstream).await.index(), freed, "the one that became idle");
    assert_eq!(upstream.status()[freed].in_flight, 0, "a dropped pick is not in flight");
    assert_eq!(upstream.status()[first.index()].in_flight, 1, "a held one is");
}

#[tokio::test]
async fn unhealthy_endpoints_are_left_out_and_all_unhealthy_is_an_error() {
    let upstream = Bench::new().upstream(specs(&[endpoint(1, 1), endpoint(2, 1)]));
    fall_ill(&upstream, 0);
    for _ in 0..4 {
        assert_eq!(pick(&upstream).await.index(), 1, "only the healthy one");
    }
    fall_ill(&upstream, 1);
    let error = upstream.pick(&[]).await.err();
    assert_eq!(error, Some(PickError::NoHealthyEndpoint), "fail closed");
    assert!(upstream.status().iter().all(|endpoint| !endpoint.healthy), "the status says so");
}

#[tokio::test]
async fn a_further_attempt_goes_to_an_endpoint_that_was_not_tried() {
    let upstream = Bench::new().upstream(specs(&[endpoint(1, 1), endpoint(2, 1_000)]));
    for _ in 0..8 {
        assert_eq!(upstream.pick(&[1]).await.unwrap().index(), 0, "whatever the weights say");
    }
    let only = Bench::new().upstream(specs(&[endpoint(1, 1)]));
    assert_eq!(only.pick(&[0]).await.unwrap().index(), 0, "the only one is tried again");
}

#[tokio::test]
async fn further_attempts_are_paid_for_by_requests() {
    let mut spec = specs(&[endpoint(1, 1)]);
    spec.retry_budget = BudgetSpec { percent: 50, per_second: 0, burst: 1 };
    let upstream = Bench::new().upstream(spec);
    assert!(upstream.situation().budget_left, "the budget starts full");
    upstream.pick(&[0]).await.unwrap();
    assert!(!upstream.situation().budget_left, "a second attempt took the one there was");
    upstream.pick(&[]).await.unwrap();
    upstream.pick(&[]).await.unwrap();
    assert!(upstream.situation().budget_left, "two requests pay for another");
}

#[test]
fn a_bad_upstream_is_refused_with_a_reason() {
    let bench = Bench::new();
    let good = || specs(&[endpoint(1, 1)]);
    let refused = |spec| Upstream::new(spec, bench.clock.clone(), &bench.state).unwrap_err();
    let mut spec = specs(&[]);
    assert!(refused(spec).contains("at least one endpoint"), "none");
    assert!(refused(specs(&[endpoint(1, 0)])).contains("weight above 0"), "all drained");
    assert!(refused(specs(&[endpoint(1, 1_001)])).contains("at most 1000"), "too heavy");
    let twice = specs(&[endpoint(1, 1), endpoint(1, 2)]);
    assert!(refused(twice).contains("`http://127.0.0.1:1` is given twice"), "twice");
    spec = good();
    spec.timeouts.first_byte = Duration::ZERO;
    assert!(refused(spec).contains("timeout"), "no time");
    spec = good();
    spec.connections = 0;
    assert!(refused(spec).contains("connection"), "no connection");
    spec = good();
    spec.health = Some(HealthSpec { healthy_after: 0, ..HealthSpec::new(HealthKind::Tcp) });
    assert!(refused(spec).contains("at least 1 result"), "never healthy");
    spec = good();
    let kind = HealthKind::Http { path: "status".to_owned(), expect: Vec::new(), host: None };
    spec.health = Some(HealthSpec::new(kind));
    assert!(refused(spec).contains("starts with `/`"), "no path");
    spec = specs(&[EndpointSpec::new(true, "not a name", 443)]);
    assert!(refused(spec).contains("not a name"), "no certificate can carry that name");
}

#[test]
fn an_endpoint_is_shown_and_named_as_a_url_says_it() {
    let table = [
        (EndpointSpec::new(true, "api.example", 443), "https://api.example", "api.example"),
        (EndpointSpec::new(true, "api.example", 80), "https://api.example:80", "api.example:80"),
        (EndpointSpec::new(false, "[::1]", 8080), "http://[::1]:8080", "[::1]:8080"),
    ];
    for (endpoint, shown, authority) in table {
        assert_eq!(endpoint.to_string(), shown, "as a URL");
        assert_eq!(endpoint.authority(), authority, "as Host");
    }
}
