//! What an access-log line looks like.

use std::{borrow::Cow, net::IpAddr, time::Duration};

use http::{StatusCode, Version};
use serde::Serialize;

use super::{
    record::{Attempt, Record, ShadowVerdict},
    redact::scrub,
    time::rfc3339,
    trace::hex,
};

/// The line of an exchange, with its line break.
pub(super) fn of(record: &Record<'_>) -> Vec<u8> {
    let mut line = Vec::with_capacity(768);
    // Writing numbers and strings to memory cannot fail; if it did, an empty line would say less
    // than the id does.
    if serde_json::to_writer(&mut line, &Line::of(record)).is_err() {
        line = format!(r#"{{"id":"{}"}}"#, record.id).into_bytes();
    }
    line.push(b'\n');
    line
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    caller_id: Option<Cow<'a, str>>,
    trace_id: String,
    span_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_span_id: Option<String>,
    listener: &'a str,
    peer: IpAddr,
    client: IpAddr,
    protocol: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proven_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<FaultLine<'a>>,
    /// What is known of the last attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attempts: Vec<AttemptLine<'a>>,
    bytes_in: u64,
    bytes_out: u64,
    duration_ms: f64,
    upstream_ms: f64,
    caller_ms: f64,
    gateway_ms: f64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    caller_gone: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    shadow: Vec<ShadowLine<'a>>,
}

#[derive(Serialize)]
struct FaultLine<'a> {
    code: &'static str,
    blame: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    plugin: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
struct AttemptLine<'a> {
    upstream: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<&'a str>,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    duration_ms: f64,
}

#[derive(Serialize)]
struct ShadowLine<'a> {
    plugin: &'a str,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
}

impl<'a> Line<'a> {
    fn of(record: &Record<'a>) -> Self {
        let connection = record.connection;
        let last = record.attempts.last();
        let identity = record.identity;
        Self {
            time: rfc3339(record.time),
            id: record.id,
            caller_id: record.caller_id.map(|id| safe(id, SHORT)),
            trace_id: hex(&record.trace.trace),
            span_id: hex(&record.trace.span),
            parent_span_id: record.trace.parent.as_ref().map(|parent| hex(parent)),
            listener: &connection.listener,
            peer: connection.peer.ip(),
            client: record.client,
            protocol: protocol(record.protocol),
            tls: connection.tls.as_ref().map(|tls| tls.version.as_str()),
            method: record.method.map(|method| safe(method.as_str(), SHORT)),
            host: record.host.map(|host| safe(host, LONG)),
            path: record.path.map(|path| safe(path, LONG)),
            route: record.route,
            upstream: record.upstream,
            endpoint: last.and_then(|attempt| attempt.endpoint),
            client_id: identity.and_then(|who| who.client_id.as_deref()).map(|id| safe(id, SHORT)),
            subject: identity.and_then(|who| who.subject.as_deref()).map(|id| safe(id, SHORT)),
            proven_by: identity.map(|who| who.proven_by),
            status: record.status.map(|status| status.as_u16()),
            fault: record.fault.map(FaultLine::of),
            outcome: last.map(|attempt| attempt.evidence.as_str()),
            attempts: record.attempts.iter().map(AttemptLine::of).collect(),
            bytes_in: record.bytes_in,
            bytes_out: record.bytes_out,
            duration_ms: milliseconds(record.total),
            upstream_ms: milliseconds(record.upstream_wait),
            caller_ms: milliseconds(record.caller_wait),
            gateway_ms: milliseconds(record.gateway()),
            caller_gone: record.caller_gone,
            shadow: record.shadow.iter().map(ShadowLine::of).collect(),
        }
    }
}

impl FaultLine<'_> {
    fn of(fault: &tollgate_api::Fault) -> Self {
        let mut cause = String::new();
        let mut next = fault.cause().map(|cause| cause as &dyn std::error::Error);
        for _ in 0..4 {
            let Some(error) = next else { break };
            if !cause.is_empty() {
                cause.push_str(": ");
            }
            cause.push_str(&error.to_string());
            next = error.source();
        }
        Self {
            code: fault.code().name,
            blame: fault.code().blame.as_str(),
            plugin: fault.plugin(),
            cause: (!cause.is_empty()).then(|| Cow::Owned(safe(&cause, LONG).into_owned())),
        }
    }
}

impl<'a> AttemptLine<'a> {
    fn of(attempt: &Attempt<'a>) -> Self {
        Self {
            upstream: attempt.upstream,
            endpoint: attempt.endpoint,
            outcome: attempt.evidence.as_str(),
            status: attempt.status.map(|status: StatusCode| status.as_u16()),
            duration_ms: milliseconds(attempt.duration),
        }
    }
}

impl<'a> ShadowLine<'a> {
    fn of(shadow: &ShadowVerdict<'a>) -> Self {
        Self { plugin: shadow.plugin, verdict: shadow.verdict.as_str(), code: shadow.code }
    }
}

/// Masked first, shortened then: a cut card number would no longer look like one.
fn safe(text: &str, limit: usize) -> Cow<'_, str> {
    match scrub(text) {
        Cow::Borrowed(text) if text.len() <= limit => Cow::Borrowed(text),
        text => {
            let mut end = text.len().min(limit);
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            let cut = if end < text.len() { "…" } else { "" };
            Cow::Owned(format!("{}{cut}", text.get(..end).unwrap_or_default()))
        }
    }
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2",
        Version::HTTP_3 => "HTTP/3",
        _ => "HTTP/1.1",
    }
}

