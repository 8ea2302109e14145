//! Content encryption: AES-GCM, and AES-CBC with HMAC (RFC 7518 sections 5.2 and 5.3).

use aws_lc_rs::{
    cipher::{
        AES_128, AES_256, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey,
        PaddedBlockEncryptingKey, UnboundCipherKey,
    },
    hmac,
    iv::FixedLength,
};
use zeroize::Zeroizing;

use super::ContentAlgorithm;
use crate::{aead::AesGcmKey, secret::eq_constant_time};

/// The content did not open, or could not be sealed.
pub(crate) struct Failed;

/// Encrypts; returns the ciphertext and the tag.
pub(crate) fn seal(
    algorithm: ContentAlgorithm,
    key: &[u8],
    iv: &[u8],
    aad: &[u8],
    plaintext: &[u8],
) -> Result<(Vec<u8>, Vec<u8>), Failed> {
    let mut buffer = plaintext.to_vec();
    let tag = if let Some(cbc) = Cbc::of(algorithm, key)? {
        let key = UnboundCipherKey::new(cbc.cipher, cbc.encryption_key)
            .and_then(PaddedBlockEncryptingKey::cbc_pkcs7)
            .map_err(|_| Failed)?;
        key.less_safe_encrypt(&mut buffer, EncryptionContext::Iv128(vector(iv)?))
            .map_err(|_| Failed)?;
        cbc.tag(iv, aad, &buffer)
    } else {
        let iv = iv.try_into().map_err(|_| Failed)?;
        gcm(algorithm, key)?.seal_in_place(iv, aad, &mut buffer).map_err(|_| Failed)?.to_vec()
    };
    Ok((buffer, tag))
}

/// Decrypts what is authentic. The tag is checked, in constant time, before anything is decrypted.
pub(crate) fn open(
    algorithm: ContentAlgorithm,
    key: &[u8],
    iv: &[u8],
    aad: &[u8],
    ciphertext: &[u8],
    tag: &[u8],
) -> Result<Vec<u8>, Failed> {
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    if let Some(cbc) = Cbc::of(algorithm, key)? {
        if !eq_constant_time(&cbc.tag(iv, aad, ciphertext), tag) {
            return Err(Failed);
        }
        let key = UnboundCipherKey::new(cbc.cipher, cbc.encryption_key)
            .and_then(PaddedBlockDecryptingKey::cbc_pkcs7)
            .map_err(|_| Failed)?;
        let length = key
            .decrypt(&mut buffer, DecryptionContext::Iv128(vector(iv)?))
            .map_err(|_| Failed)?
            .len();
        buffer.truncate(length);
    } else {
        let (iv, tag) = (iv.try_into().map_err(|_| Failed)?, tag.try_into().map_err(|_| Failed)?);
        gcm(algorithm, key)?.open_in_place(iv, aad, &mut buffer, tag).map_err(|_| Failed)?;
    }
    Ok(std::mem::take(&mut *buffer))
}

/// The halves of a composite key and what is done with them.
struct Cbc<'a> {
    authentication_key: hmac::Key,
    encryption_key: &'a [u8],
    cipher: &'static aws_lc_rs::cipher::Algorithm,
    tag_len: usize,
}

impl<'a> Cbc<'a> {
    /// `None` when the algorithm is not of this family.
    fn of(algorithm: ContentAlgorithm, key: &'a [u8]) -> Result<Option<Self>, Failed> {
        let (mac, cipher) = match algorithm {
            ContentAlgorithm::A128CbcHs256 => (hmac::HMAC_SHA256, &AES_128),
            ContentAlgorithm::A256CbcHs512 => (hmac::HMAC_SHA512, &AES_256),
            ContentAlgorithm::A128Gcm | ContentAlgorithm::A256Gcm => return Ok(None),
        };
        if key.len() != algorithm.key_len() {
            return Err(Failed);
        }
        let (authentication, encryption_key) = key.split_at(key.len() / 2);
        Ok(Some(Self {
            authentication_key: hmac::Key::new(mac, authentication),
            encryption_key,
            cipher,
            tag_len: algorithm.tag_len(),
        }))
    }

    /// The truncated code over header, vector, ciphertext and the header's length in bits.
    fn tag(&self, iv: &[u8], aad: &[u8], ciphertext: &[u8]) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.authentication_key);
        context.update(aad);
        context.update(iv);
        context.update(ciphertext);
        context.update(&(aad.len() as u64 * 8).to_be_bytes());
        let mut tag = context.sign().as_ref().to_vec();
        tag.truncate(self.tag_len);
        tag
    }
}

fn gcm(algorithm: ContentAlgorithm, key: &[u8]) -> Result<AesGcmKey, Failed> {
    if key.len() != algorithm.key_len() {
        return Err(Failed);
    }
    AesGcmKey::new(key).map_err(|_| Failed)
}

fn vector(iv: &[u8]) -> Result<FixedLength<16>, Failed> {
    FixedLength::try_from(iv).map_err(|_| Failed)
}
