//! The two failures that every cipher here shares.
//!
//! Neither says why: whoever can tell one cause of a failed decryption from another can use the gateway
//! as an oracle.

use thiserror::Error;

/// What was given does not decrypt with this key; deliberately without a reason.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("decryption failed")]
pub struct DecryptionFailed;

/// Nothing was encrypted: the key cannot do it, or the plaintext is longer than the algorithm takes.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("encryption failed: expected {expected}")]
pub struct EncryptionFailed {
    /// What would have been accepted.
    pub expected: &'static str,
}
