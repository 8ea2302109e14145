//! The background work of an upstream, as jobs that the reload starts and carries over.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use futures::{StreamExt, future, stream};
use tollgate_api::{Job, Jobs};

use crate::upstream::{
    Inner, LOOKUP_LIMIT,
    health::{self, TEND_EVERY},
    resolve,
    spec::HealthSpec,
};

/// The jobs of an upstream. Their fingerprints cover what they depend on and nothing else, so that
/// an unrelated edit does not restart them.
pub(super) fn of(inner: &Arc<Inner>) -> Vec<Job> {
    let mut jobs = Jobs::default();
    let name = &inner.spec.name;
    let print = |extra: &dyn Fn(&mut DefaultHasher)| {
        let mut hasher = DefaultHasher::new();
        inner.spec.identity().hash(&mut hasher);
        for place in &inner.places {
            (place.spec.tls, &place.spec.host, place.spec.port).hash(&mut hasher);
        }
        extra(&mut hasher);
        hasher.finish()
    };
    if inner.places.iter().any(|place| place.endpoint.literal().is_none()) {
        let every = inner.spec.resolve_every;
        let fingerprint = print(&|hasher| every.hash(hasher));
        let inner = Arc::clone(inner);
        jobs.every(format!("upstream/{name}/resolve"), fingerprint, every, move || {
            resolve_all(Arc::clone(&inner))
        });
    }
    if let Some(spec) = inner.spec.health.clone() {
        let inner = Arc::clone(inner);
        let every = spec.interval;
        jobs.every(format!("upstream/{name}/health"), print(&|_| {}), every, move || {
            check_all(Arc::clone(&inner), spec.clone())
        });
    }
    let fingerprint = print(&|hasher| inner.spec.timeouts.idle.hash(hasher));
    let inner = Arc::clone(inner);
    jobs.every(format!("upstream/{name}/tend"), fingerprint, TEND_EVERY, move || {
        inner.sweep();
        future::ready(())
    });
    jobs.into_inner()
}

async fn resolve_all(inner: Arc<Inner>) {
    let clock = inner.connector.clock();
    let lookups = inner.places.iter().map(|place| {
        let lookup = resolve::refresh(&place.endpoint, &inner.resolver, clock);
        tokio::time::timeout(LOOKUP_LIMIT, lookup)
    });
    future::join_all(lookups).await;
}

async fn check_all(inner: Arc<Inner>, spec: HealthSpec) {
    let addresses: Vec<_> = inner
        .places
        .iter()
        .flat_map(|place| {
            let targets = place.endpoint.targets();
            targets.iter().map(|target| (Arc::clone(place), Arc::clone(target))).collect::<Vec<_>>()
        })
        .collect();
    let (inner, spec) = (&inner, &spec);
    stream::iter(addresses)
        .for_each_concurrent(CHECKS_AT_ONCE, |(place, target)| async move {
            let passed = health::check(&inner.connector, &place, &target, spec).await;
            if target.checked(passed, spec) {
                tracing::warn!(
                    upstream = %inner.spec.name,
                    endpoint = %place.spec,
                    address = %target.address(),
                    healthy = passed,
                    "upstream health changed"
                );
            }
        })
        .await;
}

const CHECKS_AT_ONCE: usize = 32;
