//! One reload: load, check, compile, bind, swap, reconcile; or nothing at all.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::sync::Mutex as AsyncMutex;

use super::Scheduler;
use crate::{
    admin::AdminHandler,
    config::{self, Environment, Report, Watched},
    listener::Listeners,
    proxy::Gateway,
    snapshot::{Expiry, Snapshot},
    telemetry::{
        Audit, Metrics, audit,
        metrics::{InUse, Reload},
    },
};

/// Who asked for a reload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// The files changed.
    Watcher,
    /// SIGHUP.
    Signal,
    /// An operator, by name, through the admin listener.
    Operator(String),
}

impl Actor {
    /// The name in audit records.
    pub fn name(&self) -> &str {
        match self {
            Self::Watcher => "watcher",
            Self::Signal => "signal",
            Self::Operator(name) => name,
        }
    }
}

/// How the last reload ended.
#[derive(Debug, Clone)]
pub struct LastReload {
    /// When, as time since the Unix epoch.
    pub at: Duration,
    /// What happened.
    pub outcome: Outcome,
}

/// Where reloads stand.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// Number of the configuration that is in force everywhere: for routes, on listeners, in
    /// background work and in figures.
    pub generation: u64,
    /// How the last reload ended; `None` if there was none since the start.
    pub last: Option<LastReload>,
}

/// What a reload came to.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// A new configuration is in force.
    Applied {
        /// Its number.
        generation: u64,
        /// Its hash.
        hash: String,
        /// Settings that changed and take effect only when the process starts again.
        needs_restart: Vec<&'static str>,
    },
    /// What is on disk is what is in force.
    Unchanged,
    /// The last good configuration stays in force.
    Refused {
        /// Hash of what was refused.
        hash: String,
        /// Why, for people.
        report: String,
        /// Why, for machines.
        findings: Value,
    },
}

/// What the process was started on and what reloads act on.
pub struct Reloader {
    path: PathBuf,
    environment: Environment,
    gateway: Arc<Gateway>,
    listeners: Arc<Listeners<Gateway>>,
    operators: Arc<Listeners<AdminHandler>>,
    metrics: Arc<Metrics>,
    audit: Arc<Audit>,
    scheduler: Mutex<Scheduler>,
    standing: Mutex<Standing>,
    refused: Mutex<Option<Vec<Watched>>>,
    running: AsyncMutex<()>,
    /// What is read once: the sections that the process was started on.
    started_on: Vec<(&'static str, Value)>,
}

/// The rooms a reload reaches into.
pub struct Rooms {
    /// The exchange loop.
    pub gateway: Arc<Gateway>,
    /// Callers' listeners.
    pub listeners: Arc<Listeners<Gateway>>,
    /// The operators' listener.
    pub operators: Arc<Listeners<AdminHandler>>,
    /// Figures.
    pub metrics: Arc<Metrics>,
    /// Audit records.
    pub audit: Arc<Audit>,
}

impl Reloader {
    /// A reloader for the configuration at this path.
    pub fn new(path: PathBuf, environment: Environment, rooms: Rooms) -> Self {
        let Rooms { gateway, listeners, operators, metrics, audit } = rooms;
        let started_on = READ_ONCE.map(|section| (section, of(&gateway.snapshot(), section)));
        Self {
            path,
            environment,
            gateway,
            listeners,
            operators,
            metrics,
            audit,
            scheduler: Mutex::default(),
            standing: Mutex::default(),
            refused: Mutex::default(),
            running: AsyncMutex::new(()),
            started_on: started_on.into(),
        }
    }

    /// Starts the background work of the configuration in force.
    pub fn start(&self) {
        let snapshot = self.gateway.snapshot();
        self.metrics.reloaded(Reload::Applied, snapshot.generation, self.environment.clock.unix());
        lock(&self.scheduler).reconcile(&snapshot.jobs);
        self.publish(&snapshot);
        lock(&self.standing).generation = snapshot.generation;
    }

    /// Everything whose change can change the configuration: what is in force was read from it, or
    /// what was refused last.
    pub fn watched(&self) -> Vec<PathBuf> {
        let snapshot = self.gateway.snapshot();
        let refused = lock(&self.refused);
        let all = snapshot.watched.iter().chain(refused.iter().flatten());
        all.map(|watched| watched.path.clone()).collect()
    }

    /// What is in force and how the last reload ended, of one moment.
    pub fn standing(&self) -> Standing {
        lock(&self.standing).clone()
    }

    /// Reloads if the content differs from what was read last, be it in force or refused.
    pub async fn reload_if_changed(&self, actor: Actor) {
        let snapshot = self.gateway.snapshot();
        let last_read = lock(&self.refused).clone().unwrap_or_else(|| snapshot.watched.clone());
        let unchanged = tokio::task::spawn_blocking(move || config::unchanged(&last_read)).await;
        if matches!(unchanged, Ok(false)) {
            self.reload(actor).await;
        }
    }

