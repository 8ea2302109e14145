//! How a provider wants messages to be protected.

use http::StatusCode;
use serde_json::{Value, json};
use thiserror::Error;
use tollgate_api::Entropy;

/// A provider's dialect: what its messages look like on the wire.
pub trait Dialect: Send + Sync + 'static {
    /// The message in clear, or why it is refused.
    fn open(&self, body: &[u8]) -> Result<Vec<u8>, Refusal>;

    /// A message as it is sent.
    fn seal(&self, message: &Value, entropy: &dyn Entropy) -> Result<Vec<u8>, SealError>;

    /// Changes a sealed message by one bit of its ciphertext, as an attacker might.
    fn tamper(&self, body: &mut Vec<u8>);
}

/// A message could not be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the message cannot be sealed")]
pub struct SealError;

/// Why a provider refuses a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The status it answers with.
    pub status: StatusCode,
    /// The error it names.
    pub error: &'static str,
}

impl Refusal {
    /// A refusal.
    pub const fn new(status: StatusCode, error: &'static str) -> Self {
        Self { status, error }
    }

    /// The message is wrong.
    pub const fn bad_request(error: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    pub(super) fn body(self) -> Value {
        json!({ "status": "refused", "error": self.error })
    }
}

/// Replaces the character in the middle of a text member by another of the same alphabet.
pub(super) fn flip(text: &str, at: usize) -> String {
    let other = |digit| if digit == 'A' { 'B' } else { 'A' };
    text.char_indices()
        .map(|(index, digit)| if index == at { other(digit) } else { digit })
        .collect()
}
