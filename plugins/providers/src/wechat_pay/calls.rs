//! On an upstream: calls are signed, answers verified.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tollgate_api::{
    Answer, AnswerHead, Body, BodyNeed, Exchange, Fault, Flow, Hooks, Needs, Observer, Offload,
    Plugin, Request, Side, Step, Turn, Which, codes,
};

use super::{
    UnsignedAnswers, UnsignedErrors,
    expected::Expected,
    fields::{Fields, Problem},
    files::{Announced, FileCheck, Files},
    merchant::{Merchant, MerchantKey},
    multipart,
    platform::{PlatformKey, PlatformKeys},
    presented::{self, SERIAL, SIGNATURE, presented},
};
use crate::verification::{Refusal, Verifier, Window, field};

/// `wechat_pay` on an upstream.
pub(super) struct Calls {
    pub merchant: Arc<Merchant>,
    pub key: MerchantKey,
    pub keys: Arc<PlatformKeys>,
    pub verifier: Verifier,
    pub encrypt: Arc<Fields>,
    pub decrypt: Arc<Fields>,
    pub files: Arc<Files>,
    pub unsigned_answers: Vec<UnsignedAnswers>,
    pub unsigned_errors: UnsignedErrors,
    pub offload: Arc<Offload>,
}

impl Plugin for Calls {
    fn needs(&self) -> Needs {
        Needs::WHOLE
    }

    fn hooks(&self) -> Hooks {
        Hooks::BOTH
    }

    fn needs_answer(&self, exchange: &Exchange, head: &AnswerHead<'_>) -> BodyNeed {
        match self.expected(&exchange.request, head.status) {
            Expected::Signature => BodyNeed::Whole,
            Expected::Digest | Expected::Nothing => BodyNeed::Observe,
        }
    }

    fn on_request<'a>(&'a self, exchange: &'a mut Exchange) -> Step<'a, Flow> {
        Step::later(async move {
            self.prepare(exchange).await?;
            Ok(Flow::Continue)
        })
    }

    fn on_response<'a>(&'a self, exchange: &'a mut Exchange) -> Step<'a, Turn> {
        let provided = exchange.answer.as_ref().filter(|answer| answer.origin.is_provider());
        let Some(status) = provided.map(|answer| answer.status) else {
            return Ok(Turn::Pass).into();
        };
        match self.expected(&exchange.request, status) {
            Expected::Signature => Step::later(self.verify(exchange)),
            Expected::Digest => verify_file(exchange).map(|()| Turn::Pass).into(),
            Expected::Nothing => Ok(Turn::Pass).into(),
        }
    }

    fn observer(&self, exchange: &Exchange, body: Which) -> Option<Box<dyn Observer>> {
        let status = exchange.answer.as_ref()?.status;
        let is_file = self.expected(&exchange.request, status) == Expected::Digest;
        (body == Which::Answer && is_file)
            .then(|| Box::new(FileCheck::new(exchange.slot::<Announced>())) as Box<dyn Observer>)
    }
}

impl Calls {
    fn expected(&self, request: &Request, status: StatusCode) -> Expected {
        Expected::of(request, &self.unsigned_answers).of_status(status)
    }

