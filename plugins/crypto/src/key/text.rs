//! Keys as operators are handed them: PEM, or the base64 of the DER without its armour.
//!
//! Alipay's console and tools show keys as one long line of base64. Whitespace and line breaks are
//! allowed, as whoever copies such a line adds them; everything else is strict.

use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{KeyError, PrivateKey, PublicKey};

impl PublicKey {
    /// Reads PEM as [`PublicKey::from_pem`] does, or the base64 of a DER `SubjectPublicKeyInfo`.
    pub fn from_text(text: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let expected = "PEM, or the base64 of a DER `SubjectPublicKeyInfo` without armour";
        match Form::of(text.as_ref(), expected)? {
            Form::Pem(text) => Self::from_pem(text),
            Form::Bare(der) => Self::from_spki_der(&der),
        }
    }
}

impl PrivateKey {
    /// Reads PEM as [`PrivateKey::from_pem`] does, or the base64 of an unencrypted DER PKCS#8 or
    /// PKCS#1 private key.
    pub fn from_text(text: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let expected = "PEM, or the base64 of a DER PKCS#8 or PKCS#1 private key without armour";
        match Form::of(text.as_ref(), expected)? {
            Form::Pem(text) => Self::from_pem(text),
            Form::Bare(der) => match Self::from_pkcs8_der(&der) {
                Err(KeyError::Unsupported) => Self::from_rsa(RsaKeyPair::from_der(&der)),
                other => other,
            },
        }
    }
}

/// Which of both forms a text has.
pub(crate) enum Form<'a> {
    Pem(&'a str),
    Bare(Zeroizing<Vec<u8>>),
}

impl<'a> Form<'a> {
    /// `expected` is what an error says would have been accepted.
    pub(crate) fn of(text: &'a [u8], expected: &'static str) -> Result<Self, KeyError> {
        let error = KeyError::Text { expected };
        let text = std::str::from_utf8(text).map_err(|_| error)?;
        if text.contains("-----BEGIN ") {
            return Ok(Self::Pem(text));
        }
        let mut digits = Zeroizing::new(Vec::with_capacity(text.len()));
        digits.extend(text.bytes().filter(|byte| !byte.is_ascii_whitespace()));
        match STANDARD.decode(digits.as_slice()) {
            Ok(der) if !der.is_empty() => Ok(Self::Bare(Zeroizing::new(der))),
            _ => Err(error),
        }
    }
}
