//! The one place where a fault becomes an answer: `application/problem+json` (RFC 9457).

use bytes::Bytes;
use http::{HeaderName, HeaderValue, header};
use tollgate_api::{Answer, Body, Fault, Origin};

/// The header that tells our refusals from a provider's: it carries the fault's code.
pub const ERROR_HEADER: HeaderName = HeaderName::from_static("tollgate-error");

/// The answer for a fault. Nothing a caller or provider sent is in it.
pub fn fault(fault: &Fault, request_id: &str) -> Answer {
    let code = fault.code();
    let body = serde_json::json!({
        "type": format!("urn:tollgate:error:{}", code.name),
        "title": code.title,
        "status": code.status,
        "code": code.name,
        "request_id": request_id,
    });
    let mut headers = fault.headers().clone();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(ERROR_HEADER, HeaderValue::from_static(code.name));
    Answer {
        status: code.status(),
        headers,
        body: Body::Held(Bytes::from(body.to_string())),
        origin: Origin::Fault(code),
    }
}
