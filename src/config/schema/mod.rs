//! The configuration as it is written: types only. Doc comments are the user documentation; the
//! JSON Schema in `conf/tollgate.schema.json` is generated from them.

mod admin;
mod listener;
mod plugin;
mod route;
mod upstream;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_api::setting::{ByteSize, Delay, Duration};

pub use admin::{AccessLog, Admin, AdminToken, Audit, AuditFailure, Log, LogFormat, Role};
pub use listener::{
    CertificateFiles, ClientCertificates, ForwardedBy, Listener, ListenerLimits, ListenerTls,
};
pub use plugin::{PluginEntry, PluginMode};
pub use route::{HeaderCondition, Match, QueryCondition, Route, RouteLimits, SendTo};
pub use upstream::{
    Balance, EndpointEntry, Health, HealthHttp, HostHeader, Protocol, Timeouts, Upstream,
    UpstreamTls,
};

/// The configuration of a Tollgate.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The operators' listener: health, metrics, configuration.
    pub admin: Admin,
    /// Records of reloads and of what operators did.
    pub audit: Audit,
    /// Log of the process itself, on standard error.
    pub log: Log,
    /// How the process ends.
    pub drain: Drain,
    /// Bounds shared by everything.
    pub limits: Limits,
    /// Sockets on which callers are served, by name.
    pub listeners: BTreeMap<String, Listener>,
    /// What is done with requests, by name.
    pub routes: BTreeMap<String, Route>,
    /// Providers, by name.
    pub upstreams: BTreeMap<String, Upstream>,
}

/// How the process ends after SIGTERM.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Drain {
    /// How long new connections are still accepted after readiness turned false, so that load
    /// balancers notice first.
    pub delay: Delay,
    /// The longest that exchanges in flight may take after that.
    pub grace: Duration,
}

impl Default for Drain {
    fn default() -> Self {
        Self { delay: literal("5s"), grace: literal("30s") }
    }
}

/// Bounds shared by everything.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Memory for bodies that are held. Beyond it requests are answered 503 `overloaded`.
    pub held_memory: ByteSize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { held_memory: literal("256MiB") }
    }
}

/// A default written as in the configuration. The schema test parses every one of them.
#[expect(clippy::expect_used, reason = "constants of this module, each covered by a test")]
pub(super) fn literal<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().expect("a default is valid")
}
