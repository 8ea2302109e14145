//! What WeChat Pay is told about a notification: `SUCCESS` with 200, or `FAIL` with an error status, upon
//! which it sends the notification again later.

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use tollgate_api::{Answer, Body, Code, Origin, json::Fragment};

/// The event is taken, now or before.
pub(super) fn success() -> Answer {
    Answer::new(StatusCode::OK, JSON, body("SUCCESS", "OK"))
}

/// Turns our fault into what WeChat Pay reads, keeping status and header fields.
pub(super) fn fault(answer: &mut Answer, code: &Code) {
    fail(answer, code.title);
}

/// Turns the institution's refusal into what WeChat Pay reads. Nothing of it but the status is passed
/// on, and what is neither success nor error is an error.
pub(super) fn refusal(answer: &mut Answer) {
    let status = match answer.status {
        status if status.is_client_error() || status.is_server_error() => status,
        _ => StatusCode::BAD_GATEWAY,
    };
    let origin = answer.origin;
    *answer = Answer::new(status, JSON, Bytes::new());
    answer.origin = origin;
    fail(answer, "The event was not taken");
}

/// Whether the institution took the event.
pub(super) fn is_taken(answer: &Answer) -> bool {
    answer.status.is_success() && !matches!(answer.origin, Origin::Fault(_))
}

fn fail(answer: &mut Answer, message: &str) {
    answer.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    answer.body = Body::Held(body("FAIL", message));
}

fn body(code: &str, message: &str) -> Bytes {
    let members = [("code", Fragment::string(code)), ("message", Fragment::string(message))];
    Fragment::object(members).into_bytes()
}

const JSON: &str = "application/json";
