//! How a signed message is checked, for every provider in the same order:
//!
//! 1. the fields of the signature are there, once each, and well-formed ([`field`], [`Presented`]);
//! 2. the key it names is known and accepted ([`Keys`]);
//! 3. its time lies within the window ([`Window`]);
//! 4. the signature fits the bytes as they were received;
//! 5. it was not received before ([`Replay`]).
//!
//! Only then may anything be decrypted or parsed. The size was bounded before, when the body was held.
//! A scheme takes a message apart and says which bytes are signed; everything else is here. A missing
//! part is a refusal, never a zero or an empty text.

mod fields;
mod keys;
mod refusal;
mod replay;
#[cfg(test)]
mod tests;
mod window;

use std::sync::Arc;

use tollgate_api::Clock;

pub use fields::{field, optional_field, seconds};
pub use keys::{KeyFor, Keys, VerifyingKey};
pub use refusal::Refusal;
pub use replay::Replay;
pub use window::Window;

/// A message taken apart by its scheme: nothing of it is believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// The key that the message names; empty for a scheme that has one key.
    pub key_id: String,
    /// The signed time since the Unix epoch; `None` only for a scheme that signs no time.
    pub time: Option<std::time::Duration>,
    /// The bytes that are signed.
    pub message: Vec<u8>,
    /// The signature, decoded. Any one of several may fit (rotation of a shared secret).
    pub signatures: Vec<Vec<u8>>,
    /// What must not come twice: a nonce, say. `None` for a scheme whose sender repeats messages.
    pub nonce: Option<Vec<u8>>,
}

/// Proof that a message was signed by a known key, in time, for the first time. Only
/// [`Verifier::verify`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    key_id: String,
    _checked: (),
}

impl Verified {
    /// The key that signed.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }
}

/// Checks messages of one provider.
pub struct Verifier {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How far the signed time may be away; `None` for a scheme that signs none.
    pub window: Option<Window>,
    /// What was received; `None` for a scheme without nonces.
    pub replay: Option<Replay>,
}

impl Verifier {
    /// Checks key, time, signature and replay, in this order.
    pub async fn verify(
        &self,
        keys: &dyn Keys,
        presented: &Presented,
    ) -> Result<Verified, Refusal> {
        let key = keys.find(&presented.key_id).resolve().await?;
        match (self.window, presented.time) {
            (Some(window), Some(time)) => window.check(self.clock.unix(), time)?,
            (None, None) => {}
            // A scheme that signs a time is checked against it, and the reverse.
            _ => return Err(Refusal::Missing),
        }
        // Every signature is tried, so that which one fits cannot be told from the time it takes.
        let fits = presented
            .signatures
            .iter()
            .fold(false, |fits, signature| key.verify(&presented.message, signature) | fits);
        if !fits {
            return Err(Refusal::Invalid);
        }
        if let Some(replay) = &self.replay {
            let nonce = presented.nonce.as_deref().ok_or(Refusal::Missing)?;
            replay.check(&presented.key_id, nonce).await?;
        }
        Ok(Verified { key_id: presented.key_id.clone(), _checked: () })
    }
}
