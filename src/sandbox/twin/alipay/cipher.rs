//! Encrypted contents: AES in CBC mode with PKCS#7 padding and a vector of zeros, in base64.
//!
//! That is how Alipay has it ("content encryption"); the signature around it is its only integrity.

use aws_lc_rs::{
    cipher::{
        AES_128, AES_192, AES_256, Algorithm, DecryptionContext, EncryptionContext,
        PaddedBlockDecryptingKey, PaddedBlockEncryptingKey, UnboundCipherKey,
    },
    iv::FixedLength,
};
use base64::{Engine, engine::general_purpose::STANDARD};

/// The key of an application's contents.
pub(super) struct ContentKey {
    bytes: Vec<u8>,
    algorithm: &'static Algorithm,
}

impl ContentKey {
    /// Reads a key in base64. `None` if it is no AES key.
    pub fn read(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.trim()).ok()?;
        let algorithm = match bytes.len() {
            16 => &AES_128,
            24 => &AES_192,
            32 => &AES_256,
            _ => return None,
        };
        Some(Self { bytes, algorithm })
    }

    /// The key in base64.
    pub fn text(&self) -> String {
        STANDARD.encode(&self.bytes)
    }

    /// The content, encrypted. Empty if that is not possible.
    pub fn encrypt(&self, clear: &[u8]) -> String {
        let mut content = clear.to_vec();
        let encrypted = UnboundCipherKey::new(self.algorithm, &self.bytes)
            .and_then(PaddedBlockEncryptingKey::cbc_pkcs7)
            .and_then(|key| key.less_safe_encrypt(&mut content, EncryptionContext::Iv128(zeros())));
        encrypted.map(|_| STANDARD.encode(content)).unwrap_or_default()
    }

    /// What was encrypted. `None` if it was not encrypted with this key.
    pub fn decrypt(&self, text: &str) -> Option<Vec<u8>> {
        let mut content = STANDARD.decode(text).ok()?;
        if content.is_empty() || content.len() % 16 != 0 {
            return None;
        }
        let key = UnboundCipherKey::new(self.algorithm, &self.bytes).ok()?;
        let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?;
        let clear = key.decrypt(&mut content, DecryptionContext::Iv128(zeros())).ok()?;
        Some(clear.to_vec())
    }
}

fn zeros() -> FixedLength<16> {
    FixedLength::from([0; 16])
}
