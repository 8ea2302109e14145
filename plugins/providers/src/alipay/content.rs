//! Alipay's content encryption: AES in CBC mode under a vector of zeros, in base64.
//!
//! It authenticates nothing, and equal contents look equal. Alipay prescribes it so; the signature
//! over the ciphertext is what protects it, which is why [`ContentKey::decrypt`] asks for the proof.

use tollgate_crypto::{AesCbcKey, base64_decode, base64_encode};

use crate::verification::Verified;

/// The application's key.
pub(super) struct ContentKey(AesCbcKey);

impl ContentKey {
    pub fn new(key: AesCbcKey) -> Self {
        Self(key)
    }

    /// Encrypts what is about to be signed.
    pub fn encrypt(&self, content: &[u8]) -> String {
        base64_encode(&self.0.encrypt(ZEROS, content))
    }

    /// Decrypts what was signed.
    pub fn decrypt(&self, _: &Verified, content: &str) -> Option<Vec<u8>> {
        self.0.decrypt(ZEROS, &base64_decode(content).ok()?).ok()
    }
}

const ZEROS: [u8; 16] = [0; 16];
