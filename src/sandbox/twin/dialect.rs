//! What differs from provider to provider.

use std::{any::Any, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;

use super::{Desk, Fault, File, Payment, Refund, Settlement};
use crate::sandbox::{MakeError, Request};

/// A provider's own language: how it is asked, how it proves who it is, what it says when.
pub trait Dialect: Send + Sync + 'static {
    /// What the provider is called on the command line and in configurations.
    fn name(&self) -> &'static str;

    /// How many seconds the provider's days are ahead of UTC.
    fn offset(&self) -> i64;

    /// Names of the provider's hosts, for which the twin's certificate is good too.
    fn hosts(&self) -> &'static [&'static str] {
        &[]
    }

    /// Says where the twin is served, for answers that name an address: `https://127.0.0.1:9443`.
    fn served_at(&self, _url: &str) {}

    /// Checks a request as the provider does, does in the book what it asks for, and answers. Nothing
    /// of the answer is signed yet.
    ///
    /// What is refused is also told to the desk ([`Desk::refuse`]), in words for a developer.
    fn serve(&self, request: &Request, desk: &Desk) -> Answer;

    /// The provider's own error, 5xx, after something was done: the fault `error_after_charge`.
    fn failure(&self, request: &Request) -> Answer;

    /// Whether an answer to this request shows this fault of signature or clock: one that carries no
    /// signature, or no time, does not, and a fault that is planned waits for what does. Without a
    /// request: whether any answer does.
    fn shows(&self, _fault: Fault, _request: Option<&Request>) -> bool {
        true
    }

    /// Signs an answer, whatever its status. Called for every answer that wants to be signed, and the
    /// last that happens to it.
    fn seal(&self, request: &Request, answer: &mut Answer, how: &Sealing, desk: &Desk);

    /// What is told to the merchant about an event: one letter, several or none.
    fn letters(&self, event: &Event, desk: &Desk) -> Vec<Letter>;

    /// A letter as it is sent, signed at this moment. Called for every attempt.
    fn seal_letter(&self, letter: &Letter, how: &Sealing, desk: &Desk) -> Envelope;

    /// Whether this answer to a letter means that it needs not be sent again.
    fn acknowledged(&self, status: StatusCode, body: &[u8]) -> bool;

    /// How long the provider waits after each attempt that was not acknowledged.
    fn ladder(&self) -> &'static [Duration];

    /// Shows the merchant the keys that the next rotation begins to sign with, where the provider does
    /// that and they are not found otherwise.
    fn announce(&self, _now: Duration) -> Result<(), MakeError> {
        Ok(())
    }

    /// Makes new keys and signs with them from now on. The ones before stay good. This may take a
    /// moment; `now` is the time since the Unix epoch.
    fn rotate(&self, now: Duration) -> Result<(), MakeError>;

    /// Ends all keys but the newest.
    fn retire(&self);

    /// The keys that are good, by their public names.
    fn keys(&self) -> Value;

    /// Gives the merchant new credentials for its requests, which then lie among [`Dialect::files`].
    /// The ones before stay good. This may take a moment.
    fn renew(&self, now: Duration) -> Result<(), MakeError>;

    /// Ends all of the merchant's credentials but the newest.
    fn revoke(&self);

    /// The merchant's credentials by their public names, and in how many requests each was seen.
    fn credentials(&self) -> Value;

    /// The file of a settled day.
    fn statement(&self, settlement: &Settlement) -> Bytes;

    /// What the merchant and the provider have in files.
    fn files(&self) -> Vec<File>;

    /// What an integrator needs to know besides files, with its names.
    fn facts(&self) -> Vec<(&'static str, String)>;

    /// How the gateway's configuration names this provider: an entry of `upstreams`, in YAML.
    fn upstream(&self, at: &Place<'_>) -> String;
}

/// An answer before it is signed.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// The order it is about, or whatever else decides its fate: see [`Seed`](super::Seed).
    pub subject: Option<String>,
    /// Whether money moved or was to move: such answers can be lost, and fail afterwards.
    pub acts: bool,
    /// Whether it carries the provider's signature.
    pub signed: bool,
    /// What ends when the answer is on its way.
    pub until_sent: Option<Arc<dyn Any + Send + Sync>>,
    /// Whether it is a file whose digest was announced before.
    pub file: bool,
}

