//! Figures for operators, in the text format that Prometheus scrapes.
//!
//! Names are `tollgate_<noun>_<unit>[_total]` in base units. Label values are names from the
//! configuration or members of a closed set, never a caller's bytes, so the number of series is
//! bounded by the configuration. Nothing here takes a lock that all requests share.

mod children;
mod families;
mod measures;
mod meter;
mod registry;
mod retain;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use children::Children;
use families::Families;
pub use meter::{Handshake, ListenerMeter, Open, PluginMeter, Refusal, Verdict};
use meter::{RouteMeter, UpstreamMeter};
use prometheus::{Registry, TextEncoder};
pub use registry::Reference;
use registry::{Registrar, child};
pub use retain::InUse;
use retain::Prune;

use crate::telemetry::record::Record;

/// Label value of what happened before a route or upstream was known.
pub const NONE: &str = "(none)";

/// Every figure the gateway reports.
pub struct Metrics {
    registry: Registry,
    reference: Vec<Reference>,
    prune: Vec<Prune>,
    families: Families,
    routes: Children<String, Children<String, RouteMeter>>,
    upstreams: Children<String, UpstreamMeter>,
    listeners: Children<String, ListenerMeter>,
    measures: measures::Instances,
}

/// How a load or reload ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// The new configuration serves.
    Applied,
    /// Nothing had changed.
    Unchanged,
    /// It was wrong; the last good one serves.
    Refused,
}

impl Reload {
    /// The word used in metrics, logs and audit records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Refused => "refused",
        }
    }
}

