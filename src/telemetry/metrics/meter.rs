//! Handles that hold the children of one route, upstream, listener or plugin.

use std::time::Duration;

use http::{Method, StatusCode};
use prometheus::{Histogram, IntCounter, IntGauge};

use super::{Children, Families, registry::child};
use crate::{telemetry::record::Attempt, upstream::Evidence};

/// What one route counts on one listener.
pub(super) struct RouteMeter {
    listener: Box<str>,
    route: Box<str>,
    requests: Children<(&'static str, u16), IntCounter>,
    faults: Children<&'static str, IntCounter>,
    duration: Histogram,
    gateway: Histogram,
    received: IntCounter,
    sent: IntCounter,
    abandoned: IntCounter,
}

impl RouteMeter {
    pub(super) fn new(families: &Families, listener: &str, route: &str) -> Self {
        Self {
            listener: listener.into(),
            route: route.into(),
            requests: Children::default(),
            faults: Children::default(),
            duration: child(&families.request_duration, &[route]),
            gateway: child(&families.gateway_duration, &[route]),
            received: child(&families.body_bytes, &[route, "in"]),
            sent: child(&families.body_bytes, &[route, "out"]),
            abandoned: child(&families.abandoned, &[route]),
        }
    }

    pub(super) fn request(
        &self,
        families: &Families,
        method: Option<&Method>,
        status: Option<StatusCode>,
    ) {
        let method = method_label(method);
        let status = status.map_or(0, |status| status.as_u16());
        self.requests.with(
            &(method, status),
            || {
                let status = if status == 0 { "none".to_owned() } else { status.to_string() };
                child(&families.requests, &[&self.listener, &self.route, method, &status])
            },
            IntCounter::inc,
        );
    }

    pub(super) fn fault(&self, families: &Families, code: &'static tollgate_api::Code) {
        self.faults.with(
            &code.name,
            || child(&families.faults, &[code.name, code.blame.as_str(), &self.route]),
            IntCounter::inc,
        );
    }

    pub(super) fn durations(&self, total: Duration, gateway: Duration) {
        self.duration.observe(total.as_secs_f64());
        self.gateway.observe(gateway.as_secs_f64());
    }

    pub(super) fn bytes(&self, received: u64, sent: u64) {
        self.received.inc_by(received);
        self.sent.inc_by(sent);
    }

    pub(super) fn abandoned(&self) {
        self.abandoned.inc();
    }
}

/// What one upstream counts.
pub(super) struct UpstreamMeter {
    duration: Histogram,
    nothing_sent: IntCounter,
    unknown: IntCounter,
    answered: IntCounter,
    answers: Children<u16, IntCounter>,
    upstream: String,
}

impl UpstreamMeter {
    pub(super) fn new(families: &Families, upstream: &str) -> Self {
        let attempts =
            |evidence: Evidence| child(&families.attempts, &[upstream, evidence.as_str()]);
        Self {
            duration: child(&families.upstream_duration, &[upstream]),
            nothing_sent: attempts(Evidence::NothingSent),
            unknown: attempts(Evidence::Unknown),
            answered: attempts(Evidence::Answered),
            answers: Children::default(),
            upstream: upstream.to_owned(),
        }
    }

    pub(super) fn attempt(&self, families: &Families, attempt: &Attempt<'_>) {
        self.duration.observe(attempt.duration.as_secs_f64());
        // A provider may send any three digits; what HTTP does not know makes no series.
        if let Some(status) = attempt.status.filter(|status| status.as_u16() < 600) {
            self.answers.with(
                &status.as_u16(),
                || child(&families.answers, &[&self.upstream, status.as_str()]),
                IntCounter::inc,
            );
        }
        match attempt.evidence {
            Evidence::NothingSent => self.nothing_sent.inc(),
            Evidence::Unknown => self.unknown.inc(),
            Evidence::Answered => self.answered.inc(),
        }
    }
}

/// How a handshake ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handshake {
    /// The connection is ready.
    Completed,
    /// The peer broke it off or offered nothing acceptable.
    Failed,
    /// It took too long.
    TimedOut,
}

