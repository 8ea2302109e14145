//! The one description of a finished exchange, from which metrics and the access log are written.

use std::{net::IpAddr, time::Duration};

use http::{Method, StatusCode, Version};
use tollgate_api::{Connection, Fault, Identity};

use super::{metrics::Verdict, trace::TraceContext};
use crate::upstream::Evidence;

/// A finished exchange. It borrows what it tells; the access log writes what it keeps at once.
#[derive(Clone)]
pub struct Record<'a> {
    /// Unix time at which it ended.
    pub time: Duration,
    /// Our id of the exchange.
    pub id: &'a str,
    /// The caller's own `X-Request-Id`, if it was a valid one.
    pub caller_id: Option<&'a str>,
    /// Its place in a distributed trace.
    pub trace: TraceContext,
    /// The connection it came on: listener, peer, TLS.
    pub connection: &'a Connection,
    /// Address of the caller.
    pub client: IpAddr,
    /// Protocol spoken with the caller.
    pub protocol: Version,
    /// The method, once the head was read.
    pub method: Option<&'a Method>,
    /// The normalised host, once the head was read.
    pub host: Option<&'a str>,
    /// The canonical path, without the query. Card numbers in it are masked when it is logged.
    pub path: Option<&'a str>,
    /// Name of the route, if one matched.
    pub route: Option<&'a str>,
    /// Name of the upstream that was last tried.
    pub upstream: Option<&'a str>,
    /// Who the caller is, once proven.
    pub identity: Option<&'a Identity>,
    /// The status that was, or would have been, sent.
    pub status: Option<StatusCode>,
    /// Why the gateway refused or failed, if it did.
    pub fault: Option<&'a Fault>,
    /// Every attempt, in order.
    pub attempts: &'a [Attempt<'a>],
    /// Bytes of the request's body read from the caller.
    pub bytes_in: u64,
    /// Bytes of the answer's body sent to the caller.
    pub bytes_out: u64,
    /// From the first byte of the request to the last of the answer.
    pub total: Duration,
    /// Part of `total` that was spent waiting for providers.
    pub upstream_wait: Duration,
    /// Part of `total` that was spent waiting for the caller to send or to read.
    pub caller_wait: Duration,
    /// The caller left before its answer was sent.
    pub caller_gone: bool,
    /// What plugins in shadow would have done, where it was not to let pass.
    pub shadow: &'a [ShadowVerdict<'a>],
}

impl<'a> Record<'a> {
    /// A record in which nothing has happened yet.
    pub fn new(connection: &'a Connection, id: &'a str, trace: TraceContext) -> Self {
        Self {
            time: Duration::ZERO,
            id,
            caller_id: None,
            trace,
            connection,
            client: connection.peer.ip(),
            protocol: Version::HTTP_11,
            method: None,
            host: None,
            path: None,
            route: None,
            upstream: None,
            identity: None,
            status: None,
            fault: None,
            attempts: &[],
            bytes_in: 0,
            bytes_out: 0,
            total: Duration::ZERO,
            upstream_wait: Duration::ZERO,
            caller_wait: Duration::ZERO,
            caller_gone: false,
            shadow: &[],
        }
    }

    /// Time the gateway added.
    pub fn gateway(&self) -> Duration {
        self.total.saturating_sub(self.upstream_wait).saturating_sub(self.caller_wait)
    }
}

/// One attempt at a provider.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// Name of the upstream.
    pub upstream: &'a str,
    /// The endpoint as configured, if one was chosen.
    pub endpoint: Option<&'a str>,
    /// What is known of it.
    pub evidence: Evidence,
    /// The provider's status, if it answered.
    pub status: Option<StatusCode>,
    /// From asking for a connection to the end of the answer, or to the failure.
    pub duration: Duration,
}

/// What a plugin in shadow would have done.
#[derive(Debug, Clone, Copy)]
pub struct ShadowVerdict<'a> {
    /// Stable name of the plugin instance.
    pub plugin: &'a str,
    /// What it said.
    pub verdict: Verdict,
    /// The fault's code, if it refused.
    pub code: Option<&'static str>,
}
