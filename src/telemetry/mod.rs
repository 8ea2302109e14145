//! What operators see: metrics, the access log, the audit log, the program's own log, traces.
//!
//! Metrics and the access log are written from one [`Record`] per exchange, so they cannot disagree.
//! Whatever reaches a sink has passed through [`redact`]; labels are configuration names only.

pub mod access_log;
pub mod audit;
pub mod log;
pub mod metrics;
pub mod record;
pub mod redact;
pub mod time;
pub mod trace;

mod line;

use std::{sync::Arc, time::Duration};

pub use access_log::AccessLog;
pub use audit::Audit;
pub use metrics::Metrics;
pub use record::{Attempt, Record, ShadowVerdict};
pub use trace::TraceContext;

/// Where finished exchanges are told.
pub struct Telemetry {
    metrics: Arc<Metrics>,
    access_log: Option<AccessLog>,
}

impl Telemetry {
    /// Over these metrics; without an access log nothing is written per exchange.
    pub fn new(metrics: Arc<Metrics>, access_log: Option<AccessLog>) -> Self {
        Self { metrics, access_log }
    }

    /// Tells of an exchange, exactly once, when it has finished. Never waits.
    pub fn finished(&self, record: &Record<'_>) {
        self.metrics.finished(record);
        if let Some(log) = &self.access_log {
            log.write(record);
        }
    }

    /// The figures.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Before the process ends: waits until the access log is written, at most this long.
    pub fn flush(&self, within: Duration) -> bool {
        self.access_log.as_ref().is_none_or(|log| log.flush(within))
    }
}
