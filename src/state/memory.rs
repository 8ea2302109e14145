//! Rate limiters in memory: exact per key, for one process.
//!
//! A limiter keeps a bounded number of buckets (100,000 unless told otherwise). Keys are kept as
//! digests under a secret of the process, so that a bucket has a fixed size and no caller can choose
//! which keys meet. When every bucket is in use, new keys share one: they are limited together, never
//! let through uncounted. A limiter lives for as long as some configuration holds it, so buckets
//! survive a reload.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    num::NonZeroU32,
    sync::{Arc, Weak},
};

use parking_lot::Mutex;
use tollgate_api::{Clock, Decision, Quota, RateLimiter, RateLimiters, Step, StoreError, Tick};

use super::buckets::{Bucket, Buckets, Place};

/// Opens limiters in memory.
pub struct MemoryRateLimiters {
    clock: Arc<dyn Clock>,
    max_keys: usize,
    open: Mutex<HashMap<String, Weak<Limiter>>>,
}

impl MemoryRateLimiters {
    /// Limiters that track at most [`MAX_KEYS`](Self::MAX_KEYS) keys each.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::with_max_keys(clock, Self::MAX_KEYS)
    }

    /// Limiters that track at most this many keys each.
    pub fn with_max_keys(clock: Arc<dyn Clock>, max_keys: usize) -> Self {
        Self { clock, max_keys, open: Mutex::default() }
    }

    /// How many keys a limiter tracks by default: about 20 MB when all are in use.
    pub const MAX_KEYS: usize = 100_000;
}

impl RateLimiters for MemoryRateLimiters {
    fn limiter(&self, name: &str) -> Arc<dyn RateLimiter> {
        let mut open = self.open.lock();
        open.retain(|_, limiter| limiter.strong_count() > 0);
        if let Some(limiter) = open.get(name).and_then(Weak::upgrade) {
            return limiter;
        }
        let limiter = Arc::new(Limiter::new(self.clock.clone(), self.max_keys));
        open.insert(name.to_owned(), Arc::downgrade(&limiter));
        limiter
    }
}

struct Limiter {
    clock: Arc<dyn Clock>,
    secrets: [RandomState; 2],
    shards: Vec<Mutex<Buckets>>,
    overflow: Mutex<Bucket>,
}

impl Limiter {
    fn new(clock: Arc<dyn Clock>, max_keys: usize) -> Self {
        let shards = if max_keys < SHARDS * 16 { 1 } else { SHARDS };
        let capacity = max_keys / shards;
        Self {
            clock,
            secrets: [RandomState::new(), RandomState::new()],
            shards: (0..shards).map(|_| Mutex::new(Buckets::new(capacity))).collect(),
            overflow: Mutex::default(),
        }
    }

    /// 128 bits, so that two keys never share a bucket by accident.
    fn digest(&self, key: &[u8]) -> u128 {
        let [high, low] = &self.secrets;
        u128::from(high.hash_one(key)) << 64 | u128::from(low.hash_one(key))
    }

    fn decide(&self, key: &[u8], quotas: &[Quota], cost: NonZeroU32) -> Option<Decision> {
        let digest = self.digest(key);
        let shard = usize::try_from(digest % self.shards.len().max(1) as u128).ok()?;
        let mut buckets = self.shards.get(shard)?.lock();
        let now = self.clock.tick();
        let bucket = match buckets.place(digest, now) {
            Place::Own(bucket) => bucket,
            Place::Fresh(bucket) => {
                self.inherit(bucket, now);
                bucket
            }
            Place::Full => {
                drop(buckets);
                let (allowed, verdicts) = self.overflow.lock().take(quotas, cost, now);
                return Some(Decision { allowed, verdicts, shared_bucket: true });
            }
        };
        let (allowed, verdicts) = bucket.take(quotas, cost, now);
        Some(Decision { allowed, verdicts, shared_bucket: false })
    }

    /// A new key may be one of those that shared the overflow bucket a moment ago: it begins with
    /// what they spent together, so that nobody's limit is reset by getting a bucket.
    fn inherit(&self, bucket: &mut Bucket, now: Tick) {
        let overflow = self.overflow.lock();
        if overflow.replenished_at() > now {
            bucket.clone_from(&overflow);
        }
    }
}

impl RateLimiter for Limiter {
    fn take<'a>(
        &'a self,
        key: &'a [u8],
        quotas: &'a [Quota],
        cost: NonZeroU32,
    ) -> Step<'a, Decision, StoreError> {
        Step::Now(self.decide(key, quotas, cost).ok_or(StoreError))
    }

    fn keys(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }
}

const SHARDS: usize = 64;

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
