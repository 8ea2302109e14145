//! Digests whose algorithm a provider's scheme chooses, over data that arrives in pieces.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use md5::{Digest as _, Md5};
use sm3::Sm3;

/// The algorithms a provider's scheme may prescribe.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum DigestAlgorithm {
    /// SHA-1 (FIPS 180-4), 20 bytes. Broken: for checksums of files that a provider prescribes, such as
    /// WeChat Pay's bill downloads, and never for signatures.
    Sha1,
    /// SHA-256 (FIPS 180-4), 32 bytes.
    Sha256,
    /// SM3 (GB/T 32905-2016), 32 bytes.
    Sm3,
    /// MD5 (RFC 1321), 16 bytes. Broken: for identifiers that a provider prescribes, such as Alipay's
    /// certificate numbers, and never for signatures.
    Md5,
}

impl DigestAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 4] = [Self::Sha1, Self::Sha256, Self::Sm3, Self::Md5];

    /// The name a document or an error uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sm3 => "SM3",
            Self::Md5 => "MD5",
        }
    }

    /// Bytes of the digest.
    pub const fn digest_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 | Self::Sm3 => 32,
            Self::Md5 => 16,
        }
    }
}

/// A digest in the making.
#[derive(Clone)]
pub struct Digest(State);

#[derive(Clone)]
enum State {
    Sha(Context),
    Sm3(Sm3),
    Md5(Md5),
}

impl Digest {
    /// Starts with nothing digested.
    pub fn new(algorithm: DigestAlgorithm) -> Self {
        Self(match algorithm {
            DigestAlgorithm::Sha1 => State::Sha(Context::new(&SHA1_FOR_LEGACY_USE_ONLY)),
            DigestAlgorithm::Sha256 => State::Sha(Context::new(&SHA256)),
            DigestAlgorithm::Sm3 => State::Sm3(Sm3::new()),
            DigestAlgorithm::Md5 => State::Md5(Md5::new()),
        })
    }

    /// The digest of one piece.
    #[must_use]
    pub fn of(algorithm: DigestAlgorithm, data: &[u8]) -> Vec<u8> {
        let mut digest = Self::new(algorithm);
        digest.update(data);
        digest.finish()
    }

    /// Adds the next piece.
    pub fn update(&mut self, data: &[u8]) {
        match &mut self.0 {
            State::Sha(context) => context.update(data),
            State::Sm3(state) => state.update(data),
            State::Md5(state) => state.update(data),
        }
    }

    /// The digest of all pieces in order, of [`DigestAlgorithm::digest_len`] bytes.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        match self.0 {
            State::Sha(context) => context.finish().as_ref().to_vec(),
            State::Sm3(state) => state.finalize().to_vec(),
            State::Md5(state) => state.finalize().to_vec(),
        }
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::to_hex;

    #[test]
    fn digests_match_the_published_values() {
        for (algorithm, message, digest) in [
            (DigestAlgorithm::Sha1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (DigestAlgorithm::Sha1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            (
                DigestAlgorithm::Sha256,
                "abc",
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                DigestAlgorithm::Sm3,
                "abc",
                "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
            ),
            (DigestAlgorithm::Md5, "message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            (DigestAlgorithm::Md5, "", "d41d8cd98f00b204e9800998ecf8427e"),
        ] {
            let name = algorithm.name();
            let found = Digest::of(algorithm, message.as_bytes());
            assert_eq!(to_hex(&found), digest, "{name} of `{message}`");
            assert_eq!(found.len(), algorithm.digest_len(), "{name} has its length");
        }
    }

    #[test]
    fn a_digest_does_not_depend_on_the_pieces_and_does_on_every_byte() {
        for algorithm in DigestAlgorithm::ALL {
            let name = algorithm.name();
            let message: Vec<u8> = (0..=255).collect();
            let mut pieces = Digest::new(algorithm);
            for piece in [&message[..1], &[], &message[1..64], &message[64..]] {
                pieces.update(piece);
            }
            let whole = Digest::of(algorithm, &message);
            assert_eq!(pieces.finish(), whole, "{name}: pieces do not matter");
            let mut changed = message.clone();
            changed[200] ^= 1;
            assert_ne!(Digest::of(algorithm, &changed), whole, "{name}: a changed bit does");
        }
    }
}
