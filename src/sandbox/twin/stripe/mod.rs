//! Stripe's twin: payments by card, version 1 of its API, in test mode.
//!
//! Requests are forms with a secret key (`Bearer`, or `Basic` with the key as the user); answers are
//! JSON and not signed. `Idempotency-Key` means what Stripe documents: the first result that came of
//! an attempt is kept, errors of Stripe's own too, and told again. Webhooks are JSON, signed with the
//! endpoint's secret in `Stripe-Signature`, with two while the secret changes; as a request names no
//! address for them, they go where the twin is told (`--notify`).
//!
//! Payment intents, refunds, charges, events, balance transactions and payouts. The payment method
//! decides: `pm_card_visa` and its like pay, `pm_card_chargeDeclined` and its like do not (402), and
//! `pm_card_authenticationRequired` waits for the payer. What is settled under a date is a payout. Not
//! here: partial captures, changes of an amount, customers, disputes, version 2 of the API.

mod access;
mod call;
mod events;
mod form;
mod idempotency;
mod intents;
mod ledger;
mod list;
mod materials;
mod refunds;
mod refused;
mod route;
mod search;
mod secrets;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::{
    Answer, Credentials, Desk, Dialect, Envelope, Event, Fault, File, Letter, Place, Sealing,
    Settlement, put,
};
use crate::sandbox::{MakeError, Request};
use events::Events;
use idempotency::Keys;
use refused::Refused;
use secrets::Secrets;

/// Stripe.
pub struct Stripe {
    /// `sk_test_…`.
    secret_keys: Credentials<String>,
    secrets: Secrets,
    keys: Keys,
    events: Events,
}

impl Dialect for Stripe {
    fn name(&self) -> &'static str {
        "stripe"
    }

    fn offset(&self) -> i64 {
        0
    }

    fn hosts(&self) -> &'static [&'static str] {
        &["api.stripe.com"]
    }

    fn serve(&self, request: &Request, desk: &Desk) -> Answer {
        let mut answer = self.asked(request, desk).unwrap_or_else(|refused| {
            let code = refused.code.unwrap_or(refused.kind);
            desk.refuse(request, code, &refused.message, None);
            refused.answer()
        });
        answer.put("stripe-version", access::version(request).unwrap_or(access::VERSION));
        for name in ["idempotency-key", "stripe-account"] {
            if let Some(value) = request.only_header(name) {
                answer.put(name, value);
            }
        }
        answer
    }

    /// What came of a key is told again, also if it is this.
    fn failure(&self, request: &Request) -> Answer {
        let answer = Refused::api_error().answer();
        self.keys.replace(request, &answer);
        answer
    }

    /// Answers are not signed.
    fn shows(&self, fault: Fault, _: Option<&Request>) -> bool {
        !fault.is_of_signatures()
    }

    fn seal(&self, _: &Request, answer: &mut Answer, _: &Sealing, desk: &Desk) {
        answer.put("request-id", &format!("req_{}", desk.nonce(14)));
    }

    fn letters(&self, event: &Event, desk: &Desk) -> Vec<Letter> {
        events::letters(self, event, desk)
    }

    fn seal_letter(&self, letter: &Letter, how: &Sealing, _: &Desk) -> Envelope {
        let mut headers = HeaderMap::new();
        put(&mut headers, "content-type", "application/json; charset=utf-8");
        put(&mut headers, "user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)");
        put(&mut headers, "stripe-signature", &self.secrets.sign(&letter.body, how));
        Envelope { headers, body: letter.body.clone() }
    }

    fn acknowledged(&self, status: StatusCode, _: &[u8]) -> bool {
        status.is_success()
    }

    fn ladder(&self) -> &'static [Duration] {
        LADDER
    }

    fn rotate(&self, _: Duration) -> Result<(), MakeError> {
        self.secrets.rotate();
        Ok(())
    }

    fn retire(&self) {
        self.secrets.retire();
    }

    /// As the dashboard shows them to the merchant.
    fn keys(&self) -> Value {
        self.secrets.shown()
    }

    fn renew(&self, _: Duration) -> Result<(), MakeError> {
        materials::renew(self);
        Ok(())
    }

    fn revoke(&self) {
        self.secret_keys.revoke();
    }

    fn credentials(&self) -> Value {
        self.secret_keys.shown()
    }

    fn statement(&self, settlement: &Settlement) -> Bytes {
        ledger::statement(settlement).into()
    }

    fn files(&self) -> Vec<File> {
        materials::files(self)
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        materials::facts()
    }

    fn upstream(&self, at: &Place<'_>) -> String {
        materials::upstream(at)
    }
}

/// Stripe says that it tries for three days, ever more slowly.
const LADDER: &[Duration] = &[
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(12),
    Duration::from_hours(12),
    Duration::from_hours(12),
    Duration::from_hours(12),
];

#[cfg(test)]
mod tests;
