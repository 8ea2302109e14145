//! The dialect of provider B: the message under AES-256-GCM with a key both sides share, as two
//! members of a JSON object in base64: the nonce, and the ciphertext with its tag behind it.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use tollgate_api::Entropy;

use super::{
    Dialect, Refusal,
    dialect::{SealError, flip},
};

/// Provider B's dialect.
pub struct CipherDialect {
    key: LessSafeKey,
}

impl CipherDialect {
    /// Uses this key of 32 bytes. `None` if it has another length.
    pub fn new(key: &[u8]) -> Option<Self> {
        Some(Self { key: LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?) })
    }

    fn decrypt(&self, nonce: &str, ciphertext: &str) -> Option<Vec<u8>> {
        let nonce: [u8; NONCE_LEN] = STANDARD.decode(nonce).ok()?.try_into().ok()?;
        let mut sealed = STANDARD.decode(ciphertext).ok()?;
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.key
            .open_in_place(nonce, Aad::from(ASSOCIATED), &mut sealed)
            .ok()
            .map(|clear| clear.to_vec())
    }
}

impl Dialect for CipherDialect {
    fn open(&self, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let envelope: Map<String, Value> =
            serde_json::from_slice(body).map_err(|_| Refusal::bad_request("message_not_json"))?;
        let text = |name| envelope.get(name).and_then(Value::as_str);
        match (envelope.len(), text(NONCE), text(CIPHERTEXT)) {
            (2, Some(nonce), Some(ciphertext)) => {
                self.decrypt(nonce, ciphertext).ok_or(Refusal::bad_request("decryption_failed"))
            }
            _ => Err(Refusal::bad_request("not_encrypted")),
        }
    }

    fn seal(&self, message: &Value, entropy: &dyn Entropy) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0_u8; NONCE_LEN];
        entropy.fill(&mut nonce);
        let mut text = message.to_string().into_bytes();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(ASSOCIATED),
                &mut text,
            )
            .map_err(|_| SealError)?;
        let envelope = json!({ NONCE: STANDARD.encode(nonce), CIPHERTEXT: STANDARD.encode(text) });
        Ok(envelope.to_string().into_bytes())
    }

    fn tamper(&self, body: &mut Vec<u8>) {
        let Ok(mut envelope) = serde_json::from_slice::<Map<String, Value>>(body) else { return };
        if let Some(Value::String(text)) = envelope.get_mut(CIPHERTEXT) {
            *text = flip(text, 0);
        }
        *body = Value::Object(envelope).to_string().into_bytes();
    }
}

const NONCE: &str = "nonce";
const CIPHERTEXT: &str = "ciphertext";
/// What is authenticated beside every message, so that one for another purpose does not pass.
const ASSOCIATED: &[u8] = b"wallet-v1";
