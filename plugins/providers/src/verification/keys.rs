//! The keys that a provider signs with.

use std::sync::Arc;

use tollgate_api::Step;
use tollgate_crypto::{Algorithm, HmacSha256Key, PublicKey, Sm2PublicKey};

use super::Refusal;

/// Finds the key that a message names. A store that can be refreshed does so here, at a bounded rate,
/// before it says [`Refusal::KeyUnknown`].
pub trait Keys: Send + Sync {
    /// The key of exactly this identifier.
    fn find<'a>(&'a self, id: &'a str) -> KeyFor<'a>;
}

/// What [`Keys::find`] returns.
pub type KeyFor<'a> = Step<'a, Arc<dyn VerifyingKey>, Refusal>;

/// A key with the one algorithm that it verifies.
pub trait VerifyingKey: Send + Sync {
    /// Whether the signature fits the message.
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool;
}

/// RSA PKCS#1 v1.5 with SHA-256, which most providers sign with (RFC 8017 section 8.2).
impl VerifyingKey for PublicKey {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        PublicKey::verify(self, Algorithm::Rs256, message, signature).is_ok()
    }
}

impl VerifyingKey for HmacSha256Key {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        HmacSha256Key::verify(self, &[message], signature)
    }
}

/// SM2 with SM3 under the user identifier of GM/T 0009.
impl VerifyingKey for Sm2PublicKey {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        Sm2PublicKey::verify(self, message, signature).is_ok()
    }
}
