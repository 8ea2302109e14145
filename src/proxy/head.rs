//! Reads a request's head once: one host, one unambiguous target, bounded size, nothing left that
//! belongs to the connection. What is matched is what is forwarded.

use std::{net::IpAddr, str};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header};
use pingora::http::RequestHeader;
use tollgate_api::{Body, Connection, Fault, Request, codes};

use crate::{
    routing::{Authority, Target, TargetError},
    snapshot::{ForwardedBy, ListenerPolicy},
};

use super::hop;

/// A request's head, normalised.
pub struct Head {
    /// The request; its body is [`Body::Streamed`] if there is one.
    pub request: Request,
    /// Who asks for it.
    pub authority: Authority,
    /// What is asked for.
    pub target: Target,
    /// Address of the caller.
    pub client: IpAddr,
    /// The caller waits for `100 Continue` before it sends the body.
    pub expects_continue: bool,
    /// Announced length of the body.
    pub length: Option<u64>,
}

/// Normalises a head, or says what is wrong with it.
pub fn read(
    header: &RequestHeader,
    has_body: bool,
    connection: &Connection,
    policy: &ListenerPolicy,
) -> Result<Head, Fault> {
    if header.method == Method::CONNECT {
        return Err(Fault::new(&codes::CONNECT_REFUSED));
    }
    if header.method == Method::TRACE {
        // It would echo what we add for the provider (RFC 9110 section 9.3.8).
        return Err(Fault::new(&codes::METHOD_NOT_ALLOWED));
    }
    if header.headers.contains_key(header::UPGRADE) {
        return Err(Fault::new(&codes::UPGRADE_REFUSED));
    }
    let size: usize =
        header.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if size > policy.header_size {
        return Err(Fault::new(&codes::HEADERS_TOO_LARGE));
    }
    let authority = authority(header)?;
    let target = target(header)?;
    let expects_continue = expects_continue(header)?;
    let length = content_length(&header.headers)?;
    let client = client_address(&header.headers, connection, policy);

    let mut headers = header.headers.clone();
    hop::strip_request(&mut headers)?;
    for name in &NOT_FORWARDED {
        headers.remove(name);
    }
    headers.remove("forwarded");
    let forwarding: Vec<HeaderName> = headers
        .keys()
        .filter(|name| {
            name.as_str().starts_with("x-forwarded-") || name.as_str().starts_with("tollgate-")
        })
        .cloned()
        .collect();
    for name in forwarding {
        headers.remove(name);
    }

    let request = Request {
        method: header.method.clone(),
        host: authority.host.as_str().to_owned(),
        port: authority.port,
        path: target.path().to_owned(),
        query: target.query().map(str::to_owned),
        headers,
        body: if has_body { Body::Streamed } else { Body::Empty },
    };
    Ok(Head { request, authority, target, client, expects_continue, length })
}

/// One host, from `:authority` or `Host`; where both are there, or the target is absolute, they
/// must agree (RFC 9112 section 3.2, RFC 9113 section 8.3.1).
fn authority(header: &RequestHeader) -> Result<Authority, Fault> {
    let invalid = || Fault::new(&codes::INVALID_HOST);
    let mut hosts = header.headers.get_all(header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(invalid());
    }
    let host =
        host.map(|host| Authority::parse(host.as_bytes())).transpose().map_err(|_| invalid())?;
    let named = match header.uri.authority() {
        Some(authority) => Some(authority.as_str().as_bytes()),
        None => absolute_form(header).map(|(authority, _)| authority),
    };
    let target = named.map(Authority::parse).transpose().map_err(|_| invalid())?;
    match (target, host) {
        (Some(target), Some(host)) if target != host => Err(invalid()),
        (Some(target), _) if header.version == Version::HTTP_2 => Ok(target),
        // An absolute target does not excuse a missing Host.
        (_, Some(host)) => Ok(host),
        (_, None) => Err(invalid()),
    }
}

fn target(header: &RequestHeader) -> Result<Target, Fault> {
    let parsed = if header.uri.authority().is_some() {
        Target::parse(header.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str))
    } else if let Some((_, target)) = absolute_form(header) {
        Target::parse(if target.is_empty() { b"/" } else { target })
    } else {
        Target::parse(header.raw_path())
    };
    parsed.map_err(|error| {
        let code = if error == TargetError::TooLong {
            &codes::TARGET_TOO_LONG
        } else {
            &codes::AMBIGUOUS_PATH
        };
        Fault::new(code).caused_by(error)
    })
}

