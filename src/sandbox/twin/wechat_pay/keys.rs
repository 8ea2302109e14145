//! RSA keys of 2048 bits with everything they are for: signatures, and decryption of single fields.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, PrivateDecryptingKey},
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject};

/// A private key of the platform.
pub(super) struct PlatformKey {
    /// PKCS#8 PEM.
    pub private: String,
    /// `PUBLIC KEY` PEM.
    pub public: String,
    signing: RsaKeyPair,
    decrypting: OaepPrivateDecryptingKey,
}

impl PlatformKey {
    /// Reads a private key (PKCS#8 PEM). `None` if it is not an RSA key.
    pub fn read(private: &str) -> Option<Self> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(private.as_bytes()).ok()?;
        let signing = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).ok()?;
        let decrypting = PrivateDecryptingKey::from_pkcs8(der.secret_pkcs8_der()).ok()?;
        let public = rcgen::KeyPair::from_pem(private).ok()?.public_key_pem();
        Some(Self {
            private: private.to_owned(),
            public,
            signing,
            decrypting: OaepPrivateDecryptingKey::new(decrypting).ok()?,
        })
    }

    /// A signature in base64: RSA PKCS#1 v1.5 with SHA-256. Empty if it cannot be made.
    pub fn sign(&self, message: &[u8]) -> String {
        let mut signature = vec![0; self.signing.public_modulus_len()];
        let signed =
            self.signing.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature);
        signed.map(|()| STANDARD.encode(signature)).unwrap_or_default()
    }

    /// A field that was encrypted for this key: base64, OAEP with SHA-1, UTF-8 inside.
    pub fn decrypt(&self, field: &str) -> Option<String> {
        let sealed = STANDARD.decode(field).ok()?;
        let mut clear = vec![0; self.decrypting.min_output_size()];
        let clear = self.decrypting.decrypt(&OAEP_SHA1_MGF1SHA1, &sealed, &mut clear, None).ok()?;
        String::from_utf8(clear.to_vec()).ok()
    }
}

/// The public half of a private key (PKCS#8 PEM), as PKCS#1 DER.
#[cfg(test)]
pub(super) fn public_of(private: &str) -> Option<Vec<u8>> {
    use aws_lc_rs::signature::KeyPair;

    let der = PrivatePkcs8KeyDer::from_pem_slice(private.as_bytes()).ok()?;
    let pair = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).ok()?;
    Some(pair.public_key().as_ref().to_vec())
}
