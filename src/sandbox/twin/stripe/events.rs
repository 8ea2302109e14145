//! Events: what happened, kept to be listed, and told to the webhook endpoint.

use std::collections::VecDeque;

use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::{
    super::{Desk, Event, Letter, Payment},
    Stripe, access,
    call::{ALPHABET, Call},
    intents, list, refunds,
    refused::Refused,
};

/// The latest events, the newest first.
#[derive(Default)]
pub(super) struct Events(Mutex<VecDeque<Value>>);

impl Events {
    pub fn list(&self, call: &Call, url: &str) -> Result<Value, Refused> {
        call.knows(&["limit", "starting_after", "ending_before", "type"])?;
        let kind = call.text("type")?;
        let wanted =
            |event: &&Value| kind.is_none_or(|kind| event.get("type") == Some(&kind.into()));
        let all = self.0.lock().iter().filter(wanted).cloned().collect();
        list::page(all, call, url)
    }

    pub fn retrieve(&self, id: &str) -> Result<Value, Refused> {
        let events = self.0.lock();
        let found = events.iter().find(|event| event.get("id") == Some(&id.into()));
        found.cloned().ok_or_else(|| Refused::no_such("event", "id", id))
    }

    fn enter(&self, event: Value) {
        let mut events = self.0.lock();
        events.push_front(event);
        events.truncate(KEPT);
    }
}

/// What is told about an event of the book.
pub(super) fn letters(twin: &Stripe, event: &Event, desk: &Desk) -> Vec<Letter> {
    let payment = event.payment();
    let intent = || intents::shown(payment);
    let refunded = |refunds: &[u64]| intents::charge_of(payment, refunds.iter().sum());
    let (subject, told) = match event {
        Event::Paid(_) => (
            &payment.order,
            vec![("payment_intent.succeeded", intent()), ("charge.succeeded", refunded(&[]))],
        ),
        Event::Failed(_) => (&payment.order, vec![("payment_intent.payment_failed", intent())]),
        Event::Closed(_) => (&payment.order, vec![("payment_intent.canceled", intent())]),
        Event::Refunded(refund, _) => (
            &refund.number,
            vec![
                ("charge.refunded", refunded(&[payment.refunded])),
                ("refund.updated", refunds::shown(refund, payment)),
            ],
        ),
    };
    let letter = |(kind, object): (&'static str, Value)| {
        // A payment can fail more than once, and each time that is another event.
        let turn = payment.details.get("attempts").and_then(Value::as_u64).unwrap_or_default();
        let about = format!("{kind} {subject} {turn}");
        let id = format!("evt_3{}", desk.seed().letters("event", &about, 23, ALPHABET));
        let event = whole(&id, kind, &object, payment, desk.now().as_secs());
        let body = serde_json::to_string_pretty(&event).unwrap_or_default();
        twin.events.enter(event);
        Letter {
            id,
            kind: kind.to_owned(),
            subject: subject.clone(),
            to: None,
            key: None,
            body: Bytes::from(body),
        }
    };
    told.into_iter().map(letter).collect()
}

fn whole(id: &str, kind: &str, object: &Value, payment: &Payment, created: u64) -> Value {
    let mut event = json!({
        "id": id,
        "object": "event",
        "api_version": access::VERSION,
        "created": created,
        "data": { "object": object },
        "livemode": false,
        "pending_webhooks": 1,
        "request": { "id": null, "idempotency_key": payment.details.get("idempotency_key") },
        "type": kind,
    });
    let account = payment.details.get("account").filter(|account| account.is_string());
    if let (Some(account), Some(members)) = (account, event.as_object_mut()) {
        members.insert("account".to_owned(), account.clone());
    }
    event
}

const KEPT: usize = 10_000;
