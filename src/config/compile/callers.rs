//! Which upstreams a plugin may call on its own behalf, from where it stands.
//!
//! An upstream that could not be compiled is there all the same, so that a plugin that names it is
//! not blamed as well: the configuration is refused in any case.

use std::{future, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use tollgate_api::{Call, Caller, Callers, FetchError, Fetched};

use super::upstream::Upstreams;
use crate::{
    snapshot::HostPolicy,
    upstream::{Upstream, UpstreamCaller},
};

/// From a route every upstream can be called.
impl Callers for Upstreams {
    fn own(&self) -> Option<Arc<dyn Caller>> {
        None
    }

    fn named(&self, upstream: &str) -> Option<Arc<dyn Caller>> {
        let (_, provider) = self.find(upstream)?;
        let provider = provider.as_ref();
        Some(caller(provider.map(|provider| &provider.upstream), provider.map(|p| &p.host)))
    }
}

/// From an upstream only itself can be called.
pub(super) struct Own<'a> {
    name: &'a str,
    upstream: Option<&'a Arc<Upstream>>,
    host: Option<&'a HostPolicy>,
}

impl<'a> Own<'a> {
    /// The upstream of this name, as far as it could be compiled.
    pub fn new(
        name: &'a str,
        upstream: Option<&'a Arc<Upstream>>,
        host: Option<&'a HostPolicy>,
    ) -> Self {
        Self { name, upstream, host }
    }
}

impl Callers for Own<'_> {
    fn own(&self) -> Option<Arc<dyn Caller>> {
        Some(caller(self.upstream, self.host))
    }

    fn named(&self, upstream: &str) -> Option<Arc<dyn Caller>> {
        if upstream == self.name { self.own() } else { None }
    }
}

fn caller(upstream: Option<&Arc<Upstream>>, host: Option<&HostPolicy>) -> Arc<dyn Caller> {
    let Some(upstream) = upstream else { return Arc::new(Unusable) };
    let host = match host {
        Some(HostPolicy::Name(name)) => Some(name.clone()),
        _ => None,
    };
    Arc::new(UpstreamCaller::new(upstream.clone(), host))
}

struct Unusable;

impl Caller for Unusable {
    fn call(&self, _: Call, _: usize, _: Duration) -> BoxFuture<'_, Result<Fetched, FetchError>> {
        Box::pin(future::ready(Err(FetchError::Unreachable)))
    }
}
