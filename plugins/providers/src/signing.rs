//! Making signatures with the institution's own key.

use std::sync::Arc;

use tollgate_api::{Fault, Offload, State, codes};
use tollgate_crypto::{SignError, SigningKey, Sm2PrivateKey};

/// A key that makes one kind of signature.
pub trait Signing: Send + Sync + 'static {
    /// The signature over these bytes.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;

    /// Whether it takes so long that it belongs on a thread of its own.
    fn is_expensive(&self) -> bool;
}

impl Signing for SigningKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        SigningKey::sign(self, message)
    }

    fn is_expensive(&self) -> bool {
        self.private_key().is_expensive()
    }
}

impl Signing for Sm2PrivateKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        Sm2PrivateKey::sign(self, message)
    }

    fn is_expensive(&self) -> bool {
        true
    }
}

impl Signing for Box<dyn Signing> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        (**self).sign(message)
    }

    fn is_expensive(&self) -> bool {
        (**self).is_expensive()
    }
}

/// A key that signs calls. An RSA signature takes around a millisecond, so it is made on a thread of
/// its own.
#[derive(Clone)]
pub struct Signatory {
    key: Arc<dyn Signing>,
    offload: Arc<Offload>,
}

impl Signatory {
    /// Signs with this key.
    pub fn new(key: impl Signing, state: &State) -> Self {
        Self { key: Arc::new(key), offload: Offload::shared(state) }
    }

    /// The signature over these bytes.
    pub async fn sign(&self, message: Vec<u8>) -> Result<Vec<u8>, Fault> {
        let key = self.key.clone();
        let signed = if key.is_expensive() {
            self.offload.run(move || key.sign(&message)).await?
        } else {
            key.sign(&message)
        };
        signed.map_err(|error| Fault::new(&codes::ENCRYPTION_FAILED).caused_by(error))
    }
}
