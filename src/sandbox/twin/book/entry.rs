//! What stands in the book.

use std::time::Duration;

use serde_json::{Map, Value};
use thiserror::Error;

/// An order and what became of it. Times are since the Unix epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct Payment {
    /// The merchant's number.
    pub order: String,
    /// The provider's own number.
    pub id: String,
    /// How much, in the smallest unit of the currency.
    pub amount: u64,
    /// ISO 4217.
    pub currency: String,
    /// What became of it.
    pub state: PaymentState,
    /// How much of it was refunded, or is being.
    pub refunded: u64,
    /// When it was ordered.
    pub created: Duration,
    /// When it was paid.
    pub paid: Option<Duration>,
    /// When it was closed.
    pub closed: Option<Duration>,
    /// How many requests asked for it.
    pub requests: u32,
    /// Where the merchant wants to be told.
    pub notify: Option<String>,
    /// What a repetition must say again, beside amount and currency.
    pub terms: Value,
    /// What the provider keeps beside it.
    pub details: Map<String, Value>,
    /// The date under which it was settled.
    pub settled: Option<String>,
}

/// What became of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentState {
    /// Nobody has paid.
    Pending,
    /// It is paid.
    Paid,
    /// It is paid, and a part of it is refunded.
    PartlyRefunded,
    /// All of it is refunded.
    Refunded,
    /// It was closed before anybody paid.
    Closed,
}

/// A refund of a payment. Times are since the Unix epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct Refund {
    /// The merchant's number for it.
    pub number: String,
    /// The provider's own number.
    pub id: String,
    /// The order that is refunded.
    pub order: String,
    /// How much, in the smallest unit of the currency.
    pub amount: u64,
    /// ISO 4217.
    pub currency: String,
    /// What became of it.
    pub state: RefundState,
    /// When it was asked for.
    pub created: Duration,
    /// When the money arrived.
    pub completed: Option<Duration>,
    /// How many requests asked for it.
    pub requests: u32,
    /// Where the merchant wants to be told.
    pub notify: Option<String>,
    /// What a repetition must say again, beside order, amount and currency.
    pub terms: Value,
    /// What the provider keeps beside it.
    pub details: Map<String, Value>,
    /// The date under which it was settled.
    pub settled: Option<String>,
}

/// What became of a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundState {
    /// The money is on its way.
    Processing,
    /// The money arrived.
    Succeeded,
}

/// A day that was settled.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settlement {
    /// `2026-11-24`, in the provider's time.
    pub date: String,
    /// What was paid.
    pub payments: Vec<Payment>,
    /// What was refunded, and of which payment.
    pub refunds: Vec<(Refund, Payment)>,
}

/// What came of entering something.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry<T> {
    /// It was entered.
    New(T),
    /// It had been entered before, with the same words; this is it.
    Repeated(T),
    /// Its number had been used before with other words; this is what stands there.
    Conflict(T),
}

/// Why something cannot be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BookError {
    /// There is no such order or refund.
    #[error("there is nothing with this number")]
    Unknown,
    /// Not in this state.
    #[error("it is {}", .0.name())]
    State(PaymentState),
    /// More than there is to be refunded.
    #[error("only {left} of it are left to be refunded")]
    TooMuch {
        /// What is left, in the smallest unit.
        left: u64,
    },
}

impl PaymentState {
    /// The word in the book.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Paid => "paid",
            Self::PartlyRefunded => "partly_refunded",
            Self::Refunded => "refunded",
            Self::Closed => "closed",
        }
    }
}

impl RefundState {
    /// The word in the book.
    pub fn name(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Succeeded => "succeeded",
        }
    }
}
