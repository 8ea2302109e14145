use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use tollgate_api::ManualClock;

use super::*;

fn quota(limit: u32, seconds: u64, burst: u32) -> Quota {
    Quota {
        limit: NonZeroU32::new(limit).unwrap(),
        period: Duration::from_secs(seconds),
        burst: NonZeroU32::new(burst).unwrap(),
    }
}

fn take(limiter: &dyn RateLimiter, key: &str, quotas: &[Quota], cost: u32) -> Decision {
    match limiter.take(key.as_bytes(), quotas, NonZeroU32::new(cost).unwrap()) {
        Step::Now(decision) => decision.unwrap(),
        Step::Later(_) => panic!("the memory engine never waits"),
    }
}

fn engine(max_keys: usize) -> (Arc<ManualClock>, MemoryRateLimiters) {
    let clock = Arc::new(ManualClock::default());
    (clock.clone(), MemoryRateLimiters::with_max_keys(clock, max_keys))
}

#[test]
fn each_key_has_its_own_bucket() {
    let (_, engine) = engine(1000);
    let limiter = engine.limiter("pay/rate_limit");
    let quotas = [quota(1, 1, 2)];
    for key in ["a", "b"] {
        assert!(take(&*limiter, key, &quotas, 1).allowed, "{key}: first");
        assert!(take(&*limiter, key, &quotas, 1).allowed, "{key}: second");
        assert!(!take(&*limiter, key, &quotas, 1).allowed, "{key}: beyond the burst");
    }
    assert_eq!(limiter.keys(), 2, "two keys are tracked");
}

#[test]
fn several_quotas_are_taken_from_together_or_not_at_all() {
    let (clock, engine) = engine(1000);
    let limiter = engine.limiter("x");
    let quotas = [quota(10, 1, 10), quota(3, 3600, 3)];
    for _ in 0..3 {
        assert!(take(&*limiter, "a", &quotas, 1).allowed, "both have room");
    }
    for _ in 0..20 {
        let refused = take(&*limiter, "a", &quotas, 1);
        assert!(!refused.allowed, "the hour is used up");
        assert_eq!(refused.verdicts[0].remaining, 7, "a refusal costs the other quota nothing");
        assert_eq!(refused.verdicts[0].retry_after, Duration::ZERO, "it would have passed");
        assert_eq!(
            refused.verdicts[1].retry_after,
            Duration::from_mins(20),
            "the hour decides when"
        );
    }
    clock.advance(Duration::from_mins(20));
    assert!(take(&*limiter, "a", &quotas, 1).allowed, "when it was told to");
}