/// Authority and path of a target such as `http://pay.example/x`, which every server must take (RFC
/// 9112 section 3.2.2).
fn absolute_form(header: &RequestHeader) -> Option<(&[u8], &[u8])> {
    let target = header.raw_path();
    let rest = ["http://", "https://"].iter().find_map(|scheme| {
        let (start, rest) = target.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme.as_bytes()).then_some(rest)
    })?;
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    rest.split_at_checked(end)
}

fn expects_continue(header: &RequestHeader) -> Result<bool, Fault> {
    let mut expected = false;
    for value in header.headers.get_all(header::EXPECT) {
        if !value.as_bytes().eq_ignore_ascii_case(b"100-continue") {
            return Err(Fault::new(&codes::EXPECTATION_FAILED));
        }
        expected = true;
    }
    // HTTP/1.0 knows no interim answers (RFC 9110 section 10.1.1).
    Ok(expected && header.version != Version::HTTP_10)
}

fn content_length(headers: &HeaderMap) -> Result<Option<u64>, Fault> {
    let Some(value) = headers.get(header::CONTENT_LENGTH) else { return Ok(None) };
    value
        .to_str()
        .ok()
        // Equal duplicates are allowed to arrive joined (RFC 9110 section 8.6).
        .and_then(|text| text.split(',').next())
        .map(str::trim)
        .filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .map(Some)
        .ok_or_else(|| Fault::new(&codes::MALFORMED_REQUEST))
}

/// The peer's address, or the one that a chain of trusted proxies vouches for: read from the right,
/// the first address that is not a trusted proxy itself.
fn client_address(headers: &HeaderMap, connection: &Connection, policy: &ListenerPolicy) -> IpAddr {
    let peer = connection.peer.ip().to_canonical();
    let trusted =
        |address: IpAddr| policy.trusted_proxies.iter().any(|range| range.contains(address));
    if !trusted(peer) {
        return peer;
    }
    let name = match policy.forwarded_by {
        ForwardedBy::XForwardedFor => "x-forwarded-for",
        ForwardedBy::Forwarded => "forwarded",
    };
    let mut client = peer;
    let values: Vec<&[u8]> = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
    // Bytes, not text: a line with a foreign byte is no reason to believe the line before it.
    for element in values.iter().rev().flat_map(|value| value.rsplit(|byte| *byte == b',')) {
        let element = str::from_utf8(element).ok();
        let address = match policy.forwarded_by {
            ForwardedBy::XForwardedFor => element.and_then(parse_node),
            ForwardedBy::Forwarded => element
                .into_iter()
                .flat_map(|element| element.split(';'))
                .filter_map(|pair| pair.split_once('='))
                .find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))
                .and_then(|(_, node)| parse_node(node)),
        };
        // Whoever wrote something unreadable is the last that can be named.
        let Some(address) = address else { break };
        client = address;
        if !trusted(address) {
            break;
        }
    }
    client
}

/// An address with or without port, brackets or quotes.
fn parse_node(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    if let Ok(address) = text.parse::<std::net::SocketAddr>() {
        return Some(address.ip().to_canonical());
    }
    text.strip_prefix('[')?
        .strip_suffix(']')?
        .parse::<IpAddr>()
        .ok()
        .map(|address| address.to_canonical())
}

/// Framing and addressing are the loop's business; what a caller says of others' addresses is not
/// passed on.
static NOT_FORWARDED: [HeaderName; 4] =
    [header::HOST, header::CONTENT_LENGTH, header::EXPECT, HeaderName::from_static("x-real-ip")];

#[cfg(test)]
mod tests {
    use std::{net::SocketAddr, sync::Arc, time::Duration};

    use super::*;

    fn policy(trusted: &[&str], forwarded_by: ForwardedBy) -> ListenerPolicy {
        ListenerPolicy {
            trusted_proxies: trusted.iter().map(|text| text.parse().unwrap()).collect(),
            forwarded_by,
            header_size: 1024,
            write_timeout: Duration::from_secs(1),
        }
    }

    fn connection(peer: &str) -> Connection {
        Connection {
            listener: Arc::from("l"),
            peer: SocketAddr::new(peer.parse().unwrap(), 1),
            local: SocketAddr::new(peer.parse().unwrap(), 2),
            tls: None,
        }
    }

