//! WeChat Pay's own keys: platform certificates and public keys, signatures with them, and their
//! rotation.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use parking_lot::RwLock;
use serde_json::{Value, json};

use super::{
    super::{CHINA, Moment, Sealing, Signature},
    certificate::Certificate,
    cipher,
    keys::PlatformKey,
};
use crate::sandbox::{MakeError, RsaPair};

/// The keys of the platform.
pub(super) struct Platform(RwLock<Ring>);

struct Ring {
    certificates: Good<(Certificate, PlatformKey)>,
    public_keys: Good<(String, PlatformKey)>,
}

/// Keys of a kind that are good.
struct Good<T> {
    newest: T,
    /// The oldest first.
    older: Vec<T>,
}

impl Platform {
    /// With these, which are good from the beginning.
    pub fn new(certificate: (Certificate, PlatformKey), public_key: (String, PlatformKey)) -> Self {
        Self(RwLock::new(Ring {
            certificates: Good { newest: certificate, older: Vec::new() },
            public_keys: Good { newest: public_key, older: Vec::new() },
        }))
    }

    /// The header fields that sign a body: with the key that is named if it is one of ours, else with
    /// the newest certificate.
    pub fn sign(
        &self,
        named: Option<&str>,
        body: &[u8],
        how: &Sealing,
        nonce: &str,
    ) -> [(&'static str, String); 5] {
        let ring = self.0.read();
        let (serial, key) = match named.and_then(|named| ring.find(named)) {
            Some(found) => found,
            None => ring.newest(),
        };
        let timestamp = how.now.as_secs().to_string();
        let mut message = format!("{timestamp}\n{nonce}\n").into_bytes();
        message.extend_from_slice(body);
        message.push(b'\n');
        if how.signature == Signature::Wrong {
            message.extend_from_slice(b"of another message");
        }
        let mut signature = key.sign(&message);
        if how.signature == Signature::Probe {
            signature = signature
                .split_at_checked(PROBE.len())
                .map_or_else(|| PROBE.to_owned(), |(_, rest)| format!("{PROBE}{rest}"));
        }
        [
            ("wechatpay-timestamp", timestamp),
            ("wechatpay-nonce", nonce.to_owned()),
            ("wechatpay-serial", serial.to_owned()),
            ("wechatpay-signature", signature),
            ("wechatpay-signature-type", "WECHATPAY2-SHA256-RSA2048".to_owned()),
        ]
    }

    /// Whether this names a good key.
    pub fn knows(&self, serial: &str) -> bool {
        self.0.read().find(serial).is_some()
    }

    /// A field that was encrypted for the key of this name.
    pub fn decrypt(&self, serial: &str, field: &str) -> Option<String> {
        self.0.read().find(serial)?.1.decrypt(field)
    }

    /// The good certificates, each encrypted with the merchant's `APIv3` key.
    pub fn certificates(&self, api_v3_key: &str, mut nonce: impl FnMut() -> String) -> Value {
        let ring = self.0.read();
        let shown = ring.certificates.iter().map(|(certificate, _)| {
            let nonce = nonce();
            let sealed = cipher::seal(api_v3_key, &nonce, "certificate", &certificate.text);
            json!({
                "serial_no": certificate.serial,
                "effective_time": Moment::of(certificate.from, CHINA).rfc3339(),
                "expire_time": Moment::of(certificate.until, CHINA).rfc3339(),
                "encrypt_certificate": {
                    "algorithm": "AEAD_AES_256_GCM",
                    "nonce": nonce,
                    "associated_data": "certificate",
                    "ciphertext": sealed,
                },
            })
        });
        json!({ "data": shown.collect::<Vec<_>>() })
    }

    /// A new certificate and a new public key.
    pub fn rotate(&self, now: Duration) -> Result<(), MakeError> {
        let certificate = new_certificate(now)?;
        let public_key = new_public_key(now)?;
        let mut ring = self.0.write();
        ring.certificates.rotate(certificate);
        ring.public_keys.rotate(public_key);
        Ok(())
    }

    /// Ends all but the newest.
    pub fn retire(&self) {
        let mut ring = self.0.write();
        ring.certificates.older.clear();
        ring.public_keys.older.clear();
    }

    /// The good keys by name, with what a merchant needs of each.
    pub fn shown(&self) -> Value {
        let ring = self.0.read();
        let certificates = ring.certificates.iter().map(|(certificate, _)| {
            json!({ "serial": certificate.serial, "certificate": certificate.text })
        });
        let public_keys =
            ring.public_keys.iter().map(|(id, key)| json!({ "id": id, "key": key.public }));
        json!({
            "certificates": certificates.collect::<Vec<_>>(),
            "public_keys": public_keys.collect::<Vec<_>>(),
        })
    }

    /// The newest certificate and its private key, and the newest public key with its name and its
    /// private half, in PEM.
    pub fn texts(&self) -> [String; 5] {
        let ring = self.0.read();
        let (certificate, certified) = &ring.certificates.newest;
        let (id, key) = &ring.public_keys.newest;
        [&certificate.text, &certified.private, id, &key.public, &key.private].map(Clone::clone)
    }
}

impl Ring {
    fn find(&self, serial: &str) -> Option<(&str, &PlatformKey)> {
        let public_keys = self.public_keys.iter().map(|(id, key)| (id.as_str(), key));
        let certificates =
            self.certificates.iter().map(|(certificate, key)| (certificate.serial.as_str(), key));
        public_keys.chain(certificates).find(|(name, _)| *name == serial)
    }

    fn newest(&self) -> (&str, &PlatformKey) {
        let (certificate, key) = &self.certificates.newest;
        (&certificate.serial, key)
    }
}

impl<T> Good<T> {
    fn rotate(&mut self, new: T) {
        self.older.push(std::mem::replace(&mut self.newest, new));
        if self.older.len() > OLDER {
            self.older.remove(0);
        }
    }

    fn iter(&self) -> impl Iterator<Item = &T> {
        self.older.iter().chain(std::iter::once(&self.newest))
    }
}

/// A platform certificate and its key.
pub(super) fn new_certificate(now: Duration) -> Result<(Certificate, PlatformKey), MakeError> {
    let key = new_key()?;
    Ok((Certificate::issue("Tenpay.com sign", &key.private, now)?, key))
}

/// A public key under a name of its own: `PUB_KEY_ID_` and digits, of which some are the date.
pub(super) fn new_public_key(now: Duration) -> Result<(String, PlatformKey), MakeError> {
    let key = new_key()?;
    let digest = digest(&SHA256, key.public.as_bytes());
    let digits = digest.as_ref().iter().take(12).map(|byte| char::from(b'0' + byte % 10));
    let (digits, date) = (digits.collect::<String>(), Moment::of(now, CHINA).compact_date());
    Ok((format!("PUB_KEY_ID_01{digits}{date}00"), key))
}

fn new_key() -> Result<PlatformKey, MakeError> {
    let private = RsaPair::generate()?.private;
    PlatformKey::read(&private).ok_or_else(|| rcgen::Error::KeyGenerationUnavailable.into())
}

/// With what the signatures begin that WeChat Pay makes wrong on purpose.
const PROBE: &str = "WECHATPAY/SIGNTEST/";
/// How many older keys of a kind are good at once.
const OLDER: usize = 3;
