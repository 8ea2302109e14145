//! `Stripe-Signature`: `t=<seconds>,v1=<hex>[,v1=<hex>…][,<other scheme>=…]`.
//!
//! The code is HMAC-SHA-256 under the whole secret, `whsec_` included, over the digits of `t`, a
//! point and the body as received. While a secret is rotated Stripe signs with each that is valid.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use tollgate_api::Step;
use tollgate_crypto::{HmacSha256Key, eq_constant_time, from_hex, sha256};

use crate::verification::{KeyFor, Keys, Presented, Refusal, VerifyingKey, field, seconds};

/// Takes the signature of a webhook apart.
pub(super) fn presented(headers: &HeaderMap, body: &Bytes) -> Result<Presented, Refusal> {
    let Parts { time, codes } = parts(field(headers, FIELD)?)?;
    let message = signed_message(time, body);
    Ok(Presented {
        // The secrets have no names: any of them may fit.
        key_id: String::new(),
        time: Some(seconds(time)?),
        // Of the message and not of the header, of which others could write more than one.
        nonce: Some(sha256(&message).to_vec()),
        message,
        signatures: codes,
    })
}

/// The bytes that are signed.
pub(super) fn signed_message(time: &str, body: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(time.len() + 1 + body.len());
    message.extend_from_slice(time.as_bytes());
    message.push(b'.');
    message.extend_from_slice(body);
    message
}

/// What a header says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    /// Digits, as they were signed.
    pub time: &'a str,
    /// Every `v1`, decoded.
    pub codes: Vec<Vec<u8>>,
}

/// Reads the header strictly: one `t`, at least one `v1`, other schemes left out.
pub(super) fn parts(header: &str) -> Result<Parts<'_>, Refusal> {
    let mut time = None;
    let mut codes = Vec::new();
    for part in header.split(',') {
        let (name, value) = part.split_once('=').ok_or(Refusal::Malformed)?;
        match name {
            "t" if time.is_some() => return Err(Refusal::Malformed),
            "t" => time = Some(value),
            "v1" => codes.push(code(value)?),
            _ if is_scheme(name) => {}
            _ => return Err(Refusal::Malformed),
        }
    }
    let time = time.ok_or(Refusal::Missing)?;
    seconds(time)?;
    if codes.is_empty() {
        return Err(Refusal::Missing);
    }
    Ok(Parts { time, codes })
}

/// Exactly 32 bytes in lower-case hexadecimal: nothing else is a code.
fn code(text: &str) -> Result<Vec<u8>, Refusal> {
    let is_code = text.len() == 64
        && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if !is_code {
        return Err(Refusal::Malformed);
    }
    from_hex(text).map_err(|_| Refusal::Malformed)
}

fn is_scheme(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The secrets of an endpoint, of which any may have signed.
pub(super) struct Secrets(pub Arc<[HmacSha256Key]>);

impl Secrets {
    /// What one message is verified with.
    pub fn codes(&self) -> Codes {
        Codes { secrets: self.0.clone(), expected: OnceLock::new() }
    }
}

impl Keys for Secrets {
    fn find<'a>(&'a self, _: &'a str) -> KeyFor<'a> {
        Step::Now(Ok(Arc::new(self.codes())))
    }
}

/// The codes that one message may have. They are made once, whatever number of signatures a caller
/// presents: a long header must not cost as many passes over a long body.
pub(super) struct Codes {
    secrets: Arc<[HmacSha256Key]>,
    expected: OnceLock<Vec<[u8; 32]>>,
}

impl VerifyingKey for Codes {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let expected = self
            .expected
            .get_or_init(|| self.secrets.iter().map(|secret| secret.sign(&[message])).collect());
        // All are compared, so that which secret fits cannot be told from the time it takes.
        expected.iter().fold(false, |fits, code| eq_constant_time(code, signature) | fits)
    }
}

pub(super) const FIELD: HeaderName = HeaderName::from_static("stripe-signature");
