//! A provider's book of charges: an order is charged once, however often it is sent.

use std::collections::{HashMap, VecDeque};

use serde_json::{Value, json};

/// A charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// The order it is for.
    pub order_id: String,
    /// How much, with two decimal places.
    pub amount: String,
    /// Of which currency.
    pub currency: String,
    /// What the provider calls it.
    pub authorization: String,
    /// How many requests asked for it.
    pub requests: u32,
}

/// What came of entering a charge.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// It was entered.
    New(Charge),
    /// The order had been charged before; this is that charge.
    Repeated(Charge),
    /// The order had been charged before, but with another amount or currency.
    Conflict,
}

/// The book. Bounded: the oldest charges are forgotten.
#[derive(Debug, Default)]
pub(super) struct Book {
    charges: HashMap<String, Charge>,
    order: VecDeque<String>,
}

impl Book {
    pub fn enter(&mut self, charge: Charge) -> Entry {
        if let Some(before) = self.charges.get_mut(&charge.order_id) {
            if (&before.amount, &before.currency) != (&charge.amount, &charge.currency) {
                return Entry::Conflict;
            }
            before.requests = before.requests.saturating_add(1);
            return Entry::Repeated(before.clone());
        }
        if self.order.len() == CHARGES
            && let Some(oldest) = self.order.pop_front()
        {
            self.charges.remove(&oldest);
        }
        self.order.push_back(charge.order_id.clone());
        self.charges.insert(charge.order_id.clone(), charge.clone());
        Entry::New(charge)
    }

    pub fn find(&self, order: &str) -> Option<&Charge> {
        self.charges.get(order)
    }

    pub fn len(&self) -> usize {
        self.charges.len()
    }

    /// As a document, the latest charges last.
    pub fn shown(&self, provider: &str) -> Value {
        let latest = self.order.len().saturating_sub(SHOWN);
        let charges: Vec<Value> = self
            .order
            .iter()
            .skip(latest)
            .filter_map(|order| self.charges.get(order))
            .map(|charge| {
                json!({
                    "order_id": charge.order_id,
                    "amount": charge.amount,
                    "currency": charge.currency,
                    "authorization_code": charge.authorization,
                    "requests": charge.requests,
                })
            })
            .collect();
        json!({ "provider": provider, "charges": self.len(), "latest": charges })
    }
}

const CHARGES: usize = 50_000;
const SHOWN: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn charge(order: &str, amount: &str) -> Charge {
        Charge {
            order_id: order.to_owned(),
            amount: amount.to_owned(),
            currency: "USD".to_owned(),
            authorization: format!("AUTH-{amount}"),
            requests: 1,
        }
    }

    #[test]
    fn an_order_is_charged_once() {
        let mut book = Book::default();
        assert_eq!(book.enter(charge("1", "5.00")), Entry::New(charge("1", "5.00")), "first");
        let again = book.enter(charge("1", "5.00"));
        assert_eq!(again, Entry::Repeated(Charge { requests: 2, ..charge("1", "5.00") }), "again");
        assert_eq!(book.enter(charge("1", "6.00")), Entry::Conflict, "another amount");
        assert_eq!(book.len(), 1, "one charge stands in the book");
        assert_eq!(book.find("1").unwrap().amount, "5.00", "the first amount stands");
    }

    #[test]
    fn the_book_is_bounded() {
        let mut book = Book::default();
        for order in 0..=CHARGES {
            book.enter(charge(&order.to_string(), "1.00"));
        }
        assert_eq!(book.len(), CHARGES, "the oldest charge was forgotten");
        assert!(book.find("0").is_none() && book.find("1").is_some(), "and no other");
    }
}
