//! What can go wrong with encrypted tokens, and with the keys for them.

use thiserror::Error;

use crate::{aead::BudgetExhausted, key::KeyError, random::RandomUnavailable};

/// Why a token was refused or not made. Nothing of the token is repeated.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum JweError {
    /// Not a token this gateway reads; the reason is safe to log.
    #[error("the encrypted token is malformed: {0}")]
    Malformed(&'static str),
    /// The token's `alg` or `enc` is not what the key is configured for.
    #[error("the token's encryption is not allowed for its key")]
    AlgorithmNotAllowed,
    /// No key has the token's `kid`, or the token has none and there are several keys.
    #[error("no key matches the encrypted token")]
    UnknownKid,
    /// The key does not decrypt the token; deliberately without a reason.
    #[error("decryption failed")]
    DecryptionFailed,
    /// The key was used too often and must be replaced.
    #[error(transparent)]
    Budget(#[from] BudgetExhausted),
    /// No content key or nonce could be drawn.
    #[error(transparent)]
    Random(#[from] RandomUnavailable),
    /// The library refused to encrypt.
    #[error("encryption failed")]
    EncryptionFailed,
}

/// Why a key cannot be configured for encryption.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum JweKeyError {
    /// The key is of the wrong kind for the algorithm.
    #[error("expected {expected} for `{algorithm}`")]
    Kind {
        /// The algorithm.
        algorithm: &'static str,
        /// The kind of key it needs.
        expected: &'static str,
    },
    /// The key has the wrong length for the algorithm.
    #[error("expected a key of {expected} bytes for `{algorithm}`, found {found} bytes")]
    Length {
        /// The algorithm.
        algorithm: &'static str,
        /// Bytes it needs.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// No content encryption is allowed, so nothing could be decrypted.
    #[error("expected at least one content encryption")]
    NoContentAlgorithm,
    /// One key would serve two content encryptions directly.
    #[error("expected exactly one content encryption for `dir`")]
    DirectNeedsOne,
    /// An identifier is too long or empty.
    #[error("expected a key identifier of 1 to 256 bytes")]
    Kid,
    /// Two keys have the same identifier, or several have none.
    #[error("expected every key to have an identifier of its own")]
    AmbiguousKid,
    /// No key, or more than 64.
    #[error("expected 1 to 64 keys, found {found}")]
    Count {
        /// Keys found.
        found: usize,
    },
    /// The key itself is unsound.
    #[error(transparent)]
    Key(#[from] KeyError),
}
