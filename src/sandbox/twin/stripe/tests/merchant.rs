//! A merchant that calls as Stripe's libraries do.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use tollgate_api::{ManualClock, SystemEntropy};

use super::*;
use crate::sandbox::{Reply, Service, twin::Twin};

/// 2026-01-01T00:00:00Z.
pub const START: Duration = Duration::from_hours(490_896);
/// One payment that succeeds.
pub const PAY: &str = "amount=1099&currency=eur&payment_method=pm_card_visa&confirm=true\
                       &metadata%5Border_id%5D=order-1";

pub struct Bench {
    pub twin: Arc<Twin>,
    pub clock: Arc<ManualClock>,
    pub key: String,
    pub secret: String,
}

pub struct Answered {
    pub status: u16,
    pub headers: HeaderMap,
    pub json: Value,
}

impl Bench {
    pub fn new() -> Self {
        Self::with(Options::default())
    }

    pub fn with(options: Options) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let dialect = Stripe::open(&Kept::default(), START, &SystemEntropy).unwrap();
        let (key, secret) = (dialect.secret_keys.newest().unwrap(), dialect.secrets.newest());
        let clock = Arc::new(ManualClock::at(START));
        let twin = Twin::new(Box::new(dialect), options, clock.clone(), Arc::new(SystemEntropy));
        Self { twin: twin.unwrap(), clock, key, secret }
    }

    /// A request with the secret key and these further header fields.
    pub fn request(
        &self,
        method: &Method,
        target: &str,
        body: &str,
        more: &[(&str, &str)],
    ) -> Request {
        let bearer = format!("Bearer {}", self.key);
        let media = "application/x-www-form-urlencoded";
        let mut headers = HeaderMap::new();
        for (name, value) in
            [("authorization", bearer.as_str()), ("content-type", media)].iter().chain(more)
        {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.insert(name, HeaderValue::from_str(value).unwrap());
        }
        Request::new(method.clone(), target, headers, Bytes::from(body.to_owned()))
    }

    pub async fn reply(&self, request: Request) -> Reply {
        self.twin.answer(request).await
    }

    pub async fn post(&self, target: &str, body: &str) -> Answered {
        answered(self.reply(self.request(&Method::POST, target, body, &[])).await)
    }

    pub async fn keyed(&self, target: &str, body: &str, key: &str) -> Answered {
        let key = [("idempotency-key", key)];
        answered(self.reply(self.request(&Method::POST, target, body, &key)).await)
    }

    pub async fn get(&self, target: &str) -> Answered {
        answered(self.reply(self.request(&Method::GET, target, "", &[])).await)
    }

    /// A payment that succeeded: the intent's number.
    pub async fn paid(&self) -> String {
        let answer = self.post("/v1/payment_intents", PAY).await;
        assert_eq!(answer.json["status"], "succeeded", "paid: {}", answer.json);
        answer.json["id"].as_str().unwrap().to_owned()
    }
}

impl Answered {
    pub fn error(&self, name: &str) -> &str {
        self.json["error"][name].as_str().unwrap_or_default()
    }
}

pub fn answered(reply: Reply) -> Answered {
    let Reply::Answer { status, headers, body } = reply else { panic!("an answer: {reply:?}") };
    let json = serde_json::from_slice(&body).unwrap_or_default();
    Answered { status: status.as_u16(), headers, json }
}
