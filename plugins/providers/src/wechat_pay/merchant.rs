//! The merchant's own half: signing calls, and decrypting what was encrypted to its certificate.

use std::sync::Arc;

use http::{HeaderValue, Method};
use tollgate_api::{Clock, Entropy, Fault, codes};
use tollgate_crypto::{
    Algorithm, OaepDigest, PrivateKey, Secret, SigningKey, Sm2PrivateKey, base64_decode,
    base64_encode,
};

use super::{Variant, canonical};
use crate::signing::{Signatory, Signing};

/// Who signs.
pub(super) struct Merchant {
    /// `mchid`.
    pub id: String,
    /// Serial number of the merchant's API certificate.
    pub certificate_serial: String,
    pub variant: Variant,
    pub signatory: Signatory,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
}

impl Merchant {
    /// The value of `Authorization` for this call, over exactly these bytes.
    pub async fn authorization(
        &self,
        method: &Method,
        target: &str,
        body: &[u8],
    ) -> Result<HeaderValue, Fault> {
        let timestamp = self.clock.unix().as_secs().to_string();
        let nonce = canonical::nonce(&*self.entropy);
        let text = canonical::request(method, target, &timestamp, &nonce, body);
        let signature = base64_encode(&self.signatory.sign(text).await?);
        let value = format!(
            "{} mchid=\"{}\",nonce_str=\"{nonce}\",timestamp=\"{timestamp}\",serial_no=\"{}\",\
             signature=\"{signature}\"",
            self.variant.signature_type(),
            self.id,
            self.certificate_serial,
        );
        let mut value = HeaderValue::try_from(value)
            .map_err(|error| Fault::new(&codes::INTERNAL).caused_by(error))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// The merchant's private key.
#[derive(Clone)]
pub(super) enum MerchantKey {
    Rsa(PrivateKey),
    Sm2(Sm2PrivateKey),
}

impl MerchantKey {
    /// Reads the key in the form WeChat Pay's tool writes it (`apiclient_key.pem`), or what is wrong.
    pub fn read(variant: Variant, text: &[u8]) -> Result<Self, String> {
        match variant {
            Variant::Rsa => PrivateKey::from_text(text).map(Self::Rsa),
            Variant::Sm2 => Sm2PrivateKey::from_text(text).map(Self::Sm2),
        }
        .map_err(|error| error.to_string())
    }

    /// The key as one that signs, or what is wrong with it.
    pub fn signing(&self) -> Result<Box<dyn Signing>, String> {
        Ok(match self {
            Self::Rsa(key) => Box::new(
                SigningKey::new(key.clone(), Algorithm::Rs256, None)
                    .map_err(|error| error.to_string())?,
            ),
            Self::Sm2(key) => Box::new(key.clone()),
        })
    }

    /// Decrypts one field. Nobody is told why it failed.
    pub fn decrypt(&self, text: &str) -> Option<Secret> {
        let ciphertext = base64_decode(text).ok()?;
        match self {
            Self::Rsa(key) => key.decrypt_oaep(OaepDigest::Sha1, &ciphertext).ok(),
            Self::Sm2(key) => key.decrypt(&ciphertext).ok(),
        }
    }
}
