//! v3: calls signed in `Authorization`, answers signed in `alipay-signature`.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use tollgate_api::{
    Answer, Clock, Entropy, Exchange, Fault, Flow, Hooks, Needs, Plugin, Side, Step, Turn, codes,
};
use tollgate_crypto::{Secret, base64_decode, base64_encode};

use super::{
    CallerTokens, UnsignedErrors,
    content::ContentKey,
    keys::AlipayKeys,
    message::{held, media_type, set, uuid, whole},
    time,
};
use crate::{
    signing::Signatory,
    verification::{Presented, Refusal, Verified, Verifier, field, optional_field},
};

/// The plugin on an upstream that speaks v3.
pub(super) struct V3Calls {
    pub identity: V3Identity,
    pub signatory: Signatory,
    pub content: Option<ContentKey>,
    pub keys: AlipayKeys,
    pub verifier: Verifier,
    pub unsigned: UnsignedErrors,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
}

/// Who calls.
pub(super) struct V3Identity {
    pub app_id: String,
    /// The numbers of the application's and the root certificate.
    pub certificates: Option<(String, String)>,
    pub app_auth_token: Option<Secret>,
    pub caller_tokens: CallerTokens,
}

/// Whether this attempt's call was encrypted.
struct Encrypted(bool);

impl Plugin for V3Calls {
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
        let encrypted = exchange.take().is_some_and(|Encrypted(encrypted)| encrypted);
        match exchange.answer.as_mut().filter(|answer| answer.origin.is_provider()) {
            None => Ok(Turn::Pass).into(),
            Some(answer) => {
                Step::later(
                    async move { self.verify(answer, encrypted).await.map(|()| Turn::Pass) },
                )
            }
        }
    }
}

impl V3Calls {
    async fn sign(&self, exchange: &mut Exchange) -> Result<(), Fault> {
        let request = &mut exchange.request;
        let body = whole(&request.body)?;
        for name in OURS {
            request.headers.remove(name);
        }
        let token = self.app_auth_token(&request.headers)?;
        let content = self.content.as_ref().filter(|_| !body.is_empty());
        let multipart = media_type(&request.headers).is_some_and(|kind| kind == MULTIPART);
        let (body, signed) = match (content, multipart) {
            (None, false) => (body.clone(), body),
            (Some(key), false) => {
                set(&mut request.headers, "content-type", "text/plain", false)?;
                set(&mut request.headers, "alipay-encrypt-type", "AES", false)?;
                set(&mut request.headers, "alipay-encryption-algm", "AES", false)?;
                let body = Bytes::from(key.encrypt(&body));
                (body.clone(), body)
            }
            (None, true) => {
                let data = super::multipart::data(&request.headers, &body)
                    .map_err(|problem| Fault::new(&codes::FIELD_INVALID).caused_by(problem))?;
                (body, data)
            }
            (Some(_), true) => {
                return Err(Fault::new(&codes::UNSUPPORTED_MEDIA_TYPE)
                    .caused_by("a form with files cannot be encrypted"));
            }
        };
        request.body = held(body);
        let nonce = uuid(&*self.entropy);
        let authorization = self.identity.authorization(&nonce, self.clock.unix());
        let text = text_to_sign(
            &authorization,
            &request.method,
            &request.target(),
            &signed,
            token.as_deref(),
        );
        let signature = base64_encode(&self.signatory.sign(text).await?);
        let headers = &mut request.headers;
        set(headers, "authorization", &format!("{SCHEME} {authorization},sign={signature}"), true)?;
        set(headers, "alipay-request-id", &nonce.replace('-', ""), false)?;
        if let Some((_, root)) = &self.identity.certificates {
            set(headers, "alipay-root-cert-sn", root, false)?;
        }
        if let Some(token) = &token {
            set(headers, APP_AUTH_TOKEN, token, true)?;
        }
        exchange.store(Encrypted(content.is_some()));
        Ok(())
    }

    /// The token of the settings, else the caller's if it may give one.
    fn app_auth_token(&self, headers: &HeaderMap) -> Result<Option<String>, Fault> {
        if let Some(token) = &self.identity.app_auth_token {
            return Ok(token.expose_str().map(str::to_owned));
        }
        match (optional_field(headers, APP_AUTH_TOKEN), self.identity.caller_tokens) {
            (Err(_), _) => Err(Fault::new(&codes::AMBIGUOUS_REQUEST)),
            (Ok(Some(_)), CallerTokens::Refuse) => Err(Fault::new(&codes::ACCOUNT_DENIED)),
            (Ok(token), _) => Ok(token.map(str::to_owned)),
        }
    }

