//! Public SM2 keys: what verifies and what encrypts.

use std::fmt;

use ::sm2::{
    PublicKey as Point,
    dsa::{Signature, VerifyingKey, signature::Verifier as _},
    elliptic_curve::rand_core::{TryCryptoRng, TryRng},
    pkcs8::DecodePublicKey as _,
    pke::EncryptingKey,
};

use super::USER_ID;
use crate::{
    digest::{Digest, DigestAlgorithm},
    encoding::to_hex,
    failure::EncryptionFailed,
    key::{Form, KeyError, PemLabel, SignatureInvalid, VerifiedSignature, pem_sections},
    random::{Fill as _, RandomUnavailable, SystemRandom},
};

/// A point on the curve of GB/T 32918.5, with what verification needs prepared.
#[derive(Clone)]
pub struct Sm2PublicKey(VerifyingKey);

impl Sm2PublicKey {
    /// Reads a PEM file whose first section is a `PUBLIC KEY` or a `CERTIFICATE`, of which only the key
    /// is used.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let sections = pem_sections(text)?;
        let first = sections.first().ok_or(KeyError::NotPem)?;
        match first.label {
            PemLabel::PublicKey => Self::from_spki_der(&first.der),
            PemLabel::Certificate => {
                super::Sm2Certificate::from_der(&first.der).map(|it| it.public_key().clone())
            }
            other => Err(KeyError::WrongSection {
                expected: "`PUBLIC KEY` or `CERTIFICATE`",
                found: other.name(),
            }),
        }
    }

    /// Reads PEM, or the base64 of a DER `SubjectPublicKeyInfo` without armour.
    pub fn from_text(text: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let expected = "PEM, or the base64 of a DER `SubjectPublicKeyInfo` without armour";
        match Form::of(text.as_ref(), expected)? {
            Form::Pem(text) => Self::from_pem(text),
            Form::Bare(der) => Self::from_spki_der(&der),
        }
    }

    /// Reads a DER `SubjectPublicKeyInfo` (RFC 5480) that names the curve.
    pub fn from_spki_der(der: &[u8]) -> Result<Self, KeyError> {
        Self::new(Point::from_public_key_der(der).map_err(|_| KeyError::Sm2)?)
    }

    /// Verifies a DER signature over SM3 of a message, made under [`USER_ID`].
    pub fn verify(
        &self,
        message: &[u8],
        signature: &[u8],
    ) -> Result<VerifiedSignature, SignatureInvalid> {
        Signature::from_der(signature)
            .and_then(|signature| self.0.verify(message, &signature))
            .map(|()| VerifiedSignature::earned())
            .map_err(|_| SignatureInvalid)
    }

    /// Encrypts a value to the holder of the private key, in DER. There is no encryption of nothing.
    pub fn encrypt(&self, plaintext: &[u8]) -> Result<Vec<u8>, EncryptionFailed> {
        if plaintext.is_empty() {
            return Err(EncryptionFailed { expected: "a plaintext that is not empty" });
        }
        EncryptingKey::new(self.point())
            .encrypt_der(&mut Draw, plaintext)
            .map_err(|_| EncryptionFailed { expected: "randomness and a plaintext below 128 GiB" })
    }

    pub(super) fn new(point: Point) -> Result<Self, KeyError> {
        VerifyingKey::new(USER_ID, point).map(Self).map_err(|_| KeyError::Sm2)
    }

    pub(super) fn point(&self) -> Point {
        Point::from(&self.0)
    }
}

impl PartialEq for Sm2PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.point() == other.point()
    }
}

impl Eq for Sm2PublicKey {}

impl fmt::Debug for Sm2PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest = Digest::of(DigestAlgorithm::Sm3, &self.0.to_sec1_bytes());
        write!(f, "Sm2PublicKey({})", to_hex(&digest))
    }
}

/// The system's randomness in the shape the library asks for.
struct Draw;

impl TryRng for Draw {
    type Error = RandomUnavailable;

    fn try_next_u32(&mut self) -> Result<u32, RandomUnavailable> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes).map(|()| u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, RandomUnavailable> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes).map(|()| u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), RandomUnavailable> {
        SystemRandom.fill(bytes)
    }
}

impl TryCryptoRng for Draw {}
