//! A provider that signs nothing.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use super::super::*;

/// `POST /orders` orders and pays at once, `POST /tea` orders.
pub struct Plain;

impl Dialect for Plain {
    fn name(&self) -> &'static str {
        "plain"
    }

    fn offset(&self) -> i64 {
        0
    }

    fn serve(&self, request: &Request, desk: &Desk) -> Answer {
        let said: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let (Some(order), Some(amount)) = (said["order"].as_str(), said["amount"].as_u64()) else {
            desk.refuse(request, "malformed", "expected `order` and `amount`", None);
            return Answer::json(StatusCode::BAD_REQUEST, &json!({ "error": "malformed" }));
        };
        let payment = Payment {
            order: order.to_owned(),
            id: desk.seed().digits("payment", order, 20),
            amount,
            currency: "CNY".to_owned(),
            state: PaymentState::Pending,
            refunded: 0,
            created: desk.now(),
            paid: None,
            closed: None,
            requests: 1,
            notify: said["notify"].as_str().map(str::to_owned),
            terms: Value::Null,
            details: Map::new(),
            settled: None,
        };
        let entry = desk.book().enter(payment);
        let payment = match entry {
            Entry::New(payment) => {
                desk.expect_payment(order);
                if request.path == "/orders" { desk.pay(order).unwrap() } else { payment }
            }
            Entry::Repeated(payment) => payment,
            Entry::Conflict(_) => return Answer::empty(StatusCode::CONFLICT),
        };
        Answer::json(StatusCode::OK, &json!({ "id": payment.id })).about(order).acting()
    }

    fn failure(&self, _: &Request) -> Answer {
        Answer::json(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "error": "ours" }))
    }

    fn seal(&self, _: &Request, answer: &mut Answer, how: &Sealing, _: &Desk) {
        answer.put("signature", &format!("{:?} at {}", how.signature, how.now.as_secs()));
    }

    fn letters(&self, event: &Event, desk: &Desk) -> Vec<Letter> {
        let payment = event.payment();
        vec![Letter {
            id: desk.nonce(20),
            kind: "paid".to_owned(),
            subject: payment.order.clone(),
            to: payment.notify.clone(),
            key: None,
            body: Bytes::from(payment.order.clone()),
        }]
    }

    fn seal_letter(&self, letter: &Letter, how: &Sealing, _: &Desk) -> Envelope {
        let mut headers = HeaderMap::new();
        put(&mut headers, "signature", &format!("{:?}", how.signature));
        put(&mut headers, "signed-at", &how.now.as_secs().to_string());
        Envelope { headers, body: letter.body.clone() }
    }

    fn acknowledged(&self, status: StatusCode, body: &[u8]) -> bool {
        status.is_success() && body == b"success"
    }

    fn ladder(&self) -> &'static [Duration] {
        LADDER
    }

    fn rotate(&self, _: Duration) -> Result<(), MakeError> {
        Ok(())
    }

    fn retire(&self) {}

    fn keys(&self) -> Value {
        Value::Null
    }

    fn renew(&self, _: Duration) -> Result<(), MakeError> {
        Ok(())
    }

    fn revoke(&self) {}

    fn credentials(&self) -> Value {
        Value::Null
    }

    fn statement(&self, settlement: &Settlement) -> Bytes {
        let lines = settlement.payments.iter().map(|payment| format!("{}\n", payment.order));
        lines.collect::<String>().into()
    }

    fn files(&self) -> Vec<File> {
        Vec::new()
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn upstream(&self, _: &Place<'_>) -> String {
        String::new()
    }
}

const LADDER: &[Duration] = &[Duration::from_secs(1), Duration::from_secs(1)];