/// On which side a plugin stands, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// On this route.
    Route(&'a str),
    /// On this upstream.
    Upstream(&'a str),
}

impl Metrics {
    /// All families, at zero, in a registry of their own.
    pub fn new() -> Self {
        let mut registrar = Registrar::new();
        let families = Families::register(&mut registrar);
        child(&families.build, &[env!("CARGO_PKG_VERSION")]).set(1);
        let (registry, reference, prune) = registrar.finish();
        Self {
            registry,
            reference,
            prune,
            families,
            routes: Children::default(),
            upstreams: Children::default(),
            listeners: Children::default(),
            measures: measures::Instances::default(),
        }
    }

    /// Counts a finished exchange.
    pub fn finished(&self, record: &Record<'_>) {
        let listener: &str = &record.connection.listener;
        let route = record.route.unwrap_or(NONE);
        self.routes.with(listener, Children::default, |routes| {
            routes.with(
                route,
                || RouteMeter::new(&self.families, listener, route),
                |meter| self.count(meter, record),
            );
        });
        for attempt in record.attempts {
            self.upstreams.with(
                attempt.upstream,
                || UpstreamMeter::new(&self.families, attempt.upstream),
                |meter| meter.attempt(&self.families, attempt),
            );
        }
    }

    fn count(&self, meter: &RouteMeter, record: &Record<'_>) {
        // A provider may send any three digits; what HTTP does not know makes no series.
        let status = record.status.filter(|status| status.as_u16() < 600);
        meter.request(&self.families, record.method, status);
        meter.durations(record.total, record.gateway());
        meter.bytes(record.bytes_in, record.bytes_out);
        if let Some(fault) = record.fault {
            meter.fault(&self.families, fault.code());
        }
        if record.caller_gone {
            meter.abandoned();
        }
    }

    /// What a listener counts; kept by the listener.
    pub fn listener(&self, name: &str) -> Arc<ListenerMeter> {
        self.listeners.shared(name, || ListenerMeter::new(&self.families, name))
    }

    /// What a plugin instance counts; kept by the compiled chain. `instance` is its stable name.
    pub fn plugin(&self, place: Place<'_>, instance: &str, shadow: bool) -> PluginMeter {
        let (route, upstream) = match place {
            Place::Route(route) => (route, ""),
            Place::Upstream(upstream) => ("", upstream),
        };
        let mode = if shadow { "shadow" } else { "enforced" };
        PluginMeter::new(&self.families, [route, upstream, instance, mode])
    }

    /// An exchange has begun; it is in flight until the guard is dropped.
    #[must_use = "the exchange counts as finished when this is dropped"]
    pub fn exchange(&self) -> Open {
        Open::of(&self.families.in_flight)
    }

    /// Exchanges that have begun and not finished.
    pub fn in_flight(&self) -> i64 {
        self.families.in_flight.get()
    }

    /// A load or reload ended at this Unix time; `generation` is the configuration that serves now.
    pub fn reloaded(&self, result: Reload, generation: u64, at: Duration) {
        self.families.generation.set(i64::try_from(generation).unwrap_or(i64::MAX));
        self.families.reload_ok.set(i64::from(result != Reload::Refused));
        self.families.reload_time.set(at.as_secs_f64());
        child(&self.families.reloads, &[result.as_str()]).inc();
    }

    /// Forgets the certificates and endpoints of the last configuration, before those of the new
    /// one are reported.
    pub fn forget_inventory(&self) {
        self.families.certificate_expiry.reset();
        self.families.endpoint_healthy.reset();
    }

    /// A certificate expires at this Unix time. It is named as the configuration names it, and so is
    /// who presents it: `listeners/partners`, `upstreams/acquirer`, `admin`.
    pub fn certificate(&self, used_by: &str, certificate: &str, expires: Duration) {
        child(&self.families.certificate_expiry, &[used_by, certificate])
            .set(expires.as_secs_f64());
    }

    /// Whether an endpoint takes requests. `endpoint` is its address as configured.
    pub fn endpoint(&self, upstream: &str, endpoint: &str, healthy: bool) {
        child(&self.families.endpoint_healthy, &[upstream, endpoint]).set(i64::from(healthy));
    }

    /// Memory taken by held bodies, and how much they may take.
    pub fn held_memory(&self, bytes: usize, limit: usize) {
        self.families.held_memory.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        self.families.held_memory_limit.set(i64::try_from(limit).unwrap_or(i64::MAX));
    }

    /// A panic was caught.
    pub fn panicked(&self) {
        self.families.panics.inc();
    }

    /// Number of routes without an enforced authentication plugin.
    pub fn unauthenticated_routes(&self, count: usize) {
        self.families.unauthenticated.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Whether the process is being ended.
    pub fn draining(&self, yes: bool) {
        self.families.draining.set(i64::from(yes));
    }

    /// Access-log lines were dropped.
    pub fn access_log_dropped(&self, lines: u64) {
        self.families.access_log_dropped.inc_by(lines);
    }

    /// An audit record was written, or could not be.
    pub fn audited(&self, written: bool) {
        if written { &self.families.audit_records } else { &self.families.audit_failures }.inc();
    }

    /// Plugin instances whose dependency outside the process is unavailable now.
    pub fn degraded(&self) -> Vec<String> {
        use prometheus::core::Collector;
        let families = self.families.degraded.collect();
        let metrics = families.iter().flat_map(prometheus::proto::MetricFamily::get_metric);
        metrics
            .filter(|metric| metric.get_gauge().get_value() > 0.0)
            .flat_map(prometheus::proto::Metric::get_label)
            .map(|label| label.value().to_owned())
            .collect()
    }

    /// Everything, in the Prometheus text format.
    pub fn encode(&self) -> String {
        // Names and labels were accepted when they were declared, so encoding cannot fail.
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }

    /// Every family, for the operations manual.
    pub fn reference(&self) -> &[Reference] {
        &self.reference
    }

    /// The same as a table in Markdown.
    pub fn reference_table(&self) -> String {
        let mut table =
            String::from("| name | type | labels | what it says |\n|---|---|---|---|\n");
        for Reference { name, kind, labels, help } in &self.reference {
            let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
            let labels = labels.join(", ");
            table.extend(["| `", name, "` | ", kind, " | ", &labels, " | ", help, " |\n"]);
        }
        table
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
