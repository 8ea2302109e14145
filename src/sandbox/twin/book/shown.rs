//! The book as a document, for whoever watches.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Book, Payment, Refund, RefundState, Settlement};

impl Book {
    /// Totals of everything, and the latest entries, the latest last.
    pub fn shown(&self) -> Value {
        let mut totals = BTreeMap::<&str, (u64, u64)>::new();
        for payment in self.payments().filter(|payment| payment.paid.is_some()) {
            totals.entry(&payment.currency).or_default().0 += payment.amount;
        }
        let refunds = || self.refunded.iter().filter_map(|number| self.refunds.get(number));
        for refund in refunds().filter(|refund| refund.state == RefundState::Succeeded) {
            totals.entry(&refund.currency).or_default().1 += refund.amount;
        }
        let totals: BTreeMap<_, _> = totals
            .into_iter()
            .map(|(currency, (paid, back))| (currency, json!({ "paid": paid, "refunded": back })))
            .collect();
        let (orders, returned) = (self.orders.len(), self.refunded.len());
        json!({
            "totals": totals,
            "orders": orders,
            "paid": self.payments().filter(|payment| payment.paid.is_some()).count(),
            "refunded": returned,
            "payments": self.payments().skip(orders.saturating_sub(SHOWN)).map(Payment::shown).collect::<Vec<_>>(),
            "refunds": refunds().skip(returned.saturating_sub(SHOWN)).map(Refund::shown).collect::<Vec<_>>(),
            "settlements": self.settlements.values().map(Settlement::shown).collect::<Vec<_>>(),
        })
    }
}

impl Payment {
    /// As a document.
    pub fn shown(&self) -> Value {
        json!({
            "order": self.order,
            "id": self.id,
            "amount": self.amount,
            "currency": self.currency,
            "state": self.state.name(),
            "refunded": self.refunded,
            "requests": self.requests,
            "created": self.created.as_secs(),
            "paid": self.paid.map(|time| time.as_secs()),
            "closed": self.closed.map(|time| time.as_secs()),
            "notify": self.notify,
            "details": self.details,
            "settled": self.settled,
        })
    }
}

impl Refund {
    /// As a document.
    pub fn shown(&self) -> Value {
        json!({
            "number": self.number,
            "id": self.id,
            "order": self.order,
            "amount": self.amount,
            "currency": self.currency,
            "state": self.state.name(),
            "requests": self.requests,
            "created": self.created.as_secs(),
            "completed": self.completed.map(|time| time.as_secs()),
            "notify": self.notify,
            "details": self.details,
            "settled": self.settled,
        })
    }
}

impl Settlement {
    /// As a document.
    pub fn shown(&self) -> Value {
        json!({
            "date": self.date,
            "payments": self.payments.len(),
            "refunds": self.refunds.len(),
            "paid": self.payments.iter().map(|payment| payment.amount).sum::<u64>(),
            "refunded": self.refunds.iter().map(|(refund, _)| refund.amount).sum::<u64>(),
        })
    }
}

const SHOWN: usize = 1_000;
