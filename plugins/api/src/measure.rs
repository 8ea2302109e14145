//! Figures that plugins report; the gateway turns them into metrics labelled by plugin instance.

/// A figure a plugin reports. The gateway owns its name, help and labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Gauge: number of usable keys in a key set.
    JwksKeys,
    /// Gauge: Unix time in seconds of the last successful fetch of a key set.
    JwksFetchedAt,
    /// Counter: failed fetches of a key set.
    JwksFailures,
    /// Counter: verified tokens served from the cache.
    TokenCacheHits,
    /// Counter: tokens that had to be verified.
    TokenCacheMisses,
    /// Gauge: keys a rate limiter tracks.
    RateLimitKeys,
    /// Counter: requests of keys that had to share a bucket because the limiter was full.
    RateLimitOverflow,
    /// Counter: uses of an encryption key that has a use limit.
    KeyUses,
    /// Gauge: keys of a provider that were downloaded and are in force.
    ProviderKeys,
    /// Gauge: Unix time in seconds at which the last of these keys expires.
    ProviderKeysExpireAt,
    /// Counter: failed downloads of a provider's keys.
    ProviderKeyFailures,
    /// Counter: events that were delivered and could not be remembered, so that they may come again.
    EventsNotRemembered,
    /// Gauge: 1 while a dependency outside the process is unavailable.
    Degraded,
}

/// Where plugins report figures to.
pub trait Measures: Send + Sync + 'static {
    /// Sets a gauge of this plugin instance.
    fn set(&self, instance: &str, measure: Measure, value: f64);

    /// Adds to a counter of this plugin instance.
    fn add(&self, instance: &str, measure: Measure, by: u64);
}

/// Reports nowhere: for checks and tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoMeasures;

impl Measures for NoMeasures {
    fn set(&self, _: &str, _: Measure, _: f64) {}

    fn add(&self, _: &str, _: Measure, _: u64) {}
}
