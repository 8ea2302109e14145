//! RSAES-OAEP (RFC 8017 section 7.1) of single values, without label.

use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA512_MGF1SHA512, OaepAlgorithm,
    OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PublicEncryptingKey, PublicKeyComponents,
};
use zeroize::Zeroizing;

use super::{PrivateKey, PrivateMaterial, PublicKey, PublicMaterial};
use crate::{
    failure::{DecryptionFailed, EncryptionFailed},
    secret::Secret,
};

/// The digest of OAEP, which its mask generation uses too.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum OaepDigest {
    /// SHA-1, as WeChat Pay prescribes. OAEP does not need a digest without collisions.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl OaepDigest {
    const fn library(self) -> &'static OaepAlgorithm {
        match self {
            Self::Sha1 => &OAEP_SHA1_MGF1SHA1,
            Self::Sha256 => &OAEP_SHA256_MGF1SHA256,
            Self::Sha512 => &OAEP_SHA512_MGF1SHA512,
        }
    }
}

impl PublicKey {
    /// Encrypts a value to the holder of the private key; it must fit into one RSA block
    /// (190 bytes with SHA-256 under a key of 2048 bits).
    pub fn encrypt_oaep(
        &self,
        digest: OaepDigest,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, EncryptionFailed> {
        let key = encrypting_key(self).ok_or(EncryptionFailed { expected: "an RSA key" })?;
        encrypt(&key, digest, plaintext)
            .ok_or(EncryptionFailed { expected: "a plaintext that fits the RSA key" })
    }
}

impl PrivateKey {
    /// Decrypts a value that was encrypted to this key. Every failure is the same one.
    ///
    /// It takes around a millisecond: see [`PrivateKey::is_expensive`].
    pub fn decrypt_oaep(
        &self,
        digest: OaepDigest,
        ciphertext: &[u8],
    ) -> Result<Secret, DecryptionFailed> {
        let PrivateMaterial::Rsa { decrypting, .. } = self.material() else {
            return Err(DecryptionFailed);
        };
        let mut plaintext = decrypt(decrypting, digest, ciphertext).ok_or(DecryptionFailed)?;
        Ok(Secret::new(std::mem::take(&mut *plaintext)))
    }
}

/// Prepares an RSA public key; `None` for a key of another kind.
pub(crate) fn encrypting_key(key: &PublicKey) -> Option<OaepPublicEncryptingKey> {
    let PublicMaterial::Rsa { n, e } = key.material() else { return None };
    let key: PublicEncryptingKey = PublicKeyComponents { n, e }.try_into().ok()?;
    OaepPublicEncryptingKey::new(key).ok()
}

/// Encrypts; `None` when the plaintext does not fit.
pub(crate) fn encrypt(
    key: &OaepPublicEncryptingKey,
    digest: OaepDigest,
    plaintext: &[u8],
) -> Option<Vec<u8>> {
    let mut output = vec![0; key.ciphertext_size()];
    let length = key.encrypt(digest.library(), plaintext, &mut output, None).ok()?.len();
    output.truncate(length);
    Some(output)
}

/// Decrypts. The caller must not let anyone see whether it failed.
pub(crate) fn decrypt(
    key: &OaepPrivateDecryptingKey,
    digest: OaepDigest,
    ciphertext: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let mut output = Zeroizing::new(vec![0; key.min_output_size()]);
    let length = key.decrypt(digest.library(), ciphertext, &mut output, None).ok()?.len();
    output.truncate(length);
    Some(output)
}
