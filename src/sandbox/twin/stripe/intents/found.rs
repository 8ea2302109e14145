//! Payment intents and charges, found again.

use http::StatusCode;
use serde_json::Value;

use super::{
    super::{
        super::{Answer, Desk, Payment},
        call::Call,
        list,
        refused::Refused,
    },
    charge_of, shown,
};

/// `GET /v1/payment_intents/{id}`.
pub(in super::super) fn retrieve(id: &str, call: &Call, desk: &Desk) -> Result<Answer, Refused> {
    call.knows(&["client_secret"])?;
    let payment = find(id, call, desk)?;
    let shown = wide(&payment, call.expands("latest_charge"));
    Ok(Answer::json(StatusCode::OK, &shown).about(&payment.order))
}

/// A payment intent, with its charge in the place of the charge's number where that is wanted.
pub(in super::super) fn wide(payment: &Payment, charge: bool) -> Value {
    let mut shown = shown(payment);
    if payment.paid.is_some()
        && charge
        && let Some(number) = shown.get_mut("latest_charge")
    {
        *number = charge_of(payment, payment.refunded);
    }
    shown
}

/// `GET /v1/payment_intents`.
pub(in super::super) fn list(call: &Call, url: &str, desk: &Desk) -> Result<Value, Refused> {
    call.knows(&["limit", "starting_after", "ending_before", "customer"])?;
    let mut all: Vec<Value> = {
        let book = desk.book();
        book.payments().filter(|payment| belongs(payment, call)).map(shown).collect()
    };
    all.reverse();
    list::page(all, call, url)
}

/// `GET /v1/charges/{id}`.
pub(in super::super) fn charge(id: &str, call: &Call, desk: &Desk) -> Result<Value, Refused> {
    let book = desk.book();
    let found = book.payment_by_id(id).filter(|one| one.paid.is_some() && belongs(one, call));
    let charge = found.map(|payment| charge_of(payment, payment.refunded));
    charge.ok_or_else(|| Refused::no_such("charge", "id", id))
}

/// The payment of an intent.
pub(in super::super) fn find(id: &str, call: &Call, desk: &Desk) -> Result<Payment, Refused> {
    let found = desk.book().payment(id).filter(|payment| belongs(payment, call)).cloned();
    found.ok_or_else(|| Refused::no_such("payment_intent", "intent", id))
}

/// Whether it is of the account that is asked about.
pub(in super::super) fn belongs(payment: &Payment, call: &Call) -> bool {
    let account = payment.details.get("account").and_then(Value::as_str);
    account == call.account.as_deref()
}
