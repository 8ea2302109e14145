//! The one place where a fault becomes an answer: `application/problem+json` (RFC 9457).

use bytes::Bytes;
use http::{HeaderName, HeaderValue, header};
use serde_json::{Value, json};
use tollgate_api::{Answer, Body, Fault, FieldError, FieldPlace, Origin};

/// The header that tells our refusals from a provider's: it carries the fault's code.
pub const ERROR_HEADER: HeaderName = HeaderName::from_static("tollgate-error");

/// The answer for a fault. Nothing a caller or provider sent is in it: fields are named as the
/// configuration names them.
pub fn fault(fault: &Fault, request_id: &str) -> Answer {
    let code = fault.code();
    let mut body = json!({
        "type": format!("urn:tollgate:error:{}", code.name),
        "title": code.title,
        "status": code.status,
        "code": code.name,
        "request_id": request_id,
        // For clients that take any answer without this member as a success, whatever its status: to
        // Stripe's own library a refusal would be a payment.
        "error": { "code": code.name, "message": code.title },
    });
    if let Some(members) = body.as_object_mut() {
        if let Some(detail) = fault.detail() {
            members.insert("detail".to_owned(), detail.into());
        }
        if !fault.fields().is_empty() {
            let errors = fault.fields().iter().map(field).collect();
            members.insert("errors".to_owned(), Value::Array(errors));
        }
    }
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

fn field(error: &FieldError) -> Value {
    let (member, name) = match &error.place {
        FieldPlace::Body(pointer) => ("pointer", pointer),
        FieldPlace::Parameter(name) => ("parameter", name),
        FieldPlace::Header(name) => ("header", name),
    };
    json!({ member: name, "detail": error.detail })
}
