//! Refunds, whose money arrives at once.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{
    super::{Answer, BookError, Desk, Entry, Payment, Refund, RefundState},
    call::Call,
    intents, ledger, list,
    refused::Refused,
};

/// `POST /v1/refunds`.
pub(super) fn create(call: &Call, desk: &Desk) -> Result<Answer, Refused> {
    call.knows(&["payment_intent", "charge", "amount", "reason", "metadata"])?;
    let payment = named(call, desk)?.ok_or_else(|| Refused::missing("payment_intent"))?;
    let reason = call.text("reason")?;
    let known = ["duplicate", "fraudulent", "requested_by_customer"];
    if reason.is_some_and(|reason| !known.contains(&reason)) {
        let message = format!("Invalid reason: must be one of {}", known.join(", "));
        return Err(Refused::parameter("reason", "parameter_invalid_string", message));
    }
    let amount = call.amount("amount")?;
    let amount = amount.unwrap_or_else(|| payment.amount.saturating_sub(payment.refunded));
    let mut details = Map::new();
    details.insert("reason".to_owned(), reason.into());
    details.insert("metadata".to_owned(), Value::Object(call.metadata()?));
    let now = desk.now();
    let entry = {
        let mut book = desk.book();
        let number = call.number("re", desk, |id| book.refunded(id).is_some());
        book.refund(Refund {
            id: number.clone(),
            number,
            order: payment.order.clone(),
            amount,
            currency: payment.currency.clone(),
            state: RefundState::Processing,
            created: now,
            completed: None,
            requests: 1,
            notify: None,
            terms: Value::Null,
            details,
            settled: None,
        })
    };
    let refund = match entry {
        Ok(Entry::New(refund) | Entry::Repeated(refund) | Entry::Conflict(refund)) => refund,
        Err(error) => return Err(impossible(error, &payment, amount)),
    };
    let refund = desk.complete_refund(&refund.number);
    let refund = refund.map_err(|error| impossible(error, &payment, amount))?;
    let mut shown = shown(&refund, &payment);
    if call.expands("payment_intent")
        && let Some(number) = shown.get_mut("payment_intent")
    {
        *number = intents::shown(&payment);
    }
    let answer = Answer::json(StatusCode::OK, &shown);
    Ok(answer.about(&refund.number).acting())
}

/// `GET /v1/refunds/{id}`.
pub(super) fn retrieve(id: &str, call: &Call, desk: &Desk) -> Result<Value, Refused> {
    let book = desk.book();
    let found = book.refunded(id).and_then(|refund| {
        let payment = book.payment(&refund.order).filter(|one| intents::belongs(one, call))?;
        Some(shown(refund, payment))
    });
    found.ok_or_else(|| Refused::no_such("refund", "id", id))
}

/// `GET /v1/refunds`.
pub(super) fn list(call: &Call, url: &str, desk: &Desk) -> Result<Value, Refused> {
    call.knows(&["payment_intent", "charge", "limit", "starting_after", "ending_before"])?;
    let only = named(call, desk)?;
    let mut all: Vec<Value> = {
        let book = desk.book();
        let payments = book.payments().filter(|payment| {
            intents::belongs(payment, call)
                && only.as_ref().is_none_or(|only| only.order == payment.order)
        });
        let refunds = payments.flat_map(|payment| {
            book.refunds_of(&payment.order).map(|refund| (refund.created, shown(refund, payment)))
        });
        let mut refunds: Vec<_> = refunds.collect();
        refunds.sort_by_key(|(created, _)| *created);
        refunds.into_iter().map(|(_, refund)| refund).collect()
    };
    all.reverse();
    list::page(all, call, url)
}

/// The payment that is named.
fn named(call: &Call, desk: &Desk) -> Result<Option<Payment>, Refused> {
    match (call.text("payment_intent")?, call.text("charge")?) {
        (Some(id), None) => intents::find(id, call, desk).map(Some),
        (None, Some(id)) => {
            let book = desk.book();
            let found = book.payment_by_id(id).filter(|one| intents::belongs(one, call)).cloned();
            found.map(Some).ok_or_else(|| Refused::no_such("charge", "charge", id))
        }
        (None, None) => Ok(None),
        (Some(_), Some(_)) => {
            let message = "You may name either payment_intent or charge, not both.";
            Err(Refused::parameter("charge", "parameter_unknown", message))
        }
    }
}

fn impossible(error: BookError, payment: &Payment, amount: u64) -> Refused {
    match error {
        BookError::TooMuch { left: 0 } => already(payment),
        BookError::TooMuch { left } => Refused::state(
            "charge_exceeds_refundable_amount",
            format!(
                "Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
            ),
        ),
        _ if payment.refunded > 0 => already(payment),
        _ => Refused::state(
            "payment_intent_unexpected_state",
            format!(
                "This PaymentIntent ({}) does not have a successful charge to refund.",
                payment.order
            ),
        ),
    }
}

fn already(payment: &Payment) -> Refused {
    let message = format!("Charge {} has already been refunded.", payment.id);
    Refused::state("charge_already_refunded", message)
}

/// A refund.
pub(super) fn shown(refund: &Refund, payment: &Payment) -> Value {
    let kept = |name: &str| refund.details.get(name).cloned().unwrap_or_default();
    let done = refund.state == RefundState::Succeeded;
    json!({
        "id": refund.number,
        "object": "refund",
        "amount": refund.amount,
        "balance_transaction": ledger::of_refund(refund),
        "charge": payment.id,
        "created": refund.created.as_secs(),
        "currency": refund.currency.to_lowercase(),
        "metadata": kept("metadata"),
        "payment_intent": payment.order,
        "reason": kept("reason"),
        "status": if done { "succeeded" } else { "pending" },
    })
}
