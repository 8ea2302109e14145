//! Figures that plugins report about themselves, labelled by their instance.

use prometheus::{
    Gauge, IntCounter,
    core::{MetricVec, MetricVecBuilder},
};
use tollgate_api::{Measure, Measures};

use super::{Children, Metrics, registry::child};

/// The children of every plugin instance that has reported anything.
#[derive(Default)]
pub(super) struct Instances(Children<String, Instance>);

#[derive(Default)]
struct Instance {
    gauges: Children<Measure, Gauge>,
    counters: Children<Measure, IntCounter>,
}

impl Instances {
    pub(super) fn retain(&self, keep: impl Fn(&str) -> bool) {
        self.0.retain(|instance| keep(instance));
    }
}

impl Measures for Metrics {
    fn set(&self, instance: &str, measure: Measure, value: f64) {
        let families = &self.families;
        let family = match measure {
            Measure::JwksKeys => &families.jwks_keys,
            Measure::JwksFetchedAt => &families.jwks_fetched,
            Measure::RateLimitKeys => &families.limiter_keys,
            Measure::ProviderKeys => &families.provider_keys,
            Measure::ProviderKeysExpireAt => &families.provider_keys_expire,
            Measure::Degraded => &families.degraded,
            // A counter cannot be set.
            _ => return,
        };
        self.measures.0.with(instance, Instance::default, |kept| {
            kept.gauges.with(&measure, || of(family, instance), |gauge| gauge.set(value));
        });
    }

    fn add(&self, instance: &str, measure: Measure, by: u64) {
        let families = &self.families;
        let family = match measure {
            Measure::JwksFailures => &families.jwks_failures,
            Measure::TokenCacheHits => &families.token_hits,
            Measure::TokenCacheMisses => &families.token_misses,
            Measure::RateLimitOverflow => &families.limiter_overflow,
            Measure::ProviderKeyFailures => &families.provider_key_failures,
            Measure::EventsNotRemembered => &families.events_not_remembered,
            Measure::KeyUses => &families.key_uses,
            // A gauge is set, not added to.
            _ => return,
        };
        self.measures.0.with(instance, Instance::default, |kept| {
            kept.counters.with(&measure, || of(family, instance), |counter| counter.inc_by(by));
        });
    }
}

fn of<B: MetricVecBuilder>(family: &MetricVec<B>, instance: &str) -> B::M {
    child(family, &[instance])
}