    fn header(method: &str, target: &str, fields: &[(&'static str, &str)]) -> RequestHeader {
        let mut header = RequestHeader::build(method, target.as_bytes(), None).unwrap();
        for (name, value) in fields {
            header.append_header(*name, *value).unwrap();
        }
        header
    }

    fn code(method: &str, target: &str, fields: &[(&'static str, &str)]) -> Option<&'static str> {
        read(
            &header(method, target, fields),
            false,
            &connection("10.0.0.1"),
            &policy(&[], ForwardedBy::default()),
        )
        .err()
        .map(|fault| fault.code().name)
    }

    #[test]
    fn heads_that_cannot_be_trusted_are_refused() {
        let long = "x".repeat(2000);
        for (method, target, fields, expected) in [
            ("CONNECT", "/", vec![("host", "a")], "connect_refused"),
            ("GET", "/", vec![("host", "a"), ("upgrade", "websocket")], "upgrade_refused"),
            ("GET", "/", vec![], "invalid_host"),
            ("GET", "/", vec![("host", "a"), ("host", "a")], "invalid_host"),
            ("GET", "/", vec![("host", "user@a")], "invalid_host"),
            ("GET", "http://a/", vec![("host", "b")], "invalid_host"),
            ("GET", "http://a/", vec![], "invalid_host"),
            ("GET", "/a/../b", vec![("host", "a")], "ambiguous_path"),
            ("GET", "/a%2fb", vec![("host", "a")], "ambiguous_path"),
            ("GET", "/", vec![("host", "a"), ("expect", "a-miracle")], "expectation_failed"),
            ("GET", "/", vec![("host", "a"), ("x-long", &long)], "headers_too_large"),
            ("GET", "/", vec![("host", "a"), ("connection", "host")], "invalid_connection_header"),
            ("POST", "/", vec![("host", "a"), ("content-length", "+3")], "malformed_request"),
        ] {
            assert_eq!(
                code(method, target, &fields),
                Some(expected),
                "{method} {target} {fields:?}"
            );
        }
        assert_eq!(
            code("GET", "http://a/x", &[("host", "a")]),
            None,
            "an absolute target that agrees"
        );
    }

    #[test]
    fn forwarding_headers_count_only_from_trusted_proxies() {
        let trusted = policy(&["10.0.0.0/8"], ForwardedBy::XForwardedFor);
        for (peer, value, expected) in [
            ("10.0.0.1", "192.0.2.7", "192.0.2.7"),
            ("10.0.0.1", "6.6.6.6, 192.0.2.7, 10.0.0.2", "192.0.2.7"),
            ("10.0.0.1", "10.0.0.3", "10.0.0.3"),
            ("10.0.0.1", "192.0.2.7, nonsense", "10.0.0.1"),
            ("10.0.0.1", "[2001:db8::1]:443", "2001:db8::1"),
            ("192.0.2.1", "6.6.6.6", "192.0.2.1"),
        ] {
            let header =
                header("GET", "/", &[("x-forwarded-for", value), ("forwarded", "for=9.9.9.9")]);
            let found = client_address(&header.headers, &connection(peer), &trusted);
            assert_eq!(found.to_string(), expected, "{peer} says {value}");
        }
        let mut foreign = header("GET", "/", &[("x-forwarded-for", "9.9.9.9")]);
        let value = HeaderValue::from_bytes(b"\xff, 6.6.6.6").unwrap();
        foreign.append_header("x-forwarded-for", value).unwrap();
        let found = client_address(&foreign.headers, &connection("10.0.0.1"), &trusted);
        assert_eq!(
            found.to_string(),
            "6.6.6.6",
            "a foreign byte does not hide what the proxy said"
        );
        let rfc7239 = policy(&["10.0.0.0/8"], ForwardedBy::Forwarded);
        let header = header(
            "GET",
            "/",
            &[("forwarded", "for=\"[2001:db8::2]:1\";proto=https, for=10.1.1.1")],
        );
        let found = client_address(&header.headers, &connection("10.0.0.1"), &rfc7239);
        assert_eq!(found.to_string(), "2001:db8::2", "RFC 7239 is read from the right as well");
    }

    #[test]
    fn what_callers_say_about_addresses_is_not_forwarded() {
        let header = header(
            "GET",
            "/",
            &[
                ("host", "a"),
                ("x-forwarded-for", "1.2.3.4"),
                ("forwarded", "for=1"),
                ("x-real-ip", "1"),
                ("tollgate-error", "x"),
                ("x-kept", "1"),
            ],
        );
        let head =
            read(&header, false, &connection("10.0.0.1"), &policy(&[], ForwardedBy::default()))
                .ok()
                .unwrap();
        assert_eq!(head.request.headers.len(), 1, "only the caller's own field is left");
    }
}
