use std::net::{IpAddr, Ipv4Addr};

use http::{Method, StatusCode};
use tollgate_api::{Connection, Fault, Measure, Measures, codes};

use super::*;
use crate::telemetry::{record::Attempt, trace::TraceContext};
use crate::upstream::Evidence;

const TRACE: TraceContext =
    TraceContext { trace: [1; 16], span: [2; 8], parent: None, sampled: false };

fn connection() -> Connection {
    let address = (IpAddr::from(Ipv4Addr::LOCALHOST), 4000).into();
    Connection { listener: "partners".into(), peer: address, local: address, tls: None }
}

fn has(metrics: &Metrics, line: &str) {
    let text = metrics.encode();
    assert!(text.lines().any(|found| found == line), "expected `{line}` in:\n{text}");
}

#[test]
fn a_finished_exchange_is_counted_under_configured_names() {
    let metrics = Metrics::new();
    let connection = connection();
    let attempts = [
        Attempt {
            upstream: "acquirer",
            endpoint: Some("https://a.example"),
            evidence: Evidence::NothingSent,
            status: None,
            duration: Duration::from_millis(3),
        },
        Attempt {
            upstream: "acquirer",
            endpoint: Some("https://b.example"),
            evidence: Evidence::Answered,
            status: Some(StatusCode::CREATED),
            duration: Duration::from_millis(30),
        },
    ];
    metrics.finished(&Record {
        method: Some(&Method::POST),
        route: Some("create-payment"),
        status: Some(StatusCode::CREATED),
        attempts: &attempts,
        bytes_in: 10,
        bytes_out: 20,
        total: Duration::from_millis(40),
        upstream_wait: Duration::from_millis(30),
        caller_wait: Duration::from_millis(9),
        caller_gone: true,
        ..Record::new(&connection, "id", TRACE)
    });
    has(
        &metrics,
        r#"tollgate_requests_total{listener="partners",method="POST",route="create-payment",status="201"} 1"#,
    );
    has(&metrics, r#"tollgate_attempts_total{outcome="answered",upstream="acquirer"} 1"#);
    has(&metrics, r#"tollgate_attempts_total{outcome="nothing_sent",upstream="acquirer"} 1"#);
    has(&metrics, r#"tollgate_upstream_answers_total{status="201",upstream="acquirer"} 1"#);
    has(&metrics, r#"tollgate_attempts_total{outcome="unknown",upstream="acquirer"} 0"#);
    has(&metrics, r#"tollgate_body_bytes_total{direction="in",route="create-payment"} 10"#);
    has(&metrics, r#"tollgate_body_bytes_total{direction="out",route="create-payment"} 20"#);
    has(&metrics, r#"tollgate_abandoned_exchanges_total{route="create-payment"} 1"#);
    has(&metrics, r#"tollgate_gateway_duration_seconds_sum{route="create-payment"} 0.001"#);
    has(&metrics, r#"tollgate_upstream_duration_seconds_count{upstream="acquirer"} 2"#);
}

#[test]
fn a_method_that_a_caller_invents_makes_no_series_of_its_own() {
    let metrics = Metrics::new();
    let connection = connection();
    for method in ["BREW", "4111111111111111", "get"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        metrics
            .finished(&Record { method: Some(&method), ..Record::new(&connection, "id", TRACE) });
    }
    has(
        &metrics,
        r#"tollgate_requests_total{listener="partners",method="other",route="(none)",status="none"} 3"#,
    );
    assert!(!metrics.encode().contains("4111"), "no byte of a caller is in a label");
}

#[test]
fn a_fault_is_counted_by_code_and_blame() {
    let metrics = Metrics::new();
    let connection = connection();
    let fault = Fault::new(&codes::RATE_LIMITED);
    metrics.finished(&Record {
        route: Some("pay"),
        status: Some(StatusCode::TOO_MANY_REQUESTS),
        fault: Some(&fault),
        ..Record::new(&connection, "id", TRACE)
    });
    has(&metrics, r#"tollgate_faults_total{blame="caller",code="rate_limited",route="pay"} 1"#);
}

#[test]
fn connections_are_open_until_their_guard_is_dropped() {
    let metrics = Metrics::new();
    let listener = metrics.listener("partners");
    let open = listener.accepted();
    listener.handshake(Handshake::TimedOut);
    listener.refused(Refusal::Capacity);
    has(&metrics, r#"tollgate_open_connections{listener="partners"} 1"#);
    has(&metrics, r#"tollgate_handshakes_total{listener="partners",result="timed_out"} 1"#);
    has(&metrics, r#"tollgate_refused_connections_total{listener="partners",reason="capacity"} 1"#);
    drop(open);
    has(&metrics, r#"tollgate_open_connections{listener="partners"} 0"#);
    has(&metrics, r#"tollgate_connections_total{listener="partners"} 1"#);
}

#[test]
fn verdicts_tell_shadow_from_enforced() {
    let metrics = Metrics::new();
    metrics.plugin(Place::Route("pay"), "pay/jwt", true).count(Verdict::Refuse);
    metrics.plugin(Place::Route("pay"), "pay/jwt", false).count(Verdict::Pass);
    has(
        &metrics,
        r#"tollgate_plugin_verdicts_total{mode="shadow",plugin="pay/jwt",route="pay",upstream="",verdict="refuse"} 1"#,
    );
    has(
        &metrics,
        r#"tollgate_plugin_verdicts_total{mode="enforced",plugin="pay/jwt",route="pay",upstream="",verdict="pass"} 1"#,
    );
}

#[test]
fn figures_of_plugins_carry_their_instance() {
    let metrics = Metrics::new();
    metrics.set("pay/jwt", Measure::JwksKeys, 2.0);
    metrics.add("pay/jwt", Measure::JwksFailures, 3);
    metrics.add("pay/jwt", Measure::JwksFailures, 1);
    has(&metrics, r#"tollgate_jwks_keys{plugin="pay/jwt"} 2"#);
    has(&metrics, r#"tollgate_jwks_failures_total{plugin="pay/jwt"} 4"#);
}

#[test]
fn a_refused_reload_keeps_the_generation_and_says_so() {
    let metrics = Metrics::new();
    metrics.reloaded(Reload::Applied, 7, Duration::from_secs(100));
    metrics.reloaded(Reload::Refused, 7, Duration::from_secs(200));
    has(&metrics, "tollgate_config_generation 7");
    has(&metrics, "tollgate_config_last_reload_successful 0");
    has(&metrics, "tollgate_config_last_reload_timestamp_seconds 200");
    has(&metrics, r#"tollgate_reloads_total{result="refused"} 1"#);
}

#[test]
fn what_the_new_configuration_does_not_name_is_forgotten() {
    let metrics = Metrics::new();
    metrics.certificate("listeners/partners", "tls/pay.pem", Duration::from_secs(9));
    metrics.endpoint("acquirer", "https://a.example", true);
    has(
        &metrics,
        r#"tollgate_upstream_endpoint_healthy{endpoint="https://a.example",upstream="acquirer"} 1"#,
    );
    metrics.forget_inventory();
    let text = metrics.encode();
    assert!(!text.contains("tls/pay.pem"), "the certificate is forgotten");
    assert!(!text.contains("a.example"), "the endpoint is forgotten");
}

#[test]
fn concurrent_exchanges_are_counted_exactly() {
    let metrics = Metrics::new();
    let connection = connection();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..500 {
                    metrics.finished(&Record {
                        route: Some("pay"),
                        status: Some(StatusCode::OK),
                        ..Record::new(&connection, "id", TRACE)
                    });
                }
            });
        }
    });
    has(
        &metrics,
        r#"tollgate_requests_total{listener="partners",method="other",route="pay",status="200"} 4000"#,
    );
}

#[test]
fn what_a_reload_removed_is_forgotten_and_the_rest_goes_on_counting() {
    let metrics = Metrics::new();
    let connection = connection();
    let finish = |route, upstream| {
        let attempts = [Attempt {
            upstream,
            endpoint: None,
            evidence: Evidence::Answered,
            status: None,
            duration: Duration::ZERO,
        }];
        metrics.finished(&Record {
            route: Some(route),
            attempts: &attempts,
            ..Record::new(&connection, "id", TRACE)
        });
    };
    finish("kept", "kept-provider");
    finish("gone", "gone-provider");
    metrics.finished(&Record::new(&connection, "id", TRACE));
    metrics.plugin(Place::Route("gone"), "gone/jwt", false).count(Verdict::Pass);
    metrics.add("gone/jwt", Measure::TokenCacheHits, 1);
    metrics.add("kept/jwt", Measure::TokenCacheHits, 1);
    let in_use = InUse {
        routes: ["kept"].into(),
        upstreams: ["kept-provider"].into(),
        plugins: ["kept/jwt"].into(),
    };
    metrics.retain(&in_use);
    let text = metrics.encode();
    assert!(!text.contains("gone"), "no series of what is gone: {text}");
    finish("kept", "kept-provider");
    metrics.add("kept/jwt", Measure::TokenCacheHits, 1);
    for (family, labels, count) in [
        ("requests_total", r#"listener="partners",method="other",route="kept",status="none""#, 2),
        ("requests_total", r#"listener="partners",method="other",route="(none)",status="none""#, 1),
        ("attempts_total", r#"outcome="answered",upstream="kept-provider""#, 2),
        ("token_cache_hits_total", r#"plugin="kept/jwt""#, 2),
    ] {
        has(&metrics, &format!("tollgate_{family}{{{labels}}} {count}"));
    }
    finish("gone", "gone-provider");
    has(&metrics, r#"tollgate_attempts_total{outcome="answered",upstream="gone-provider"} 1"#);
}

#[test]
fn a_status_that_does_not_exist_makes_no_series_of_its_own() {
    let metrics = Metrics::new();
    let connection = connection();
    for status in [600, 777, 999] {
        metrics.finished(&Record {
            status: Some(StatusCode::from_u16(status).unwrap()),
            ..Record::new(&connection, "id", TRACE)
        });
    }
    has(
        &metrics,
        r#"tollgate_requests_total{listener="partners",method="other",route="(none)",status="none"} 3"#,
    );
}

#[test]
fn the_reference_lists_every_family_once() {
    let metrics = Metrics::new();
    let table = metrics.reference_table();
    assert_eq!(table.lines().count(), metrics.reference().len() + 2, "a line each");
    let line = "| `tollgate_attempts_total` | counter | `upstream`, `outcome` | Attempts by";
    assert!(table.contains(line), "name, type, labels and help: {table}");
}

#[test]
fn every_family_follows_the_naming_rules_and_has_help() {
    let metrics = Metrics::new();
    assert!(metrics.reference().len() > 30, "all families are listed");
    for family in metrics.reference() {
        let name = family.name;
        assert!(name.starts_with("tollgate_"), "{name} has our prefix");
        assert_eq!(
            name.ends_with("_total"),
            family.kind == "counter",
            "{name}: _total on counters"
        );
        assert!(!family.help.is_empty(), "{name} has help text");
        assert!(!name.contains("_ms") && !name.contains("milli"), "{name} uses base units");
    }
}
