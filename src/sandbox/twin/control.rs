//! The paths beside the provider's own, for whoever watches or directs a twin:
//!
//! | path | what it does |
//! |---|---|
//! | `GET /_book` | everything in the book, and what became of notifications |
//! | `POST /_pay {"order": "…"}` | the payer pays |
//! | `POST /_faults {"name": "lost_answer", "times": 1}` | plans a fault; or `"share": 0.1`; `"on": "answer"` or `"notification"` and `"order": "…"` narrow it |
//! | `GET /_faults`, `DELETE /_faults` | what is planned; nothing any more |
//! | `POST /_announce`, `POST /_rotate`, `POST /_retire`, `GET /_keys` | shows the next keys; new keys; ends the old ones; the good ones |
//! | `POST /_renew`, `POST /_revoke`, `GET /_credentials` | the same for what the merchant proves itself with, and how often each was seen |
//! | `GET /_wire` | the last request and answer, and the latest notifications, as they crossed the network |
//! | `GET /_refusals` | why requests were refused |
//! | `POST /_settle`, `GET /_settlements/DATE` | closes the day; its file |
//!
//! A member that a body should not have is refused, and so is one of another type.

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::{Map, Value, json};

use super::{Fault, On, Plan, Twin};
use crate::sandbox::{MakeError, Reply, Request};

pub(super) async fn answer(twin: &Twin, request: &Request) -> Reply {
    let said = match said(request) {
        Ok(said) => said,
        Err(why) => return wrong(StatusCode::BAD_REQUEST, &why),
    };
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/_book") => ok(&twin.book()),
        ("GET", "/_faults") => ok(&twin.faults().shown()),
        ("GET", "/_keys") => ok(&twin.dialect().keys()),
        ("GET", "/_wire") => ok(&twin.wire()),
        ("GET", "/_refusals") => ok(&twin.desk().refusals().into()),
        ("POST", "/_pay") => pay(twin, &said),
        ("POST", "/_faults") => plan(twin, &said),
        ("DELETE", "/_faults") => {
            twin.faults().clear();
            ok(&twin.faults().shown())
        }
        ("POST", "/_announce") => made(twin.announce().await),
        ("POST", "/_rotate") => made(twin.rotate().await),
        ("POST", "/_retire") => ok(&twin.retire()),
        ("GET", "/_credentials") => ok(&twin.dialect().credentials()),
        ("POST", "/_renew") => made(twin.renew().await),
        ("POST", "/_revoke") => ok(&twin.revoke()),
        ("POST", "/_settle") => settle(twin, &said),
        (_, path) => match path.strip_prefix("/_settlements/") {
            Some(date) if request.method == Method::GET => statement(twin, date),
            _ => Reply::not_found(),
        },
    }
}

fn pay(twin: &Twin, said: &Map<String, Value>) -> Reply {
    let Some(order) = said.get("order").and_then(Value::as_str) else {
        return wrong(StatusCode::BAD_REQUEST, "expected {\"order\": \"…\"}");
    };
    match twin.desk().pay(order) {
        Ok(payment) => ok(&payment.shown()),
        Err(error) => wrong(StatusCode::CONFLICT, &error.to_string()),
    }
}

fn plan(twin: &Twin, said: &Map<String, Value>) -> Reply {
    let text = |name| said.get(name).and_then(Value::as_str);
    let Some(fault) = text("name").and_then(Fault::named) else {
        let names: Vec<_> = Fault::ALL.iter().map(|(name, _)| format!("`{name}`")).collect();
        let names = names.join(", ");
        return wrong(StatusCode::BAD_REQUEST, &format!("expected \"name\", one of {names}"));
    };
    let plan = match (said.get("times"), said.get("share")) {
        (Some(times), None) => {
            times.as_u64().and_then(|times| u32::try_from(times).ok()).map(Plan::times)
        }
        (None, Some(Value::Number(share))) => Plan::share(&share.to_string()),
        _ => None,
    };
    let on = match said.get("on").map(Value::as_str) {
        Some(Some("answer")) => Some(Some(On::Answer)),
        Some(Some("notification")) => Some(Some(On::Notification)),
        Some(_) => None,
        None => Some(None),
    };
    let (Some(plan), Some(on)) = (plan, on) else {
        let expected = "expected \"times\", a number, or \"share\", from 0 to 1; \"on\" may be `answer` or `notification`";
        return wrong(StatusCode::BAD_REQUEST, expected);
    };
    if on == Some(On::Answer) && !twin.dialect().shows(fault, None) {
        let why = format!(
            "no answer of this provider shows `{}`: plan it on `notification`",
            fault.name()
        );
        return wrong(StatusCode::BAD_REQUEST, &why);
    }
    let plan = Plan { on, ..plan };
    match said.get("order") {
        None => twin.faults().plan(fault, plan),
        Some(Value::String(order)) => twin.faults().plan_for(order, fault, plan),
        Some(_) => return wrong(StatusCode::BAD_REQUEST, "expected \"order\" as a text"),
    }
    ok(&twin.faults().shown())
}

fn settle(twin: &Twin, said: &Map<String, Value>) -> Reply {
    let date = said.get("date").map(|date| date.as_str().filter(|date| is_date(date)));
    if date == Some(None) {
        return wrong(StatusCode::BAD_REQUEST, "expected \"date\" as `2026-11-24`");
    }
    ok(&twin.settle(date.flatten()).shown())
}

fn statement(twin: &Twin, date: &str) -> Reply {
    let settlement = twin.desk().book().settlement(date).cloned();
    let Some(settlement) = settlement else { return Reply::not_found() };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    let body = twin.dialect().statement(&settlement);
    Reply::Answer { status: StatusCode::OK, headers, body }
}

/// `2026-11-24`, in form.
fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

/// What a request to direct the twin says: the members of its body, none if that is empty. A member
/// that is not known is refused, because a word that is misspelt would otherwise say nothing.
fn said(request: &Request) -> Result<Map<String, Value>, String> {
    let known: &[&str] = match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/_pay") => &["order"],
        ("POST", "/_faults") => &["name", "times", "share", "on", "order"],
        ("POST", "/_settle") => &["date"],
        ("POST", "/_announce" | "/_rotate" | "/_retire" | "/_renew" | "/_revoke") => &[],
        _ => return Ok(Map::new()),
    };
    if request.body.is_empty() {
        return Ok(Map::new());
    }
    let said: Map<String, Value> =
        serde_json::from_slice(&request.body).map_err(|_| "expected a JSON object")?;
    let Some(name) = said.keys().find(|name| !known.contains(&name.as_str())) else {
        return Ok(said);
    };
    let names: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
    let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    Err(format!("`{name}` is not known here; expected {names}"))
}

fn made(keys: Result<Value, MakeError>) -> Reply {
    match keys {
        Ok(keys) => ok(&keys),
        Err(error) => wrong(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn ok(body: &Value) -> Reply {
    Reply::json(StatusCode::OK, body)
}

fn wrong(status: StatusCode, error: &str) -> Reply {
    Reply::json(status, &json!({ "error": error }))
}
