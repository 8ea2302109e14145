//! A provider's book: what was ordered, paid, refunded, closed and settled.
//!
//! Rules about money and nothing else: no clock, no network, no lock. Amounts are in the smallest unit
//! of their currency. An order and a refund are entered once; a repetition that says the same finds
//! what is there, one that says something else is a conflict, and what either is answered with is the
//! provider's business.

mod entry;
mod shown;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::Duration,
};

pub use entry::{BookError, Entry, Payment, PaymentState, Refund, RefundState, Settlement};

/// The book. Bounded: beyond 50,000 orders the oldest are forgotten with all that hangs on them, as are
/// the oldest of 200,000 refunds and of 400 settled days.
#[derive(Debug, Default)]
pub struct Book {
    payments: HashMap<String, Payment>,
    /// Order numbers, the oldest first.
    orders: VecDeque<String>,
    by_id: HashMap<String, String>,
    refunds: HashMap<String, Refund>,
    /// Refund numbers, the oldest first.
    refunded: VecDeque<String>,
    /// By date.
    settlements: BTreeMap<String, Settlement>,
}

impl Book {
    /// Enters an order.
    pub fn enter(&mut self, payment: Payment) -> Entry<Payment> {
        if let Some(before) = self.payments.get_mut(&payment.order) {
            before.requests = before.requests.saturating_add(1);
            let same = before.amount == payment.amount
                && before.currency == payment.currency
                && before.terms == payment.terms;
            let before = before.clone();
            return if same { Entry::Repeated(before) } else { Entry::Conflict(before) };
        }
        if self.orders.len() >= PAYMENTS
            && let Some(oldest) = self.orders.pop_front()
        {
            self.forget(&oldest);
        }
        self.orders.push_back(payment.order.clone());
        self.by_id.insert(payment.id.clone(), payment.order.clone());
        self.payments.insert(payment.order.clone(), payment.clone());
        Entry::New(payment)
    }

    /// The payment of an order.
    pub fn payment(&self, order: &str) -> Option<&Payment> {
        self.payments.get(order)
    }

    /// The payment with this number of the provider's own.
    pub fn payment_by_id(&self, id: &str) -> Option<&Payment> {
        self.payment(self.by_id.get(id)?)
    }

    /// Changes what the provider keeps beside a payment.
    pub fn note(&mut self, order: &str, name: &str, value: impl Into<serde_json::Value>) {
        if let Some(payment) = self.payments.get_mut(order) {
            payment.details.insert(name.to_owned(), value.into());
        }
    }

    /// The payer pays.
    pub fn pay(&mut self, order: &str, now: Duration) -> Result<Payment, BookError> {
        let payment = self.payments.get_mut(order).ok_or(BookError::Unknown)?;
        if payment.state != PaymentState::Pending {
            return Err(BookError::State(payment.state));
        }
        payment.state = PaymentState::Paid;
        payment.paid = Some(now);
        Ok(payment.clone())
    }

    /// The merchant closes an order that is not paid. Closing it again changes nothing.
    pub fn close(&mut self, order: &str, now: Duration) -> Result<Payment, BookError> {
        let payment = self.payments.get_mut(order).ok_or(BookError::Unknown)?;
        match payment.state {
            PaymentState::Pending => {
                payment.state = PaymentState::Closed;
                payment.closed = Some(now);
            }
            PaymentState::Closed => {}
            state => return Err(BookError::State(state)),
        }
        Ok(payment.clone())
    }

