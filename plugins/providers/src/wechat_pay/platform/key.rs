//! One key of WeChat Pay's: a public key with an identifier, or a platform certificate.

use std::time::Duration;

use tollgate_crypto::{
    Certificate, EncryptionFailed, KeyKind, OaepDigest, PublicKey, Sm2Certificate, Sm2PublicKey,
    base64_encode,
};

use crate::{verification::VerifyingKey, wechat_pay::Variant};

/// A key that verifies and is encrypted to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::wechat_pay) struct PlatformKey {
    /// `PUB_KEY_ID_…`, or the certificate's serial number in upper-case hexadecimal.
    pub id: String,
    material: Material,
    /// First and last moment of a certificate, since the epoch; a public key has neither.
    validity: Option<(Duration, Duration)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Material {
    Rsa(PublicKey),
    Sm2(Sm2PublicKey),
}

impl PlatformKey {
    /// Whether it is this key.
    pub fn is(&self, other: &PublicKey) -> bool {
        matches!(&self.material, Material::Rsa(key) if key == other)
    }

    /// Reads a public key, or says what is wrong with it.
    pub fn public(variant: Variant, id: String, text: &[u8]) -> Result<Self, String> {
        let material = match variant {
            Variant::Rsa => rsa(PublicKey::from_text(text).map_err(words)?)?,
            Variant::Sm2 => Material::Sm2(Sm2PublicKey::from_text(text).map_err(words)?),
        };
        Ok(Self { id, material, validity: None })
    }

    /// Reads a platform certificate in PEM, or says what is wrong with it. Its chain is nobody's
    /// concern: WeChat Pay does not publish it, and trust comes from how the certificate got here.
    pub fn certificate(variant: Variant, text: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(text).map_err(|_| "expected PEM".to_owned())?;
        let (id, material, validity) = match variant {
            Variant::Rsa => {
                let certificate = Certificate::from_pem(text).map_err(words)?;
                let validity = (certificate.not_before(), certificate.not_after());
                let material = rsa(certificate.public_key().clone())?;
                (certificate.serial_hex_upper(), material, validity)
            }
            Variant::Sm2 => {
                let certificate = Sm2Certificate::from_pem(text).map_err(words)?;
                let validity = (certificate.not_before(), certificate.not_after());
                let material = Material::Sm2(certificate.public_key().clone());
                (certificate.serial_hex_upper(), material, validity)
            }
        };
        Ok(Self { id, material, validity: Some(validity) })
    }

    /// Whether it may verify at this moment. A certificate that begins soon may: WeChat Pay's clock
    /// is not ours.
    pub fn is_in_force(&self, now: Duration) -> bool {
        self.validity.is_none_or(|(_, end)| now <= end)
    }

    /// Whether it may be encrypted to at this moment.
    pub fn is_current(&self, now: Duration) -> bool {
        self.validity.is_none_or(|(start, end)| (start..=end).contains(&now))
    }

    /// The last moment of a certificate.
    pub fn expires_at(&self) -> Option<Duration> {
        self.validity.map(|(_, end)| end)
    }

    /// Encrypts one field to WeChat Pay, as base64.
    pub fn encrypt(&self, plaintext: &[u8]) -> Result<String, EncryptionFailed> {
        match &self.material {
            Material::Rsa(key) => key.encrypt_oaep(OaepDigest::Sha1, plaintext),
            Material::Sm2(key) => key.encrypt(plaintext),
        }
        .map(|ciphertext| base64_encode(&ciphertext))
    }
}

impl VerifyingKey for PlatformKey {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Rsa(key) => VerifyingKey::verify(key, message, signature),
            Material::Sm2(key) => VerifyingKey::verify(key, message, signature),
        }
    }
}

fn rsa(key: PublicKey) -> Result<Material, String> {
    if key.kind() == KeyKind::Rsa {
        Ok(Material::Rsa(key))
    } else {
        Err("expected an RSA key".to_owned())
    }
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}
