//! Upstreams: where a provider is, which of its endpoints is asked, and how a connection to it is
//! had, kept and given back.
//!
//! The exchange loop picks an endpoint, connects, speaks, and releases; after a failure it asks
//! [`Session::failure`] what is known and [`decide`] whether another attempt is allowed. Certificates are
//! always verified, pools belong to one address of one upstream with one trust and one identity,
//! and every wait is bounded. An error of the layer below leaves this room as facts, never as text.

mod attempt;
mod balance;
mod budget;
mod connect;
mod endpoint;
mod evidence;
mod health;
mod http2;
mod jobs;
mod pick;
mod pool;
mod resolve;
mod session;
mod spec;
mod tls;
mod wire;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt, stream::FuturesUnordered};
use rustls_pki_types::ServerName;
use tollgate_api::{Clock, Job, State};

use self::{
    budget::Budget,
    connect::Connector,
    endpoint::{Endpoint, Speaks, Target},
    http2::Http2Connection,
    wire::Gate,
};

pub use self::{
    attempt::{Evidence, Guarantee, Next, Rules, Situation, Why, decide},
    budget::BudgetSpec,
    connect::{ConnectError, TlsFailure},
    evidence::{Facts, Failure, FailureKind},
    pick::{PickError, Picked},
    resolve::{Resolve, SystemResolver},
    session::{Released, Reuse, Session},
    spec::{Balance, EndpointSpec, HealthKind, HealthSpec, Protocol, Timeouts, UpstreamSpec},
    tls::{ClientIdentity, TlsSpec, Trust},
};

/// One upstream, ready to be used. Cloning shares it.
#[derive(Clone)]
pub struct Upstream(Arc<Inner>);

struct Inner {
    spec: UpstreamSpec,
    places: Vec<Arc<Place>>,
    shared: Arc<SharedState>,
    connector: Connector,
    resolver: Arc<dyn Resolve>,
}

/// An endpoint as configured, with what is known about it.
struct Place {
    spec: EndpointSpec,
    /// The name that its certificate must carry; present exactly when TLS is spoken.
    name: Option<ServerName<'static>>,
    endpoint: Arc<Endpoint>,
}

/// What all configurations of an upstream of this name share.
struct SharedState {
    gate: Arc<Gate>,
    budget: Budget,
    turn: AtomicUsize,
}

/// What operators see of one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointStatus {
    /// As a URL without path.
    pub endpoint: String,
    /// Its resolved addresses.
    pub addresses: Vec<SocketAddr>,
    /// Whether at least one of them is healthy.
    pub healthy: bool,
    /// How many of them are healthy.
    pub healthy_addresses: usize,
    /// Exchanges in flight.
    pub in_flight: usize,
    /// Idle connections.
    pub idle: usize,
    /// The kind of the last failure to connect or resolve, none since a success.
    pub last_error: Option<&'static str>,
}

impl Upstream {
    /// Makes an upstream with the system's resolver. State of the same name that `state` still
    /// holds is carried over: pools, health and addresses of endpoints whose trust, identity and
    /// protocol are unchanged. Opens nothing and starts nothing; the error says what is wrong.
    pub fn new(spec: UpstreamSpec, clock: Arc<dyn Clock>, state: &State) -> Result<Self, String> {
        Self::with_resolver(spec, clock, state, Arc::new(SystemResolver))
    }

    /// As [`Upstream::new`], with a resolver of one's own.
    pub fn with_resolver(
        spec: UpstreamSpec,
        clock: Arc<dyn Clock>,
        state: &State,
        resolver: Arc<dyn Resolve>,
    ) -> Result<Self, String> {
        if let Some(fault) = spec.fault() {
            return Err(fault);
        }
        let any_tls = spec.endpoints.iter().any(|endpoint| endpoint.tls);
        let connector = Connector::new(&spec.tls, spec.protocol, any_tls, Arc::clone(&clock))?;
        let identity = spec.identity();
        let places = spec
            .endpoints
            .iter()
            .map(|endpoint| {
                let name = endpoint
                    .tls
                    .then(|| tls::server_name(&spec.tls, &endpoint.host))
                    .transpose()?;
                let key = format!("upstream/{}/{endpoint}", spec.name);
                let kept = state.get_or_create(&key, identity, || Endpoint::new(endpoint));
                Ok(Arc::new(Place { spec: endpoint.clone(), name, endpoint: kept }))
            })
            .collect::<Result<_, String>>()?;
        let shared = state.get_or_create(&format!("upstream/{}", spec.name), 0, || SharedState {
            gate: Arc::default(),
            budget: Budget::new(&spec.retry_budget, clock.tick()),
            turn: AtomicUsize::new(0),
        });
        Ok(Self(Arc::new(Inner { spec, places, shared, connector, resolver })))
    }

