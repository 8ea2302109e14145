//! Providers.

use std::{fmt, path::PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};
use tollgate_api::setting::Duration;

use super::{CertificateFiles, PluginEntry, literal};

/// A provider: its endpoints, how it is reached, and what it must be told.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// Where it is reached. All endpoints are one provider: a request may be tried at another
    /// endpoint only if nothing was sent to the first.
    pub endpoints: Vec<EndpointEntry>,
    /// How an endpoint is chosen.
    #[serde(default)]
    pub balance: Balance,
    /// TLS towards the provider. Its certificate is always verified.
    #[serde(default)]
    pub tls: UpstreamTls,
    /// Which HTTP version is spoken.
    #[serde(default)]
    pub protocol: Protocol,
    /// Allow `http://` endpoints that are not on this machine.
    #[serde(default)]
    pub allow_plaintext: bool,
    /// How long things may take.
    #[serde(default)]
    pub timeouts: Timeouts,
    /// Active health checks.
    pub health: Option<Health>,
    /// How often names are resolved again.
    #[serde(default = "resolve_every")]
    pub resolve_every: Duration,
    /// Open connections to one endpoint.
    #[serde(default = "connections")]
    pub connections: u32,
    /// An unsafe request (POST, say) reuses a connection only if it was idle for less than this,
    /// because one that died unseen would leave its outcome unknown.
    #[serde(default = "reuse_unsafe")]
    pub reuse_unsafe: Duration,
    /// Which `Host` the provider is sent.
    #[serde(default)]
    pub host_header: HostHeader,
    /// Tell the provider the caller's address and host in `Forwarded` and `X-Forwarded-*`.
    #[serde(default = "yes")]
    pub forwarded: bool,
    /// Forward the caller's `Authorization` header from routes on which no plugin looks at it. Where
    /// one does, that plugin decides (`forward_token` of `jwt`).
    #[serde(default)]
    pub forward_authorization: bool,
    /// Plugins that speak to the provider, in the order in which requests pass them. They run once
    /// per attempt.
    #[serde(default)]
    pub plugins: Vec<PluginEntry>,
}

fn resolve_every() -> Duration {
    literal("30s")
}

fn reuse_unsafe() -> Duration {
    literal("1s")
}

const fn yes() -> bool {
    true
}

const fn connections() -> u32 {
    1_024
}

/// An endpoint: a URL, or `{ url: …, weight: … }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EndpointEntry {
    /// `https://host[:port]`, without a path.
    pub url: String,
    /// Its share of requests.
    pub weight: u32,
}

impl<'de> Deserialize<'de> for EndpointEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = EndpointEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a URL or a mapping with `url` and `weight`")
            }

            fn visit_str<E: de::Error>(self, url: &str) -> Result<EndpointEntry, E> {
                Ok(EndpointEntry { url: url.to_owned(), weight: 1 })
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<EndpointEntry, A::Error> {
                let Weighted { url, weight } =
                    Weighted::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(EndpointEntry { url, weight })
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for EndpointEntry {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Endpoint".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "`https://host[:port]`, or `{ url: https://host, weight: 3 }`.",
            "anyOf": [{ "type": "string" }, generator.subschema_for::<Weighted>()]
        })
    }
}

/// An endpoint with a weight.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Weighted {
    /// `https://host[:port]`, without a path.
    url: String,
    /// Its share of requests.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1000))]
    weight: u32,
}

const fn one() -> u32 {
    1
}

/// How an endpoint is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// In turn, by weight.
    #[default]
    RoundRobin,
    /// The one with the fewest requests in flight for its weight.
    LeastLoaded,
}

/// TLS towards a provider.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UpstreamTls {
    /// PEM file with the authorities to trust, in place of the system's.
    #[schemars(extend("format" = "file"))]
    pub trust: Option<PathBuf>,
    /// Our client certificate.
    pub certificate: Option<CertificateFiles>,
    /// Name to ask for and to verify, in place of the endpoint's host.
    pub server_name: Option<String>,
}

/// Which HTTP version is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// HTTP/2 if the provider offers it, else HTTP/1.1.
    #[default]
    Auto,
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

/// How long things may take.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// To have a connection, TLS included.
    pub connect: Duration,
    /// From the end of the request to the answer's header.
    pub first_byte: Duration,
    /// Longest pause while a body is sent or received.
    pub progress: Duration,
    /// For a held exchange over all its attempts.
    pub total: Duration,
    /// For a streamed body as a whole, if it is to be bounded.
    pub transfer: Option<Duration>,
    /// How long a connection is kept idle.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: literal("2s"),
            first_byte: literal("15s"),
            progress: literal("15s"),
            total: literal("30s"),
            transfer: None,
            idle: literal("60s"),
        }
    }
}

/// Active health checks of every endpoint.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// Ask this over HTTP. Without it a connection (with TLS, where the endpoint has it) suffices.
    pub http: Option<HealthHttp>,
    /// Time between checks.
    #[serde(default = "health_interval")]
    pub interval: Duration,
    /// Time for one check.
    #[serde(default = "health_timeout")]
    pub timeout: Duration,
    /// Successes in a row that make an endpoint healthy.
    #[serde(default = "healthy_after")]
    #[schemars(range(min = 1, max = 100))]
    pub healthy_after: u32,
    /// Failures in a row that make it unhealthy.
    #[serde(default = "unhealthy_after")]
    #[schemars(range(min = 1, max = 100))]
    pub unhealthy_after: u32,
}

fn health_interval() -> Duration {
    literal("10s")
}

fn health_timeout() -> Duration {
    literal("2s")
}

const fn healthy_after() -> u32 {
    2
}

const fn unhealthy_after() -> u32 {
    3
}

/// A health check over HTTP.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HealthHttp {
    /// Path to GET.
    pub path: String,
    /// Statuses that mean healthy. Any 2xx if absent.
    pub statuses: Option<Vec<u16>>,
}

/// Which `Host` the provider is sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum HostHeader {
    /// The endpoint's.
    #[default]
    Endpoint,
    /// The caller's.
    Caller,
    /// This one.
    Name(String),
}
