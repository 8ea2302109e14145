//! Fields that belong to one connection and must not travel further (RFC 9110 section 7.6.1).

use http::{HeaderMap, HeaderName, header};
use pingora::http::ResponseHeader;
use tollgate_api::{Fault, codes};

/// Removes hop-by-hop fields and those that `Connection` nominates. A nomination of a field that
/// the next hop must see, or a malformed one, is refused: it would let a caller strip a check's
/// input (CVE-2026-105299 is such a case).
pub fn strip_request(headers: &mut HeaderMap) -> Result<(), Fault> {
    strip(headers, true).map_err(|()| Fault::new(&codes::INVALID_CONNECTION_HEADER))
}

/// The same for an answer. What a provider nominates wrongly is ignored rather than refused, but
/// framing and `Tollgate-*` fields are never taken from it.
pub fn strip_answer(headers: &mut HeaderMap) {
    let _ = strip(headers, false);
    let ours: Vec<HeaderName> =
        headers.keys().filter(|name| name.as_str().starts_with("tollgate-")).cloned().collect();
    for name in ours {
        headers.remove(name);
    }
}

/// The same for an interim answer, in place.
pub fn strip_interim(head: &mut ResponseHeader) {
    let mut headers = head.headers.clone();
    strip_answer(&mut headers);
    let gone: Vec<HeaderName> =
        head.headers.keys().filter(|name| !headers.contains_key(*name)).cloned().collect();
    for name in gone {
        head.remove_header(&name);
    }
}

/// What may pass of an answer's trailers: nothing that frames, routes, authenticates or tells how
/// to read what came before (RFC 9110 section 6.5.1).
pub fn safe_trailers(mut trailers: HeaderMap) -> HeaderMap {
    strip_answer(&mut trailers);
    for name in NEVER_TRAILERS {
        trailers.remove(*name);
    }
    trailers
}

fn strip(headers: &mut HeaderMap, strict: bool) -> Result<(), ()> {
    let mut nominated = Vec::new();
    for value in headers.get_all(header::CONNECTION) {
        let Ok(text) = value.to_str() else {
            if strict {
                return Err(());
            }
            continue;
        };
        for token in text.split(',').map(str::trim).filter(|token| !token.is_empty()) {
            match HeaderName::from_bytes(token.as_bytes()) {
                Ok(name) if may_be_nominated(&name) => nominated.push(name),
                _ if strict => return Err(()),
                _ => {}
            }
            if nominated.len() > MAX_NOMINATIONS {
                if strict {
                    return Err(());
                }
                break;
            }
        }
    }
    for name in nominated {
        headers.remove(name);
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
    Ok(())
}

fn may_be_nominated(name: &HeaderName) -> bool {
    let text = name.as_str();
    !(NEVER_NOMINATED.contains(&text)
        || text.starts_with("x-forwarded-")
        || text.starts_with("tollgate-")
        || text.starts_with("idempotency"))
}

const MAX_NOMINATIONS: usize = 10;

/// Fields that a check or the framing depends on.
const NEVER_NOMINATED: &[&str] = &[
    "authorization",
    "content-digest",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "digest",
    "dpop",
    "forwarded",
    "host",
    "signature",
    "signature-input",
    "traceparent",
    "x-request-id",
];

/// Fields that mean something only before a body.
const NEVER_TRAILERS: &[&str] = &[
    "authorization",
    "cache-control",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "host",
    "location",
    "set-cookie",
    "www-authenticate",
    "x-request-id",
];

static HOP_BY_HOP: [HeaderName; 11] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("proxy-authentication-info"),
    HeaderName::from_static("http2-settings"),
];

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        fields
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn hop_by_hop_and_nominated_fields_are_removed() {
        let mut fields = headers(&[
            ("connection", "keep-alive, x-hop"),
            ("x-hop", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("proxy-authorization", "Basic x"),
            ("x-end", "2"),
        ]);
        strip_request(&mut fields).expect("a harmless nomination");
        assert_eq!(fields.len(), 1, "only the end-to-end field is left: {fields:?}");
    }

    #[test]
    fn nominating_what_a_check_depends_on_is_refused() {
        for victim in [
            "host",
            "Authorization",
            "content-length",
            "X-Forwarded-For",
            ":path",
            "a b",
            "Forwarded",
        ] {
            let mut fields = HeaderMap::new();
            fields.insert(header::CONNECTION, HeaderValue::from_str(victim).unwrap());
            assert!(strip_request(&mut fields).is_err(), "{victim} must not be removable");
        }
    }

    #[test]
    fn too_many_nominations_are_refused() {
        let many = (0..20).map(|n| format!("x-{n}")).collect::<Vec<_>>().join(",");
        let mut fields = HeaderMap::new();
        fields.insert(header::CONNECTION, HeaderValue::from_str(&many).unwrap());
        assert!(strip_request(&mut fields).is_err(), "the bound is small");
    }

    #[test]
    fn a_provider_cannot_pretend_to_be_the_gateway() {
        let mut fields =
            headers(&[("tollgate-error", "token_expired"), ("content-type", "text/plain")]);
        strip_answer(&mut fields);
        assert!(!fields.contains_key("tollgate-error"), "ours alone");
        assert!(fields.contains_key("content-type"), "theirs stays");
    }
}