    /// Its name in the configuration.
    pub fn name(&self) -> &Arc<str> {
        &self.0.spec.name
    }

    /// What it was made of.
    pub fn spec(&self) -> &UpstreamSpec {
        &self.0.spec
    }

    /// Background work: resolution, health checks, and closing what died while idle.
    pub fn jobs(&self) -> Vec<Job> {
        jobs::of(&self.0)
    }

    /// Chooses where the next attempt goes; `tried` are the endpoints of the attempts before it
    /// ([`Picked::index`]). Waits only when no endpoint has an address yet, within
    /// `timeouts.connect`. The first attempt of a request pays into the retry budget, each further
    /// one takes from it.
    pub async fn pick(&self, tried: &[usize]) -> Result<Picked, PickError> {
        let inner = &self.0;
        let (budget, rules) = (&inner.shared.budget, &inner.spec.retry_budget);
        if tried.is_empty() {
            budget.deposit(rules);
        } else {
            // Whether there was one to take was asked before ([`Upstream::situation`]); requests
            // that raced for the last one are let through.
            budget.withdraw(rules, inner.connector.clock().tick());
        }
        if !inner.places.iter().any(|place| place.endpoint.has_targets()) {
            inner.resolve_any().await;
        }
        let turn = inner.shared.turn.fetch_add(1, Ordering::Relaxed);
        let now = inner.connector.clock().tick();
        pick::pick(&inner.places, inner.spec.balance, turn, tried, now)
    }

    /// Gets a connection to what was picked, within `timeouts.connect`. An address that cannot be
    /// reached gives way to the next one of the same endpoint, and `picked` follows.
    pub async fn connect(
        &self,
        picked: &mut Picked,
        reuse: Reuse,
    ) -> Result<Session, ConnectError> {
        let clock = self.0.connector.clock();
        let started = clock.tick();
        let limit = self.0.spec.timeouts.connect;
        let result = tokio::time::timeout(limit, self.0.obtain(picked, reuse))
            .await
            .unwrap_or(Err(ConnectError::Timeout));
        let error = result.as_ref().err().map(|error| error.as_str());
        picked.place().endpoint.note(error);
        result.map(|mut session| {
            session.took(clock.tick().since(started));
            session
        })
    }

    /// Takes a connection back.
    pub fn release(&self, session: Session, how: Released) {
        let now = self.0.connector.clock().tick();
        session.release(how, now, self.0.spec.timeouts.idle, self.0.spec.idle_connections);
    }

    /// What the upstream contributes to the decision about another attempt: its rules and its
    /// budget. The rest is for the exchange loop to fill in; as it stands, nothing is repeated.
    pub fn situation(&self) -> Situation {
        let spec = &self.0.spec;
        let now = self.0.connector.clock().tick();
        Situation {
            method_safe: false,
            evidence: Evidence::Unknown,
            replayable: false,
            guarantee: Guarantee::None,
            unknown_allowed: spec.rules.repeat_unknown,
            status_allowed: false,
            attempts_made: 1,
            max_attempts: spec.rules.max_attempts,
            deadline_left: Duration::ZERO,
            budget_left: self.0.shared.budget.has_one(&spec.retry_budget, now),
        }
    }

    /// Notes for operators whether the provider answered there.
    pub fn note(&self, picked: &Picked, answered: bool) {
        picked.place().endpoint.note((!answered).then_some("no_answer"));
    }

    /// Open connections, busy and idle together.
    pub fn open_connections(&self) -> usize {
        self.0.shared.gate.open()
    }

    /// What operators see.
    pub fn status(&self) -> Vec<EndpointStatus> {
        self.0.places.iter().map(|place| place.status()).collect()
    }
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upstream").field("name", self.name()).finish_non_exhaustive()
    }
}

impl Place {
    fn status(&self) -> EndpointStatus {
        let targets = self.endpoint.targets();
        let healthy_addresses = targets.iter().filter(|target| target.is_healthy()).count();
        EndpointStatus {
            endpoint: self.spec.to_string(),
            addresses: targets.iter().map(|target| target.address()).collect(),
            healthy: healthy_addresses > 0,
            healthy_addresses,
            in_flight: targets.iter().map(|target| target.in_flight()).sum(),
            idle: targets.iter().map(|target| target.idle.len() + target.http2.idle()).sum(),
            last_error: self.endpoint.last_error(),
        }
    }
}

