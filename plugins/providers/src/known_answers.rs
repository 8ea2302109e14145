//! Known answers of the providers' schemes, for `tollgate selftest`: for each, the canonical bytes and
//! the signature of a message that the provider's own library made, and what is refused when it is
//! changed. The algorithms beneath have their own ([`tollgate_crypto::known_answers`]).

use serde_json::Value;
use tollgate_crypto::{PublicKey, base64_decode, known_answers::KnownAnswer};

use crate::{alipay, stripe, verification::VerifyingKey, wechat_pay};

/// Every provider's, in the order of a report. A provider's plugin adds its own here.
pub fn all() -> Vec<KnownAnswer> {
    [wechat_pay::KNOWN_ANSWERS, alipay::KNOWN_ANSWERS, stripe::KNOWN_ANSWERS].concat()
}

/// What a scheme's answers are made of: messages and public keys, or shared keys made for tests.
pub(crate) struct Data(Value);

impl Data {
    /// From the scheme's own file. What cannot be read fails every check.
    pub fn new(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap_or_default())
    }

    /// The text at this JSON pointer.
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.0.pointer(pointer)?.as_str()
    }

    /// The members of the object at this JSON pointer, all of them text.
    pub fn members(&self, pointer: &str) -> Option<Vec<(&str, &str)>> {
        let members = self.0.pointer(pointer)?.as_object()?.iter();
        members.map(|(name, value)| Some((name.as_str(), value.as_str()?))).collect()
    }

    /// Whether the RSA signature at one pointer fits a message under the key at another.
    pub fn fits(&self, key: &str, message: &[u8], signature: &str) -> Option<bool> {
        let key = PublicKey::from_pem(self.text(key)?).ok()?;
        let signature = base64_decode(self.text(signature)?).ok()?;
        Some(VerifyingKey::verify(&key, message, &signature))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_answer_is_given() {
        for KnownAnswer { algorithm, source, check } in all() {
            assert!(check(), "{algorithm}: {source}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_no_answer() {
        for text in ["", "{", r#"{"key":"x","signature":"AA=="}"#] {
            let data = Data::new(text);
            assert_eq!(data.fits("/key", b"", "/signature"), None, "{text}");
            assert_eq!(data.members("/key"), None, "{text}");
        }
    }
}
