//! The webhook endpoint's signing secrets, of which there are several while they change.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use parking_lot::RwLock;
use serde_json::{Value, json};

use super::super::{Sealing, Signature, hex};

/// The good secrets, the newest last.
pub(super) struct Secrets(RwLock<Vec<String>>);

impl Secrets {
    pub fn new(first: String) -> Self {
        Self(RwLock::new(vec![first]))
    }

    /// `Stripe-Signature`: the time, and for each secret a signature of time and body. In test mode
    /// there is one of another scheme beside them (`v0`), which is none.
    pub fn sign(&self, body: &[u8], how: &Sealing) -> String {
        let time = how.now.as_secs();
        let mut message = format!("{time}.").into_bytes();
        message.extend_from_slice(body);
        if how.signature != Signature::Right {
            message.extend_from_slice(b"of another body");
        }
        let secrets = self.0.read();
        let signed = |secret: &String| format!(",v1={}", hex(&hmac(secret, &message)));
        let signatures: String = secrets.iter().rev().map(signed).collect();
        format!("t={time}{signatures},v0={}", hex(&hmac("test mode", &message)))
    }

    /// A new secret, beside which the ones before stay good.
    pub fn rotate(&self) {
        let mut secrets = self.0.write();
        let last = secrets.last().cloned().unwrap_or_default();
        secrets.push(format!("whsec_{}", next(&last)));
        if secrets.len() > TOGETHER {
            secrets.remove(0);
        }
    }

    pub fn retire(&self) {
        let mut secrets = self.0.write();
        let superfluous = secrets.len().saturating_sub(1);
        secrets.drain(..superfluous);
    }

    pub fn shown(&self) -> Value {
        json!({ "webhook_secrets": *self.0.read() })
    }

    pub fn newest(&self) -> String {
        self.0.read().last().cloned().unwrap_or_default()
    }
}

/// What follows a secret: 32 characters that look like nothing.
pub(super) fn next(secret: &str) -> String {
    hex(&hmac(secret, b"the next secret")).chars().take(32).collect()
}

/// The secret's characters are the key, with what they begin with.
fn hmac(secret: &str, message: &[u8]) -> Vec<u8> {
    sign(&Key::new(HMAC_SHA256, secret.as_bytes()), message).as_ref().to_vec()
}

/// As many as a header of a few kilobytes has signatures for.
const TOGETHER: usize = 64;
