//! Reading JSON Web Keys (RFC 7517): members, and what a key says about its own use.

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::KeyError;
use crate::encoding::base64url_decode;

/// A member that is text.
pub(crate) fn text<'a>(jwk: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    jwk.get(name).and_then(Value::as_str)
}

/// A member that is base64url, decoded.
pub(super) fn bytes(
    jwk: &Map<String, Value>,
    name: &str,
    expected: &'static str,
) -> Result<Vec<u8>, KeyError> {
    text(jwk, name)
        .and_then(|text| base64url_decode(text).ok())
        .filter(|bytes| !bytes.is_empty())
        .ok_or(KeyError::Jwk { expected })
}

/// The same for a private member.
pub(super) fn secret_bytes(
    jwk: &Map<String, Value>,
    name: &str,
    expected: &'static str,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    bytes(jwk, name, expected).map(Zeroizing::new)
}

/// What a key says about itself. A member of the wrong type makes the whole key unusable.
pub(crate) struct JwkPolicy<'a> {
    pub kid: Option<&'a str>,
    pub public_use: Option<&'a str>,
    pub operations: Option<Vec<&'a str>>,
    pub algorithm: Option<&'a str>,
}

impl<'a> JwkPolicy<'a> {
    pub(crate) fn read(jwk: &'a Map<String, Value>) -> Result<Self, WrongType> {
        Ok(Self {
            kid: optional(jwk, "kid", Value::as_str)?,
            public_use: optional(jwk, "use", Value::as_str)?,
            operations: optional(jwk, "key_ops", |value| {
                value.as_array()?.iter().map(Value::as_str).collect()
            })?,
            algorithm: optional(jwk, "alg", Value::as_str)?,
        })
    }

    /// Whether the key may verify signatures, by `use` and `key_ops` (RFC 7517 sections 4.2 and 4.3).
    pub(crate) fn may_verify(&self) -> bool {
        self.public_use.is_none_or(|public_use| public_use == "sig")
            && self.operations.as_ref().is_none_or(|all| all.contains(&"verify"))
    }
}

/// `None` when absent.
fn optional<'a, T>(
    jwk: &'a Map<String, Value>,
    name: &str,
    read: impl FnOnce(&'a Value) -> Option<T>,
) -> Result<Option<T>, WrongType> {
    jwk.get(name).map(|value| read(value).ok_or(WrongType)).transpose()
}

/// A member is there but of the wrong type.
pub(crate) struct WrongType;
