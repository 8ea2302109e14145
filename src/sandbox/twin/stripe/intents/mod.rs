//! Payment intents: created, confirmed, captured, cancelled, found again.

mod cards;
mod found;
mod shown;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{
    super::{Answer, Desk, Event, Payment, PaymentState},
    call::{ALPHABET, Call},
    refused::Refused,
};
use cards::Outcome;
pub(super) use found::{belongs, charge, find, list, retrieve, wide};
pub(super) use shown::{charge_of, shown, status, text};

/// `POST /v1/payment_intents`.
pub(super) fn create(call: &Call, desk: &Desk) -> Result<Answer, Refused> {
    call.knows(&CREATION)?;
    let amount = call.amount("amount")?.ok_or_else(|| Refused::missing("amount"))?;
    let currency = call.text("currency")?.ok_or_else(|| Refused::missing("currency"))?;
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        let message = format!("Invalid currency: {currency}.");
        return Err(Refused::parameter("currency", "parameter_invalid_string", message));
    }
    let method = method(call)?;
    let confirm = call.flag("confirm")?;
    let capture = match call.text("capture_method")? {
        None => "automatic",
        Some(name @ ("automatic" | "automatic_async" | "manual")) => name,
        Some(_) => {
            let message = "Invalid capture_method: must be one of automatic or manual";
            return Err(Refused::parameter("capture_method", "parameter_invalid_string", message));
        }
    };
    let mut metadata = call.metadata()?;
    metadata.retain(|_, value| *value != "");
    let (payment, confirmed) = {
        let mut book = desk.book();
        let id = call.number("pi", desk, |id| book.payment(id).is_some());
        let letters = |what: &str, count| desk.seed().letters(what, &id, count, ALPHABET);
        let mut details = Map::new();
        for (name, value) in [
            ("status", if method.is_some() { "requires_confirmation" } else { NO_METHOD }.into()),
            ("payment_method", method.into()),
            ("metadata", Value::Object(metadata)),
            ("capture_method", capture.into()),
            ("client_secret", format!("{id}_secret_{}", letters("secret", 25)).into()),
            ("charge", format!("ch_3{}", letters("charge", 23)).into()),
            ("account", call.account.clone().into()),
            ("idempotency_key", call.key.clone().into()),
            ("types", call.get("payment_method_types").cloned().unwrap_or(json!(["card"]))),
        ] {
            details.insert(name.to_owned(), value);
        }
        for name in KEPT {
            details.insert(name.to_owned(), call.text(name)?.into());
        }
        let payment = Payment {
            id: text(&details, "charge").to_owned(),
            order: id,
            amount,
            currency: currency.to_uppercase(),
            state: PaymentState::Pending,
            refunded: 0,
            created: desk.now(),
            paid: None,
            closed: None,
            requests: 1,
            notify: None,
            terms: Value::Null,
            details,
            settled: None,
        };
        book.enter(payment.clone());
        (payment, confirm)
    };
    if confirmed {
        return confirmed_with(&payment, method, desk);
    }
    desk.expect_payment(&payment.order);
    Ok(told(&payment).acting())
}

/// `POST /v1/payment_intents/{id}/confirm`.
pub(super) fn confirm(id: &str, call: &Call, desk: &Desk) -> Result<Answer, Refused> {
    call.knows(&["payment_method", "return_url", "off_session", "receipt_email", "client_secret"])?;
    let payment = find(id, call, desk)?;
    let method = method(call)?;
    if payment.state != PaymentState::Pending || status(&payment) == "requires_capture" {
        return Err(unexpected(&payment, "confirm"));
    }
    confirmed_with(&payment, method, desk)
}

/// `POST /v1/payment_intents/{id}/capture`.
pub(super) fn capture(id: &str, call: &Call, desk: &Desk) -> Result<Answer, Refused> {
    call.knows(&["amount_to_capture", "metadata"])?;
    let payment = find(id, call, desk)?;
    if status(&payment) != "requires_capture" {
        return Err(unexpected(&payment, "capture"));
    }
    if call.amount("amount_to_capture")?.is_some_and(|amount| amount != payment.amount) {
        let message = "The twin captures the whole amount or nothing.";
        return Err(Refused::parameter("amount_to_capture", "amount_too_large", message));
    }
    paid(&payment, desk)
}

/// `POST /v1/payment_intents/{id}/cancel`.
pub(super) fn cancel(id: &str, call: &Call, desk: &Desk) -> Result<Answer, Refused> {
    call.knows(&["cancellation_reason"])?;
    let payment = find(id, call, desk)?;
    let reason = call.text("cancellation_reason")?;
    if payment.state != PaymentState::Pending {
        return Err(unexpected(&payment, "cancel"));
    }
    let now = desk.now();
    let closed = {
        let mut book = desk.book();
        book.note(&payment.order, "cancellation_reason", reason);
        book.close(&payment.order, now)
    };
    let payment = closed.map_err(|_| unexpected(&payment, "cancel"))?;
    let answer = told(&payment).acting();
    desk.tell(Event::Closed(payment));
    Ok(answer)
}

