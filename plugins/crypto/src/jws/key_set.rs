//! The keys that may verify, and finding the one a token names.

use std::fmt;

use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value};
use thiserror::Error;

use super::{Algorithm, Header, JwsError, header::MAX_KID_LEN};
use crate::{
    encoding::base64url_encode,
    json::parse_object,
    key::{JwkPolicy, KeyError, PublicKey, PublicMaterial},
};

/// Keys a set may hold.
pub const MAX_KEYS: usize = 64;

/// Bytes of the largest JWKS document.
pub const MAX_JWKS_LEN: usize = 256 * 1024;

/// A public key, the identifier it answers to, and the algorithms it serves.
#[derive(Clone)]
pub struct VerificationKey {
    kid: Option<String>,
    algorithms: Vec<Algorithm>,
    key: PublicKey,
    prepared: DecodingKey,
}

impl VerificationKey {
    /// Fixes the algorithms of a key. Each must fit its kind.
    pub fn new(
        key: PublicKey,
        kid: Option<String>,
        algorithms: &[Algorithm],
    ) -> Result<Self, KeyError> {
        if algorithms.is_empty() {
            return Err(KeyError::NoAlgorithm);
        }
        for algorithm in algorithms {
            algorithm.check(key.kind())?;
        }
        if kid.as_ref().is_some_and(|kid| kid.is_empty() || kid.len() > MAX_KID_LEN) {
            return Err(KeyError::Kid);
        }
        let prepared = match key.material() {
            PublicMaterial::Rsa { n, e } => DecodingKey::from_rsa_raw_components(n, e),
            PublicMaterial::Ec { point, .. } => DecodingKey::from_ec_der(point),
            PublicMaterial::Ed25519(x) => DecodingKey::from_ed_der(x),
        };
        Ok(Self { kid, algorithms: algorithms.to_vec(), key, prepared })
    }

    /// Reads a PEM public key or certificate and fixes its algorithms.
    pub fn from_pem(
        pem: &str,
        kid: Option<String>,
        algorithms: &[Algorithm],
    ) -> Result<Self, KeyError> {
        Self::new(PublicKey::from_pem(pem)?, kid, algorithms)
    }

    /// The identifier tokens name the key by.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The algorithms the key serves.
    pub fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    /// The key itself.
    pub fn public_key(&self) -> &PublicKey {
        &self.key
    }

    /// Verifies a raw signature over raw bytes, for schemes other than compact tokens.
    ///
    /// An ECDSA signature is `r‖s` in fixed length (RFC 7518 section 3.4).
    pub fn verify(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), JwsError> {
        self.verify_encoded(algorithm, message, &base64url_encode(signature))
    }

    /// The same with the signature still in base64url.
    pub(super) fn verify_encoded(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        signature: &str,
    ) -> Result<(), JwsError> {
        if !self.algorithms.contains(&algorithm) {
            return Err(JwsError::AlgorithmNotAllowed);
        }
        let verified =
            jsonwebtoken::crypto::verify(signature, message, &self.prepared, algorithm.library());
        match verified {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(JwsError::BadSignature),
        }
    }

    /// Reads one entry of a JWKS; `None` when it cannot be used here.
    fn from_jwk(jwk: &Map<String, Value>) -> Option<Self> {
        if jwk.contains_key("d") {
            // Whoever published the private half has no secret left to prove.
            return None;
        }
        let policy = JwkPolicy::read(jwk).ok().filter(JwkPolicy::may_verify)?;
        let key = PublicKey::from_jwk(jwk).ok()?;
        let algorithms = match policy.algorithm {
            Some(name) => vec![name.parse().ok()?],
            None => Algorithm::of(key.kind()),
        };
        Self::new(key, policy.kid.map(str::to_owned), &algorithms).ok()
    }
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerificationKey")
            .field("kid", &self.kid)
            .field("algorithms", &self.algorithms)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// Keys to choose from.
#[derive(Clone, Debug)]
pub struct KeySet {
    keys: Vec<VerificationKey>,
    skipped: usize,
}

/// Why a set of keys was refused.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum KeySetError {
    /// The document is larger than `MAX_JWKS_LEN`.
    #[error("expected a key set of at most {MAX_JWKS_LEN} bytes")]
    TooLarge,
    /// Not a JSON object with an array `keys`, or with duplicate members.
    #[error("expected a JSON object with an array `keys` and without duplicate members")]
    Malformed,
    /// More than `MAX_KEYS` keys.
    #[error("expected at most {MAX_KEYS} keys")]
    TooMany,
    /// Nothing in the set can verify.
    #[error("expected at least one usable key; {skipped} were skipped")]
    NoUsableKey {
        /// Entries that were skipped.
        skipped: usize,
    },
}

impl KeySet {
    /// A set of configured keys.
    pub fn new(keys: Vec<VerificationKey>) -> Result<Self, KeySetError> {
        Self::checked(keys, 0)
    }

    /// Reads a JWKS document (RFC 7517 section 5).
    ///
    /// An entry that is unsupported, unsound, not for signatures, or private is skipped and counted.
    pub fn from_jwks(document: &[u8]) -> Result<Self, KeySetError> {
        if document.len() > MAX_JWKS_LEN {
            return Err(KeySetError::TooLarge);
        }
        let document = parse_object(document).map_err(|_| KeySetError::Malformed)?;
        let entries =
            document.get("keys").and_then(Value::as_array).ok_or(KeySetError::Malformed)?;
        if entries.len() > MAX_KEYS {
            return Err(KeySetError::TooMany);
        }
        let keys: Vec<_> = entries
            .iter()
            .filter_map(|entry| VerificationKey::from_jwk(entry.as_object()?))
            .collect();
        let skipped = entries.len() - keys.len();
        Self::checked(keys, skipped)
    }

    /// The usable keys.
    pub fn keys(&self) -> &[VerificationKey] {
        &self.keys
    }

    /// Entries of the document that cannot be used here; for a metric.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// Whether a key answers to this identifier. A set that is asked in vain may be out of date.
    pub fn contains_kid(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.kid() == Some(kid))
    }

    /// The one key a token means: by exact `kid`; without one, the only key that serves the algorithm.
    pub(super) fn find(
        &self,
        header: &Header,
        algorithm: Algorithm,
    ) -> Result<&VerificationKey, JwsError> {
        let serves = |key: &&VerificationKey| key.algorithms.contains(&algorithm);
        let Some(kid) = header.kid() else {
            let mut usable = self.keys.iter().filter(serves);
            let first = usable.next().ok_or(JwsError::AlgorithmNotAllowed)?;
            return if usable.next().is_some() { Err(JwsError::UnknownKid) } else { Ok(first) };
        };
        if !self.contains_kid(kid) {
            return Err(JwsError::UnknownKid);
        }
        let mut named = self.keys.iter().filter(|key| key.kid() == Some(kid)).filter(serves);
        let first = named.next().ok_or(JwsError::AlgorithmNotAllowed)?;
        if named.next().is_some() { Err(JwsError::AmbiguousKid) } else { Ok(first) }
    }

    fn checked(keys: Vec<VerificationKey>, skipped: usize) -> Result<Self, KeySetError> {
        match keys.len() {
            0 => Err(KeySetError::NoUsableKey { skipped }),
            1..=MAX_KEYS => Ok(Self { keys, skipped }),
            _ => Err(KeySetError::TooMany),
        }
    }
}
