//! RSA keys of 2048 bits and more, and signatures with them: PKCS#1 v1.5 with SHA-256.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey},
};
use base64::{Engine, engine::general_purpose::STANDARD};

/// A private key.
pub(super) struct SigningKey {
    /// PKCS#8 PEM.
    pub private: String,
    /// `PUBLIC KEY` PEM.
    pub public: String,
    pair: RsaKeyPair,
}

impl SigningKey {
    /// Reads a private key: PKCS#8, in PEM or in base64 alone. `None` if it is not an RSA key.
    pub fn read(text: &str) -> Option<Self> {
        let der = der(text)?;
        let pair = RsaKeyPair::from_pkcs8(&der).ok()?;
        let private = armoured("PRIVATE KEY", &der);
        let public = rcgen::KeyPair::from_pem(&private).ok()?.public_key_pem();
        Some(Self { private, public, pair })
    }

    /// A signature in base64. Empty if it cannot be made.
    pub fn sign(&self, message: &[u8]) -> String {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let signed =
            self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature);
        signed.map(|()| STANDARD.encode(signature)).unwrap_or_default()
    }
}

/// Whether this is, in base64, a signature of the message by the key (`SubjectPublicKeyInfo`, DER).
pub(super) fn verify(key: &[u8], message: &[u8], signature: &str) -> bool {
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key);
    STANDARD.decode(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
}

/// What is in PEM of one section, or in base64 without armour, as Alipay's console hands keys out.
pub(super) fn der(text: &str) -> Option<Vec<u8>> {
    let inner: String = text
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .flat_map(str::split_whitespace)
        .collect();
    STANDARD.decode(inner).ok().filter(|der| !der.is_empty())
}

pub(super) fn armoured(label: &str, der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, others) = rest.split_at(rest.len().min(64));
        text += line;
        text.push('\n');
        rest = others;
    }
    text + &format!("-----END {label}-----\n")
}
