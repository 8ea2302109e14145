//! Payment intents and charges as they are told.

use serde_json::{Map, Value, json};

use super::super::super::{Payment, PaymentState};

/// What the twin keeps beside a payment.
pub(in super::super) fn text<'a>(details: &'a Map<String, Value>, name: &str) -> &'a str {
    details.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// `status`.
pub(in super::super) fn status(payment: &Payment) -> &str {
    match payment.state {
        PaymentState::Pending => text(&payment.details, "status"),
        PaymentState::Closed => "canceled",
        _ => "succeeded",
    }
}

/// A payment intent.
pub(in super::super) fn shown(payment: &Payment) -> Value {
    let Payment { details, amount, .. } = payment;
    let kept = |name: &str| details.get(name).cloned().unwrap_or_default();
    let status = status(payment);
    let paid = payment.paid.is_some();
    let next = (status == "requires_action").then(|| {
        json!({ "type": "use_stripe_sdk", "use_stripe_sdk": { "type": "three_d_secure_redirect" } })
    });
    json!({
        "id": payment.order,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": if status == "requires_capture" { *amount } else { 0 },
        "amount_received": if paid { *amount } else { 0 },
        "canceled_at": payment.closed.map(|time| time.as_secs()),
        "cancellation_reason": kept("cancellation_reason"),
        "capture_method": kept("capture_method"),
        "client_secret": kept("client_secret"),
        "confirmation_method": "automatic",
        "created": payment.created.as_secs(),
        "currency": payment.currency.to_lowercase(),
        "customer": kept("customer"),
        "description": kept("description"),
        "last_payment_error": kept("last_payment_error"),
        "latest_charge": paid.then_some(&payment.id),
        "livemode": false,
        "metadata": kept("metadata"),
        "next_action": next,
        "payment_method": kept("payment_method"),
        "payment_method_types": kept("types"),
        "receipt_email": kept("receipt_email"),
        "setup_future_usage": kept("setup_future_usage"),
        "statement_descriptor": kept("statement_descriptor"),
        "status": status,
    })
}

/// The charge of an intent that is paid, of which so much is refunded.
pub(in super::super) fn charge_of(payment: &Payment, refunded: u64) -> Value {
    let kept = |name: &str| payment.details.get(name).cloned().unwrap_or_default();
    json!({
        "id": payment.id,
        "object": "charge",
        "amount": payment.amount,
        "amount_captured": payment.amount,
        "amount_refunded": refunded,
        "balance_transaction": super::super::ledger::of_charge(payment),
        "captured": true,
        "created": payment.paid.map(|time| time.as_secs()),
        "currency": payment.currency.to_lowercase(),
        "description": kept("description"),
        "livemode": false,
        "metadata": kept("metadata"),
        "paid": true,
        "payment_intent": payment.order,
        "payment_method": kept("payment_method"),
        "refunded": refunded == payment.amount,
        "status": "succeeded",
    })
}
