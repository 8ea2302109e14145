//! Verification: the only place where a [`VerifiedToken`] comes into being.

use serde_json::{Map, Value};

use super::{
    Algorithm, Header, JwsError, KeySet,
    header::{Compact, MAX_TOKEN_LEN},
};
use crate::{encoding::base64url_decode, json::parse_object};

/// A token whose signature was verified. Proof by type: only [`verify`] makes one.
///
/// Its claims are authentic. Whether they are current and meant for us is for the caller to check.
#[derive(Clone, Debug)]
pub struct VerifiedToken {
    header: Header,
    algorithm: Algorithm,
    claims: Map<String, Value>,
}

impl VerifiedToken {
    /// The algorithm that was verified.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The identifier of the key, as the token named it.
    pub fn kid(&self) -> Option<&str> {
        self.header.kid()
    }

    /// The type of token, such as `at+jwt`.
    pub fn typ(&self) -> Option<&str> {
        self.header.typ()
    }

    /// The claims, without duplicate members.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// One claim.
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.claims.get(name)
    }
}

/// A payload whose signature was verified. Proof by type: only [`verify_payload`] makes one.
#[derive(Clone, Debug)]
pub struct VerifiedPayload {
    header: Header,
    algorithm: Algorithm,
    payload: Vec<u8>,
}

impl VerifiedPayload {
    /// The algorithm that was verified.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The protected header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The signed bytes.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The signed bytes, taken out.
    pub fn into_payload(self) -> Vec<u8> {
        self.payload
    }
}

/// Verifies a token whose payload is a set of claims (RFC 7519).
///
/// `allowed` is what this use of the keys accepts; an algorithm must be in it and be served by the key.
pub fn verify(
    token: &str,
    keys: &KeySet,
    allowed: &[Algorithm],
) -> Result<VerifiedToken, JwsError> {
    let VerifiedPayload { header, algorithm, payload } =
        verify_payload(token, keys, allowed, MAX_TOKEN_LEN)?;
    let claims = parse_object(&payload)
        .map_err(|_| JwsError::Malformed("the claims are not an unambiguous object"))?;
    Ok(VerifiedToken { header, algorithm, claims })
}

/// Verifies a compact signature over any payload (RFC 7515 section 5.2), of at most `limit` bytes.
pub fn verify_payload(
    token: &str,
    keys: &KeySet,
    allowed: &[Algorithm],
    limit: usize,
) -> Result<VerifiedPayload, JwsError> {
    let compact = Compact::split(token, limit)?;
    let algorithm = compact
        .header
        .algorithm()
        .filter(|algorithm| allowed.contains(algorithm))
        .ok_or(JwsError::AlgorithmNotAllowed)?;
    let key = keys.find(&compact.header, algorithm)?;
    // Strict before the library decodes it, so that one signature has one spelling.
    base64url_decode(compact.signature)
        .map_err(|_| JwsError::Malformed("the signature is not base64url"))?;
    key.verify_encoded(algorithm, compact.signed.as_bytes(), compact.signature)?;
    let payload = base64url_decode(compact.payload)
        .map_err(|_| JwsError::Malformed("the payload is not base64url"))?;
    Ok(VerifiedPayload { header: compact.header, algorithm, payload })
}