/// Why a connection was refused before anything was read of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The listener has all the connections it may have.
    Capacity,
    /// The PROXY protocol header is missing, broken or late.
    ProxyProtocol,
    /// The listener is draining.
    Draining,
}

/// What one listener counts.
pub struct ListenerMeter {
    open: IntGauge,
    accepted: IntCounter,
    handshakes: [IntCounter; 3],
    refused: [IntCounter; 3],
}

impl ListenerMeter {
    pub(super) fn new(families: &Families, listener: &str) -> Self {
        let handshakes = |result| child(&families.handshakes, &[listener, result]);
        let refused = |reason| child(&families.refused, &[listener, reason]);
        Self {
            open: child(&families.open_connections, &[listener]),
            accepted: child(&families.connections, &[listener]),
            handshakes: [handshakes("completed"), handshakes("failed"), handshakes("timed_out")],
            refused: [refused("capacity"), refused("proxy_protocol"), refused("draining")],
        }
    }

    /// A connection was accepted; it counts as open until the guard is dropped.
    #[must_use = "the connection counts as closed when this is dropped"]
    pub fn accepted(&self) -> Open {
        self.accepted.inc();
        Open::of(&self.open)
    }

    /// A connection was accepted, by somebody who says [`closed`](Self::closed) when it ends.
    pub fn opened(&self) {
        self.accepted.inc();
        self.open.inc();
    }

    /// A connection that was [`opened`](Self::opened) ended.
    pub fn closed(&self) {
        self.open.dec();
    }

    /// A handshake ended.
    pub fn handshake(&self, result: Handshake) {
        let [completed, failed, timed_out] = &self.handshakes;
        match result {
            Handshake::Completed => completed.inc(),
            Handshake::Failed => failed.inc(),
            Handshake::TimedOut => timed_out.inc(),
        }
    }

    /// A connection was refused.
    pub fn refused(&self, reason: Refusal) {
        let [capacity, proxy_protocol, draining] = &self.refused;
        match reason {
            Refusal::Capacity => capacity.inc(),
            Refusal::ProxyProtocol => proxy_protocol.inc(),
            Refusal::Draining => draining.inc(),
        }
    }
}

/// Counts a connection or exchange as open while it lives.
pub struct Open(IntGauge);

impl Open {
    pub(super) fn of(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// What a plugin said about a request or answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It let it pass.
    Pass,
    /// It refused: a fault.
    Refuse,
    /// It answered by itself.
    Respond,
    /// It asked for another attempt.
    Again,
}

impl Verdict {
    const ALL: [&str; 4] = ["pass", "refuse", "respond", "again"];

    /// The word used in metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Refuse => "refuse",
            Self::Respond => "respond",
            Self::Again => "again",
        }
    }
}

/// What one plugin instance counts; a compiled chain keeps it beside the plugin.
pub struct PluginMeter([IntCounter; 4]);

impl PluginMeter {
    pub(super) fn new(families: &Families, labels: [&str; 4]) -> Self {
        let [route, upstream, plugin, mode] = labels;
        Self(
            Verdict::ALL.map(|verdict| {
                child(&families.verdicts, &[route, upstream, plugin, mode, verdict])
            }),
        )
    }

    /// Counts a verdict.
    pub fn count(&self, verdict: Verdict) {
        let [pass, refuse, respond, again] = &self.0;
        match verdict {
            Verdict::Pass => pass.inc(),
            Verdict::Refuse => refuse.inc(),
            Verdict::Respond => respond.inc(),
            Verdict::Again => again.inc(),
        }
    }
}

/// The method as one of a closed set: what a caller invents is `other`.
pub(super) fn method_label(method: Option<&Method>) -> &'static str {
    const KNOWN: [&str; 9] =
        ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT"];
    method
        .and_then(|method| KNOWN.into_iter().find(|known| *known == method.as_str()))
        .unwrap_or("other")
}
