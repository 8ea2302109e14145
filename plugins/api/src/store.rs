//! What plugins ask of a store. Engines (in memory, embedded, Redis) live with the gateway; one
//! conformance suite runs against each.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use crate::Step;

/// Opens limiters by stable name, so that their buckets survive a reload.
pub trait RateLimiters: Send + Sync + 'static {
    /// The limiter of this name.
    fn limiter(&self, name: &str) -> Arc<dyn RateLimiter>;
}

/// Counts requests against quotas by the generic cell rate algorithm (GCRA), exactly per key.
pub trait RateLimiter: Send + Sync + 'static {
    /// Takes `cost` from the bucket of `key` under every quota: from all, or from none. What is
    /// returned as [`Step::Later`] does nothing before it is polled.
    fn take<'a>(
        &'a self,
        key: &'a [u8],
        quotas: &'a [Quota],
        cost: NonZeroU32,
    ) -> Step<'a, Decision, StoreError>;

    /// Number of keys that are tracked.
    fn keys(&self) -> usize;
}

/// `limit` requests per `period`, of which `burst` may come at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quota {
    /// Requests per period.
    pub limit: NonZeroU32,
    /// The period.
    pub period: Duration,
    /// How many may come at once.
    pub burst: NonZeroU32,
}

/// What the limiter says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether the request may pass.
    pub allowed: bool,
    /// One verdict for each quota, in their order.
    pub verdicts: Vec<Verdict>,
    /// The limiter was full and the key shared a bucket with other new keys.
    pub shared_bucket: bool,
}

/// The state of one quota after the decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// How many more may come at once.
    pub remaining: u32,
    /// Time until the bucket is full again.
    pub reset: Duration,
    /// Time until a refused request could pass; zero if it passed.
    pub retry_after: Duration,
}

/// Opens replay sets by stable name, so that they survive a reload.
pub trait ReplaySets: Send + Sync + 'static {
    /// The set of this name.
    fn replay_set(&self, name: &str) -> Arc<dyn ReplaySet>;
}

/// Remembers keys for a time: nonces, signatures, identifiers of events. A set that is full of keys
/// which still count refuses new ones ([`StoreError`]): what cannot be remembered must not pass.
pub trait ReplaySet: Send + Sync + 'static {
    /// Inserts a key for this time, unless it is there. One of several that race inserts it.
    fn insert<'a>(&'a self, key: &'a [u8], keep: Duration) -> Step<'a, Seen, StoreError>;

    /// Whether the key is there.
    fn contains<'a>(&'a self, key: &'a [u8]) -> Step<'a, bool, StoreError>;

    /// Removes a key. Must not block; a store that fails lets the key run out.
    fn remove(&self, key: &[u8]);
}

/// Whether a key was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It was not, and is now.
    First,
    /// It was.
    Again,
}

/// The store cannot decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the store is unavailable")]
pub struct StoreError;
