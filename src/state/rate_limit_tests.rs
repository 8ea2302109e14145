//! `rate_limit` over the engine in memory: what a caller gets in the end.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tollgate_api::{
    Exchange, Fault, Plugin, Step,
    testing::{Bench, exchange, exchange_from, exchange_with},
};
use tollgate_traffic::RateLimit;

use super::MemoryRateLimiters;

fn bench(max_keys: usize) -> Bench {
    let mut bench = Bench::new();
    let engine = MemoryRateLimiters::with_max_keys(bench.clock.clone(), max_keys);
    bench.stores.rate_limiters = Arc::new(engine);
    bench
}

fn send(plugin: &dyn Plugin, mut exchange: Exchange) -> Result<(), Fault> {
    match plugin.on_request(&mut exchange) {
        Step::Now(result) => result.map(drop),
        Step::Later(_) => panic!("the engine in memory never waits"),
    }
}

fn passed(plugin: &dyn Plugin, exchanges: impl Iterator<Item = Exchange>) -> usize {
    exchanges.filter(|exchange| send(plugin, exchange.view()).is_ok()).count()
}

fn plugin(bench: &mut Bench, settings: Value) -> Arc<dyn Plugin> {
    bench.plugin::<RateLimit>(settings)
}

#[test]
fn a_route_gives_exactly_its_burst_under_concurrency() {
    let mut bench = bench(1000);
    let plugin = plugin(&mut bench, json!({ "per": "route", "limit": "1/s", "burst": 321 }));
    let passed = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..200 {
                    passed
                        .fetch_add(u32::from(send(&*plugin, exchange()).is_ok()), Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(passed.into_inner(), 321, "neither one more nor one less");
}

#[test]
fn a_refused_caller_passes_after_retry_after_and_not_a_second_before() {
    let mut bench = bench(1000);
    let plugin = plugin(&mut bench, json!({ "limits": [{ "limit": "5/s" }, { "limit": "6/m" }] }));
    assert_eq!(passed(&*plugin, (0..5).map(|_| exchange())), 5, "the burst of a second");
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(passed(&*plugin, (0..5).map(|_| exchange())), 1, "the minute allows one more");
    let refused = send(&*plugin, exchange()).unwrap_err();
    let wait = refused.headers()[http::header::RETRY_AFTER].to_str().unwrap();
    let wait: u64 = wait.parse().unwrap();
    assert_eq!(wait, 9, "6 a minute is one in ten seconds, and one has gone by");
    bench.clock.advance(Duration::from_secs(wait - 1));
    assert!(send(&*plugin, exchange()).is_err(), "a second early");
    bench.clock.advance(Duration::from_secs(1));
    assert!(send(&*plugin, exchange()).is_ok(), "when it was told to");
}

#[test]
fn a_reload_keeps_the_buckets_and_shadow_has_its_own() {
    let mut bench = bench(1000);
    let old = plugin(&mut bench, json!({ "limit": "5/h" }));
    assert_eq!(passed(&*old, (0..9).map(|_| exchange())), 5, "the burst");
    let new = plugin(&mut bench, json!({ "limit": "7/h" }));
    drop(old);
    assert_eq!(passed(&*new, (0..9).map(|_| exchange())), 2, "only what the new limit adds");
    bench.shadow = true;
    let shadow = plugin(&mut bench, json!({ "limit": "5/h" }));
    assert_eq!(passed(&*shadow, (0..9).map(|_| exchange())), 5, "apart from the enforced one");
}

#[test]
fn changing_addresses_within_a_network_gains_nothing() {
    let mut bench = bench(1000);
    let plugin = plugin(&mut bench, json!({ "per": "address", "limit": "1/h", "burst": 3 }));
    let network = 0x2001_0db8_0001_0002_u128 << 64;
    let addresses = (0..500_u128).map(|host| IpAddr::from(Ipv6Addr::from(network | host)));
    assert_eq!(passed(&*plugin, addresses.map(exchange_from)), 3, "one burst for the network");
}

#[test]
fn a_flood_of_invented_tenants_resets_nobody_and_takes_no_memory() {
    let mut bench = bench(50);
    let limiter = bench.stores.rate_limiters.limiter("route/rate_limit");
    let settings = json!({ "per": { "header": "x-tenant" }, "limit": "1/h", "burst": 4 });
    let plugin = plugin(&mut bench, settings);
    let from = |tenant: &str| exchange_with(&[("x-tenant", tenant)]);
    assert_eq!(passed(&*plugin, (0..9).map(|_| from("shop"))), 4, "the burst");
    let flood = (0..5000).map(|nth| from(&format!("invented {nth}")));
    assert_eq!(passed(&*plugin, flood), 49 + 4, "those that found room, and one shared burst");
    assert!(limiter.keys() <= 50, "no more keys than it may track");
    assert!(send(&*plugin, from("shop")).is_err(), "the shop's bucket is as it was");
}
