//! AES in CBC mode with PKCS#7 padding (NIST SP 800-38A, RFC 5652 section 6.3), as providers prescribe it.
//!
//! **It authenticates nothing.** Anyone can change what it hides, and an answer that depends on the
//! padding gives the plaintext away. So it may be used only on a message whose signature has been
//! verified, or under one that is about to be made. Where there is a choice, use [`crate::AesGcmKey`].

use std::fmt;

use aes_gcm::aes::{Aes128, Aes256};
use cbc::{
    Decryptor, Encryptor,
    cipher::{BlockModeDecrypt, BlockModeEncrypt, InnerIvInit, KeyInit, block_padding::Pkcs7},
};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::failure::DecryptionFailed;

/// Bytes of an initialisation vector.
pub const IV_LEN: usize = 16;

/// An AES-128 or AES-256 key for CBC mode, expanded once.
#[derive(Clone)]
pub struct AesCbcKey(Cipher);

#[derive(Clone)]
enum Cipher {
    Aes128(Box<Aes128>),
    Aes256(Box<Aes256>),
}

/// A key of the wrong length.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("expected an AES key of 16 or 32 bytes, found {found} bytes")]
pub struct CbcKeyLengthError {
    /// Length of what was given, in bytes.
    pub found: usize,
}

impl AesCbcKey {
    /// Takes 16 bytes for AES-128 or 32 for AES-256.
    pub fn new(key: &[u8]) -> Result<Self, CbcKeyLengthError> {
        match key.len() {
            16 => Aes128::new_from_slice(key).map(|key| Self(Cipher::Aes128(Box::new(key)))),
            _ => Aes256::new_from_slice(key).map(|key| Self(Cipher::Aes256(Box::new(key)))),
        }
        .map_err(|_| CbcKeyLengthError { found: key.len() })
    }

    /// Encrypts; the result is one to sixteen bytes longer. It must be signed before it is sent.
    ///
    /// A vector that is not fresh and unpredictable shows which messages begin alike. Some providers
    /// prescribe a fixed one.
    #[must_use]
    pub fn encrypt(&self, iv: [u8; IV_LEN], plaintext: &[u8]) -> Vec<u8> {
        match &self.0 {
            Cipher::Aes128(key) => Encryptor::inner_iv_init(Aes128::clone(key), &iv.into())
                .encrypt_padded_vec::<Pkcs7>(plaintext),
            Cipher::Aes256(key) => Encryptor::inner_iv_init(Aes256::clone(key), &iv.into())
                .encrypt_padded_vec::<Pkcs7>(plaintext),
        }
    }

    /// Decrypts a ciphertext whose signature has been verified: see the module's first lines.
    pub fn decrypt(
        &self,
        iv: [u8; IV_LEN],
        ciphertext: &[u8],
    ) -> Result<Vec<u8>, DecryptionFailed> {
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let length = match &self.0 {
            Cipher::Aes128(key) => Decryptor::inner_iv_init(Aes128::clone(key), &iv.into())
                .decrypt_padded::<Pkcs7>(&mut buffer),
            Cipher::Aes256(key) => Decryptor::inner_iv_init(Aes256::clone(key), &iv.into())
                .decrypt_padded::<Pkcs7>(&mut buffer),
        }
        .map_err(|_| DecryptionFailed)?
        .len();
        buffer.truncate(length);
        Ok(std::mem::take(&mut *buffer))
    }
}

impl fmt::Debug for AesCbcKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AesCbcKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::encoding::{from_hex, to_hex};

    proptest! {
        #[test]
        fn what_is_encrypted_decrypts(long: bool, key: [u8; 32], iv: [u8; 16], plaintext: Vec<u8>) {
            let key = AesCbcKey::new(if long { &key } else { &key[..16] }).unwrap();
            let ciphertext = key.encrypt(iv, &plaintext);
            prop_assert_eq!(ciphertext.len(), (plaintext.len() / 16 + 1) * 16);
            prop_assert_eq!(key.decrypt(iv, &ciphertext), Ok(plaintext));
        }
    }

    #[test]
    fn blocks_match_nist_sp_800_38a_appendix_f2() {
        let iv = std::array::from_fn(|index| u8::try_from(index).unwrap());
        let plaintext =
            from_hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
        for (name, key, ciphertext) in [
            (
                "CBC-AES128",
                "2b7e151628aed2a6abf7158809cf4f3c",
                "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2",
            ),
            (
                "CBC-AES256",
                "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
                "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d",
            ),
        ] {
            let key = AesCbcKey::new(&from_hex(key).unwrap()).unwrap();
            let found = key.encrypt(iv, plaintext.as_ref().unwrap());
            assert_eq!(to_hex(&found[..32]), ciphertext, "{name}: the blocks before the padding");
        }
    }

    #[test]
    fn a_ciphertext_that_is_cut_padded_wrongly_or_under_another_key_is_refused() {
        let (key, iv) = (AesCbcKey::new(&[1; 16]).unwrap(), [2; 16]);
        let ciphertext = key.encrypt(iv, b"exactly 16 bytes");
        for length in (0..32).filter(|length| *length != 16) {
            assert_eq!(key.decrypt(iv, &ciphertext[..length]), Err(DecryptionFailed), "{length}");
        }
        // The plaintext's last byte is no padding.
        assert_eq!(key.decrypt(iv, &ciphertext[..16]), Err(DecryptionFailed), "no padding");
        let other = AesCbcKey::new(&[3; 16]).unwrap();
        assert_eq!(other.decrypt(iv, &ciphertext), Err(DecryptionFailed), "another key");
    }

    #[test]
    fn a_key_has_16_or_32_bytes_and_stays_hidden() {
        for length in [0, 8, 15, 17, 24, 31, 33, 64] {
            let error = AesCbcKey::new(&vec![0; length]).err();
            assert_eq!(error, Some(CbcKeyLengthError { found: length }), "{length} bytes");
        }
        let key = AesCbcKey::new(b"hunter2-hunter2-").unwrap();
        assert_eq!(format!("{key:?}"), "AesCbcKey(***)", "the key stays hidden");
    }
}
