//! Making signatures with the institution's own key.

use std::sync::Arc;

use tollgate_api::{Fault, Offload, State, codes};
use tollgate_crypto::SigningKey;

/// A key that signs calls. An RSA signature takes around a millisecond, so it is made on a thread of
/// its own.
#[derive(Clone)]
pub struct Signatory {
    key: Arc<SigningKey>,
    offload: Arc<Offload>,
}

impl Signatory {
    /// Signs with this key.
    pub fn new(key: SigningKey, state: &State) -> Self {
        Self { key: Arc::new(key), offload: Offload::shared(state) }
    }

    /// The signature over these bytes.
    pub async fn sign(&self, message: Vec<u8>) -> Result<Vec<u8>, Fault> {
        let key = self.key.clone();
        let signed = if key.private_key().is_expensive() {
            self.offload.run(move || key.sign(&message)).await?
        } else {
            key.sign(&message)
        };
        signed.map_err(|error| Fault::new(&codes::ENCRYPTION_FAILED).caused_by(error))
    }
}
