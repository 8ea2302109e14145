//! The request's head as a provider receives it.

use std::net::IpAddr;

use http::{HeaderName, HeaderValue, Version, header};
use pingora::http::RequestHeader;
use tollgate_api::{Body, Exchange, Fault, codes};

use crate::{
    snapshot::{HostPolicy, Provider},
    upstream::EndpointSpec,
};

/// Builds the head for this attempt: our `Host`, one framing, forwarding headers as configured.
/// `reads_answer`: a plugin reads the answer's body, so it must not be coded.
pub fn head(
    exchange: &Exchange,
    provider: &Provider,
    endpoint: &EndpointSpec,
    length: Option<u64>,
    reads_answer: bool,
) -> Result<RequestHeader, Fault> {
    let invalid =
        || Fault::new(&codes::INTERNAL).caused_by("the provider's request head cannot be built");
    let request = &exchange.request;
    let target = request.target();
    let mut head = RequestHeader::build(
        request.method.clone(),
        target.as_bytes(),
        Some(request.headers.len() + 8),
    )
    .map_err(|_| invalid())?;
    head.set_version(Version::HTTP_11);
    let host = match &provider.host {
        HostPolicy::Endpoint => endpoint.authority(),
        HostPolicy::Caller => with_port(&request.host, request.port),
        HostPolicy::Name(name) => name.clone(),
    };
    let mut insert = |name: HeaderName, value: HeaderValue| {
        head.insert_header(name, value).map_err(|_| invalid())
    };
    insert(header::HOST, HeaderValue::from_str(&host).map_err(|_| invalid())?)?;
    for name in request.headers.keys() {
        if is_framing(name) {
            continue;
        }
        for value in request.headers.get_all(name) {
            head.append_header(name.clone(), value.clone()).map_err(|_| invalid())?;
        }
    }
    if reads_answer {
        head.insert_header(header::ACCEPT_ENCODING, "identity").map_err(|_| invalid())?;
    }
    match (&request.body, length) {
        (Body::Held(body), _) if !body.is_empty() || takes_a_body(&request.method) => {
            head.insert_header(header::CONTENT_LENGTH, body.len()).map_err(|_| invalid())?;
        }
        (Body::Empty, _) if takes_a_body(&request.method) => {
            head.insert_header(header::CONTENT_LENGTH, 0).map_err(|_| invalid())?;
        }
        (Body::Streamed, Some(length)) => {
            head.insert_header(header::CONTENT_LENGTH, length).map_err(|_| invalid())?;
        }
        (Body::Streamed, None) => {
            head.insert_header(header::TRANSFER_ENCODING, "chunked").map_err(|_| invalid())?;
        }
        _ => {}
    }
    if provider.forwarded {
        add_forwarded(&mut head, exchange).map_err(|()| invalid())?;
    }
    head.insert_header(header::VIA, "1.1 tollgate").map_err(|_| invalid())?;
    Ok(head)
}

fn add_forwarded(head: &mut RequestHeader, exchange: &Exchange) -> Result<(), ()> {
    let request = &exchange.request;
    let host = with_port(&request.host, request.port);
    let scheme = exchange.connection.scheme();
    let node = match exchange.client {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("\"[{address}]\""),
    };
    let mut set =
        |name: &'static str, value: String| head.insert_header(name, value).map_err(|_| ());
    set("x-forwarded-for", exchange.client.to_string())?;
    set("x-forwarded-proto", scheme.to_owned())?;
    set("forwarded", format!("for={node};host=\"{host}\";proto={scheme}"))?;
    set("x-forwarded-host", host)
}

fn with_port(host: &str, port: Option<u16>) -> String {
    port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Methods for which a request without a body says so (RFC 9110 section 8.6).
fn takes_a_body(method: &http::Method) -> bool {
    matches!(method.as_str(), "POST" | "PUT" | "PATCH")
}

fn is_framing(name: &HeaderName) -> bool {
    name == header::HOST
        || name == header::CONTENT_LENGTH
        || name == header::TRANSFER_ENCODING
        || name == header::CONNECTION
        || name == header::EXPECT
}