    /// Encrypts and signs; what is signed is what will be sent.
    async fn prepare(&self, exchange: &mut Exchange) -> Result<(), Fault> {
        if Expected::of(&exchange.request, &self.unsigned_answers) == Expected::Digest {
            let announced = self.files.find(&exchange.request.target());
            exchange.store(announced.ok_or_else(|| Fault::new(&codes::CHECKSUM_UNKNOWN))?);
        }
        let request = &mut exchange.request;
        // A part of a file or of a signed answer cannot be verified.
        request.headers.remove(header::RANGE);
        request.headers.remove(header::IF_RANGE);
        let body = request.body.whole().ok_or_else(streamed)?;
        let is_upload = multipart::is_upload(&request.headers);
        // Nothing was sent yet.
        let unavailable = |it| Fault::new(&codes::PROVIDER_KEYS_UNAVAILABLE).caused_by(it);
        let preferred = self.keys.preferred().await.map_err(unavailable)?;
        let mut serial =
            self.wanted_serial(&request.headers).unwrap_or_else(|| preferred.id.clone());
        let mut body = body;
        if !is_upload
            && !body.is_empty()
            && !self.encrypt.is_empty()
            && let Some(encrypted) = self.encrypted(body.clone(), &preferred).await?
        {
            serial.clone_from(&preferred.id);
            request.body = Body::Held(encrypted.clone());
            body = encrypted;
        }
        let signed = if is_upload {
            multipart::meta(&request.headers, &body)
                .map_err(|error| Fault::new(&codes::FIELD_INVALID).caused_by(error))?
        } else {
            body
        };
        let target = request.target();
        let authorization = self.merchant.authorization(&request.method, &target, &signed).await?;
        let headers = &mut request.headers;
        presented::remove(headers);
        headers.insert(header::AUTHORIZATION, authorization);
        let serial = HeaderValue::try_from(serial)
            .map_err(|error| Fault::new(&codes::INTERNAL).caused_by(error))?;
        headers.insert(SERIAL, serial);
        let json = HeaderValue::from_static("application/json");
        headers.entry(header::ACCEPT).or_insert_with(|| json.clone());
        headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static(USER_AGENT));
        if !signed.is_empty() {
            headers.entry(header::CONTENT_TYPE).or_insert(json);
        }
        Ok(())
    }

    /// The key that the caller asks WeChat Pay to sign with, or has encrypted to by itself.
    fn wanted_serial(&self, headers: &HeaderMap) -> Option<String> {
        let wanted = field(headers, SERIAL).ok()?;
        self.keys.lookup(wanted).map(|key| key.id.clone())
    }

    async fn encrypted(&self, body: Bytes, key: &Arc<PlatformKey>) -> Result<Option<Bytes>, Fault> {
        let (fields, key) = (self.encrypt.clone(), key.clone());
        let done = self.offload.run(move || fields.encrypt(&body, &key)).await?;
        done.map_err(|problem| {
            let code = match problem {
                Problem::Json => &codes::INVALID_JSON,
                Problem::Field | Problem::Decryption => &codes::FIELD_INVALID,
            };
            Fault::new(code).caused_by(problem)
        })
    }

    /// Verifies an answer, and only then reads it.
    async fn verify<'a>(&'a self, exchange: &'a mut Exchange) -> Result<Turn, Fault> {
        let Some(answer) = exchange.answer.as_mut() else { return Ok(Turn::Pass) };
        let body = answer.body.whole().ok_or_else(streamed)?;
        if let Err(refusal) = self.check(&answer.headers, &body).await {
            if refusal == Refusal::Missing && self.may_tell_status(answer) {
                *answer = unsigned(answer.status);
                return Ok(Turn::Pass);
            }
            return Err(refusal.fault(Side::Upstream));
        }
        if answer.status.is_success() {
            self.files.announce(&body, exchange.request.query.as_deref());
        }
        presented::remove(&mut answer.headers);
        if !body.is_empty()
            && !self.decrypt.is_empty()
            && let Some(decrypted) = self.decrypted(body).await?
        {
            answer.body = Body::Held(decrypted);
        }
        Ok(Turn::Pass)
    }

    async fn check(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), Refusal> {
        let presented = presented(self.merchant.variant, headers, body)?;
        self.verifier.verify(&*self.keys, &presented).await.map(drop)
    }

    async fn decrypted(&self, body: Bytes) -> Result<Option<Bytes>, Fault> {
        let (fields, key) = (self.decrypt.clone(), self.key.clone());
        let done = self.offload.run(move || fields.decrypt(&body, &key)).await?;
        done.map_err(|problem| {
            let code = match problem {
                Problem::Decryption => &codes::UPSTREAM_DECRYPTION_FAILED,
                Problem::Json | Problem::Field => &codes::UPSTREAM_INVALID_ANSWER,
            };
            Fault::new(code).caused_by(problem)
        })
    }

    /// Whether an answer without any signature may tell its status. What it says about a payment is
    /// not among what may be believed.
    fn may_tell_status(&self, answer: &Answer) -> bool {
        let says_nothing = answer.status.is_server_error()
            || matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS);
        self.unsigned_errors == UnsignedErrors::Status
            && says_nothing
            && !answer.headers.contains_key(SIGNATURE)
    }
}

fn verify_file(exchange: &mut Exchange) -> Result<(), Fault> {
    let held = exchange.answer.as_ref().and_then(|answer| answer.body.whole());
    // What streams is checked by the observer.
    let Some(file) = held else { return Ok(()) };
    FileCheck::whole(exchange.slot::<Announced>(), &file)
}

/// In the place of an answer that is not signed: its status, and none of its bytes.
fn unsigned(status: StatusCode) -> Answer {
    let body = Bytes::from_static(
        br#"{"code":"UNSIGNED_ERROR","message":"WeChat Pay answered with this status and no signature"}"#,
    );
    Answer::new(status, "application/json", body)
}

fn streamed() -> Fault {
    Fault::new(&codes::INTERNAL).caused_by("a body was streamed past a plugin that reads it")
}

/// What calls say about who makes them; WeChat Pay refuses calls that say nothing.
pub(super) const USER_AGENT: &str = concat!("tollgate/", env!("CARGO_PKG_VERSION"));
/// WeChat Pay's own limit: a message that is 300 seconds away is refused.
pub(super) const WINDOW: Window = Window::within(Duration::from_mins(5));
