//! What an upstream is made of: typed values handed in by the configuration, without any of its
//! syntax. [`UpstreamSpec::new`] fills in the safe defaults.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};

use crate::upstream::{attempt::Rules, budget::BudgetSpec, tls::TlsSpec};

/// Everything about one upstream: a provider, reached through one or more endpoints.
#[derive(Debug, Clone)]
pub struct UpstreamSpec {
    /// Its name in the configuration; metrics and carried-over state hang on it.
    pub name: Arc<str>,
    /// Where the provider can be reached; at least one with a weight above zero.
    pub endpoints: Vec<EndpointSpec>,
    /// Whom to trust and who we are. Verification is always on.
    pub tls: TlsSpec,
    /// Which HTTP is spoken.
    pub protocol: Protocol,
    /// All finite.
    pub timeouts: Timeouts,
    /// How endpoints are chosen.
    pub balance: Balance,
    /// Active health checks; without them every resolved address counts as healthy.
    pub health: Option<HealthSpec>,
    /// Time between two resolutions of each host name.
    pub resolve_every: Duration,
    /// A request that must not be repeated takes a pooled connection only if it was idle for less.
    pub reuse_unsafe: Duration,
    /// Open connections to this upstream at most, busy and idle together.
    pub connections: usize,
    /// Idle HTTP/1.1 connections kept per address at most.
    pub idle_connections: usize,
    /// How long an address that refused a connection is avoided while others are left.
    pub avoid_failed: Duration,
    /// Which further attempts are allowed.
    pub rules: Rules,
    /// How many further attempts are paid for.
    pub retry_budget: BudgetSpec,
}

impl UpstreamSpec {
    /// An upstream with safe defaults: TLS by system roots, two attempts of which the second only
    /// after *nothing was sent*, finite timeouts.
    pub fn new(name: impl Into<Arc<str>>, endpoints: Vec<EndpointSpec>) -> Self {
        Self {
            name: name.into(),
            endpoints,
            tls: TlsSpec::default(),
            protocol: Protocol::Auto,
            timeouts: Timeouts::default(),
            balance: Balance::RoundRobin,
            health: None,
            resolve_every: Duration::from_secs(30),
            reuse_unsafe: Duration::from_secs(1),
            connections: 1_024,
            idle_connections: 128,
            avoid_failed: Duration::from_secs(5),
            rules: Rules::default(),
            retry_budget: BudgetSpec::default(),
        }
    }

    /// The first thing that is wrong with it, if anything.
    pub(super) fn fault(&self) -> Option<String> {
        if self.endpoints.is_empty() {
            return Some("an upstream needs at least one endpoint".to_owned());
        }
        if self.endpoints.len() > MAX_ENDPOINTS {
            return Some(format!("an upstream has at most {MAX_ENDPOINTS} endpoints"));
        }
        if self.endpoints.iter().all(|endpoint| endpoint.weight == 0) {
            return Some("at least one endpoint needs a weight above 0".to_owned());
        }
        for (index, endpoint) in self.endpoints.iter().enumerate() {
            if endpoint.host.is_empty() || endpoint.port == 0 {
                return Some("an endpoint needs a host and a port".to_owned());
            }
            if endpoint.weight > MAX_WEIGHT {
                return Some(format!("the weight of an endpoint is at most {MAX_WEIGHT}"));
            }
            if self.endpoints.iter().take(index).any(|other| other.same_place(endpoint)) {
                return Some(format!("the endpoint `{endpoint}` is given twice"));
            }
        }
        let timeouts = &self.timeouts;
        let required = [timeouts.connect, timeouts.first_byte, timeouts.progress, timeouts.total];
        if required.iter().any(Duration::is_zero) {
            return Some("a timeout must be longer than 0".to_owned());
        }
        if self.connections == 0 {
            return Some("an upstream needs at least 1 connection".to_owned());
        }
        self.health.as_ref().and_then(HealthSpec::fault)
    }

    /// Fingerprint of what decides whether the connections, health and addresses of an endpoint
    /// may be carried over by a reload: trust, identity, server name, protocol, health checks.
    pub(super) fn identity(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.tls.hash(&mut hasher);
        self.protocol.hash(&mut hasher);
        self.health.hash(&mut hasher);
        hasher.finish()
    }
}

