//! A payment provider: decrypts what it is sent, checks it, charges once per order, and answers
//! encrypted.
//!
//! Beside its payment interface it has three paths for whoever watches it: `GET /_book` (every
//! charge), `GET /_wire` (the last request and answer as they crossed the network) and
//! `POST /_faults` (what to do wrong next). Order numbers that begin with `tamper`, `slow` or
//! `reset` ask for the same faults.

mod book;
mod checks;
mod cipher;
mod dialect;
mod fault;
mod jwe;

use std::sync::Arc;

use aws_lc_rs::constant_time;
use bytes::Bytes;
use http::{Method, StatusCode, header};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tollgate_api::Entropy;

use super::{Reply, Request, Service};
pub use book::Charge;
use book::{Book, Entry};
use checks::Payment;
pub use cipher::CipherDialect;
pub use dialect::{Dialect, Refusal};
pub use fault::Fault;
use fault::Faults;
pub use jwe::JweDialect;

/// A provider.
pub struct Provider {
    name: &'static str,
    /// The `channel` of payments that are meant for it.
    channel: &'static str,
    /// What requests must carry in `X-Api-Key`, if anything.
    api_key: Option<String>,
    dialect: Box<dyn Dialect>,
    entropy: Arc<dyn Entropy>,
    book: Mutex<Book>,
    faults: Mutex<Faults>,
    wire: Mutex<Wire>,
}

/// What last crossed the network, as text and cut to a few kilobytes.
#[derive(Debug, Clone, Default)]
pub struct Wire {
    /// The request's body.
    pub request: String,
    /// The answer's body.
    pub answer: String,
    /// Names of the request's header fields.
    pub header_names: Vec<String>,
}

impl Provider {
    /// A provider with an empty book. A payment that names a `channel` other than this one is
    /// refused, because it was routed wrongly.
    pub fn new(
        name: &'static str,
        channel: &'static str,
        dialect: Box<dyn Dialect>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self {
            name,
            channel,
            api_key: None,
            dialect,
            entropy,
            book: Mutex::default(),
            faults: Mutex::default(),
            wire: Mutex::default(),
        }
    }

