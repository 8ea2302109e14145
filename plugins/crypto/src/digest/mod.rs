//! Digests and HMAC.
//!
//! One-shot functions for what is in memory, [`Sha256`] for a body that streams, [`Digest`] where a
//! provider's scheme chooses the algorithm, and [`HmacSha256Key`] for a key that is used often.
//! Verification is constant time.

mod streaming;

use std::fmt;

use aws_lc_rs::{digest, hmac};

use crate::secret::Secret;

pub use streaming::{Digest, DigestAlgorithm};

/// SHA-256 of `data` (FIPS 180-4).
#[must_use]
pub fn sha256(data: &[u8]) -> [u8; 32] {
    fixed(&digest::digest(&digest::SHA256, data))
}

/// SHA-384 of `data` (FIPS 180-4).
#[must_use]
pub fn sha384(data: &[u8]) -> [u8; 48] {
    fixed(&digest::digest(&digest::SHA384, data))
}

/// SHA-512 of `data` (FIPS 180-4).
#[must_use]
pub fn sha512(data: &[u8]) -> [u8; 64] {
    fixed(&digest::digest(&digest::SHA512, data))
}

/// HMAC with SHA-256 (RFC 2104).
#[must_use]
pub fn hmac_sha256(key: &[u8], data: &[u8]) -> [u8; 32] {
    fixed(&hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data))
}

/// HMAC with SHA-512 (RFC 2104).
#[must_use]
pub fn hmac_sha512(key: &[u8], data: &[u8]) -> [u8; 64] {
    fixed(&hmac::sign(&hmac::Key::new(hmac::HMAC_SHA512, key), data))
}

/// SHA-256 over data that arrives in pieces.
#[derive(Clone)]
pub struct Sha256(digest::Context);

impl Sha256 {
    /// Starts with nothing digested.
    pub fn new() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }

    /// Adds the next piece.
    pub fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    /// The digest of all pieces in order.
    #[must_use]
    pub fn finish(self) -> [u8; 32] {
        fixed(&self.0.finish())
    }
}

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sha256")
    }
}

/// An HMAC-SHA-256 key, prepared once.
#[derive(Clone)]
pub struct HmacSha256Key(hmac::Key);

impl HmacSha256Key {
    /// Prepares the key. Any length is accepted by RFC 2104; 32 bytes or more are sound.
    pub fn new(key: &Secret) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key.expose()))
    }

    /// The code over the concatenation of `parts`, without building it.
    #[must_use]
    pub fn sign(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(part);
        }
        fixed(&context.sign())
    }

    /// Whether `code` is the full, untruncated code over the concatenation of `parts`, in constant time.
    #[must_use]
    pub fn verify(&self, parts: &[&[u8]], code: &[u8]) -> bool {
        crate::secret::eq_constant_time(&self.sign(parts), code)
    }
}

impl fmt::Debug for HmacSha256Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HmacSha256Key(***)")
    }
}

/// Copies a library digest into an array. Both sides have the length the algorithm fixes.
fn fixed<const N: usize>(bytes: &impl AsRef<[u8]>) -> [u8; N] {
    let mut array = [0; N];
    array.iter_mut().zip(bytes.as_ref()).for_each(|(to, from)| *to = *from);
    array
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::to_hex;

    #[test]
    fn digests_match_the_published_values_for_abc() {
        assert_eq!(
            to_hex(&sha256(b"abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "FIPS 180-4 example"
        );
        assert!(to_hex(&sha384(b"abc")).starts_with("cb00753f45a35e8bb5a03d699ac65007"), "SHA-384");
        assert!(to_hex(&sha512(b"abc")).ends_with("2a9ac94fa54ca49f"), "SHA-512");
    }

    #[test]
    fn hmac_matches_rfc_4231_case_2() {
        assert_eq!(
            to_hex(&hmac_sha256(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            "RFC 4231 section 4.3"
        );
        assert!(
            to_hex(&hmac_sha512(b"Jefe", b"what do ya want for nothing?"))
                .starts_with("164b7a7bfcf819e2e395fbe73b56e0a3"),
            "RFC 4231 section 4.3"
        );
    }

    #[test]
    fn a_streamed_digest_equals_the_digest_of_the_whole() {
        let mut streamed = Sha256::new();
        for piece in [b"a".as_slice(), b"", b"bc"] {
            streamed.update(piece);
        }
        assert_eq!(streamed.finish(), sha256(b"abc"), "pieces do not matter");
    }

    #[test]
    fn an_hmac_is_verified_in_full_only() {
        let key = HmacSha256Key::new(&Secret::from("key"));
        let code = key.sign(&[b"12", b"3"]);
        assert_eq!(code, hmac_sha256(b"key", b"123"), "parts are concatenated");
        assert!(key.verify(&[b"123"], &code), "the right code");
        assert!(!key.verify(&[b"123"], &code[..16]), "a truncated code is refused");
        assert!(!key.verify(&[b"124"], &code), "another message is refused");
        assert!(!key.verify(&[b"123"], &[]), "an empty code is refused");
        assert!(!format!("{key:?}").contains("key\""), "the key stays hidden");
    }
}
