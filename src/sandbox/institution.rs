//! The institution's own service, which takes the events that the gateway made of notifications.

use std::collections::VecDeque;

use http::{HeaderMap, Method, StatusCode};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::{Reply, Request, Service};

/// Keeps the latest events. `POST /events/payments` brings one, `GET /_events` shows them.
#[derive(Default)]
pub struct Institution {
    events: Mutex<VecDeque<Value>>,
}

impl Institution {
    /// The events about this order, the latest last.
    pub fn events(&self, order: &str) -> Vec<Value> {
        let events = self.events.lock();
        events
            .iter()
            .filter(|event| event.get("order_id").is_some_and(|own| own == order))
            .cloned()
            .collect()
    }

    /// Every event, the latest last.
    pub fn all(&self) -> Vec<Value> {
        self.events.lock().iter().cloned().collect()
    }

    fn keep(&self, event: Value) {
        let mut events = self.events.lock();
        if events.len() == EVENTS {
            events.pop_front();
        }
        events.push_back(event);
    }
}

impl Service for Institution {
    async fn answer(&self, request: Request) -> Reply {
        match (&request.method, request.path.as_str()) {
            (&Method::POST, "/events/payments") => {
                let Ok(event @ Value::Object(_)) = serde_json::from_slice(&request.body) else {
                    let error = json!({ "error": "expected a JSON object" });
                    return Reply::json(StatusCode::BAD_REQUEST, &error);
                };
                self.keep(event);
                let (headers, body) = (HeaderMap::new(), bytes::Bytes::new());
                Reply::Answer { status: StatusCode::NO_CONTENT, headers, body }
            }
            (&Method::GET, "/_events") => Reply::json(StatusCode::OK, &self.all().into()),
            _ => Reply::not_found(),
        }
    }
}

const EVENTS: usize = 1_000;

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    async fn told(institution: &Institution, body: &'static str) -> StatusCode {
        let body = Bytes::from_static(body.as_bytes());
        let request = Request::new(Method::POST, "/events/payments", HeaderMap::new(), body);
        match institution.answer(request).await {
            Reply::Answer { status, .. } => status,
            other => panic!("an answer: {other:?}"),
        }
    }

    #[tokio::test]
    async fn events_are_kept_by_order_and_what_is_none_is_refused() {
        let institution = Institution::default();
        for body in [r#"{"order_id":"a","id":1}"#, r#"{"order_id":"b"}"#] {
            assert_eq!(told(&institution, body).await, StatusCode::NO_CONTENT, "{body}");
        }
        assert_eq!(told(&institution, "[]").await, StatusCode::BAD_REQUEST, "no object");
        assert_eq!(told(&institution, "{").await, StatusCode::BAD_REQUEST, "no JSON");
        assert_eq!(institution.events("a"), [json!({ "order_id": "a", "id": 1 })], "its own");
        assert_eq!(institution.all().len(), 2, "and all of them");
    }

    #[tokio::test]
    async fn the_latest_events_are_kept_and_no_more() {
        let institution = Institution::default();
        for number in 0..=EVENTS {
            institution.keep(json!({ "number": number }));
        }
        let events = institution.all();
        assert_eq!((events.len(), &events[0]["number"]), (EVENTS, &json!(1)), "the first is gone");
    }
}
