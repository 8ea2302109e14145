//! `AEAD_AES_256_GCM`: what WeChat Pay encrypts with the merchant's `APIv3` key.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::{Engine, engine::general_purpose::STANDARD};

/// The ciphertext with its tag, in base64. The key's 32 bytes and the nonce's 12 are the characters of
/// their texts. `None` if either has another length.
pub(super) fn seal(key: &str, nonce: &str, associated: &str, clear: &str) -> Option<String> {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_bytes()).ok()?);
    let nonce = Nonce::try_assume_unique_for_key(nonce.as_bytes()).ok()?;
    let mut text = clear.as_bytes().to_vec();
    key.seal_in_place_append_tag(nonce, Aad::from(associated.as_bytes()), &mut text).ok()?;
    Some(STANDARD.encode(text))
}

#[cfg(test)]
pub(super) fn open(key: &str, nonce: &str, associated: &str, sealed: &str) -> Option<String> {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_bytes()).ok()?);
    let nonce = Nonce::try_assume_unique_for_key(nonce.as_bytes()).ok()?;
    let mut text = STANDARD.decode(sealed).ok()?;
    let clear = key.open_in_place(nonce, Aad::from(associated.as_bytes()), &mut text).ok()?;
    String::from_utf8(clear.to_vec()).ok()
}