    async fn verify(&self, answer: &mut Answer, encrypted: bool) -> Result<(), Fault> {
        let body = whole(&answer.body)?;
        let error = answer.status.is_client_error() || answer.status.is_server_error();
        if error && self.unsigned == UnsignedErrors::Pass && is_unsigned(&answer.headers) {
            return Ok(());
        }
        let refuse = |refusal: Refusal| refusal.fault(Side::Upstream);
        let presented = self.presented(&answer.headers, &body).map_err(refuse)?;
        let proof = self.verifier.verify(&self.keys, &presented).await.map_err(refuse)?;
        if let Some(plain) = self.plain(&proof, &body, encrypted)? {
            answer.body = held(plain);
            let json = HeaderValue::from_static("application/json");
            answer.headers.insert(header::CONTENT_TYPE, json);
        }
        for name in THEIRS {
            answer.headers.remove(name);
        }
        Ok(())
    }

    fn presented(&self, headers: &HeaderMap, body: &[u8]) -> Result<Presented, Refusal> {
        let signature = field(headers, SIGNATURE)?;
        let (timestamp, nonce) = (field(headers, TIMESTAMP)?, field(headers, NONCE)?);
        Ok(Presented {
            key_id: self.keys.named(optional_field(headers, NUMBER))?,
            time: Some(time::milliseconds(timestamp).ok_or(Refusal::Malformed)?),
            message: answer_text(timestamp, nonce, body),
            signatures: vec![base64_decode(signature).map_err(|_| Refusal::Malformed)?],
            nonce: Some(nonce.as_bytes().to_vec()),
        })
    }

    /// The content of an encrypted answer. What was signed without being encrypted is JSON; anything
    /// else must decrypt.
    fn plain(
        &self,
        proof: &Verified,
        body: &[u8],
        encrypted: bool,
    ) -> Result<Option<Vec<u8>>, Fault> {
        let Some(key) = self.content.as_ref().filter(|_| encrypted) else { return Ok(None) };
        if matches!(body.trim_ascii_start().first(), None | Some(b'{' | b'[')) {
            return Ok(None);
        }
        let text = std::str::from_utf8(body).ok();
        text.and_then(|text| key.decrypt(proof, text))
            .map(Some)
            .ok_or_else(|| Fault::new(&codes::UPSTREAM_DECRYPTION_FAILED))
    }
}

impl V3Identity {
    /// What `Authorization` says besides the signature, and what the signed text begins with.
    pub fn authorization(&self, nonce: &str, now: Duration) -> String {
        let number = match &self.certificates {
            Some((app, _)) => format!(",app_cert_sn={app}"),
            None => String::new(),
        };
        format!("app_id={}{number},nonce={nonce},timestamp={}", self.app_id, now.as_millis())
    }
}

/// The text that a call's signature is over.
pub(super) fn text_to_sign(
    authorization: &str,
    method: &Method,
    target: &str,
    body: &[u8],
    app_auth_token: Option<&str>,
) -> Vec<u8> {
    let mut text = format!("{authorization}\n{method}\n{target}\n").into_bytes();
    text.extend_from_slice(body);
    text.push(b'\n');
    if let Some(token) = app_auth_token {
        text.extend_from_slice(token.as_bytes());
        text.push(b'\n');
    }
    text
}

/// The text that an answer's signature is over.
pub(super) fn answer_text(timestamp: &str, nonce: &str, body: &[u8]) -> Vec<u8> {
    let mut text = format!("{timestamp}\n{nonce}\n").into_bytes();
    text.extend_from_slice(body);
    text.push(b'\n');
    text
}

/// Whether there is no signature at all. A part of one is not "no signature".
fn is_unsigned(headers: &HeaderMap) -> bool {
    [SIGNATURE, TIMESTAMP, NONCE].iter().all(|name| !headers.contains_key(*name))
}

const SCHEME: &str = "ALIPAY-SHA256withRSA";
const MULTIPART: &str = "multipart/form-data";
const APP_AUTH_TOKEN: &str = "alipay-app-auth-token";
const SIGNATURE: &str = "alipay-signature";
const TIMESTAMP: &str = "alipay-timestamp";
const NONCE: &str = "alipay-nonce";
const NUMBER: &str = "alipay-sn";
/// What only the gateway says in a call.
const OURS: [&str; 5] = [
    "authorization",
    "alipay-request-id",
    "alipay-root-cert-sn",
    "alipay-encrypt-type",
    "alipay-encryption-algm",
];
/// What an answer carries for the gateway alone.
const THEIRS: [&str; 6] =
    [SIGNATURE, TIMESTAMP, NONCE, NUMBER, "alipay-encrypt-type", "alipay-encryption-algm"];
