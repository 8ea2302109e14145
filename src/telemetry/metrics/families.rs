//! Every metric family the gateway has, with its help text.

use prometheus::{Gauge, GaugeVec, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};

use super::registry::Registrar;

pub(super) struct Families {
    pub(super) requests: IntCounterVec,
    pub(super) request_duration: HistogramVec,
    pub(super) gateway_duration: HistogramVec,
    pub(super) upstream_duration: HistogramVec,
    pub(super) attempts: IntCounterVec,
    pub(super) answers: IntCounterVec,
    pub(super) faults: IntCounterVec,
    pub(super) verdicts: IntCounterVec,
    pub(super) body_bytes: IntCounterVec,
    pub(super) abandoned: IntCounterVec,
    pub(super) in_flight: IntGauge,
    pub(super) open_connections: IntGaugeVec,
    pub(super) connections: IntCounterVec,
    pub(super) handshakes: IntCounterVec,
    pub(super) refused: IntCounterVec,
    pub(super) generation: IntGauge,
    pub(super) reload_ok: IntGauge,
    pub(super) reload_time: Gauge,
    pub(super) reloads: IntCounterVec,
    pub(super) certificate_expiry: GaugeVec,
    pub(super) endpoint_healthy: IntGaugeVec,
    pub(super) held_memory: IntGauge,
    pub(super) held_memory_limit: IntGauge,
    pub(super) panics: IntCounter,
    pub(super) unauthenticated: IntGauge,
    pub(super) draining: IntGauge,
    pub(super) access_log_dropped: IntCounter,
    pub(super) audit_records: IntCounter,
    pub(super) audit_failures: IntCounter,
    pub(super) jwks_keys: GaugeVec,
    pub(super) jwks_fetched: GaugeVec,
    pub(super) jwks_failures: IntCounterVec,
    pub(super) token_hits: IntCounterVec,
    pub(super) token_misses: IntCounterVec,
    pub(super) limiter_keys: GaugeVec,
    pub(super) limiter_overflow: IntCounterVec,
    pub(super) key_uses: IntCounterVec,
    pub(super) provider_keys: GaugeVec,
    pub(super) provider_keys_expire: GaugeVec,
    pub(super) provider_key_failures: IntCounterVec,
    pub(super) events_not_remembered: IntCounterVec,
    pub(super) degraded: GaugeVec,
    pub(super) build: IntGaugeVec,
}