/// Milliseconds with three decimals, which is how people compare latencies.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

const SHORT: usize = 256;
const LONG: usize = 1024;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::Method;
    use serde_json::Value;
    use tollgate_api::{Connection, Fault, Identity, Tls, codes};

    use super::*;
    use crate::{
        telemetry::{metrics::Verdict, trace::TraceContext},
        upstream::Evidence,
    };

    fn connection() -> Connection {
        let address = ([192, 0, 2, 7], 4000).into();
        let tls = Tls { version: "TLSv1.3".into(), ..Tls::default() };
        Connection { listener: "partners".into(), peer: address, local: address, tls: Some(tls) }
    }

    fn parse(record: &Record<'_>) -> Value {
        let line = of(record);
        assert_eq!(line.split_inclusive(|byte| *byte == b'\n').count(), 1, "one line");
        serde_json::from_slice(&line).unwrap()
    }

    const TRACE: TraceContext =
        TraceContext { trace: [1; 16], span: [2; 8], parent: Some([3; 8]), sampled: true };

    #[test]
    fn a_line_tells_the_whole_exchange() {
        let connection = connection();
        let identity = Identity {
            subject: Some("alice".into()),
            client_id: Some("shop".into()),
            scopes: vec![],
            claims: Arc::default(),
            proven_by: "jwt",
        };
        let attempts = [Attempt {
            upstream: "acquirer",
            endpoint: Some("https://a.example"),
            evidence: Evidence::Unknown,
            status: None,
            duration: Duration::from_millis(20),
        }];
        let shadow = [ShadowVerdict {
            plugin: "pay/ip_filter",
            verdict: Verdict::Refuse,
            code: Some("address_denied"),
        }];
        let fault = Fault::new(&codes::UPSTREAM_TIMEOUT).caused_by("no head within 10s");
        let line = parse(&Record {
            time: Duration::from_secs(1_709_251_201),
            client: [198, 51, 100, 1].into(),
            method: Some(&Method::POST),
            host: Some("pay.example"),
            path: Some("/v1/payments"),
            route: Some("create-payment"),
            upstream: Some("acquirer"),
            identity: Some(&identity),
            status: Some(StatusCode::GATEWAY_TIMEOUT),
            fault: Some(&fault),
            attempts: &attempts,
            total: Duration::from_micros(20_500),
            upstream_wait: Duration::from_millis(20),
            shadow: &shadow,
            ..Record::new(&connection, "abc", TRACE)
        });
        for (pointer, expected) in [
            ("/time", Value::from("2024-03-01T00:00:01.000Z")),
            ("/id", "abc".into()),
            ("/trace_id", "01010101010101010101010101010101".into()),
            ("/parent_span_id", "0303030303030303".into()),
            ("/listener", "partners".into()),
            ("/peer", "192.0.2.7".into()),
            ("/client", "198.51.100.1".into()),
            ("/tls", "TLSv1.3".into()),
            ("/method", "POST".into()),
            ("/path", "/v1/payments".into()),
            ("/client_id", "shop".into()),
            ("/subject", "alice".into()),
            ("/status", 504.into()),
            ("/fault/code", "upstream_timeout".into()),
            ("/fault/blame", "upstream".into()),
            ("/fault/cause", "no head within 10s".into()),
            ("/outcome", "unknown".into()),
            ("/endpoint", "https://a.example".into()),
            ("/attempts/0/duration_ms", 20.0.into()),
            ("/gateway_ms", 0.5.into()),
            ("/shadow/0/code", "address_denied".into()),
        ] {
            assert_eq!(line.pointer(pointer), Some(&expected), "{pointer} in {line}");
        }
    }

    #[test]
    fn no_card_number_reaches_a_line_from_any_text() {
        let connection = connection();
        let number = "4111111111111111";
        let identity = Identity {
            subject: Some(number.into()),
            client_id: Some(number.into()),
            scopes: vec![],
            claims: Arc::default(),
            proven_by: "jwt",
        };
        let fault = Fault::new(&codes::INTERNAL).caused_by(format!("saw {number}"));
        let path = format!("/cards/{number}");
        let method = Method::from_bytes(number.as_bytes()).unwrap();
        let line = of(&Record {
            caller_id: Some(number),
            host: Some(number),
            path: Some(&path),
            method: Some(&method),
            identity: Some(&identity),
            fault: Some(&fault),
            ..Record::new(&connection, "abc", TRACE)
        });
        let line = String::from_utf8(line).unwrap();
        assert!(!line.contains(number), "masked everywhere: {line}");
        assert_eq!(line.matches("411111******1111").count(), 7, "and still recognisable: {line}");
    }

    #[test]
    fn a_line_is_bounded_and_cannot_be_broken_by_what_it_quotes() {
        let connection = connection();
        let path = format!("/\"\n\u{1}{}", "é".repeat(50_000));
        let line = parse(&Record { path: Some(&path), ..Record::new(&connection, "abc", TRACE) });
        let written = line["path"].as_str().unwrap();
        assert!(written.len() <= LONG + '…'.len_utf8(), "shortened: {}", written.len());
        assert!(written.starts_with("/\"\n\u{1}é"), "quoted exactly");
    }
}