/// One address of the provider as an operator writes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EndpointSpec {
    /// Whether TLS is spoken.
    pub tls: bool,
    /// A host name or an IP address, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Share of the requests relative to the others; 0 takes no new ones.
    pub weight: u32,
}

impl EndpointSpec {
    /// An endpoint of weight 1.
    pub fn new(tls: bool, host: impl Into<String>, port: u16) -> Self {
        let host = host.into();
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let host = bare.map_or_else(|| host.clone(), str::to_owned);
        Self { tls, host, port, weight: 1 }
    }

    /// The value of `Host` or `:authority` that names this endpoint.
    pub fn authority(&self) -> String {
        let host = match self.host.parse::<IpAddr>() {
            Ok(IpAddr::V6(address)) => format!("[{address}]"),
            _ => self.host.clone(),
        };
        if self.port == if self.tls { 443 } else { 80 } {
            host
        } else {
            format!("{host}:{}", self.port)
        }
    }

    fn same_place(&self, other: &Self) -> bool {
        (self.tls, self.port) == (other.tls, other.port)
            && self.host.eq_ignore_ascii_case(&other.host)
    }
}

impl std::fmt::Display for EndpointSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority())
    }
}

/// Which HTTP is spoken to the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Protocol {
    /// What ALPN agrees on; HTTP/1.1 without TLS.
    #[default]
    Auto,
    /// HTTP/1.1 alone.
    Http1,
    /// HTTP/2 alone: by ALPN over TLS, with prior knowledge without TLS.
    Http2,
}

/// How endpoints are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Balance {
    /// In turn, by weight.
    #[default]
    RoundRobin,
    /// The one with the fewest exchanges in flight for its weight.
    LeastLoaded,
}

/// How long the provider may take. All but `connect` and `idle` are kept by the exchange loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timeouts {
    /// Name resolution, connection and TLS handshake together.
    pub connect: Duration,
    /// From the end of the request to the head of the answer.
    pub first_byte: Duration,
    /// Between two pieces of a body, in each direction.
    pub progress: Duration,
    /// A held exchange with all its attempts.
    pub total: Duration,
    /// How long an unused connection is kept.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            first_byte: Duration::from_secs(15),
            progress: Duration::from_secs(15),
            total: Duration::from_secs(30),
            idle: Duration::from_secs(30),
        }
    }
}

/// An active health check of each resolved address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HealthSpec {
    /// What is asked.
    pub kind: HealthKind,
    /// Time between two checks.
    pub interval: Duration,
    /// How long one check may take.
    pub timeout: Duration,
    /// Successes in a row that make an unhealthy address healthy.
    pub healthy_after: u32,
    /// Failures in a row that make a healthy address unhealthy.
    pub unhealthy_after: u32,
}

impl HealthSpec {
    /// A check every five seconds that flips after two results in a row.
    pub fn new(kind: HealthKind) -> Self {
        Self {
            kind,
            interval: Duration::from_secs(5),
            timeout: Duration::from_secs(2),
            healthy_after: 2,
            unhealthy_after: 2,
        }
    }

    fn fault(&self) -> Option<String> {
        if self.interval.is_zero() || self.timeout.is_zero() {
            return Some("a health check needs an interval and a timeout above 0".to_owned());
        }
        if self.healthy_after == 0 || self.unhealthy_after == 0 {
            return Some("a health check flips after at least 1 result".to_owned());
        }
        match &self.kind {
            HealthKind::Http { path, .. } if !path.starts_with('/') => {
                Some("the path of a health check starts with `/`".to_owned())
            }
            _ => None,
        }
    }
}

/// What a health check asks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum HealthKind {
    /// A connection is accepted.
    Tcp,
    /// A GET is answered as expected, over the upstream's own TLS.
    Http {
        /// Path and query.
        path: String,
        /// Statuses that count as healthy; empty means any 2xx.
        expect: Vec<u16>,
        /// `Host`, if not the endpoint's own.
        host: Option<String>,
    },
}

const MAX_ENDPOINTS: usize = 256;
const MAX_WEIGHT: u32 = 1_000;