    /// Enters a refund of a payment. All refunds together never exceed it.
    pub fn refund(&mut self, refund: Refund) -> Result<Entry<Refund>, BookError> {
        if let Some(before) = self.refunds.get_mut(&refund.number) {
            before.requests = before.requests.saturating_add(1);
            let same = before.order == refund.order
                && before.amount == refund.amount
                && before.currency == refund.currency
                && before.terms == refund.terms;
            let before = before.clone();
            return Ok(if same { Entry::Repeated(before) } else { Entry::Conflict(before) });
        }
        let payment = self.payments.get_mut(&refund.order).ok_or(BookError::Unknown)?;
        match payment.state {
            PaymentState::Paid | PaymentState::PartlyRefunded => {}
            state => return Err(BookError::State(state)),
        }
        let left = payment.amount.saturating_sub(payment.refunded);
        if refund.amount == 0 || refund.amount > left || refund.currency != payment.currency {
            return Err(BookError::TooMuch { left });
        }
        payment.refunded += refund.amount;
        payment.state = if payment.refunded == payment.amount {
            PaymentState::Refunded
        } else {
            PaymentState::PartlyRefunded
        };
        if self.refunded.len() >= REFUNDS
            && let Some(oldest) = self.refunded.pop_front()
        {
            self.refunds.remove(&oldest);
        }
        self.refunded.push_back(refund.number.clone());
        self.refunds.insert(refund.number.clone(), refund.clone());
        Ok(Entry::New(refund))
    }

    /// The refund with this number.
    pub fn refunded(&self, number: &str) -> Option<&Refund> {
        self.refunds.get(number)
    }

    /// The refunds of an order, in the order of their requests.
    pub fn refunds_of(&self, order: &str) -> impl Iterator<Item = &Refund> {
        let numbers = self.refunded.iter().filter_map(|number| self.refunds.get(number));
        numbers.filter(move |refund| refund.order == order)
    }

    /// The money of a refund has arrived.
    pub fn complete_refund(&mut self, number: &str, now: Duration) -> Result<Refund, BookError> {
        let refund = self.refunds.get_mut(number).ok_or(BookError::Unknown)?;
        if refund.state == RefundState::Processing {
            refund.state = RefundState::Succeeded;
            refund.completed = Some(now);
        }
        Ok(refund.clone())
    }

    /// Settles everything that was paid or refunded and not settled before, under this date. What a
    /// date had been settled with before stays in it, up to the bound of the book itself.
    pub fn settle(&mut self, date: &str) -> Settlement {
        let mut settlement = self
            .settlements
            .remove(date)
            .unwrap_or_else(|| Settlement { date: date.to_owned(), ..Settlement::default() });
        for order in &self.orders {
            let Some(payment) = self.payments.get_mut(order) else { continue };
            if payment.paid.is_some() && payment.settled.is_none() {
                payment.settled = Some(date.to_owned());
                settlement.payments.push(payment.clone());
            }
        }
        for number in &self.refunded {
            let Some(refund) = self.refunds.get_mut(number) else { continue };
            if refund.state == RefundState::Succeeded && refund.settled.is_none() {
                refund.settled = Some(date.to_owned());
                let payment = self.payments.get(&refund.order).cloned();
                settlement.refunds.extend(payment.map(|payment| (refund.clone(), payment)));
            }
        }
        let superfluous = settlement.payments.len().saturating_sub(PAYMENTS);
        settlement.payments.drain(..superfluous);
        let superfluous = settlement.refunds.len().saturating_sub(REFUNDS);
        settlement.refunds.drain(..superfluous);
        if self.settlements.len() >= SETTLEMENTS {
            self.settlements.pop_first();
        }
        self.settlements.insert(date.to_owned(), settlement.clone());
        settlement
    }

    /// What was settled under a date.
    pub fn settlement(&self, date: &str) -> Option<&Settlement> {
        self.settlements.get(date)
    }

    /// Every payment, the oldest first.
    pub fn payments(&self) -> impl Iterator<Item = &Payment> {
        self.orders.iter().filter_map(|order| self.payments.get(order))
    }

    fn forget(&mut self, order: &str) {
        if let Some(payment) = self.payments.remove(order) {
            self.by_id.remove(&payment.id);
        }
        let refunds = &mut self.refunds;
        self.refunded.retain(|number| {
            let kept = refunds.get(number).is_some_and(|refund| refund.order != order);
            if !kept {
                refunds.remove(number);
            }
            kept
        });
    }
}

const PAYMENTS: usize = 50_000;
const REFUNDS: usize = 200_000;
const SETTLEMENTS: usize = 400;

#[cfg(test)]
mod tests;
