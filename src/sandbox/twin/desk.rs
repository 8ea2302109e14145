//! What a dialect works with: the time, the book, chance, and a place to say what was refused.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tollgate_api::{Clock, Entropy};

use super::{Book, BookError, Event, Options, Payment, Refund, Seed};
use crate::sandbox::Request;

/// What a dialect works with.
pub struct Desk {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    seed: Seed,
    pay_after: Option<Duration>,
    refund_after: Duration,
    book: Mutex<Book>,
    refusals: Mutex<VecDeque<Value>>,
    errands: mpsc::Sender<Errand>,
}

/// What is done later.
#[derive(Debug)]
pub(super) enum Errand {
    /// Merchants are told.
    Tell(Box<Event>),
    /// The payer pays.
    Pay(String, Duration),
    /// The money of a refund arrives.
    Refund(String, Duration),
}

impl Desk {
    pub(super) fn new(
        options: &Options,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> (Self, mpsc::Receiver<Errand>) {
        let (errands, receiver) = mpsc::channel(ERRANDS);
        let desk = Self {
            clock,
            entropy,
            seed: Seed(options.seed),
            pay_after: options.pay_after,
            refund_after: options.refund_after,
            book: Mutex::default(),
            refusals: Mutex::default(),
            errands,
        };
        (desk, receiver)
    }

    /// The time since the Unix epoch.
    pub fn now(&self) -> Duration {
        self.clock.unix()
    }

    /// What is decided by lot.
    pub fn seed(&self) -> Seed {
        self.seed
    }

    /// The book. Whoever holds it calls nothing else of the desk.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock()
    }

    /// Unpredictable bytes, for nonces.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes);
        bytes
    }

    /// An unpredictable text of `count` letters and digits.
    pub fn nonce(&self, count: usize) -> String {
        let mut bytes = vec![0; count];
        self.entropy.fill(&mut bytes);
        let letter = |byte: u8| ALPHABET.get(usize::from(byte) % ALPHABET.len()).copied();
        bytes.into_iter().filter_map(letter).map(char::from).collect()
    }

    /// The payer pays now, and the merchant is told.
    pub fn pay(&self, order: &str) -> Result<Payment, BookError> {
        let payment = self.book().pay(order, self.now())?;
        self.errand(Errand::Tell(Box::new(Event::Paid(payment.clone()))));
        Ok(payment)
    }

    /// The payer of a new order pays by and by, if this twin's payers do so untold.
    pub fn expect_payment(&self, order: &str) {
        if let Some(after) = self.pay_after {
            self.errand(Errand::Pay(order.to_owned(), after));
        }
    }

    /// The money of a refund arrives now, and the merchant is told.
    pub fn complete_refund(&self, number: &str) -> Result<Refund, BookError> {
        let now = self.now();
        let (refund, payment) = {
            let mut book = self.book();
            let refund = book.complete_refund(number, now)?;
            let payment = book.payment(&refund.order).cloned();
            (refund, payment.ok_or(BookError::Unknown)?)
        };
        self.errand(Errand::Tell(Box::new(Event::Refunded(refund.clone(), Box::new(payment)))));
        Ok(refund)
    }

    /// The money of a new refund arrives by and by.
    pub fn expect_refund(&self, number: &str) {
        self.errand(Errand::Refund(number.to_owned(), self.refund_after));
    }

    /// Tells the merchant of something else.
    pub fn tell(&self, event: Event) {
        self.errand(Errand::Tell(Box::new(event)));
    }

    /// Remembers why a request was refused, for its developer: in words, and what was expected.
    pub fn refuse(&self, request: &Request, code: &str, why: &str, expected: Option<&str>) {
        let mut refusals = self.refusals.lock();
        if refusals.len() == REFUSALS {
            refusals.pop_front();
        }
        refusals.push_back(json!({
            "at": self.now().as_secs(),
            "method": request.method.as_str(),
            "target": request.target.chars().take(SHOWN).collect::<String>(),
            "code": code,
            "why": why.chars().take(SHOWN).collect::<String>(),
            "expected": expected.map(|text| text.chars().take(SHOWN).collect::<String>()),
        }));
    }

    /// Why requests were refused, the latest last.
    pub fn refusals(&self) -> Vec<Value> {
        self.refusals.lock().iter().cloned().collect()
    }

    fn errand(&self, errand: Errand) {
        if self.errands.try_send(errand).is_err() {
            tracing::warn!("the twin has more to tell than it can; something is not told");
        }
    }
}

const ALPHABET: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const ERRANDS: usize = 4_096;
const REFUSALS: usize = 100;
const SHOWN: usize = 4_000;
