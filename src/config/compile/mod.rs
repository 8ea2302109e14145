//! The one way to make a [`Snapshot`]: typed configuration in, compiled configuration out, or
//! everything that is wrong with it.
//!
//! What it makes is pure: sockets, stores and background work are described, not opened or started,
//! so that `tollgate check` runs exactly this.

mod admin;
mod callers;
mod context;
mod listener;
mod matching;
mod plugin;
mod redact;
mod route;
mod sound;
mod upstream;

use std::{collections::HashMap, sync::Arc};

use tollgate_api::{Clock, Entropy, Fetch, Jobs, State, Stores};

use self::{context::Context, sound::Faults};
use super::{
    Loaded, Report, Sources, decode,
    schema::{self, Config},
};
use crate::{
    routing::Table,
    snapshot::{Audit, Drain, Log, Snapshot},
    telemetry::{Metrics, audit::OnFailure, log},
};

/// What compiled plugins and upstreams will live on.
#[derive(Clone)]
pub struct Environment {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Stores.
    pub stores: Stores,
    /// The client for keys and tokens.
    pub fetch: Arc<dyn Fetch>,
    /// What survives reloads.
    pub state: Arc<State>,
    /// Figures.
    pub metrics: Arc<Metrics>,
}

/// Compiles what was loaded. The report of a success may hold warnings. What was found to be faulty is
/// compiled as far as it goes, to find the rest of its errors; it is refused in any case.
pub fn compile(
    loaded: Loaded,
    sources: &Sources,
    environment: &Environment,
    generation: u64,
) -> Result<(Snapshot, Report), Report> {
    let Loaded { document, mut report, unknown } = loaded;
    let (config, document, faults) = if report.findings.has_errors() {
        sound::parts(&document, &unknown, &report.findings)
    } else {
        match decode::<Config>(&document, "") {
            Ok(config) => (config, document, Faults::default()),
            Err(finding) => {
                report.findings.push(finding);
                return Err(report);
            }
        }
    };
    let mut context = Context {
        document: &document,
        files: &report.files,
        sources,
        environment,
        faults,
        findings: super::Diagnostics::default(),
        secrets: Vec::new(),
        jobs: Jobs::default(),
        expiries: Vec::new(),
    };
    context.check_names(&config);
    if let Some(filter) = &config.log.filter
        && let Err(message) = log::check(filter)
    {
        context.error("/log/filter", format!("invalid `filter`: {message}"), "this value");
    }
    let listeners = listener::compile(&mut context, &config);
    let upstreams = upstream::compile(&mut context, &config);
    let routes = route::compile(&mut context, &config, &upstreams);
    let admin = admin::compile(&mut context, &config);
    let Context { faults, findings, secrets, jobs, expiries, .. } = context;
    report.findings.append(if faults.any() { faults.beyond(&findings) } else { findings });
    for secret in secrets {
        report.files.mask(secret);
    }
    let (Some((listeners, policies)), Some(upstreams), Some((table, routes)), Some(admin)) =
        (listeners, upstreams.finish(), routes, admin)
    else {
        return Err(report);
    };
    if report.findings.has_errors() {
        return Err(report);
    }
    let mut jobs = jobs.into_inner();
    jobs.extend(upstreams.iter().flat_map(|provider| provider.upstream.jobs()));
    let snapshot = Snapshot {
        generation,
        hash: sources.content_hash().to_string(),
        listeners,
        policies,
        table,
        routes,
        upstreams,
        admin,
        drain: Drain { delay: config.drain.delay.into(), grace: config.drain.grace.into() },
        audit: Audit {
            file: config.audit.file.as_ref().map(|file| {
                let place = document.pointer("/audit/file").node.span.file;
                sources.resolve(report.files.path(place), file)
            }),
            on_failure: match config.audit.on_failure {
                schema::AuditFailure::Closed => OnFailure::Closed,
                schema::AuditFailure::Open => OnFailure::Open,
            },
        },
        log: Log {
            filter: config.log.filter.clone(),
            json: config.log.format == schema::LogFormat::Json,
            access: config.log.access == schema::AccessLog::All,
        },
        held_memory: config.limits.held_memory.as_usize(),
        jobs,
        effective: redact::effective(&config),
        watched: sources.watched(),
        expiries,
    };
    Ok((snapshot, report))
}

type Policies = HashMap<Arc<str>, Arc<crate::snapshot::ListenerPolicy>>;
type Routes = (Table, Vec<Arc<crate::snapshot::Route>>);
