//! What is known at run time about an endpoint and each of its addresses: health, load, pools.
//! Carried over by a reload while the endpoint's fingerprint stays the same.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering},
    },
};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tollgate_api::Tick;

use crate::upstream::{
    health::Health,
    http2::Http2Pool,
    pool::IdlePool,
    resolve::{self, Lookup},
    spec::{EndpointSpec, HealthSpec},
};

/// An endpoint.
pub(super) struct Endpoint {
    host: String,
    port: u16,
    literal: Option<SocketAddr>,
    targets: ArcSwap<Vec<Arc<Target>>>,
    lookup: Lookup,
    turn: AtomicUsize,
    last_error: Mutex<Option<&'static str>>,
    /// Whether there is one, so that success after success needs no lock.
    failing: AtomicBool,
}

impl Endpoint {
    pub(super) fn new(spec: &EndpointSpec) -> Self {
        let literal = resolve::literal(&spec.host, spec.port);
        let targets = literal.map(|address| Arc::new(Target::new(address))).into_iter().collect();
        Self {
            host: spec.host.clone(),
            port: spec.port,
            literal,
            targets: ArcSwap::from_pointee(targets),
            lookup: Lookup::default(),
            turn: AtomicUsize::new(0),
            last_error: Mutex::new(None),
            failing: AtomicBool::new(false),
        }
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn literal(&self) -> Option<SocketAddr> {
        self.literal
    }

    pub(super) fn lookup(&self) -> &Lookup {
        &self.lookup
    }

    pub(super) fn targets(&self) -> arc_swap::Guard<Arc<Vec<Arc<Target>>>> {
        self.targets.load()
    }

    pub(super) fn has_targets(&self) -> bool {
        !self.targets.load().is_empty()
    }

    pub(super) fn turn(&self) -> usize {
        self.turn.fetch_add(1, Ordering::Relaxed)
    }

    /// Takes newly resolved addresses. Known ones keep their health and connections.
    pub(super) fn update(&self, addresses: Vec<SocketAddr>) {
        let old = self.targets.load_full();
        let mut fresh: Vec<Arc<Target>> = Vec::with_capacity(addresses.len());
        for address in addresses {
            if fresh.len() < MAX_ADDRESSES && !fresh.iter().any(|one| one.address == address) {
                let known = old.iter().find(|target| target.address == address).cloned();
                fresh.push(known.unwrap_or_else(|| Arc::new(Target::new(address))));
            }
        }
        for gone in old.iter().filter(|gone| !fresh.iter().any(|one| Arc::ptr_eq(one, gone))) {
            gone.retire();
        }
        self.targets.store(Arc::new(fresh));
    }

    pub(super) fn note_unresolved(&self) {
        self.note(Some("unresolved"));
    }

    /// The kind of the last failure, none after a success.
    pub(super) fn note(&self, error: Option<&'static str>) {
        if error.is_some() || self.failing.load(Ordering::Acquire) {
            *self.last_error.lock() = error;
            self.failing.store(error.is_some(), Ordering::Release);
        }
    }

    pub(super) fn last_error(&self) -> Option<&'static str> {
        *self.last_error.lock()
    }
}

/// One address of an endpoint.
pub(super) struct Target {
    address: SocketAddr,
    health: Mutex<Health>,
    healthy: AtomicBool,
    in_flight: AtomicUsize,
    /// Not chosen before this, while others are left.
    avoided_until: AtomicU64,
    /// No longer among the addresses of its endpoint: connections are not kept.
    retired: AtomicBool,
    speaks: AtomicU8,
    pub(super) idle: IdlePool,
    pub(super) http2: Http2Pool,
}

impl Target {
    fn new(address: SocketAddr) -> Self {
        Self {
            address,
            health: Mutex::default(),
            healthy: AtomicBool::new(true),
            in_flight: AtomicUsize::new(0),
            avoided_until: AtomicU64::new(0),
            retired: AtomicBool::new(false),
            speaks: AtomicU8::new(Speaks::Unknown as u8),
            idle: IdlePool::default(),
            http2: Http2Pool::default(),
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::Acquire)
    }

    /// Takes the result of a health check. Returns whether health has flipped.
    pub(super) fn checked(&self, passed: bool, spec: &HealthSpec) -> bool {
        let mut health = self.health.lock();
        *health = health.after(passed, spec);
        let now = health.is_healthy();
        self.healthy.swap(now, Ordering::AcqRel) != now
    }

    pub(super) fn avoid_until(&self, until: Tick) {
        self.avoided_until.fetch_max(until.0, Ordering::AcqRel);
    }

    pub(super) fn is_avoided(&self, now: Tick) -> bool {
        now.0 < self.avoided_until.load(Ordering::Acquire)
    }

    /// It accepted a connection.
    pub(super) fn forgive(&self) {
        if self.avoided_until.load(Ordering::Acquire) != 0 {
            self.avoided_until.store(0, Ordering::Release);
        }
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Acquire)
    }

    pub(super) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }

    fn retire(&self) {
        self.retired.store(true, Ordering::Release);
        self.idle.clear();
        self.http2.clear();
    }

    pub(super) fn speaks(&self) -> Speaks {
        match self.speaks.load(Ordering::Acquire) {
            value if value == Speaks::Http1 as u8 => Speaks::Http1,
            value if value == Speaks::Http2 as u8 => Speaks::Http2,
            value if value == Speaks::Http1Required as u8 => Speaks::Http1Required,
            _ => Speaks::Unknown,
        }
    }

    /// Remembers what was agreed. That HTTP/1.1 is required is never forgotten.
    pub(super) fn learn(&self, speaks: Speaks) {
        if self.speaks() != Speaks::Http1Required {
            self.speaks.store(speaks as u8, Ordering::Release);
        }
    }
}

/// Which HTTP an address was seen to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Speaks {
    Unknown,
    Http1,
    Http2,
    /// It asked for HTTP/1.1 with an HTTP/2 error code.
    Http1Required,
}

/// Counts an exchange at an address for as long as it lives.
pub(super) struct InFlight(Arc<Target>);

impl InFlight {
    pub(super) fn new(target: Arc<Target>) -> Self {
        target.in_flight.fetch_add(1, Ordering::AcqRel);
        Self(target)
    }

    pub(super) fn target(&self) -> &Arc<Target> {
        &self.0
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}

const MAX_ADDRESSES: usize = 16;
