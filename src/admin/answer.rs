//! What each path of the admin listener says.

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tollgate_api::Answer;

use crate::{
    proxy::Gateway,
    reload::{LastReload, Outcome, Standing},
    snapshot::{Role, Snapshot},
    telemetry::time::rfc3339,
};

/// What a request to the admin listener is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// The process lives.
    Health,
    /// It should be sent traffic.
    Ready,
    /// Figures.
    Metrics,
    /// The configuration in effect.
    Config,
    /// Reload.
    Reload,
}

impl Call {
    /// What this method and path mean; the error is the answer to anything else.
    pub fn of(method: &Method, path: &str) -> Result<Self, Box<Answer>> {
        let (call, allowed) = match path {
            "/healthz" => (Self::Health, [Method::GET, Method::HEAD].as_slice()),
            "/readyz" => (Self::Ready, [Method::GET, Method::HEAD].as_slice()),
            "/metrics" => (Self::Metrics, [Method::GET, Method::HEAD].as_slice()),
            "/config" => (Self::Config, [Method::GET, Method::HEAD].as_slice()),
            "/config/reload" => (Self::Reload, [Method::POST].as_slice()),
            _ => {
                return Err(Box::new(problem(
                    StatusCode::NOT_FOUND,
                    "there is nothing here; see /healthz, /readyz, /metrics, /config, /config/reload",
                )));
            }
        };
        if allowed.contains(method) {
            Ok(call)
        } else {
            let mut answer =
                problem(StatusCode::METHOD_NOT_ALLOWED, "this method is not offered here");
            let allow = if call == Self::Reload { "POST" } else { "GET, HEAD" };
            answer.headers.insert(http::header::ALLOW, http::HeaderValue::from_static(allow));
            Err(Box::new(answer))
        }
    }

    /// The word in audit records.
    pub fn action(self) -> &'static str {
        match self {
            Self::Health => "admin_health",
            Self::Ready => "admin_ready",
            Self::Metrics => "admin_metrics",
            Self::Config => "admin_read_config",
            Self::Reload => "admin_reload",
        }
    }

    /// What it takes; `None` if everybody may.
    pub fn role(self) -> Option<Role> {
        match self {
            Self::Health | Self::Ready => None,
            Self::Metrics | Self::Config => Some(Role::Read),
            Self::Reload => Some(Role::Operate),
        }
    }
}

/// A small problem document.
pub(super) fn problem(status: StatusCode, detail: &str) -> Answer {
    let body = json!({
        "title": status.canonical_reason().unwrap_or("error"),
        "status": status.as_u16(),
        "detail": detail,
    });
    Answer::new(status, "application/problem+json", Bytes::from(format!("{body}\n")))
}

/// What readiness depends on.
pub(super) struct Readiness<'a> {
    pub draining: bool,
    pub snapshot: &'a Snapshot,
    /// Plugin instances whose dependency is unavailable.
    pub degraded: &'a [String],
    pub standing: &'a Standing,
    /// Whoever asks may see the last reload's findings.
    pub detailed: bool,
}

/// Whether the process should be sent traffic, and why.
pub(super) fn readiness(readiness: &Readiness<'_>) -> Answer {
    let Readiness { draining, snapshot, degraded, standing, detailed } = *readiness;
    let status = if draining { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let mut reasons = Vec::new();
    if draining {
        reasons.push("draining".to_owned());
    }
    if let Some(LastReload { outcome: Outcome::Refused { .. }, .. }) = &standing.last {
        reasons.push(
            "the last reload was refused; the configuration before it is in force".to_owned(),
        );
    }
    for provider in &snapshot.upstreams {
        if provider.upstream.status().iter().all(|endpoint| !endpoint.healthy) {
            reasons.push(format!("upstream `{}` has no healthy endpoint", provider.name));
        }
    }
    for instance in degraded {
        reasons.push(format!("plugin `{instance}` cannot reach what it depends on"));
    }
    let mut body = json!({
        "ready": !draining,
        "reasons": reasons,
        "generation": standing.generation,
    });
    if detailed && let Value::Object(members) = &mut body {
        members.insert("last_reload".to_owned(), json!(standing.last.as_ref().map(last_reload)));
    }
    json_answer(status, &body)
}

/// The configuration in effect.
pub(super) fn configuration(gateway: &Gateway, last: Option<&LastReload>) -> Answer {
    let snapshot = gateway.snapshot();
    let upstreams: serde_json::Map<String, Value> = snapshot
        .upstreams
        .iter()
        .map(|provider| {
            let endpoints: Vec<Value> = provider
                .upstream
                .status()
                .iter()
                .map(|endpoint| {
                    json!({
                        "endpoint": endpoint.endpoint,
                        "healthy": endpoint.healthy,
                        "in_flight": endpoint.in_flight,
                        "idle": endpoint.idle,
                        "last_error": endpoint.last_error,
                    })
                })
                .collect();
            (provider.name.to_string(), Value::Array(endpoints))
        })
        .collect();
    json_answer(
        StatusCode::OK,
        &json!({
            "generation": snapshot.generation,
            "hash": snapshot.hash,
            "last_reload": last.map(last_reload),
            "configuration": snapshot.effective,
            "upstreams": upstreams,
        }),
    )
}

/// What a reload came to.
pub(super) fn reloaded(outcome: &Outcome, generation: u64) -> Answer {
    let status = match outcome {
        Outcome::Applied { .. } | Outcome::Unchanged => StatusCode::OK,
        Outcome::Refused { .. } => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let mut body = outcome_json(outcome);
    if let Value::Object(members) = &mut body {
        members.entry("generation").or_insert(json!(generation));
    }
    json_answer(status, &body)
}

fn last_reload(last: &LastReload) -> Value {
    let mut value = outcome_json(&last.outcome);
    if let Value::Object(members) = &mut value {
        members.insert("at".to_owned(), json!(rfc3339(last.at)));
    }
    value
}

fn outcome_json(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Applied { generation, hash, needs_restart } => json!({
            "outcome": "applied",
            "generation": generation,
            "hash": hash,
            "needs_restart": needs_restart,
        }),
        Outcome::Unchanged => json!({ "outcome": "unchanged" }),
        Outcome::Refused { hash, report, findings } => json!({
            "outcome": "refused",
            "refused_hash": hash,
            "report": report,
            "findings": findings,
        }),
    }
}

fn json_answer(status: StatusCode, body: &Value) -> Answer {
    Answer::new(status, "application/json", Bytes::from(format!("{body:#}\n")))
}
