//! Key pairs for encryption, in the files in which operators have them.

use rcgen::{KeyPair, PKCS_RSA_SHA256, RsaKeySize};

use super::MakeError;

/// An RSA key pair of 2048 bits, in PEM.
pub struct RsaPair {
    /// The private half (PKCS#8).
    pub private: String,
    /// The public half (`PUBLIC KEY`).
    pub public: String,
}

impl RsaPair {
    /// Makes a pair; this takes a moment.
    pub fn generate() -> Result<Self, MakeError> {
        let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
        Ok(Self { private: pair.serialize_pem(), public: pair.public_key_pem() })
    }
}
