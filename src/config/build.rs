//! From a path to a snapshot: load, check, compile. What `run`, `check` and a reload have in common.

use std::{
    path::Path,
    sync::{Arc, LazyLock},
};

use schemars::generate::SchemaSettings;
use serde_json::Value;
use tollgate_api::{Clock, Entropy, State, Stores};

use super::{
    Diagnostic, Environment, Formats, Report, Sources, compile, examine, schema::Config,
    sources::Watched,
};
use crate::{
    fetch::HttpFetch,
    snapshot::Snapshot,
    state::{MemoryRateLimiters, MemoryReplaySets},
    telemetry::Metrics,
};

/// A configuration that was refused.
#[derive(Debug)]
pub struct Refusal {
    /// Everything that is wrong with it.
    pub report: Report,
    /// Hash of what was read, so that the same refusal is not reported twice.
    pub hash: String,
    /// What was read or looked for; a change of any of it is worth another look.
    pub watched: Vec<Watched>,
}

impl Refusal {
    /// Compiling failed in a way that is our fault.
    pub fn internal() -> Self {
        let mut report = Report::default();
        report.findings.push(Diagnostic::error(
            "the configuration could not be compiled because of a defect in Tollgate",
        ));
        Self { report, hash: String::new(), watched: Vec::new() }
    }
}

impl Environment {
    /// The real world: system resolver, HTTPS, stores in memory.
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>, metrics: Arc<Metrics>) -> Self {
        let stores = Stores {
            rate_limiters: Arc::new(MemoryRateLimiters::new(clock.clone())),
            replay_sets: Arc::new(MemoryReplaySets::new(clock.clone())),
        };
        Self {
            clock,
            entropy,
            stores,
            fetch: Arc::new(HttpFetch),
            state: Arc::new(State::default()),
            metrics,
        }
    }
}

/// Builds the snapshot of the configuration at this path. Opens no socket and starts nothing.
pub fn build(
    path: &Path,
    environment: &Environment,
    generation: u64,
) -> Result<(Snapshot, Report), Refusal> {
    let sources = Sources::real(".");
    let result = examine(path, &sources, schema_json(), &Formats::standard())
        .and_then(|loaded| compile::compile(loaded, &sources, environment, generation));
    result.map_err(|report| Refusal {
        report,
        hash: sources.content_hash().to_string(),
        watched: sources.watched(),
    })
}

/// Whether every file and folder still holds what it held when it was read.
pub fn unchanged(watched: &[Watched]) -> bool {
    let sources = Sources::real(".");
    for Watched { path, .. } in watched {
        // Reading is what records the hash; what cannot be read is recorded as well.
        if sources.is_folder(path) {
            let _ = sources.list(path);
        } else {
            let _ = sources.read(path);
        }
    }
    sources.watched() == watched
}

/// The JSON Schema of the configuration.
pub fn schema_json() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
        let generator = SchemaSettings::draft2020_12().into_generator();
        generator.into_root_schema_for::<Config>().to_value()
    });
    &SCHEMA
}
