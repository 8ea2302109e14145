//! Operators: the admin listener, the audit log, the process log.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_api::setting::SecretRef;

use super::ListenerTls;

/// The operators' listener.
///
/// On a loopback address it may go without TLS and tokens. Elsewhere it needs TLS, and either
/// tokens or required client certificates.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Admin {
    /// Address and port. Port 0 takes a free one.
    #[schemars(extend("format" = "socket-address"))]
    pub address: String,
    /// TLS of this listener.
    pub tls: Option<ListenerTls>,
    /// Bearer tokens and what each may do. If there are any, every call except `/healthz` and
    /// `/readyz` needs one.
    pub tokens: Vec<AdminToken>,
    /// What a caller with a verified client certificate may do.
    pub client_certificate_role: Option<Role>,
}

impl Default for Admin {
    fn default() -> Self {
        Self {
            address: "127.0.0.1:9180".to_owned(),
            tls: None,
            tokens: Vec::new(),
            client_certificate_role: None,
        }
    }
}

/// A bearer token of an operator.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminToken {
    /// Who uses it; shown in audit records.
    pub name: String,
    /// Where the token is found.
    pub token: SecretRef,
    /// What it allows.
    pub role: Role,
}

/// What an operator may do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// See metrics and the effective configuration.
    Read,
    /// Also reload.
    Operate,
}

/// Records of reloads and admin calls.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// File that records are appended to. Without it they go to standard error.
    pub file: Option<PathBuf>,
    /// What happens to the action when its record cannot be written.
    pub on_failure: AuditFailure,
}

/// What happens to an action whose audit record cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditFailure {
    /// It is refused.
    #[default]
    Closed,
    /// It goes ahead; a metric counts the loss.
    Open,
}

/// Log of the process itself, on standard error.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// Level or filter, such as `info` or `info,tollgate::reload=debug`.
    pub filter: Option<String>,
    /// `json` or `text`.
    pub format: LogFormat,
    /// Whether each exchange is written to standard output as a JSON line.
    pub access: AccessLog,
}

/// Whether exchanges are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccessLog {
    /// One line each.
    #[default]
    All,
    /// None.
    Off,
}

/// Shape of the process log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines.
    Json,
}
