//! The life of a request and of an errand in a twin.

use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{sync::mpsc, time::sleep};

use super::{
    Answer, Desk, Dialect, Envelope, Fault, Faults, On, Options, Sealing, Seed, Signature,
    desk::Errand,
    notifier::{self, Notifier},
};
use crate::sandbox::{MakeError, Reply, Request};

/// What a twin and its tasks have in common.
pub(super) struct Shared {
    pub dialect: Arc<dyn Dialect>,
    pub desk: Desk,
    pub faults: Faults,
    pub notifier: Notifier,
    options: Options,
    wire: Mutex<Value>,
    notifications: Mutex<VecDeque<Value>>,
}

impl Shared {
    pub fn new(dialect: Box<dyn Dialect>, desk: Desk, options: Options) -> Result<Self, String> {
        Ok(Self {
            dialect: dialect.into(),
            desk,
            faults: Faults::new(Seed(options.seed)),
            notifier: Notifier::new(&options)?,
            options,
            wire: Mutex::new(json!({})),
            notifications: Mutex::default(),
        })
    }

    /// The last request and answer, and the latest notifications, the latest last.
    pub fn wire(&self) -> Value {
        let mut wire = self.wire.lock().clone();
        if let Some(members) = wire.as_object_mut() {
            let sent: Vec<Value> = self.notifications.lock().iter().cloned().collect();
            members.insert("notifications".to_owned(), sent.into());
        }
        wire
    }

    /// Keeps a notification to be shown.
    pub fn sends(&self, to: &str, envelope: &Envelope) {
        let mut sent = self.notifications.lock();
        if sent.len() == SENT {
            sent.pop_front();
        }
        sent.push_back(json!({
            "to": to,
            "headers": fields(&envelope.headers),
            "body": text(&envelope.body),
        }));
    }

    /// What happens to a request.
    pub async fn serve(&self, request: &Request) -> Reply {
        let mut answer = self.dialect.serve(request, &self.desk);
        let subject = answer.subject.clone().unwrap_or_else(|| request.path.clone());
        let strikes = |fault| self.faults.strikes(fault, On::Answer, &subject);
        if strikes(Fault::KeyRotation) && self.rotate().await.is_err() {
            tracing::warn!("a new key cannot be made");
        }
        let lost = answer.acts && strikes(Fault::LostAnswer);
        if answer.acts && !lost && strikes(Fault::ErrorAfterCharge) {
            answer = self.dialect.failure(request);
        }
        if answer.file && strikes(Fault::ChangedFile) {
            answer.body = changed(&answer.body);
        }
        if answer.signed {
            let shows = |fault| self.dialect.shows(fault, Some(request));
            let how = self.sealing(On::Answer, &subject, shows);
            self.dialect.seal(request, &mut answer, &how, &self.desk);
        }
        self.remember(request, &answer, lost);
        if lost {
            return Reply::Hangup;
        }
        if strikes(Fault::Slow) {
            sleep(self.options.slow).await;
        }
        let Answer { status, headers, body, .. } = answer;
        if strikes(Fault::ResetMidAnswer) {
            return Reply::Broken { status, headers, body };
        }
        Reply::Answer { status, headers, body }
    }

    /// How something about this subject is signed now. A fault that it would not show is not drawn.
    pub fn sealing(&self, on: On, subject: &str, shows: impl Fn(Fault) -> bool) -> Sealing {
        let strikes = |fault| shows(fault) && self.faults.strikes(fault, on, subject);
        let signature = if strikes(Fault::WrongSignature) {
            Signature::Wrong
        } else if strikes(Fault::ProbeSignature) {
            Signature::Probe
        } else {
            Signature::Right
        };
        let mut now = self.desk.now();
        if strikes(Fault::ClockSkew) {
            // Behind for some, ahead for others.
            let [first, ..] = self.desk.seed().bytes("clock_skew_direction", subject, 0);
            let skew = self.options.skew;
            now = if first % 2 == 0 { now.saturating_sub(skew) } else { now + skew };
        }
        Sealing { signature, now }
    }

    /// The provider shows its next keys.
    pub async fn announce(&self) -> Result<(), MakeError> {
        self.made(Dialect::announce).await
    }

    /// The provider changes its keys.
    pub async fn rotate(&self) -> Result<(), MakeError> {
        self.made(Dialect::rotate).await
    }

    /// The merchant changes its credentials.
    pub async fn renew(&self) -> Result<(), MakeError> {
        self.made(Dialect::renew).await
    }

    /// Making a key takes a moment, so it does not keep other requests waiting.
    async fn made(
        &self,
        change: fn(&(dyn Dialect + 'static), Duration) -> Result<(), MakeError>,
    ) -> Result<(), MakeError> {
        let (dialect, now) = (self.dialect.clone(), self.desk.now());
        let made = tokio::task::spawn_blocking(move || change(&*dialect, now)).await;
        made.unwrap_or_else(|_| Err(rcgen::Error::KeyGenerationUnavailable.into()))
    }

    fn remember(&self, request: &Request, answer: &Answer, lost: bool) {
        *self.wire.lock() = json!({
            "request": {
                "method": request.method.as_str(),
                "target": text(request.target.as_bytes()),
                "headers": fields(&request.headers),
                "body": text(&request.body),
            },
            "answer": {
                "status": answer.status.as_u16(),
                "headers": fields(&answer.headers),
                "body": text(&answer.body),
                "lost": lost,
            },
        });
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.get(..WIRE).unwrap_or(bytes)).into_owned()
}

fn fields(headers: &HeaderMap) -> Vec<Value> {
    let field =
        |(name, value): (&HeaderName, &HeaderValue)| json!([name.as_str(), text(value.as_bytes())]);
    headers.iter().map(field).collect()
}

/// A file of the same length that differs in its first digit, or its first byte.
fn changed(file: &[u8]) -> Bytes {
    let mut file = file.to_vec();
    let digit = file.iter().position(u8::is_ascii_digit).unwrap_or_default();
    if let Some(byte) = file.get_mut(digit) {
        *byte ^= 1;
    }
    file.into()
}

/// Does what is to be done later.
pub(super) async fn run(mut errands: mpsc::Receiver<Errand>, shared: Weak<Shared>) {
    while let Some(errand) = errands.recv().await {
        let Some(strong) = shared.upgrade() else { return };
        match errand {
            Errand::Tell(event) => notifier::tell(&strong, &event),
            Errand::Pay(order, after) => later(&shared, after, move |desk| {
                let _ = desk.pay(&order);
            }),
            Errand::Refund(number, after) => later(&shared, after, move |desk| {
                let _ = desk.complete_refund(&number);
            }),
        }
    }
}

fn later(shared: &Weak<Shared>, after: Duration, act: impl FnOnce(&Desk) + Send + 'static) {
    let shared = shared.clone();
    tokio::spawn(async move {
        sleep(after).await;
        if let Some(shared) = shared.upgrade() {
            act(&shared.desk);
        }
    });
}

/// How much of a message is kept to be shown.
const WIRE: usize = 8 * 1024;
/// How many notifications are kept to be shown.
const SENT: usize = 8;