impl Inner {
    /// Waits for the first endpoint that has an address, or for all to have failed.
    async fn resolve_any(&self) {
        let limit = self.spec.timeouts.connect;
        let mut running: FuturesUnordered<_> = self
            .places
            .iter()
            .map(|place| {
                resolve::ensure(&place.endpoint, &self.resolver, self.connector.clock(), limit)
            })
            .collect();
        while running.next().await.is_some() {
            if self.places.iter().any(|place| place.endpoint.has_targets()) {
                return;
            }
        }
    }

    async fn obtain(&self, picked: &mut Picked, reuse: Reuse) -> Result<Session, ConnectError> {
        let clock = self.connector.clock();
        loop {
            // One silent address must not use up the time of its siblings.
            let others = u32::try_from(picked.siblings()).unwrap_or(u32::MAX);
            let share = self.spec.timeouts.connect / others.saturating_add(1);
            let target = Arc::clone(picked.target());
            let result = tokio::time::timeout(share, self.obtain_from(picked, &target, reuse))
                .await
                .unwrap_or(Err(ConnectError::Timeout));
            match result {
                Ok(session) => {
                    target.forgive();
                    return Ok(session);
                }
                Err(error) => {
                    if !error.blames_address() {
                        return Err(error);
                    }
                    target.avoid_until(clock.tick().after(self.spec.avoid_failed));
                    if !picked.move_on() {
                        return Err(error);
                    }
                }
            }
        }
    }

    async fn obtain_from(
        &self,
        picked: &Picked,
        target: &Arc<Target>,
        reuse: Reuse,
    ) -> Result<Session, ConnectError> {
        if let Some(session) = self.reuse(picked, target, reuse).await {
            return Ok(session);
        }
        if self.speaks(picked, target) != Speaks::Http1 {
            // Whoever may speak HTTP/2 opens one connection at a time, and shares it.
            let opening = target.http2.opening.lock().await;
            if let Some(session) = self.reuse(picked, target, reuse).await {
                return Ok(session);
            }
            if self.speaks(picked, target) != Speaks::Http1 {
                return self.open(picked, target).await;
            }
            drop(opening);
        }
        self.open(picked, target).await
    }

    async fn reuse(&self, picked: &Picked, target: &Arc<Target>, reuse: Reuse) -> Option<Session> {
        let clock = self.connector.clock();
        let speaks = self.speaks(picked, target);
        if speaks != Speaks::Http1
            && let Some((connection, stream)) =
                target.http2.lend(reuse, clock.as_ref(), self.spec.timeouts.idle).await
        {
            return Some(Session::http2(Arc::clone(target), connection, stream, true));
        }
        if speaks == Speaks::Http2 {
            return None;
        }
        let fresher_than = match reuse {
            Reuse::Any => None,
            Reuse::FresherThan(limit) => Some(limit),
        };
        let wire = target.idle.take(clock.tick(), fresher_than)?;
        Some(Session::http1(Arc::clone(target), wire, true))
    }

    async fn open(&self, picked: &Picked, target: &Arc<Target>) -> Result<Session, ConnectError> {
        let place = picked.place();
        let permit = loop {
            match self.shared.gate.enter(self.spec.connections) {
                Some(permit) => break permit,
                // An idle connection gives way to one that is needed.
                None if self.evict() => {}
                None => return Err(ConnectError::Overloaded),
            }
        };
        let fresh =
            self.connector.establish(&place.spec, place.name.as_ref(), target, permit).await?;
        if !fresh.http2 {
            return Ok(Session::http1(Arc::clone(target), Box::new(fresh.wire), false));
        }
        let clock = self.connector.clock().as_ref();
        let connection = Http2Connection::open(fresh.wire, fresh.agreed, clock).await?;
        let stream = connection.stream().await.ok_or(ConnectError::Protocol)?;
        if !target.is_retired() {
            target.http2.add(Arc::clone(&connection));
        }
        Ok(Session::http2(Arc::clone(target), connection, stream, false))
    }

    /// Which HTTP is spoken; that HTTP/1.1 was asked for means no more than that here.
    fn speaks(&self, picked: &Picked, target: &Target) -> Speaks {
        match self.connector.speaks(picked.endpoint(), target) {
            Speaks::Http1Required => Speaks::Http1,
            other => other,
        }
    }

    fn evict(&self) -> bool {
        self.places.iter().any(|place| {
            let targets = place.endpoint.targets();
            targets.iter().any(|target| target.idle.evict() || target.http2.evict())
        })
    }

    fn sweep(&self) {
        let now = self.connector.clock().tick();
        for place in &self.places {
            for target in place.endpoint.targets().iter() {
                target.idle.sweep(now);
                target.http2.sweep(now, self.spec.timeouts.idle);
            }
        }
    }
}

/// How long one look-up may keep a background run; the look-up itself may go on.
const LOOKUP_LIMIT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
