//! Why a signed token was refused.

use thiserror::Error;

/// Why a token was refused. Nothing of the token is repeated.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum JwsError {
    /// Not a token this gateway reads; the reason is safe to log.
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// The token's algorithm is unknown, not allowed here, or not one the named key serves.
    #[error("the token's algorithm is not allowed")]
    AlgorithmNotAllowed,
    /// No key has the token's `kid`, or the token has none and that does not leave exactly one key.
    #[error("no key matches the token")]
    UnknownKid,
    /// Several keys share the token's `kid` and algorithm.
    #[error("several keys match the token")]
    AmbiguousKid,
    /// The signature does not fit the key.
    #[error("the signature is wrong")]
    BadSignature,
}
