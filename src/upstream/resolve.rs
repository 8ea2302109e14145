//! Addresses of an endpoint: resolved in the background, one look-up at a time, never blocking a
//! request that already has addresses, and keeping the last good ones when resolution fails.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use parking_lot::Mutex;
use tollgate_api::{Clock, Tick};

use crate::upstream::endpoint::Endpoint;

/// Turns a host name into addresses.
pub trait Resolve: Send + Sync + 'static {
    /// All addresses of the host, preferred ones first.
    fn resolve(&self, host: String, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;
}

/// The system's resolver, on threads that may block.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, host: String, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        async move { Ok(tokio::net::lookup_host((host.as_str(), port)).await?.collect()) }.boxed()
    }
}

/// The look-up of one endpoint.
#[derive(Default)]
pub(super) struct Lookup {
    running: Mutex<Option<Shared<BoxFuture<'static, ()>>>>,
    failed_at: Mutex<Option<Tick>>,
}

impl Lookup {
    /// Whether it failed so recently that asking again is of no use.
    fn failed_lately(&self, now: Tick) -> bool {
        self.failed_at.lock().is_some_and(|at| now.since(at) < FAILURE_HOLDS)
    }
}

/// Looks the endpoint up now, or waits for the look-up that is already running. The look-up goes on
/// when the waiter gives up: there is never more than one per endpoint, however slow.
pub(super) async fn refresh(
    endpoint: &Arc<Endpoint>,
    resolver: &Arc<dyn Resolve>,
    clock: &Arc<dyn Clock>,
) {
    if endpoint.literal().is_some() {
        return;
    }
    let running = {
        let mut slot = endpoint.lookup().running.lock();
        match slot.as_ref().filter(|running| running.peek().is_none()) {
            Some(running) => running.clone(),
            None => slot.insert(start(endpoint, resolver, clock)).clone(),
        }
    };
    running.await;
}

/// Makes sure that the endpoint has addresses, within `limit`.
pub(super) async fn ensure(
    endpoint: &Arc<Endpoint>,
    resolver: &Arc<dyn Resolve>,
    clock: &Arc<dyn Clock>,
    limit: Duration,
) {
    if endpoint.has_targets() || endpoint.lookup().failed_lately(clock.tick()) {
        return;
    }
    let _ = tokio::time::timeout(limit, refresh(endpoint, resolver, clock)).await;
}

/// The address, when the host is one already.
pub(super) fn literal(host: &str, port: u16) -> Option<SocketAddr> {
    host.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, port))
}

fn start(
    endpoint: &Arc<Endpoint>,
    resolver: &Arc<dyn Resolve>,
    clock: &Arc<dyn Clock>,
) -> Shared<BoxFuture<'static, ()>> {
    let answer = resolver.resolve(endpoint.host().to_owned(), endpoint.port());
    let (endpoint, clock) = (Arc::clone(endpoint), Arc::clone(clock));
    let task = tokio::spawn(async move {
        let found = answer.await.unwrap_or_default();
        let failed = found.is_empty();
        let before = {
            let mut failed_at = endpoint.lookup().failed_at.lock();
            std::mem::replace(&mut *failed_at, failed.then(|| clock.tick()))
        };
        if failed != before.is_some() {
            let (host, kept) = (endpoint.host(), endpoint.has_targets());
            if failed {
                tracing::warn!(host, kept, "a provider's name cannot be resolved");
            } else {
                tracing::info!(host, "a provider's name can be resolved again");
            }
        }
        if failed {
            endpoint.note_unresolved();
        } else {
            endpoint.update(found);
        }
    });
    task.map(drop).boxed().shared()
}

/// How long a request trusts that a failed look-up would fail again.
const FAILURE_HOLDS: Duration = Duration::from_secs(1);
