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
mod call;
mod connect;
mod endpoint;
mod evidence;
mod health;
mod http2;
mod jobs;
mod obtain;
mod pick;
mod pool;
mod resolve;
mod session;
mod spec;
mod tls;
mod transport;
mod wire;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rustls_pki_types::ServerName;
use tollgate_api::{Clock, Job, State};

use self::{budget::Budget, connect::Connector, endpoint::Endpoint, transport::Gate};

pub use self::{
    attempt::{Evidence, Guarantee, Next, Rules, Situation, Why, decide},
    budget::BudgetSpec,
    call::UpstreamCaller,
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
        let now = clock.tick();
        let connector = Connector::new(&spec.tls, spec.protocol, any_tls, clock)?;
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
            budget: Budget::new(&spec.retry_budget, now),
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
        let result =
            tokio::time::timeout(limit, self.0.obtain(picked, reuse)).await.unwrap_or_else(|_| {
                self.0.avoid(picked.target());
                Err(ConnectError::Timeout)
            });
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

/// How long one look-up may keep a background run; the look-up itself may go on.
const LOOKUP_LIMIT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
