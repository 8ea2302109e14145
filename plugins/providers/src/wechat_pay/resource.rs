//! Encrypted resources: `{ algorithm, nonce, associated_data, ciphertext }` under the `APIv3` key.

use tollgate_api::json::ValueRef;
use tollgate_crypto::{
    AesGcmKey, Digest, DigestAlgorithm, Secret, Sm4GcmKey, aead::NONCE_LEN, base64_decode,
};

use super::Variant;

/// The `APIv3` key, ready to decrypt with. It is 32 bytes as they are, neither hexadecimal nor base64.
#[derive(Clone)]
pub(super) struct ResourceKey {
    variant: Variant,
    cipher: Cipher,
}

#[derive(Clone)]
enum Cipher {
    Aes(AesGcmKey),
    Sm4(Sm4GcmKey),
}

impl ResourceKey {
    /// Takes exactly 32 bytes; a line break after them, which editors add to files, is ignored.
    pub fn new(variant: Variant, key: &Secret) -> Result<Self, String> {
        let key = trimmed(key);
        if key.len() != LENGTH {
            return Err(format!("expected exactly {LENGTH} bytes, found {}", key.len()));
        }
        let cipher = match variant {
            Variant::Rsa => AesGcmKey::new(key).map(Cipher::Aes).map_err(|it| it.to_string())?,
            Variant::Sm2 => {
                let digest = Secret::new(Digest::of(DigestAlgorithm::Sm3, key));
                let half = digest.expose().get(..16).unwrap_or_default();
                Sm4GcmKey::new(half).map(Cipher::Sm4).map_err(|it| it.to_string())?
            }
        };
        Ok(Self { variant, cipher })
    }

    /// A key of 16 bytes, which only the official vectors have.
    #[cfg(test)]
    pub fn short(key: &[u8]) -> Self {
        Self { variant: Variant::Rsa, cipher: Cipher::Aes(AesGcmKey::new(key).unwrap()) }
    }

    /// Decrypts a resource. Whoever sent it is not told what is wrong with it.
    pub fn open(&self, resource: ValueRef<'_>) -> Option<Vec<u8>> {
        let text = |name: &str| resource.get(name)?.as_str();
        if text("algorithm")? != self.variant.resource_algorithm() {
            return None;
        }
        let nonce = text("nonce")?;
        let nonce: &[u8; NONCE_LEN] = nonce.as_bytes().try_into().ok()?;
        let associated = match resource.get("associated_data") {
            None => None,
            Some(value) if value.is_null() => None,
            Some(value) => Some(value.as_str()?),
        };
        let associated = associated.as_deref().unwrap_or_default().as_bytes();
        let ciphertext = base64_decode(&text("ciphertext")?).ok()?;
        match &self.cipher {
            Cipher::Aes(key) => key.open(nonce, associated, &ciphertext).ok(),
            Cipher::Sm4(key) => key.open(nonce, associated, &ciphertext).ok(),
        }
    }
}

/// The key without a line break after it.
pub(super) fn trimmed(key: &Secret) -> &[u8] {
    let bytes = key.expose();
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

const LENGTH: usize = 32;
