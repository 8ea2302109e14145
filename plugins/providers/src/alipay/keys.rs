//! The keys that Alipay signs with.

use std::sync::Arc;

use tollgate_api::{Clock, Step};
use tollgate_crypto::{Certificate, PublicKey};

use super::certificates;
use crate::verification::{KeyFor, Keys, Refusal, VerifyingKey};

/// Bare keys, or certificates that messages choose from by their number.
pub(super) enum AlipayKeys {
    /// Keys, which messages do not name: one, or the old and the new while Alipay changes it.
    Bare(Arc<AnyOf>),
    /// Alipay's certificates.
    Certified { certificates: Vec<Certified>, clock: Arc<dyn Clock> },
}

/// A certificate and its number.
pub(super) struct Certified {
    number: String,
    certificate: Certificate,
}

impl Certified {
    pub fn new(certificate: Certificate) -> Self {
        Self { number: certificates::number(&certificate), certificate }
    }
}

impl AlipayKeys {
    /// The key that an answer is checked with: one that must be named, with certificates. A bare key
    /// has no name, so what the answer says about one is not looked at.
    pub fn named(&self, number: Result<Option<&str>, Refusal>) -> Result<String, Refusal> {
        match self {
            Self::Bare(_) => Ok(String::new()),
            Self::Certified { .. } => match number? {
                Some(number) if !number.is_empty() => Ok(number.to_owned()),
                _ => Err(Refusal::Missing),
            },
        }
    }
}

impl Keys for AlipayKeys {
    /// An empty identifier means any of the keys: notifications need not name theirs.
    fn find<'a>(&'a self, id: &'a str) -> KeyFor<'a> {
        let (certificates, clock) = match self {
            Self::Bare(key) => return Step::Now(bare(key, id)),
            Self::Certified { certificates, clock } => (certificates, clock),
        };
        let now = clock.unix();
        let fitting: Vec<PublicKey> = certificates
            .iter()
            .filter(|one| id.is_empty() || one.number == id)
            .filter(|one| one.certificate.is_current(now))
            .map(|one| one.certificate.public_key().clone())
            .collect();
        if fitting.is_empty() {
            return Step::Now(Err(Refusal::KeyUnknown));
        }
        Step::Now(Ok(Arc::new(AnyOf(fitting))))
    }
}

fn bare(key: &Arc<AnyOf>, id: &str) -> Result<Arc<dyn VerifyingKey>, Refusal> {
    if id.is_empty() { Ok(key.clone()) } else { Err(Refusal::KeyUnknown) }
}

/// Keys of which any may have signed.
pub(super) struct AnyOf(pub Vec<PublicKey>);

impl VerifyingKey for AnyOf {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.iter().any(|key| VerifyingKey::verify(key, message, signature))
    }
}
