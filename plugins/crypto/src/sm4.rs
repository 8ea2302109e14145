//! SM4 (GB/T 32907) in Galois/Counter Mode (RFC 8998), with 96-bit nonces and full 128-bit tags.

use std::fmt;

use aes_gcm::{AeadInOut, AesGcm, KeyInit, Nonce, Tag, aead::consts::U12};
use sm4::Sm4;
use thiserror::Error;

use crate::aead::{NONCE_LEN, OpenError, SealError, TAG_LEN};

/// Bytes of a key.
pub const KEY_LEN: usize = 16;

/// An SM4 key, expanded once.
#[derive(Clone)]
pub struct Sm4GcmKey(Box<AesGcm<Sm4, U12>>);

/// A key of the wrong length.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("expected an SM4 key of 16 bytes, found {found} bytes")]
pub struct Sm4KeyLengthError {
    /// Length of what was given, in bytes.
    pub found: usize,
}

impl Sm4GcmKey {
    /// Takes 16 bytes. WeChat Pay's are the first half of SM3 of the API key.
    pub fn new(key: &[u8]) -> Result<Self, Sm4KeyLengthError> {
        AesGcm::new_from_slice(key)
            .map(|key| Self(Box::new(key)))
            .map_err(|_| Sm4KeyLengthError { found: key.len() })
    }

    /// Encrypts; returns the ciphertext followed by the tag. The caller answers for a fresh nonce.
    pub fn seal(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        let mut buffer = Vec::with_capacity(plaintext.len() + TAG_LEN);
        buffer.extend_from_slice(plaintext);
        let tag = self
            .0
            .encrypt_inout_detached(&Nonce::from(*nonce), aad, buffer.as_mut_slice().into())
            .map_err(|_| SealError::TooLong)?;
        buffer.extend_from_slice(&tag);
        Ok(buffer)
    }

    /// Decrypts a ciphertext that is followed by its tag.
    pub fn open(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        ciphertext: &[u8],
    ) -> Result<Vec<u8>, OpenError> {
        let (body, tag) = ciphertext.split_last_chunk::<TAG_LEN>().ok_or(OpenError)?;
        let (nonce, tag) = (Nonce::from(*nonce), Tag::from(*tag));
        let mut buffer = body.to_vec();
        self.0
            .decrypt_inout_detached(&nonce, aad, buffer.as_mut_slice().into(), &tag)
            .map_err(|_| OpenError)?;
        Ok(buffer)
    }
}

impl fmt::Debug for Sm4GcmKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sm4GcmKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::{from_hex, to_hex};

    #[test]
    fn sealing_matches_rfc_8998_appendix_a_1() {
        let hex = |text| from_hex(text).unwrap();
        let key = Sm4GcmKey::new(&hex("0123456789abcdeffedcba9876543210")).unwrap();
        let nonce: [u8; 12] = hex("00001234567800000000abcd").try_into().unwrap();
        let aad = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        let plaintext = hex("aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd\
             eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa");
        let sealed = key.seal(&nonce, &aad, &plaintext).unwrap();
        assert_eq!(
            to_hex(&sealed),
            "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735\
             d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d\
             83de3541e4c2b58177e065a9bf7b62ec",
            "the published ciphertext and tag"
        );
        assert_eq!(key.open(&nonce, &aad, &sealed), Ok(plaintext), "and back");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(key.open(&nonce, &aad, &changed), Err(OpenError), "byte {at} changed");
            assert!(key.open(&nonce, &aad, &sealed[..at]).is_err(), "cut to {at} bytes");
        }
        assert_eq!(key.open(&nonce, b"", &sealed), Err(OpenError), "other associated data");
        assert_eq!(key.open(&[0; 12], &aad, &sealed), Err(OpenError), "another nonce");
    }

    #[test]
    fn a_key_has_16_bytes_and_stays_hidden() {
        for length in [0, 15, 17, 32] {
            let error = Sm4GcmKey::new(&vec![0; length]).err();
            assert_eq!(error, Some(Sm4KeyLengthError { found: length }), "{length} bytes");
        }
        let key = Sm4GcmKey::new(b"hunter2-hunter2-").unwrap();
        assert_eq!(format!("{key:?}"), "Sm4GcmKey(***)", "the key stays hidden");
    }
}
