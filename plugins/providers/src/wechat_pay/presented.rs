//! Taking the signature of an answer or notification apart. Nothing of it is believed yet.

use http::{HeaderMap, HeaderName};
use tollgate_crypto::base64_decode;

use super::{Variant, canonical, variant::DEFAULT_SIGNATURE_TYPE};
use crate::verification::{Presented, Refusal, field, optional_field, seconds};

/// The time at which the message was signed.
pub(super) const TIMESTAMP: HeaderName = HeaderName::from_static("wechatpay-timestamp");
/// What makes the signature unique.
pub(super) const NONCE: HeaderName = HeaderName::from_static("wechatpay-nonce");
/// The signature.
pub(super) const SIGNATURE: HeaderName = HeaderName::from_static("wechatpay-signature");
/// The key that signed, or that fields are encrypted to.
pub(super) const SERIAL: HeaderName = HeaderName::from_static("wechatpay-serial");
/// The algorithm; absent for RSA.
pub(super) const SIGNATURE_TYPE: HeaderName = HeaderName::from_static("wechatpay-signature-type");

/// The parts of the signature over this body. `Wechatpay-Signature-Type` must be the variant's own.
///
/// A probe (`WECHATPAY/SIGNTEST/…`) is nothing special here: it does not fit, like any other forgery.
pub(super) fn presented(
    variant: Variant,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Presented, Refusal> {
    let timestamp = field(headers, TIMESTAMP)?;
    let nonce = field(headers, NONCE)?;
    let serial = field(headers, SERIAL)?;
    let signature = field(headers, SIGNATURE)?;
    let kind = optional_field(headers, SIGNATURE_TYPE)?.unwrap_or(DEFAULT_SIGNATURE_TYPE);
    let time = seconds(timestamp)?;
    if nonce.len() > LONGEST || serial.len() > LONGEST || signature.len() > LONGEST_SIGNATURE {
        return Err(Refusal::Malformed);
    }
    if kind != variant.signature_type() {
        return Err(Refusal::Algorithm);
    }
    Ok(Presented {
        key_id: serial.to_owned(),
        time: Some(time),
        message: canonical::answer(timestamp, nonce, body),
        // What is not base64 fits no message.
        signatures: base64_decode(signature).into_iter().collect(),
        nonce: Some(nonce.as_bytes().to_vec()),
    })
}

/// Removes the signature of a message that was verified: whoever comes next cannot verify it again,
/// because it does not fit what is passed on.
pub(super) fn remove(headers: &mut HeaderMap) {
    for name in [TIMESTAMP, NONCE, SIGNATURE, SERIAL, SIGNATURE_TYPE] {
        headers.remove(name);
    }
}

/// Bytes of a nonce or of a key's identifier, at most.
const LONGEST: usize = 128;
/// Bytes of a signature in base64, at most: that of an RSA key of 8192 bits.
const LONGEST_SIGNATURE: usize = 1_368;