/// How something is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealing {
    /// Rightly or wrongly.
    pub signature: Signature,
    /// The provider's time, since the Unix epoch.
    pub now: Duration,
}

/// What a signature is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signature {
    /// As it should be.
    Right,
    /// Of something else.
    Wrong,
    /// Wrong on purpose and recognisably so, where the provider does that; else wrong.
    Probe,
}

/// Something that merchants are told.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// An order was paid.
    Paid(Payment),
    /// The money of a refund arrived.
    Refunded(Refund, Box<Payment>),
    /// An order was closed.
    Closed(Payment),
    /// An attempt to pay failed; the order is still open.
    Failed(Payment),
}

/// What is told, before it is signed.
#[derive(Debug, Clone)]
pub struct Letter {
    /// The provider's number for it: the same in every attempt.
    pub id: String,
    /// What kind it is, in the provider's words.
    pub kind: String,
    /// The order it is about.
    pub subject: String,
    /// Where the merchant wants it.
    pub to: Option<String>,
    /// What names the key that it is signed with, where that is decided by the order.
    pub key: Option<String>,
    /// The body.
    pub body: Bytes,
}

/// A letter as it is sent.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// Where a twin is served and where its files are, for a configuration.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// `127.0.0.1:9443`.
    pub address: &'a str,
    /// The folder with the files.
    pub folder: &'a str,
    /// Whether it is served over TLS, with the authority in `ca.pem` of the folder.
    pub tls: bool,
}

impl Place<'_> {
    /// `https://127.0.0.1:9443`.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.address)
    }

    /// The path of a file of the folder, for YAML.
    pub fn file(&self, name: &str) -> String {
        let path = format!("{}/{name}", self.folder);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
        if path.bytes().all(plain) { path } else { Value::from(path).to_string() }
    }

    /// The path of the authority to be trusted, for YAML, if the twin speaks TLS.
    pub fn trust(&self) -> Option<String> {
        self.tls.then(|| self.file("ca.pem"))
    }
}

impl Answer {
    /// A JSON document.
    pub fn json(status: StatusCode, body: &Value) -> Self {
        Self::of(status, "application/json", body.to_string())
    }

    /// A body of this media type.
    pub fn of(status: StatusCode, media: &'static str, body: impl Into<Bytes>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
        Self { headers, body: body.into(), ..Self::empty(status) }
    }

    /// No body.
    pub fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            subject: None,
            acts: false,
            signed: true,
            until_sent: None,
            file: false,
        }
    }

    /// It is about this order.
    #[must_use]
    pub fn about(self, subject: &str) -> Self {
        Self { subject: Some(subject.to_owned()), ..self }
    }

    /// Money moved or was to move.
    #[must_use]
    pub fn acting(self) -> Self {
        Self { acts: true, ..self }
    }

    /// It carries no signature.
    #[must_use]
    pub fn unsigned(self) -> Self {
        Self { signed: false, ..self }
    }

    /// It is a file whose digest was announced, which is what proves it.
    #[must_use]
    pub fn announced(self) -> Self {
        Self { signed: false, file: true, ..self }
    }

    /// Sets a header field; a value that cannot be one is left out.
    pub fn put(&mut self, name: &'static str, value: &str) {
        put(&mut self.headers, name, value);
    }
}

impl Event {
    /// The payment it is about.
    pub fn payment(&self) -> &Payment {
        match self {
            Self::Paid(payment) | Self::Closed(payment) | Self::Failed(payment) => payment,
            Self::Refunded(_, payment) => payment,
        }
    }
}

/// Sets a header field; a value that cannot be one is left out.
pub fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}
