//! A compiled configuration: data only, immutable, built by `config::compile`, read by `proxy`.
//!
//! A request pins one snapshot and sees it whole; a reload swaps the next one in for the requests
//! that come after.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tollgate_api::{BodyNeed, Job, Needs, expression::Expression, setting::Cidr};

use crate::{
    config::Watched, listener::ListenerSpec, pipeline::Chain, routing::Table,
    telemetry::audit::OnFailure, upstream::Upstream,
};

/// A compiled configuration.
pub struct Snapshot {
    /// Counts up with every configuration that was swapped in.
    pub generation: u64,
    /// SHA-256, hex, of the configuration and of everything it refers to.
    pub hash: String,
    /// Sockets to serve callers on.
    pub listeners: Vec<ListenerSpec>,
    /// What the exchange loop must know of each listener, by name.
    pub policies: HashMap<Arc<str>, Arc<ListenerPolicy>>,
    /// Which route takes which request; indexes `routes`.
    pub table: Table,
    /// Routes.
    pub routes: Vec<Arc<Route>>,
    /// Providers.
    pub upstreams: Vec<Arc<Provider>>,
    /// The operators' listener.
    pub admin: Admin,
    /// How the process ends.
    pub drain: Drain,
    /// Where audit records go. Read when the process starts.
    pub audit: Audit,
    /// Logs. Read when the process starts.
    pub log: Log,
    /// Bytes that held bodies may take.
    pub held_memory: usize,
    /// Background work that belongs to this configuration.
    pub jobs: Vec<Job>,
    /// The configuration in effect, defaults filled in and secrets redacted, for operators.
    pub effective: serde_json::Value,
    /// Files and folders that it was read from, with what they held.
    pub watched: Vec<Watched>,
    /// Certificates that we present.
    pub expiries: Vec<Expiry>,
}

/// How the exchange loop treats requests from a listener.
#[derive(Debug, Clone)]
pub struct ListenerPolicy {
    /// From whom forwarding headers are believed.
    pub trusted_proxies: Vec<Cidr>,
    /// Which of them is believed.
    pub forwarded_by: ForwardedBy,
    /// Largest request header, bytes.
    pub header_size: usize,
    /// Longest that one write to the caller may take.
    pub write_timeout: Duration,
}

/// Which header a trusted proxy vouches for the caller's address with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ForwardedBy {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// A compiled route.
pub struct Route {
    /// Its name.
    pub name: Arc<str>,
    /// Plugins that speak to the caller.
    pub chain: Chain,
    /// Where requests go.
    pub rules: Vec<Rule>,
    /// Whether a rule or an upstream needs the request's body whole.
    pub rules_need_body: bool,
    /// The most that the route, its rules or any upstream it can reach need of each body.
    pub needs: Needs,
    /// Largest request body, bytes.
    pub request_body: usize,
    /// Largest held answer, bytes.
    pub response_body: usize,
    /// Time for a held request body; for a streamed one, the longest pause.
    pub body_timeout: Duration,
    /// Serves callers that nobody authenticated.
    pub unauthenticated: bool,
}

impl Route {
    /// Whether the request's body must be in memory before an upstream is chosen and called.
    pub fn holds_request(&self) -> bool {
        self.needs.request == BodyNeed::Whole
    }
}

/// One rule of where requests go.
pub struct Rule {
    /// Applies if this is true; always if absent.
    pub when: Option<Expression>,
    /// Index of an upstream, and its share.
    pub shares: Vec<(usize, u32)>,
}

/// An upstream with the plugins that speak to it.
pub struct Provider {
    /// Its name.
    pub name: Arc<str>,
    /// Endpoints, balancing, pools.
    pub upstream: Arc<Upstream>,
    /// Plugins that speak to the provider.
    pub chain: Chain,
    /// Which `Host` it is sent.
    pub host: HostPolicy,
    /// Tell it the caller's address and host.
    pub forwarded: bool,
    /// Forward the caller's `Authorization`.
    pub forward_authorization: bool,
    /// From the end of the request to the answer's header.
    pub first_byte: Duration,
    /// Longest pause while a body is sent or received.
    pub progress: Duration,
    /// For a held exchange over all its attempts.
    pub total: Duration,
    /// For a streamed body as a whole.
    pub transfer: Option<Duration>,
    /// Idle time below which an unsafe request may reuse a connection.
    pub reuse_unsafe: Duration,
}

/// Which `Host` a provider is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostPolicy {
    /// The endpoint's.
    Endpoint,
    /// The caller's.
    Caller,
    /// This one.
    Name(String),
}

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drain {
    /// How long new connections are still accepted.
    pub delay: Duration,
    /// The longest that exchanges may take after that.
    pub grace: Duration,
}

/// The operators' listener.
pub struct Admin {
    /// Its socket.
    pub listener: ListenerSpec,
    /// Bearer tokens.
    pub tokens: Vec<AdminToken>,
    /// What a verified client certificate allows.
    pub client_certificate_role: Option<Role>,
}

/// A bearer token of an operator.
#[derive(Debug, Clone)]
pub struct AdminToken {
    /// Who uses it.
    pub name: Arc<str>,
    /// The token.
    pub token: tollgate_crypto::Secret,
    /// What it allows.
    pub role: Role,
}

/// What an operator may do; each includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// See metrics and the effective configuration.
    Read,
    /// Also reload.
    Operate,
}

/// When a certificate that we present expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiry {
    /// Who presents it: `listeners/partners`, `upstreams/acquirer`, `admin`.
    pub used_by: String,
    /// Its file, as the configuration names it.
    pub certificate: String,
    /// Time since the Unix epoch.
    pub at: Duration,
}

/// Where audit records go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// A file; standard error without one.
    pub file: Option<std::path::PathBuf>,
    /// What happens when a record cannot be written.
    pub on_failure: OnFailure,
}

/// The process's own log and the access log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Level or filter.
    pub filter: Option<String>,
    /// JSON instead of text.
    pub json: bool,
    /// Each exchange is logged.
    pub access: bool,
}
