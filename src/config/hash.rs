//! SHA-256 over content, and how a hash is written.

use std::fmt::{self, Debug, Display, Formatter};

use tollgate_crypto::{Sha256, sha256, to_hex};

/// The SHA-256 of some content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// The hash of one piece of content.
    pub fn of(content: &[u8]) -> Self {
        Self(sha256(content))
    }

    /// The digest itself.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Display for ContentHash {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl Debug for ContentHash {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

/// Hashes several fields so that no two lists of fields look alike.
pub(super) struct Hasher {
    digest: Sha256,
}

impl Hasher {
    pub(super) fn new() -> Self {
        Self { digest: Sha256::new() }
    }

    /// Adds a field with its length in front.
    pub(super) fn field(&mut self, bytes: &[u8]) -> &mut Self {
        self.digest.update(&(bytes.len() as u64).to_be_bytes());
        self.digest.update(bytes);
        self
    }

    pub(super) fn finish(self) -> ContentHash {
        ContentHash(self.digest.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_the_well_known_one_in_lower_case() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(ContentHash::of(b"abc").to_string(), expected, "FIPS 180-4's own example");
    }

    #[test]
    fn fields_do_not_run_into_one_another() {
        let hash = |fields: &[&[u8]]| {
            let mut hasher = Hasher::new();
            for field in fields {
                hasher.field(field);
            }
            hasher.finish()
        };
        assert_ne!(hash(&[b"ab", b"c"]), hash(&[b"a", b"bc"]), "the lengths are part of it");
    }
}
