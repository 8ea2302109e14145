//! Answers of v2: an object named after the method, and a signature over exactly its bytes.
//!
//! `{"alipay_trade_query_response":{…},"sign":"…","alipay_cert_sn":"…"}`. The signed bytes are those
//! of the member's value as it stands in the body; of an encrypted answer that value is a text, and
//! its quotes are signed with it, as Alipay's Java SDK does (`AlipaySignature.extractSignContent`).

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, header};
use tollgate_api::{
    Answer, Fault, Side, codes,
    json::{Document, Kind, Limits, ValueRef},
};
use tollgate_crypto::base64_decode;

use super::{
    UnsignedErrors,
    content::ContentKey,
    keys::AlipayKeys,
    message::{held, whole},
};
use crate::verification::{Presented, Refusal, Verified, Verifier};

/// Checks answers of v2.
pub(super) struct V2Answers {
    pub keys: AlipayKeys,
    /// Without a window and a replay set: v2 signs neither a time nor a nonce.
    pub verifier: Verifier,
    pub content: Option<Arc<ContentKey>>,
    pub unsigned: UnsignedErrors,
}

/// The parts of an answer.
pub(super) struct Parts<'a> {
    pub content: ValueRef<'a>,
    pub signature: Option<String>,
    certificate: Option<String>,
}

impl V2Answers {
    /// Puts the signed content in the place of the answer's body, or refuses it.
    pub async fn verify(&self, answer: &mut Answer, method: &str) -> Result<(), Fault> {
        let body = whole(&answer.body)?;
        let invalid = || Fault::new(&codes::UPSTREAM_INVALID_ANSWER);
        let document = Document::parse(&body, Limits::default())
            .map_err(|error| invalid().caused_by(error))?;
        let parts = Parts::of(&document, method).ok_or_else(invalid)?;
        let content = match (&parts.signature, self.unsigned) {
            (None, UnsignedErrors::Pass) if is_error(parts.content) => parts.content.raw_bytes(),
            _ => {
                let (proof, signed) =
                    self.signed(&parts).await.map_err(|refusal| refusal.fault(Side::Upstream))?;
                self.plain(&proof, signed)?
            }
        };
        answer.body = held(content);
        let json = HeaderValue::from_static("application/json;charset=utf-8");
        answer.headers.insert(header::CONTENT_TYPE, json);
        Ok(())
    }

    /// The bytes that the signature fits.
    async fn signed(&self, parts: &Parts<'_>) -> Result<(Verified, Bytes), Refusal> {
        let signature = parts.signature.as_deref().ok_or(Refusal::Missing)?;
        let signature = base64_decode(signature).map_err(|_| Refusal::Malformed)?;
        let mut presented = Presented {
            key_id: self.keys.named(Ok(parts.certificate.as_deref()))?,
            time: None,
            message: parts.content.raw().as_bytes().to_vec(),
            signatures: vec![signature],
            nonce: None,
        };
        match self.verifier.verify(&self.keys, &presented).await {
            // Some methods escape slashes after signing, which Alipay's SDKs allow for. What passes
            // on is then the text that was signed, not the one that was received.
            Err(Refusal::Invalid) if parts.content.raw().contains("\\/") => {
                presented.message = parts.content.raw().replace("\\/", "/").into_bytes();
                let proof = self.verifier.verify(&self.keys, &presented).await?;
                Ok((proof, presented.message.into()))
            }
            verified => Ok((verified?, parts.content.raw_bytes())),
        }
    }

    /// The content itself: what was signed, or what was encrypted in it.
    fn plain(&self, proof: &Verified, signed: Bytes) -> Result<Bytes, Fault> {
        let document = Document::parse(&signed, Limits::default())
            .map_err(|error| Fault::new(&codes::UPSTREAM_INVALID_ANSWER).caused_by(error))?;
        let Some(text) = document.root().as_str() else { return Ok(signed) };
        let plain = self.content.as_ref().and_then(|key| key.decrypt(proof, &text));
        plain.map(Bytes::from).ok_or_else(|| Fault::new(&codes::UPSTREAM_DECRYPTION_FAILED))
    }
}

impl<'a> Parts<'a> {
    /// `None` unless there is exactly one content, and every part has the right type. No member can
    /// be there twice: the parser refuses that.
    pub fn of(document: &'a Document, method: &str) -> Option<Self> {
        let root = document.root();
        let text = |name: &str| match root.get(name) {
            None => Some(None),
            Some(value) if value.is_null() => Some(None),
            Some(value) => value.as_str().map(|text| Some(text.into_owned())),
        };
        let named = root.get(&format!("{}_response", method.replace('.', "_")));
        let ((Some(content), None) | (None, Some(content))) = (named, root.get("error_response"))
        else {
            return None;
        };
        if !matches!(content.kind(), Kind::Object | Kind::String) {
            return None;
        }
        let signature = text("sign")?.filter(|sign| !sign.is_empty());
        Some(Self { content, signature, certificate: text("alipay_cert_sn")? })
    }
}

/// Whether an object says that the call failed: with a code of an error and the reason.
fn is_error(content: ValueRef<'_>) -> bool {
    let text = |name| content.get(name).and_then(|value| value.as_str()).unwrap_or_default();
    matches!(text("code").as_bytes(), [b'2' | b'4', _, _, _, _]) && !text("sub_code").is_empty()
}