impl Families {
    #[expect(clippy::too_many_lines, reason = "one list of all families")]
    pub(super) fn register(r: &mut Registrar) -> Self {
        Self {
            requests: r.counters(
                "tollgate_requests_total",
                &["listener", "route", "method", "status"],
                "Finished exchanges; status is none when nothing was answered or HTTP does not know it, route is (none) when no route matched",
            ),
            request_duration: r.histograms(
                "tollgate_request_duration_seconds",
                &["route"],
                EXCHANGE_BUCKETS,
                "Time from the first byte of a request to the last byte of its answer",
            ),
            gateway_duration: r.histograms(
                "tollgate_gateway_duration_seconds",
                &["route"],
                GATEWAY_BUCKETS,
                "Time the gateway added: the whole without waiting for the provider and for the caller",
            ),
            upstream_duration: r.histograms(
                "tollgate_upstream_duration_seconds",
                &["upstream"],
                EXCHANGE_BUCKETS,
                "Time of one attempt, from asking for a connection to the end of the answer",
            ),
            attempts: r.counters(
                "tollgate_attempts_total",
                &["upstream", "outcome"],
                "Attempts by what is known of them: nothing_sent, unknown or answered",
            ),
            answers: r.counters(
                "tollgate_upstream_answers_total",
                &["upstream", "status"],
                "Answers of providers by the status that they sent, whatever the caller was told",
            ),
            faults: r.counters(
                "tollgate_faults_total",
                &["code", "blame", "route"],
                "Faults the gateway answered with, by code and by whose fault it is",
            ),
            verdicts: r.counters(
                "tollgate_plugin_verdicts_total",
                &["route", "upstream", "plugin", "mode", "verdict"],
                "What plugins said: pass, refuse, respond or again; mode is enforced or shadow",
            ),
            body_bytes: r.counters(
                "tollgate_body_bytes_total",
                &["route", "direction"],
                "Bytes of request bodies read from callers (in) and answer bodies sent to them (out)",
            ),
            abandoned: r.counters(
                "tollgate_abandoned_exchanges_total",
                &["route"],
                "Exchanges whose caller left before the answer was sent",
            ),
            in_flight: r.gauge(
                "tollgate_exchanges_in_flight",
                "Exchanges that have begun and not finished",
            ),
            open_connections: r.gauges(
                "tollgate_open_connections",
                &["listener"],
                "Open connections from callers",
            ),
            connections: r.counters(
                "tollgate_connections_total",
                &["listener"],
                "Accepted connections from callers",
            ),
            handshakes: r.counters(
                "tollgate_handshakes_total",
                &["listener", "result"],
                "TLS handshakes with callers: completed, failed or timed_out",
            ),
            refused: r.counters(
                "tollgate_refused_connections_total",
                &["listener", "reason"],
                "Connections closed before a handshake: capacity, proxy_protocol or draining",
            ),
            generation: r.gauge(
                "tollgate_config_generation",
                "Number of the configuration that serves new requests",
            ),
            reload_ok: r.gauge(
                "tollgate_config_last_reload_successful",
                "1 when the last load or reload succeeded, 0 when the last good configuration was kept",
            ),
            reload_time: r.float(
                "tollgate_config_last_reload_timestamp_seconds",
                "Unix time of the last load or reload, whatever its result",
            ),
            reloads: r.counters(
                "tollgate_reloads_total",
                &["result"],
                "Loads and reloads of the configuration: applied, unchanged or refused",
            ),
            certificate_expiry: r.floats(
                "tollgate_certificate_expiry_timestamp_seconds",
                &["used_by", "certificate"],
                "Unix time at which a certificate we present expires",
            ),
            endpoint_healthy: r.gauges(
                "tollgate_upstream_endpoint_healthy",
                &["upstream", "endpoint"],
                "1 while an endpoint takes requests, 0 while it is considered down",
            ),
            held_memory: r.gauge("tollgate_held_memory_bytes", "Memory taken by held bodies"),
            held_memory_limit: r.gauge(
                "tollgate_held_memory_limit_bytes",
                "Memory that held bodies may take together",
            ),
            panics: r.counter(
                "tollgate_panics_total",
                "Panics that were caught and answered with 500: each is a bug",
            ),
            unauthenticated: r.gauge(
                "tollgate_unauthenticated_routes",
                "Routes without an enforced authentication plugin",
            ),
            draining: r.gauge(
                "tollgate_draining",
                "1 while the process is being ended and takes no new work",
            ),
            access_log_dropped: r.counter(
                "tollgate_access_log_dropped_total",
                "Access-log lines dropped because their sink was slow or failed",
            ),
            audit_records: r.counter("tollgate_audit_records_total", "Audit records written"),
            audit_failures: r.counter(
                "tollgate_audit_failures_total",
                "Audit records that could not be written: alert on any increase",
            ),
            jwks_keys: r.floats("tollgate_jwks_keys", &["plugin"], "Usable keys of a key set"),
            jwks_fetched: r.floats(
                "tollgate_jwks_fetched_timestamp_seconds",
                &["plugin"],
                "Unix time of the last successful fetch of a key set",
            ),
            jwks_failures: r.counters(
                "tollgate_jwks_failures_total",
                &["plugin"],
                "Failed fetches of a key set",
            ),
            token_hits: r.counters(
                "tollgate_token_cache_hits_total",
                &["plugin"],
                "Verified tokens found in the cache",
            ),
            token_misses: r.counters(
                "tollgate_token_cache_misses_total",
                &["plugin"],
                "Tokens whose signature had to be verified",
            ),
            limiter_keys: r.floats(
                "tollgate_rate_limit_keys",
                &["plugin"],
                "Keys a rate limiter tracks",
            ),
            limiter_overflow: r.counters(
                "tollgate_rate_limit_overflow_total",
                &["plugin"],
                "Requests that shared the overflow bucket because the limiter tracks as many keys as it may",
            ),
            key_uses: r.counters(
                "tollgate_key_uses_total",
                &["plugin"],
                "Uses of an encryption key that has a use limit",
            ),
            provider_keys: r.floats(
                "tollgate_provider_keys",
                &["plugin"],
                "Downloaded keys of a provider that are in force",
            ),
            provider_keys_expire: r.floats(
                "tollgate_provider_keys_expire_timestamp_seconds",
                &["plugin"],
                "Unix time at which the last of a provider's downloaded keys expires",
            ),
            provider_key_failures: r.counters(
                "tollgate_provider_key_failures_total",
                &["plugin"],
                "Failed downloads of a provider's keys",
            ),
            events_not_remembered: r.counters(
                "tollgate_events_not_remembered_total",
                &["plugin"],
                "Events that were delivered and could not be remembered: they may be delivered again",
            ),
            degraded: r.floats(
                "tollgate_dependency_degraded",
                &["plugin"],
                "1 while a dependency outside the process is unavailable to a plugin",
            ),
            build: r.gauges("tollgate_build_info", &["version"], "Always 1; the version that runs"),
        }
    }
}

const EXCHANGE_BUCKETS: &[f64] = &[
    0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0,
];
const GATEWAY_BUCKETS: &[f64] = &[
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0,
];
