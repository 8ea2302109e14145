//! Which request is which.

use http::StatusCode;
use serde_json::Value;

use super::{
    super::{Answer, Desk},
    Stripe, access,
    call::Call,
    intents, ledger, refunds,
    refused::Refused,
    search,
};
use crate::sandbox::Request;

impl Stripe {
    /// What is asked for, done once.
    pub(super) fn asked(&self, request: &Request, desk: &Desk) -> Result<Answer, Refused> {
        access::check(request, &self.secret_keys)?;
        access::version(request)?;
        let call = Call::read(request)?;
        let act = || self.route(request, &call, desk);
        let (answer, again) = self.keys.once(request, desk.now(), act)?;
        if again && let Some(subject) = &answer.subject {
            // The book counts who asked, and moves nothing.
            let mut book = desk.book();
            if let Some(payment) = book.payment(subject).cloned() {
                book.enter(payment);
            } else if let Some(refund) = book.refunded(subject).cloned() {
                let _ = book.refund(refund);
            }
        }
        Ok(answer)
    }

    fn route(&self, request: &Request, call: &Call, desk: &Desk) -> Result<Answer, Refused> {
        let segments: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
        let path = request.path.as_str();
        match (request.method.as_str(), segments.as_slice()) {
            ("POST", ["v1", "payment_intents"]) => intents::create(call, desk),
            ("GET", ["v1", "payment_intents"]) => intents::list(call, path, desk).map(found),
            ("GET", ["v1", "payment_intents", "search"]) => {
                search::intents(call, path, desk).map(found)
            }
            ("GET", ["v1", "payment_intents", id]) => intents::retrieve(id, call, desk),
            ("POST", ["v1", "payment_intents", id]) => intents::update(id, call, desk),
            ("POST", ["v1", "payment_intents", id, "confirm"]) => intents::confirm(id, call, desk),
            ("POST", ["v1", "payment_intents", id, "capture"]) => intents::capture(id, call, desk),
            ("POST", ["v1", "payment_intents", id, "cancel"]) => intents::cancel(id, call, desk),
            ("GET", ["v1", "charges", id]) => intents::charge(id, call, desk).map(found),
            ("POST", ["v1", "refunds"]) => refunds::create(call, desk),
            ("GET", ["v1", "refunds"]) => refunds::list(call, path, desk).map(found),
            ("GET", ["v1", "refunds", id]) => refunds::retrieve(id, call, desk).map(found),
            ("GET", ["v1", "balance_transactions"]) => ledger::list(call, path, desk).map(found),
            ("GET", ["v1", "balance_transactions", id]) => ledger::retrieve(id, desk).map(found),
            ("GET", ["v1", "payouts"]) => ledger::payouts(call, path, desk).map(found),
            ("GET", ["v1", "events"]) => self.events.list(call, path).map(found),
            ("GET", ["v1", "events", id]) => self.events.retrieve(id).map(found),
            (method, _) => {
                let message = format!("Unrecognized request URL ({method}: {path}).");
                Err(Refused { status: StatusCode::NOT_FOUND, ..Refused::invalid(message) })
            }
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what results are mapped with")]
fn found(body: Value) -> Answer {
    Answer::json(StatusCode::OK, &body)
}
