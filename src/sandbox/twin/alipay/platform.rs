//! Alipay's own keys: one key at a time, bare and in a certificate, and its rotation.

use std::time::Duration;

use parking_lot::RwLock;
use serde_json::{Value, json};

use super::{
    super::{Sealing, Signature},
    certificate::{Certificate, Root},
    keys::SigningKey,
};
use crate::sandbox::{MakeError, RsaPair};

/// The keys of Alipay.
pub(super) struct Platform {
    pub root: Root,
    good: RwLock<Good>,
}

struct Good {
    newest: (Certificate, SigningKey),
    /// The oldest first.
    older: Vec<(Certificate, SigningKey)>,
    /// What is signed with from the next rotation on, if it was shown already.
    next: Option<(Certificate, SigningKey)>,
}

impl Platform {
    /// With this key, which is good from the beginning.
    pub fn new(root: Root, newest: (Certificate, SigningKey)) -> Self {
        Self { root, good: RwLock::new(Good { newest, older: Vec::new(), next: None }) }
    }

    /// A signature of a message with the newest key, in base64, and the number of its certificate.
    pub fn sign(&self, message: &[u8], how: &Sealing) -> (String, String) {
        let good = self.good.read();
        let (certificate, key) = &good.newest;
        let signature = match how.signature {
            Signature::Right => key.sign(message),
            Signature::Wrong | Signature::Probe => {
                key.sign(&[message, b"of another message"].concat())
            }
        };
        (signature, certificate.number.clone())
    }

    /// The good certificate with this number.
    pub fn certificate(&self, number: &str) -> Option<String> {
        let good = self.good.read();
        let found = good.iter().find(|(certificate, _)| certificate.number == number);
        found.map(|(certificate, _)| certificate.text.clone())
    }

    /// A new key, with a certificate of the same root, that nothing is signed with yet.
    pub fn announce(&self, now: Duration) -> Result<(), MakeError> {
        let next = new_key(&self.root, now)?;
        self.good.write().next = Some(next);
        Ok(())
    }

    /// Signs with the key that was announced, or with a new one.
    pub fn rotate(&self, now: Duration) -> Result<(), MakeError> {
        let announced = self.good.write().next.take();
        let new = match announced {
            Some(announced) => announced,
            None => new_key(&self.root, now)?,
        };
        let mut good = self.good.write();
        let old = std::mem::replace(&mut good.newest, new);
        good.older.push(old);
        if good.older.len() > OLDER {
            good.older.remove(0);
        }
        Ok(())
    }

    /// Ends all but the newest.
    pub fn retire(&self) {
        self.good.write().older.clear();
    }

    /// The good keys, the newest last, and what was announced behind it, with what an application needs of each.
    pub fn shown(&self) -> Value {
        let good = self.good.read();
        let keys = good.iter().map(|(certificate, key)| {
            json!({
                "alipay_cert_sn": certificate.number,
                "certificate": certificate.text,
                "public_key": key.public,
            })
        });
        json!({ "keys": keys.collect::<Vec<_>>() })
    }

    /// The newest: its certificate, its public and its private key, in PEM.
    pub fn texts(&self) -> [String; 3] {
        let good = self.good.read();
        let (certificate, key) = &good.newest;
        [&certificate.text, &key.public, &key.private].map(Clone::clone)
    }
}

impl Good {
    fn iter(&self) -> impl Iterator<Item = &(Certificate, SigningKey)> {
        self.older.iter().chain(std::iter::once(&self.newest)).chain(&self.next)
    }
}

/// A key of Alipay's and its certificate.
pub(super) fn new_key(root: &Root, now: Duration) -> Result<(Certificate, SigningKey), MakeError> {
    let private = RsaPair::generate()?.private;
    let key = SigningKey::read(&private).ok_or(rcgen::Error::KeyGenerationUnavailable)?;
    let certificate = root.issue(NAME, &private, now)?;
    Ok((certificate, key))
}

/// Who Alipay is in its certificates.
pub(super) const NAME: &str = "Alipay (sandbox)";
/// How many older keys are good at once.
const OLDER: usize = 3;
