//! Shared keys: bytes that both sides know.

use std::fmt;

use serde_json::{Map, Value};

use super::{KeyError, jwk};
use crate::{encoding, secret::Secret};

/// A symmetric key of 1 to 1024 bytes. What uses it checks the exact length its algorithm needs.
#[derive(Clone, Eq, PartialEq)]
pub struct SymmetricKey(Secret);

impl SymmetricKey {
    /// The bytes themselves.
    pub fn from_raw(key: Secret) -> Result<Self, KeyError> {
        match key.len() {
            1..=1024 => Ok(Self(key)),
            found => Err(KeyError::SymmetricSize { found }),
        }
    }

    /// Hexadecimal of either case.
    pub fn from_hex(text: &str) -> Result<Self, KeyError> {
        Self::from_decoded(encoding::from_hex(text))
    }

    /// Base64 with padding, in the standard alphabet.
    pub fn from_base64(text: &str) -> Result<Self, KeyError> {
        Self::from_decoded(encoding::base64_decode(text))
    }

    /// Base64url without padding.
    pub fn from_base64url(text: &str) -> Result<Self, KeyError> {
        Self::from_decoded(encoding::base64url_decode(text))
    }

    /// A JSON Web Key of type `oct` (RFC 7518 section 6.4).
    pub fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, KeyError> {
        if jwk::text(jwk, "kty") != Some("oct") {
            return Err(KeyError::Jwk { expected: "`kty` `oct`" });
        }
        Self::from_raw(Secret::new(jwk::bytes(jwk, "k", "`k` in base64url")?))
    }

    /// The bytes of the key.
    pub(crate) fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Never: a key has at least one byte.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes as a [`Secret`], for an algorithm outside this module.
    pub fn secret(&self) -> &Secret {
        &self.0
    }

    fn from_decoded(bytes: Result<Vec<u8>, encoding::DecodeError>) -> Result<Self, KeyError> {
        bytes
            .map_err(|error| KeyError::Encoding { expected: error.expected })
            .and_then(|bytes| Self::from_raw(Secret::new(bytes)))
    }
}

impl fmt::Debug for SymmetricKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SymmetricKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse_object;

    #[test]
    fn every_form_of_a_key_gives_the_same_bytes() {
        let raw = SymmetricKey::from_raw(Secret::new(vec![0xfb, 0xff])).unwrap();
        let jwk = parse_object(br#"{"kty":"oct","k":"-_8"}"#).unwrap();
        for (form, key) in [
            ("hex", SymmetricKey::from_hex("fbFF")),
            ("base64", SymmetricKey::from_base64("+/8=")),
            ("base64url", SymmetricKey::from_base64url("-_8")),
            ("JWK", SymmetricKey::from_jwk(&jwk)),
        ] {
            assert_eq!(key.as_ref(), Ok(&raw), "{form}");
        }
    }

    #[test]
    fn a_malformed_key_is_refused_without_repeating_it() {
        for (key, why) in [
            (SymmetricKey::from_hex("s3cret"), "not hexadecimal"),
            (SymmetricKey::from_base64("s3cret!"), "not base64"),
            (SymmetricKey::from_raw(Secret::new(Vec::new())), "empty"),
            (SymmetricKey::from_raw(Secret::new(vec![0; 1025])), "too long"),
        ] {
            let error = key.expect_err(why);
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{why}: {error}");
        }
        let jwk = parse_object(br#"{"kty":"RSA","k":"-_8"}"#).unwrap();
        assert!(SymmetricKey::from_jwk(&jwk).is_err(), "another type of key");
    }
}