#[test]
fn exactly_the_burst_passes_under_concurrency() {
    let (_, engine) = engine(MemoryRateLimiters::MAX_KEYS);
    let limiter = engine.limiter("x");
    let quotas = [quota(1, 1, 777), quota(5000, 60, 2000)];
    let passed = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..500 {
                    if take(&*limiter, "one key", &quotas, 1).allowed {
                        passed.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    assert_eq!(passed.into_inner(), 777, "neither one more nor one less");
}

#[test]
fn a_limiter_of_the_same_name_keeps_its_buckets() {
    let (_, engine) = engine(1000);
    let quotas = [quota(1, 3600, 1)];
    let old = engine.limiter("pay/rate_limit");
    assert!(take(&*old, "a", &quotas, 1).allowed, "the burst");
    let new = engine.limiter("pay/rate_limit");
    drop(old);
    assert!(!take(&*new, "a", &quotas, 1).allowed, "a reload does not reset it");
    assert!(take(&*engine.limiter("other"), "a", &quotas, 1).allowed, "another name is apart");
}

#[test]
fn changed_quotas_keep_what_was_spent() {
    let (_, engine) = engine(1000);
    let limiter = engine.limiter("x");
    let (second, hour) = (quota(10, 1, 10), quota(100, 3600, 100));
    for _ in 0..10 {
        assert!(take(&*limiter, "a", &[second, hour], 1).allowed, "the burst of a second");
    }
    let reordered = take(&*limiter, "a", &[hour, second], 1);
    assert!(!reordered.allowed, "the order they are written in makes no difference");
    assert_eq!(reordered.verdicts[0].remaining, 90, "the hour is still the hour");
    let raised = take(&*limiter, "a", &[quota(10, 1, 15), hour], 1);
    assert!(raised.allowed, "a greater burst gives the difference");
    assert_eq!(raised.verdicts[0].remaining, 4, "and no more");
    let added = take(&*limiter, "a", &[quota(12, 60, 12)], 1);
    assert!(added.allowed, "11 were spent of what is now 12 a minute");
    assert!(!take(&*limiter, "a", &[quota(12, 60, 12)], 1).allowed, "and now 12");
}

#[test]
fn a_flood_of_keys_neither_resets_a_limit_nor_takes_memory() {
    let (clock, engine) = engine(100);
    let limiter = engine.limiter("x");
    let quotas = [quota(1, 1, 5)];
    for _ in 0..5 {
        assert!(take(&*limiter, "victim", &quotas, 1).allowed, "the burst");
    }
    let mut shared = 0;
    for nth in 0..10_000 {
        shared += u32::from(take(&*limiter, &format!("flood {nth}"), &quotas, 1).shared_bucket);
        assert!(limiter.keys() <= 100, "never more than it may track");
    }
    assert_eq!(shared, 10_000 - 99, "who found no room shared a bucket");
    assert!(!take(&*limiter, "victim", &quotas, 1).allowed, "its bucket was not evicted");
    clock.advance(Duration::from_secs(1));
    let decision = take(&*limiter, "victim", &quotas, 1);
    assert!(decision.allowed && !decision.shared_bucket, "and replenishes at its own rate");
}

#[test]
fn keys_that_share_a_bucket_are_limited_together() {
    let (_, engine) = engine(1);
    let limiter = engine.limiter("x");
    let quotas = [quota(1, 1, 3)];
    assert!(take(&*limiter, "first", &quotas, 1).allowed, "takes the only bucket");
    let passed = (0..50)
        .map(|nth| take(&*limiter, &nth.to_string(), &quotas, 1))
        .inspect(|decision| assert!(decision.shared_bucket, "no room is left"))
        .filter(|decision| decision.allowed)
        .count();
    assert_eq!(passed, 3, "one burst for all of them");
}

#[test]
fn replenished_buckets_make_room_for_new_keys() {
    let (clock, engine) = engine(10);
    let limiter = engine.limiter("x");
    let quotas = [quota(1, 1, 5)];
    for nth in 0..10 {
        take(&*limiter, &format!("old {nth}"), &quotas, 2);
    }
    assert!(take(&*limiter, "new", &quotas, 1).shared_bucket, "all are in use");
    clock.advance(Duration::from_secs(2));
    assert!(!take(&*limiter, "new", &quotas, 1).shared_bucket, "now one can be forgotten");
    assert!(limiter.keys() <= 10, "in its place");
}

#[test]
fn a_bucket_of_its_own_does_not_reset_a_key_that_shared_one() {
    let (clock, engine) = engine(1);
    let limiter = engine.limiter("x");
    let quotas = [quota(1, 60, 10)];
    take(&*limiter, "first", &quotas, 1);
    while take(&*limiter, "attacker", &quotas, 1).allowed {}
    clock.advance(Duration::from_mins(1));
    let own = take(&*limiter, "attacker", &quotas, 1);
    assert!(own.allowed && !own.shared_bucket, "one is due, and the bucket became free");
    assert!(!take(&*limiter, "attacker", &quotas, 1).allowed, "but the rest stays spent");
}

#[test]
fn room_that_is_not_needed_is_given_back() {
    let (clock, engine) = engine(MemoryRateLimiters::MAX_KEYS);
    let limiter = engine.limiter("x");
    let quotas = [quota(1, 1, 1)];
    for nth in 0..5000 {
        take(&*limiter, &nth.to_string(), &quotas, 1);
    }
    clock.advance(Duration::from_secs(2));
    for nth in 0..4000 {
        take(&*limiter, &format!("later {nth}"), &quotas, 1);
    }
    assert!(limiter.keys() < 6000, "old keys are forgotten as new ones come: {}", limiter.keys());
}

#[test]
fn no_quota_allows_everything() {
    let (_, engine) = engine(10);
    assert!(take(&*engine.limiter("x"), "a", &[], 1).allowed, "nothing to exceed");
}