    /// Reloads, and says what came of it.
    pub async fn reload(&self, actor: Actor) -> Outcome {
        let _one_at_a_time = self.running.lock().await;
        let old = self.gateway.snapshot();
        let generation = old.generation + 1;
        let outcome = match self.compile(generation).await {
            Ok((snapshot, _)) if snapshot.hash == old.hash => {
                *lock(&self.refused) = None;
                Outcome::Unchanged
            }
            Ok((snapshot, report)) => {
                if !report.findings.is_empty() {
                    tracing::warn!("configuration warnings:\n{report}");
                }
                // Refused here, it is not for what the files say (a port is taken, the audit log is
                // full), so it is tried again without waiting for an edit.
                *lock(&self.refused) = None;
                self.apply(&actor, &old, snapshot)
            }
            Err(refusal) => {
                *lock(&self.refused) = Some(refusal.watched);
                Outcome::Refused {
                    hash: refusal.hash,
                    report: refusal.report.to_string(),
                    findings: refusal.report.to_json(),
                }
            }
        };
        if let Outcome::Refused { report, hash, .. } = &outcome {
            tracing::error!(
                actor = actor.name(),
                "the configuration was refused, the last good one stays in force:\n{report}"
            );
            let event = audit::Event {
                actor: actor.name(),
                action: "reload",
                old_hash: Some(&old.hash),
                new_hash: Some(hash),
                result: "refused",
                ..audit::Event::default()
            };
            if self.audit.write(&event).is_err() {
                tracing::error!("the audit record of a refused reload could not be written");
            }
        }
        self.settle(outcome.clone());
        outcome
    }

    fn apply(&self, actor: &Actor, old: &Snapshot, snapshot: Snapshot) -> Outcome {
        let snapshot = Arc::new(snapshot);
        let refused = |message: String| Outcome::Refused {
            hash: snapshot.hash.clone(),
            findings: serde_json::json!([{ "severity": "error", "message": message }]),
            report: format!("error: {message}"),
        };
        let prepared = self.listeners.prepare(snapshot.listeners.clone());
        let operators = self.operators.prepare(vec![snapshot.admin.listener.clone()]);
        let (prepared, operators) = match (prepared, operators) {
            (Ok(prepared), Ok(operators)) => (prepared, operators),
            (prepared, operators) => {
                let errors = prepared
                    .err()
                    .into_iter()
                    .flatten()
                    .chain(operators.err().into_iter().flatten());
                return refused(
                    errors.map(|error| error.to_string()).collect::<Vec<_>>().join("; "),
                );
            }
        };
        let event = audit::Event {
            actor: actor.name(),
            action: "reload",
            old_hash: Some(&old.hash),
            new_hash: Some(&snapshot.hash),
            result: "applied",
            ..audit::Event::default()
        };
        if self.audit.write(&event).is_err() && self.audit.on_failure() == audit::OnFailure::Closed
        {
            return refused("the audit record of this reload cannot be written".to_owned());
        }
        let changed = self.started_on.iter().filter(|(name, was)| of(&snapshot, name) != *was);
        let needs_restart: Vec<_> = changed.map(|(name, _)| *name).collect();
        if !needs_restart.is_empty() {
            tracing::warn!(
                "changed settings that take effect when the process starts again: {}",
                needs_restart.join(", ")
            );
        }
        self.gateway.swap(snapshot.clone());
        self.listeners.commit(prepared);
        self.operators.commit(operators);
        lock(&self.scheduler).reconcile(&snapshot.jobs);
        self.publish(&snapshot);
        tracing::info!(
            actor = actor.name(),
            generation = snapshot.generation,
            hash = snapshot.hash,
            "configuration in force"
        );
        Outcome::Applied {
            generation: snapshot.generation,
            hash: snapshot.hash.clone(),
            needs_restart,
        }
    }

    async fn compile(&self, generation: u64) -> Result<(Snapshot, Report), config::Refusal> {
        let path = self.path.clone();
        let environment = self.environment.clone();
        tokio::task::spawn_blocking(move || config::build(&path, &environment, generation))
            .await
            .unwrap_or_else(|_| Err(config::Refusal::internal()))
    }

    fn settle(&self, outcome: Outcome) {
        let at = self.environment.clock.unix();
        let (result, generation) = match &outcome {
            Outcome::Applied { generation, .. } => (Reload::Applied, *generation),
            Outcome::Unchanged => (Reload::Unchanged, self.gateway.snapshot().generation),
            Outcome::Refused { .. } => (Reload::Refused, self.gateway.snapshot().generation),
        };
        self.metrics.reloaded(result, generation, at);
        // Last of all: whoever sees the new number may rely on everything that came with it.
        *lock(&self.standing) = Standing { generation, last: Some(LastReload { at, outcome }) };
    }

    /// What is true of the configuration as a whole, in metrics.
    fn publish(&self, snapshot: &Snapshot) {
        self.metrics.retain(&InUse {
            routes: snapshot.routes.iter().map(|route| &*route.name).collect(),
            upstreams: snapshot.upstreams.iter().map(|provider| &*provider.name).collect(),
            plugins: snapshot
                .routes
                .iter()
                .flat_map(|route| route.chain.entries())
                .chain(snapshot.upstreams.iter().flat_map(|provider| provider.chain.entries()))
                .map(|entry| &*entry.name)
                .collect(),
        });
        self.metrics.forget_inventory();
        for Expiry { used_by, certificate, at } in &snapshot.expiries {
            self.metrics.certificate(used_by, certificate, *at);
        }
        self.metrics.unauthenticated_routes(
            snapshot.routes.iter().filter(|route| route.unauthenticated).count(),
        );
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A section of the configuration in effect.
fn of(snapshot: &Snapshot, section: &str) -> Value {
    snapshot.effective.get(section).cloned().unwrap_or_default()
}

/// Sections that are read once, when the process starts.
const READ_ONCE: [&str; 2] = ["audit", "log"];
