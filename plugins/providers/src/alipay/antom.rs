//! Antom and Alipay+: calls signed in `signature`, over the target, the client, the time and the body.
//!
//! `algorithm=RSA256,keyVersion=1,signature=…`; the signature is base64 and then percent-encoded.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use tollgate_api::{
    Answer, Clock, Exchange, Fault, Flow, Hooks, Needs, Plugin, Side, Step, Turn,
    json::{Document, Limits},
};
use tollgate_crypto::{base64_decode, base64_encode};

use super::{
    UnsignedErrors, form,
    keys::AlipayKeys,
    message::{set, whole},
    time,
};
use crate::{
    signing::Signatory,
    verification::{Presented, Refusal, Verifier, field, optional_field},
};

/// The plugin on an upstream that speaks Antom's protocol.
pub(super) struct AntomCalls {
    pub client_id: String,
    pub key_version: u32,
    pub signatory: Signatory,
    pub keys: AlipayKeys,
    /// Without a replay set: a signature is over a time in seconds, so that two equal answers to
    /// two equal questions may carry the same one.
    pub verifier: Verifier,
    pub unsigned: UnsignedErrors,
    pub clock: Arc<dyn Clock>,
}

/// What this attempt asked.
struct Asked {
    method: Method,
    target: String,
}

impl Plugin for AntomCalls {
    fn needs(&self) -> Needs {
        Needs::WHOLE
    }

    fn hooks(&self) -> Hooks {
        Hooks::BOTH
    }

    fn on_request<'a>(&'a self, exchange: &'a mut Exchange) -> Step<'a, Flow> {
        Step::later(async move { self.sign(exchange).await.map(|()| Flow::Continue) })
    }

    fn on_response<'a>(&'a self, exchange: &'a mut Exchange) -> Step<'a, Turn> {
        let asked = exchange.take::<Asked>();
        let answer = exchange.answer.as_mut().filter(|answer| answer.origin.is_provider());
        let (Some(asked), Some(answer)) = (asked, answer) else {
            return Ok(Turn::Pass).into();
        };
        Step::later(async move { self.verify(answer, &asked).await.map(|()| Turn::Pass) })
    }
}

impl AntomCalls {
    async fn sign(&self, exchange: &mut Exchange) -> Result<(), Fault> {
        let request = &mut exchange.request;
        let body = whole(&request.body)?;
        if self.client_id.starts_with("SANDBOX_")
            && let Some(rest) = request.path.strip_prefix("/ams/api")
            && (rest.is_empty() || rest.starts_with('/'))
        {
            request.path = format!("/ams/sandbox/api{rest}");
        }
        let now = self.clock.unix().as_millis().to_string();
        let target = request.target();
        let text = text_to_sign(&request.method, &target, &self.client_id, &now, &body);
        let signature = base64_encode(&self.signatory.sign(text).await?);
        let signature = format!(
            "algorithm=RSA256,keyVersion={},signature={}",
            self.key_version,
            form::encoded(&signature)
        );
        let headers = &mut request.headers;
        set(headers, SIGNATURE, &signature, false)?;
        set(headers, CLIENT_ID, &self.client_id, false)?;
        set(headers, REQUEST_TIME, &now, false)?;
        headers
            .entry(header::CONTENT_TYPE)
            .or_insert(HeaderValue::from_static("application/json; charset=UTF-8"));
        exchange.store(Asked { method: exchange.request.method.clone(), target });
        Ok(())
    }

    async fn verify(&self, answer: &mut Answer, asked: &Asked) -> Result<(), Fault> {
        let body = whole(&answer.body)?;
        let headers = &answer.headers;
        if self.unsigned == UnsignedErrors::Pass
            && !headers.contains_key(SIGNATURE)
            && !headers.contains_key(RESPONSE_TIME)
            && (answer.status.is_client_error() || answer.status.is_server_error() || failed(&body))
        {
            return Ok(());
        }
        let presented = self.presented(headers, &body, asked);
        let refuse = |refusal: Refusal| refusal.fault(Side::Upstream);
        self.verifier.verify(&self.keys, &presented.map_err(refuse)?).await.map_err(refuse)?;
        for name in [SIGNATURE, RESPONSE_TIME, CLIENT_ID] {
            answer.headers.remove(name);
        }
        Ok(())
    }

    fn presented(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        asked: &Asked,
    ) -> Result<Presented, Refusal> {
        let signature = signature(field(headers, SIGNATURE)?)?;
        let when = field(headers, RESPONSE_TIME)?;
        if optional_field(headers, CLIENT_ID)?.is_some_and(|client| client != self.client_id) {
            return Err(Refusal::Invalid);
        }
        Ok(Presented {
            key_id: String::new(),
            time: Some(time::moment(when).ok_or(Refusal::Malformed)?),
            message: text_to_sign(&asked.method, &asked.target, &self.client_id, when, body),
            signatures: vec![signature],
            nonce: None,
        })
    }
}

/// The text that a signature is over. The time is signed as it is written.
pub(super) fn text_to_sign(
    method: &Method,
    target: &str,
    client: &str,
    time: &str,
    body: &[u8],
) -> Vec<u8> {
    let mut text = format!("{method} {target}\n{client}.{time}.").into_bytes();
    text.extend_from_slice(body);
    text
}

/// The signature in its field. The version of the key says nothing here: the key is configured.
pub(super) fn signature(value: &str) -> Result<Vec<u8>, Refusal> {
    let (mut algorithm, mut version, mut signature) = (None, None, None);
    for part in value.split(',') {
        let (name, value) = part.trim().split_once('=').ok_or(Refusal::Malformed)?;
        let place = match name {
            "algorithm" => &mut algorithm,
            "keyVersion" => &mut version,
            "signature" => &mut signature,
            _ => return Err(Refusal::Malformed),
        };
        if place.replace(value).is_some() {
            return Err(Refusal::Malformed);
        }
    }
    match algorithm {
        Some("RSA256") => {}
        Some(_) => return Err(Refusal::Algorithm),
        None => return Err(Refusal::Missing),
    }
    let digits = |version: &str| !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit());
    if !version.is_none_or(digits) {
        return Err(Refusal::Malformed);
    }
    let signature = signature.filter(|text| !text.is_empty()).ok_or(Refusal::Missing)?;
    // A plus sign is itself: base64 has no spaces that it could stand for.
    let signature =
        form::decoded(&signature.replace('+', "%2B")).map_err(|_| Refusal::Malformed)?;
    base64_decode(&signature).map_err(|_| Refusal::Malformed)
}

/// Whether a result says that the call failed.
fn failed(body: &Bytes) -> bool {
    let Ok(document) = Document::parse(body, Limits::default()) else { return false };
    let result = document.root().get("result");
    let status = result.and_then(|result| result.get("resultStatus")?.as_str());
    status.as_deref() == Some("F")
}

pub(super) const SIGNATURE: &str = "signature";
pub(super) const CLIENT_ID: &str = "client-id";
pub(super) const REQUEST_TIME: &str = "request-time";
const RESPONSE_TIME: &str = "response-time";
