//! What is told of an exchange when it has ended: one record for metrics and access log.

use std::{sync::Arc, time::Duration};

use http::StatusCode;

use super::exchange::Run;
use crate::{pipeline::Mode, telemetry, upstream::Evidence};

/// What is kept of an attempt for the record.
pub(super) struct AttemptRecord {
    pub(super) upstream: Arc<str>,
    pub(super) endpoint: Option<String>,
    pub(super) evidence: Evidence,
    pub(super) status: Option<StatusCode>,
    pub(super) duration: Duration,
}

impl Run<'_, '_> {
    /// Writes the record.
    pub(super) fn record(&self) {
        let clock = &self.gateway.clock;
        let exchange = self.exchange.as_ref();
        let attempts: Vec<telemetry::Attempt<'_>> = self
            .attempts
            .iter()
            .map(|attempt| telemetry::Attempt {
                upstream: &attempt.upstream,
                endpoint: attempt.endpoint.as_deref(),
                evidence: attempt.evidence,
                status: attempt.status,
                duration: attempt.duration,
            })
            .collect();
        let shadow: Vec<telemetry::ShadowVerdict<'_>> = self
            .refusals
            .iter()
            .filter(|refusal| refusal.mode == Mode::Shadow)
            .map(|refusal| telemetry::ShadowVerdict {
                plugin: &refusal.plugin,
                verdict: telemetry::metrics::Verdict::Refuse,
                code: Some(refusal.fault.name),
            })
            .collect();
        let record = telemetry::Record {
            time: clock.unix(),
            id: &self.id,
            caller_id: self.caller_id.as_deref(),
            trace: self.trace,
            connection: self.connection,
            client: exchange.map_or(self.connection.peer.ip(), |exchange| exchange.client),
            protocol: self.protocol,
            method: Some(&self.method),
            host: self.place.as_ref().map(|(host, _)| host.as_str()),
            path: self.place.as_ref().map(|(_, path)| path.as_str()),
            route: self.route.as_ref().map(|route| &*route.name),
            upstream: exchange.and_then(|exchange| exchange.upstream.as_deref()),
            identity: exchange.and_then(|exchange| exchange.identity.as_ref()),
            status: self.status,
            fault: self.fault.as_ref(),
            attempts: &attempts,
            bytes_in: self.caller.bytes_in,
            bytes_out: self.caller.bytes_out,
            total: clock.tick().since(self.started),
            upstream_wait: self.upstream_wait,
            caller_wait: self.caller.waited,
            caller_gone: self.caller.gone,
            shadow: &shadow,
        };
        self.gateway.telemetry.finished(&record);
    }
}
