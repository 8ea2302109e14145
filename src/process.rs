//! A gateway as a whole: built from a configuration, serving, drained.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use tollgate_api::{Clock, Entropy, SystemClock, SystemEntropy};

use crate::{
    admin::{AdminHandler, Operations},
    config::{self, Environment, Report},
    listener::{BindError, Listeners},
    proxy::Gateway,
    reload::{Reloader, Rooms},
    snapshot::Snapshot,
    telemetry::{AccessLog, Audit, Metrics, Telemetry, audit, log},
};

/// Everything that runs.
pub struct Process {
    gateway: Arc<Gateway>,
    listeners: Arc<Listeners<Gateway>>,
    operators: Arc<Listeners<AdminHandler>>,
    admin: Arc<AdminHandler>,
    reloader: Arc<Reloader>,
    telemetry: Arc<Telemetry>,
    audit: Arc<Audit>,
}

/// Why a start failed. Nothing is left bound.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is bad.
    #[error("the configuration is not valid")]
    Configuration(Box<Report>),
    /// A listener's address cannot be bound.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Bind(Vec<BindError>),
    /// A log cannot be opened.
    #[error("{0}")]
    Log(String),
}

impl Process {
    /// Builds and starts everything; all sockets are bound and accept when this returns. Must be
    /// called on a tokio runtime.
    pub fn start(path: PathBuf) -> Result<Self, StartError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let metrics = Arc::new(Metrics::new());
        let environment = Environment::new(clock.clone(), entropy.clone(), metrics.clone());
        let (snapshot, report) = config::build(&path, &environment, 1)
            .map_err(|refusal| StartError::Configuration(Box::new(refusal.report)))?;
        let snapshot = Arc::new(snapshot);
        let settings = &snapshot.log;
        log::install(settings.filter.as_deref(), settings.json);
        harden(&snapshot);
        if !report.findings.is_empty() {
            tracing::warn!("configuration warnings:\n{report}");
        }
        let access_log = settings
            .access
            .then(|| AccessLog::start(std::io::stdout(), ACCESS_LOG_LINES, metrics.clone()))
            .transpose()
            .map_err(|error| StartError::Log(format!("the access log cannot start: {error}")))?;
        let telemetry = Arc::new(Telemetry::new(metrics.clone(), access_log));
        let audit = Arc::new(open_audit(&snapshot, &clock, &metrics)?);
        let gateway =
            Arc::new(Gateway::new(snapshot.clone(), clock.clone(), entropy, telemetry.clone()));
        let admin = Arc::new(AdminHandler::new(Operations {
            gateway: gateway.clone(),
            metrics: metrics.clone(),
            audit: audit.clone(),
        }));
        let listeners = Arc::new(Listeners::new(gateway.clone(), clock.clone()));
        let operators = Arc::new(Listeners::new(admin.clone(), clock));
        let prepared = listeners.prepare(snapshot.listeners.clone());
        let prepared_operators = operators.prepare(vec![snapshot.admin.listener.clone()]);
        let (prepared, prepared_operators) = match (prepared, prepared_operators) {
            (Ok(prepared), Ok(operators)) => (prepared, operators),
            (prepared, operators) => {
                let errors = prepared.err().into_iter().flatten();
                return Err(StartError::Bind(
                    errors.chain(operators.err().into_iter().flatten()).collect(),
                ));
            }
        };
        let event = audit::Event {
            actor: "start",
            action: "start",
            new_hash: Some(&snapshot.hash),
            result: "applied",
            ..audit::Event::default()
        };
        if audit.write(&event).is_err() && audit.on_failure() == audit::OnFailure::Closed {
            return Err(StartError::Log(
                "the audit record of this start cannot be written".to_owned(),
            ));
        }
        let reloader = Arc::new(Reloader::new(
            path,
            environment,
            Rooms {
                gateway: gateway.clone(),
                listeners: listeners.clone(),
                operators: operators.clone(),
                metrics,
                audit: audit.clone(),
            },
        ));
        admin.connect(reloader.clone());
        reloader.start();
        listeners.commit(prepared);
        operators.commit(prepared_operators);
        Ok(Self { gateway, listeners, operators, admin, reloader, telemetry, audit })
    }

    /// Where callers are served, and the operators' address under the name `admin`.
    pub fn addresses(&self) -> Vec<(Arc<str>, SocketAddr)> {
        let mut addresses = self.listeners.addresses();
        addresses.extend(self.operators.addresses());
        addresses
    }

    /// What reloads.
    pub fn reloader(&self) -> &Arc<Reloader> {
        &self.reloader
    }

    /// Ends gently: readiness false, a delay for load balancers to notice, then no new connections
    /// and as much time as the grace period for exchanges in flight. True if all of them ended.
    pub async fn drain(&self) -> bool {
        let drain = self.gateway.snapshot().drain;
        self.admin.begin_drain();
        tokio::time::sleep(drain.delay).await;
        let complete = self.listeners.drain(drain.grace).await;
        self.operators.drain(Duration::from_secs(1)).await;
        let event = audit::Event {
            actor: "signal",
            action: "stop",
            result: if complete { "drained" } else { "cut_off" },
            ..audit::Event::default()
        };
        if self.audit.write(&event).is_err() {
            tracing::error!("the audit record of this stop could not be written");
        }
        complete
    }

    /// Gives up what did not end: every exchange is recorded, with what is known of it.
    pub async fn cut_off(&self) {
        self.gateway.cut_off();
        // They only have to be woken; the bound is for a runtime that is stuck.
        for _ in 0..200 {
            if self.telemetry.metrics().in_flight() == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Writes what is still queued for the access log.
    pub fn flush(&self) {
        self.telemetry.flush(Duration::from_secs(2));
    }
}

/// Core dumps would hold keys and card numbers; too few descriptors would turn callers away.
fn harden(snapshot: &Snapshot) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    if setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).is_err() {
        tracing::warn!("core dumps cannot be switched off");
    }
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        // Never a harm: what is allowed is asked for.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    }
    let available = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let wanted: u64 =
        snapshot.listeners.iter().map(|listener| listener.limits.connections as u64).sum();
    if available < wanted.saturating_mul(2) {
        tracing::warn!(
            available,
            "the limit of open files is below two for each allowed connection ({wanted}); raise it (LimitNOFILE, ulimit -n)"
        );
    }
}

fn open_audit(
    snapshot: &Snapshot,
    clock: &Arc<dyn Clock>,
    metrics: &Arc<Metrics>,
) -> Result<Audit, StartError> {
    let settings = &snapshot.audit;
    let standard_error =
        || Audit::writer(std::io::stderr(), settings.on_failure, clock.clone(), metrics.clone());
    let Some(path) = &settings.file else { return Ok(standard_error()) };
    match Audit::file(path, settings.on_failure, clock.clone(), metrics.clone()) {
        Ok(audit) => Ok(audit),
        Err(error) if settings.on_failure == audit::OnFailure::Open => {
            tracing::error!(
                "the audit log `{}` cannot be opened: {error}; records go to standard error",
                path.display()
            );
            metrics.audited(false);
            Ok(standard_error())
        }
        Err(error) => Err(StartError::Log(format!(
            "the audit log `{}` cannot be opened: {error}",
            path.display()
        ))),
    }
}

/// Lines that may wait for a slow standard output.
const ACCESS_LOG_LINES: usize = 8_192;