    /// Demands this in `X-Api-Key` of every payment.
    #[must_use]
    pub fn with_api_key(self, key: String) -> Self {
        Self { api_key: Some(key), ..self }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Does this wrong with the next payment.
    pub fn fail_next(&self, fault: Fault) {
        self.faults.lock().push(fault);
    }

    /// The charge for an order.
    pub fn charge(&self, order: &str) -> Option<Charge> {
        self.book.lock().find(order).cloned()
    }

    /// How many orders were charged.
    pub fn charges(&self) -> usize {
        self.book.lock().len()
    }

    /// What last crossed the network.
    pub fn wire(&self) -> Wire {
        self.wire.lock().clone()
    }

    async fn serve(&self, request: &Request, act: Act) -> Reply {
        let opened = self.open(request);
        let (mut status, answer, order) = match opened {
            Err(refusal) => (refusal.status, refusal.body(), None),
            Ok(message) => {
                let order = message.get("order_id").and_then(Value::as_str).map(str::to_owned);
                match act(self, &message) {
                    Ok(answer) => (StatusCode::OK, answer, order),
                    Err(refusal) => (refusal.status, refusal.body(), order),
                }
            }
        };
        let sealed = self.dialect.seal(&answer, &*self.entropy);
        let mut body = sealed.unwrap_or_else(|_| {
            status = StatusCode::INTERNAL_SERVER_ERROR;
            Vec::new()
        });
        let fault = self.faults.lock().next(order.as_deref());
        match fault {
            Some(Fault::Reset) => return Reply::Hangup,
            Some(Fault::Slow(time)) => tokio::time::sleep(time).await,
            Some(Fault::Tamper) => self.dialect.tamper(&mut body),
            None => {}
        }
        self.remember(request, &body);
        Reply::bytes(status, Bytes::from(body))
    }

    fn open(&self, request: &Request) -> Result<Map<String, Value>, Refusal> {
        if request.headers.contains_key(header::AUTHORIZATION) {
            // It was meant for the gateway; whoever sends it on gives it away.
            return Err(Refusal::bad_request("credential_not_for_us"));
        }
        let key = request.headers.get("x-api-key").map(header::HeaderValue::as_bytes);
        let wanted = self.api_key.as_ref().map(String::as_bytes);
        let known = wanted.is_none_or(|wanted| {
            key.is_some_and(|key| constant_time::verify_slices_are_equal(key, wanted).is_ok())
        });
        if !known {
            return Err(Refusal::new(StatusCode::UNAUTHORIZED, "api_key_wrong"));
        }
        if !request.is_of_type("application/json") {
            return Err(Refusal::bad_request("content_type_not_json"));
        }
        let clear = self.dialect.open(&request.body)?;
        match serde_json::from_slice(&clear) {
            Ok(Value::Object(message)) => Ok(message),
            _ => Err(Refusal::bad_request("message_not_json")),
        }
    }

    fn pay(&self, message: &Map<String, Value>) -> Result<Value, Refusal> {
        let payment = Payment::check(message, self.channel)?;
        let mut code = [0_u8; 3];
        self.entropy.fill(&mut code);
        let authorization =
            code.iter().fold(String::from("AUTH-"), |text, byte| text + &format!("{byte:02X}"));
        let charge = Charge {
            order_id: payment.order_id,
            amount: payment.amount,
            currency: payment.currency,
            authorization,
            requests: 1,
        };
        let (charge, repeated) = match self.book.lock().enter(charge) {
            Entry::New(charge) => (charge, false),
            Entry::Repeated(charge) => (charge, true),
            Entry::Conflict => {
                return Err(Refusal::new(StatusCode::CONFLICT, "order_id_used_differently"));
            }
        };
        Ok(json!({
            "order_id": charge.order_id,
            "status": "approved",
            "amount": charge.amount,
            "currency": charge.currency,
            "provider": self.name,
            "authorization_code": charge.authorization,
            "repeated": repeated,
        }))
    }

    fn check_card(&self, message: &Map<String, Value>) -> Result<Value, Refusal> {
        let token = checks::card_token(message)?;
        Ok(json!({ "card_token": token, "valid": true, "provider": self.name }))
    }

    fn remember(&self, request: &Request, answer: &[u8]) {
        let shown = |bytes: &[u8]| {
            String::from_utf8_lossy(bytes.get(..WIRE_LIMIT).unwrap_or(bytes)).into_owned()
        };
        *self.wire.lock() = Wire {
            request: shown(&request.body),
            answer: shown(answer),
            header_names: request.headers.keys().map(ToString::to_string).collect(),
        };
    }

    fn plan_fault(&self, request: &Request) -> Reply {
        match Fault::parse(&request.body) {
            Some(fault) => {
                self.fail_next(fault);
                Reply::json(StatusCode::OK, &json!({ "next": fault.name() }))
            }
            None => Reply::json(
                StatusCode::BAD_REQUEST,
                &json!({ "error": "expected {\"next\": \"tamper\" | \"slow\" | \"reset\"}" }),
            ),
        }
    }
}

impl Service for Provider {
    async fn answer(&self, request: Request) -> Reply {
        match (request.method.clone(), request.path.as_str()) {
            (Method::POST, "/v1/payments") => self.serve(&request, Self::pay).await,
            (Method::POST, "/v1/card-checks") => self.serve(&request, Self::check_card).await,
            (Method::GET, "/_book") => {
                Reply::json(StatusCode::OK, &self.book.lock().shown(self.name))
            }
            (Method::GET, "/_wire") => {
                let wire = self.wire();
                let shown = json!({ "request": wire.request, "answer": wire.answer });
                Reply::json(StatusCode::OK, &shown)
            }
            (Method::POST, "/_faults") => self.plan_fault(&request),
            _ => Reply::not_found(),
        }
    }
}

/// What is done with a message that was opened.
type Act = fn(&Provider, &Map<String, Value>) -> Result<Value, Refusal>;

/// How much of a message is kept to be shown.
const WIRE_LIMIT: usize = 8 * 1024;

#[cfg(test)]
mod tests;
