//! Private SM2 keys: what signs and what decrypts.

use std::{fmt, sync::Arc};

use ::sm2::{
    SecretKey,
    dsa::{Signature, SigningKey, signature::Signer as _},
    pkcs8::DecodePrivateKey as _,
};

use super::{Sm2PublicKey, USER_ID, ciphertext};
use crate::{
    failure::DecryptionFailed,
    jws::SignError,
    key::{Form, KeyError, PemLabel, pem_sections},
    secret::Secret,
};

/// A private key on the curve of GB/T 32918.5. Cloning shares it.
#[derive(Clone)]
pub struct Sm2PrivateKey {
    /// Wiped on drop.
    secret: Arc<SecretKey>,
    public: Sm2PublicKey,
}

impl Sm2PrivateKey {
    /// Reads a PEM file with exactly one `PRIVATE KEY` (PKCS#8), `EC PRIVATE KEY` or
    /// `SM2 PRIVATE KEY` (SEC 1).
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let mut key = None;
        let mut other = None;
        for section in pem_sections(text)? {
            match section.label {
                PemLabel::EncryptedPrivateKey => return Err(KeyError::Encrypted),
                PemLabel::PrivateKey | PemLabel::EcPrivateKey | PemLabel::Sm2PrivateKey => {
                    if key.replace(section).is_some() {
                        return Err(KeyError::SeveralKeys);
                    }
                }
                PemLabel::EcParameters => {}
                label => other = Some(label),
            }
        }
        let Some(section) = key else {
            return Err(KeyError::WrongSection {
                expected: "`PRIVATE KEY`, `EC PRIVATE KEY` or `SM2 PRIVATE KEY`",
                found: other.map_or("none", PemLabel::name),
            });
        };
        if section.label == PemLabel::PrivateKey {
            return Self::from_pkcs8_der(&section.der);
        }
        Self::from_sec1_der(&section.der)
    }

    /// Reads PEM, or the base64 of an unencrypted DER PKCS#8 private key without armour.
    pub fn from_text(text: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let expected = "PEM, or the base64 of a DER PKCS#8 private key without armour";
        match Form::of(text.as_ref(), expected)? {
            Form::Pem(text) => Self::from_pem(text),
            Form::Bare(der) => Self::from_pkcs8_der(&der),
        }
    }

    /// Reads an unencrypted DER PKCS#8 `PrivateKeyInfo` (RFC 5208) that names the curve.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyError> {
        SecretKey::from_pkcs8_der(der).map_err(|_| KeyError::Sm2).and_then(Self::new)
    }

    /// Reads a DER `ECPrivateKey` (SEC 1, RFC 5915).
    pub fn from_sec1_der(der: &[u8]) -> Result<Self, KeyError> {
        SecretKey::from_sec1_der(der).map_err(|_| KeyError::Sm2).and_then(Self::new)
    }

    /// The public half.
    pub fn public_key(&self) -> &Sm2PublicKey {
        &self.public
    }

    /// Signs SM3 of a message under [`USER_ID`]; the signature is DER.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        // Made for each signature: the library's signing key would not be wiped.
        let signature: Signature = SigningKey::new(USER_ID, &self.secret)
            .and_then(|key| key.try_sign(message))
            .map_err(|_| SignError)?;
        Ok(signature.to_der().to_vec())
    }

    /// Decrypts a DER ciphertext that was made for this key. Every failure is the same one.
    pub fn decrypt(&self, ciphertext: &[u8]) -> Result<Secret, DecryptionFailed> {
        ciphertext::decrypt(&self.secret, ciphertext).ok_or(DecryptionFailed)
    }

    fn new(secret: SecretKey) -> Result<Self, KeyError> {
        let public = Sm2PublicKey::new(secret.public_key())?;
        Ok(Self { secret: Arc::new(secret), public })
    }
}

impl fmt::Debug for Sm2PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sm2PrivateKey(***)")
    }
}
