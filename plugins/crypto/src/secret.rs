//! Bytes that must not be seen: keys, passwords, client secrets.
//!
//! A [`Secret`] has no readable `Debug` and no `Display`, is wiped when the last clone is dropped,
//! and is compared in constant time. [`Secret::expose`] is the one way in, so that every use of a
//! secret can be found by searching for that word.

use std::{fmt, str, sync::Arc};

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Secret bytes. Cloning shares them; nothing is copied.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<Vec<u8>>>);

impl Secret {
    /// Takes ownership of the bytes, so that they are wiped when the last clone is dropped.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Zeroizing::new(bytes)))
    }

    /// The secret bytes. Never log, format or store what this returns.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The secret as text, when it is valid UTF-8.
    pub fn expose_str(&self) -> Option<&str> {
        str::from_utf8(&self.0).ok()
    }

    /// Length in bytes. The length of a secret is not treated as secret.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text.into_bytes())
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text.as_bytes().to_vec())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        eq_constant_time(self.expose(), other.expose())
    }
}

impl Eq for Secret {}

/// Compares two byte strings in time that depends only on their lengths.
#[must_use]
pub fn eq_constant_time(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_shows_in_debug() {
        let secret = Secret::from("hunter2-hunter2");
        let shown = format!("{secret:?} {:?} {:#?}", Some(&secret), secret);
        assert!(!shown.contains("hunter2"), "the bytes stay hidden: {shown}");
        assert!(!shown.contains("104"), "not as numbers either: {shown}");
    }

    #[test]
    fn secrets_are_equal_only_when_every_byte_is() {
        let secret = Secret::from("abcdef");
        assert_eq!(secret, Secret::from("abcdef"), "same bytes");
        for other in ["abcdeg", "bbcdef", "abcde", "abcdefg", ""] {
            assert_ne!(secret, Secret::from(other), "`{other}` differs");
        }
    }

    #[test]
    fn a_clone_shares_the_bytes() {
        let secret = Secret::from("shared");
        assert!(
            std::ptr::eq(secret.expose().as_ptr(), secret.clone().expose().as_ptr()),
            "a clone is a reference, not a second copy of the secret"
        );
    }

    #[test]
    fn text_is_exposed_only_when_it_is_text() {
        assert_eq!(Secret::from("né").expose_str(), Some("né"), "valid UTF-8");
        assert_eq!(Secret::new(vec![0xff]).expose_str(), None, "not UTF-8");
    }
}