/// `POST /v1/payment_intents/{id}`: what may be said later.
pub(super) fn update(id: &str, call: &Call, desk: &Desk) -> Result<Answer, Refused> {
    call.knows(&["metadata", "description", "receipt_email", "payment_method"])?;
    let payment = find(id, call, desk)?;
    let mut metadata = payment.details.get("metadata").and_then(Value::as_object).cloned();
    let metadata = metadata.get_or_insert_default();
    metadata.extend(call.metadata()?);
    metadata.retain(|_, value| *value != "");
    let method = method(call)?;
    if method.is_some() && payment.state != PaymentState::Pending {
        return Err(unexpected(&payment, "update"));
    }
    {
        let mut book = desk.book();
        book.note(&payment.order, "metadata", metadata.clone());
        for name in ["description", "receipt_email"] {
            if let Some(text) = call.text(name)? {
                book.note(&payment.order, name, text);
            }
        }
        if let Some(method) = method {
            book.note(&payment.order, "payment_method", method);
            book.note(&payment.order, "status", "requires_confirmation");
        }
    }
    Ok(told(&find(id, call, desk)?))
}

/// What comes of paying with this method, or with the one that was said before.
fn confirmed_with(payment: &Payment, method: Option<&str>, desk: &Desk) -> Result<Answer, Refused> {
    let order = payment.order.as_str();
    let method = method.unwrap_or_else(|| text(&payment.details, "payment_method"));
    let attempts = payment.details.get("attempts").and_then(Value::as_u64).unwrap_or_default() + 1;
    let note = |notes: &[(&str, Value)]| {
        let mut book = desk.book();
        for (name, value) in notes {
            book.note(order, name, value.clone());
        }
    };
    note(&[("attempts", attempts.into())]);
    match cards::outcome(method) {
        None => {
            let message =
                "You cannot confirm this PaymentIntent because it's missing a payment method.";
            Err(Refused::state("payment_intent_unexpected_state", message))
        }
        Some(Outcome::Pays) => {
            note(&[("payment_method", method.into()), ("last_payment_error", Value::Null)]);
            if text(&payment.details, "capture_method") == "manual" {
                note(&[("status", "requires_capture".into())]);
                return again(order, desk);
            }
            paid(payment, desk)
        }
        Some(Outcome::Waits) => {
            note(&[("payment_method", method.into()), ("status", "requires_action".into())]);
            desk.expect_payment(order);
            again(order, desk)
        }
        Some(Outcome::Declined(code, reason, message)) => {
            let error = json!({
                "type": "card_error", "code": code, "decline_code": reason, "message": message,
            });
            let nothing = Value::Null;
            note(&[
                ("payment_method", nothing),
                ("status", NO_METHOD.into()),
                ("last_payment_error", error),
            ]);
            let failed = desk.book().payment(order).cloned();
            let failed = failed.unwrap_or_else(|| payment.clone());
            let mut more = Map::new();
            more.insert("decline_code".to_owned(), reason.into());
            more.insert("charge".to_owned(), failed.id.as_str().into());
            more.insert("payment_intent".to_owned(), shown(&failed));
            desk.tell(Event::Failed(failed));
            Err(Refused::card(code, message, more).about(order))
        }
    }
}

fn paid(payment: &Payment, desk: &Desk) -> Result<Answer, Refused> {
    let paid = desk.pay(&payment.order).map_err(|_| unexpected(payment, "confirm"))?;
    Ok(told(&paid).acting())
}

fn again(order: &str, desk: &Desk) -> Result<Answer, Refused> {
    let found = desk.book().payment(order).cloned();
    let payment = found.ok_or_else(|| Refused::no_such("payment_intent", "intent", order))?;
    Ok(told(&payment).acting())
}

/// The payment method that is named, if there is such a one.
fn method(call: &Call) -> Result<Option<&str>, Refused> {
    let Some(name) = call.text("payment_method")? else { return Ok(None) };
    if cards::outcome(name).is_some() {
        return Ok(Some(name));
    }
    let refused = Refused::no_such("PaymentMethod", "payment_method", name);
    Err(Refused { status: StatusCode::BAD_REQUEST, ..refused })
}

fn unexpected(payment: &Payment, what: &str) -> Refused {
    let state = status(payment);
    let message =
        format!("You cannot {what} this PaymentIntent because it has a status of {state}.");
    Refused::state("payment_intent_unexpected_state", message)
}

fn told(payment: &Payment) -> Answer {
    Answer::json(StatusCode::OK, &shown(payment)).about(&payment.order)
}

const NO_METHOD: &str = "requires_payment_method";
/// What is kept as it was said.
const KEPT: [&str; 5] =
    ["description", "receipt_email", "customer", "statement_descriptor", "setup_future_usage"];
const CREATION: [&str; 17] = [
    "amount",
    "currency",
    "payment_method",
    "confirm",
    "capture_method",
    "confirmation_method",
    "metadata",
    "payment_method_types",
    "automatic_payment_methods",
    "description",
    "receipt_email",
    "customer",
    "statement_descriptor",
    "setup_future_usage",
    "return_url",
    "off_session",
    "payment_method_options",
];
