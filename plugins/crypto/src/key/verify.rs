//! Raw signatures: of schemes that sign a text of their own instead of a token.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaPublicKeyComponents, UnparsedPublicKey,
};
use thiserror::Error;

use super::{PublicKey, PublicMaterial};
use crate::jws::Algorithm;

/// A signature that was verified. Proof by type: only a check in this crate makes one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use = "a proof is to be kept by whatever depends on it"]
pub struct VerifiedSignature(());

impl VerifiedSignature {
    /// For the checks of this crate alone.
    pub(crate) const fn earned() -> Self {
        Self(())
    }
}

/// The signature was not made over this message with this key and algorithm.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the signature is wrong")]
pub struct SignatureInvalid;

impl PublicKey {
    /// Verifies a raw signature over raw bytes.
    ///
    /// An ECDSA signature is `r‖s` in fixed length (RFC 7518 section 3.4); an RSA-PSS salt is as long as
    /// the digest. An algorithm that does not fit the key is an invalid signature.
    pub fn verify(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<VerifiedSignature, SignatureInvalid> {
        if algorithm.key_kind() != self.kind() {
            return Err(SignatureInvalid);
        }
        match self.material() {
            PublicMaterial::Rsa { n, e } => {
                let parameters = match algorithm {
                    Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
                    Algorithm::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
                    Algorithm::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
                    Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
                    Algorithm::Ps384 => &RSA_PSS_2048_8192_SHA384,
                    Algorithm::Ps512 => &RSA_PSS_2048_8192_SHA512,
                    Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => {
                        return Err(SignatureInvalid);
                    }
                };
                RsaPublicKeyComponents { n, e }.verify(parameters, message, signature)
            }
            PublicMaterial::Ec { point, .. } => {
                let parameters = match algorithm {
                    Algorithm::Es384 => &ECDSA_P384_SHA384_FIXED,
                    _ => &ECDSA_P256_SHA256_FIXED,
                };
                UnparsedPublicKey::new(parameters, point).verify(message, signature)
            }
            PublicMaterial::Ed25519(x) => {
                UnparsedPublicKey::new(&ED25519, x).verify(message, signature)
            }
        }
        .map(|()| VerifiedSignature::earned())
        .map_err(|_| SignatureInvalid)
    }
}
