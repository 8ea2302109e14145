//! What is done with requests.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_api::setting::{ByteSize, Duration};

use super::{PluginEntry, literal};

/// A route: which requests it takes, what is checked, and which provider they go to.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Listeners it is served on. All of them if absent.
    pub listeners: Option<Vec<String>>,
    /// Which requests it takes. The most specific route wins.
    #[serde(rename = "match", default)]
    pub matches: Match,
    /// Bounds of its bodies.
    #[serde(default)]
    pub limits: RouteLimits,
    /// Plugins that speak to the caller, in the order in which requests pass them.
    #[serde(default)]
    pub plugins: Vec<PluginEntry>,
    /// Where requests go: the first rule that applies. Each rule names one upstream or a split.
    pub send_to: Vec<SendTo>,
    /// Says that callers need not prove who they are, for a route whose authentication is in
    /// shadow or absent on purpose.
    #[serde(default)]
    pub unauthenticated: bool,
}

/// Which requests a route takes. What is absent matches everything.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Match {
    /// Host, exactly (`pay.example`) or every name below one (`*.pay.example`).
    pub host: Option<String>,
    /// Several hosts, in place of `host`.
    pub hosts: Option<Vec<String>>,
    /// Path, exactly (`/v1/payments`) or as a template (`/v1/payments/{id}`, `/files/{*rest}`).
    pub path: Option<String>,
    /// Path and everything below it (`/v1` takes `/v1` and `/v1/payments`), in place of `path`.
    pub path_prefix: Option<String>,
    /// Methods.
    pub methods: Option<Vec<String>>,
    /// Header fields that must be there.
    pub headers: BTreeMap<String, HeaderCondition>,
    /// Query parameters that must be there.
    pub query: BTreeMap<String, QueryCondition>,
}

/// What a header field must be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum HeaderCondition {
    /// Exactly this value.
    Equals(String),
    /// Present (`true`) with any value.
    Present(bool),
}

/// What a query parameter must be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum QueryCondition {
    /// Exactly this value, after decoding.
    Equals(String),
    /// Present (`true`) with any value.
    Present(bool),
}

/// Bounds of a route's bodies.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RouteLimits {
    /// Size of a request's body, held or streamed. Beyond it the answer is 413.
    pub request_body: ByteSize,
    /// Size of an answer's body where it must be held. Beyond it the answer is 502.
    pub response_body: ByteSize,
    /// Time in which a held request body must have arrived; for a streamed one, the longest pause.
    pub body_timeout: Duration,
}

impl Default for RouteLimits {
    fn default() -> Self {
        Self {
            request_body: literal("1MiB"),
            response_body: literal("8MiB"),
            body_timeout: literal("30s"),
        }
    }
}

/// One rule of where requests go.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SendTo {
    /// A CEL expression over `request`, `body`, `identity`, `client`; the rule applies if it is
    /// true. Without it the rule always applies.
    #[schemars(extend("format" = "expression"))]
    pub when: Option<String>,
    /// The upstream.
    pub upstream: Option<String>,
    /// Several upstreams and their shares, in place of `upstream`: `{ a: 90, b: 10 }`.
    pub split: Option<BTreeMap<String, u32>>,
}
