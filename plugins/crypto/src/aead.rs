//! AES-GCM (NIST SP 800-38D) with 96-bit nonces and full 128-bit tags, and the budget of a key.
//!
//! A tag is checked before anything is decrypted. A nonce must never repeat under a key: with random
//! nonces that is safe for 2^32 messages, which [`UseBudget`] enforces.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use aes_gcm::{AeadInOut, Aes128Gcm, Aes256Gcm, KeyInit, Nonce, Tag};
use thiserror::Error;

use crate::random::{Fill, RandomUnavailable};

/// Bytes of a nonce.
pub const NONCE_LEN: usize = 12;

/// Bytes of a tag.
pub const TAG_LEN: usize = 16;

/// An AES-128 or AES-256 key, expanded once.
#[derive(Clone)]
pub struct AesGcmKey(Cipher);

#[derive(Clone)]
enum Cipher {
    Aes128(Box<Aes128Gcm>),
    Aes256(Box<Aes256Gcm>),
}

/// A key of the wrong length.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("expected an AES-GCM key of 16 or 32 bytes, found {found} bytes")]
pub struct KeyLengthError {
    /// Length of what was given, in bytes.
    pub found: usize,
}

/// The message was not sealed with this key, nonce and associated data, or was changed since.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("decryption failed")]
pub struct OpenError;

/// Why nothing was encrypted.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum SealError {
    /// The message is longer than AES-GCM allows (64 GiB).
    #[error("the message is too long for AES-GCM")]
    TooLong,
    /// The key must be replaced.
    #[error(transparent)]
    Budget(#[from] BudgetExhausted),
    /// No nonce could be drawn.
    #[error(transparent)]
    Random(#[from] RandomUnavailable),
}

/// A message sealed under a nonce that was drawn for it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sealed {
    /// The nonce, to be sent along.
    pub nonce: [u8; NONCE_LEN],
    /// The ciphertext followed by the tag.
    pub ciphertext: Vec<u8>,
}

impl AesGcmKey {
    /// Takes 16 bytes for AES-128 or 32 for AES-256.
    pub fn new(key: &[u8]) -> Result<Self, KeyLengthError> {
        let error = KeyLengthError { found: key.len() };
        match key.len() {
            16 => Aes128Gcm::new_from_slice(key).map(|key| Self(Cipher::Aes128(Box::new(key)))),
            _ => Aes256Gcm::new_from_slice(key).map(|key| Self(Cipher::Aes256(Box::new(key)))),
        }
        .map_err(|_| error)
    }

    /// Encrypts; returns the ciphertext followed by the tag. The caller answers for a fresh nonce.
    pub fn seal(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        let mut buffer = Vec::with_capacity(plaintext.len() + TAG_LEN);
        buffer.extend_from_slice(plaintext);
        let tag = self.seal_in_place(nonce, aad, &mut buffer)?;
        buffer.extend_from_slice(&tag);
        Ok(buffer)
    }

    /// Encrypts `buffer` where it lies and returns the tag.
    pub fn seal_in_place(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        buffer: &mut [u8],
    ) -> Result<[u8; TAG_LEN], SealError> {
        let nonce = Nonce::from(*nonce);
        match &self.0 {
            Cipher::Aes128(key) => key.encrypt_inout_detached(&nonce, aad, buffer.into()),
            Cipher::Aes256(key) => key.encrypt_inout_detached(&nonce, aad, buffer.into()),
        }
        .map(Into::into)
        .map_err(|_| SealError::TooLong)
    }

    /// Encrypts under a random nonce, counting against the budget of this key.
    pub fn seal_random(
        &self,
        budget: &UseBudget,
        random: &dyn Fill,
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<Sealed, SealError> {
        budget.take()?;
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce)?;
        Ok(Sealed { nonce, ciphertext: self.seal(&nonce, aad, plaintext)? })
    }

    /// Decrypts a ciphertext that is followed by its tag.
    pub fn open(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        ciphertext: &[u8],
    ) -> Result<Vec<u8>, OpenError> {
        let (body, tag) = ciphertext.split_last_chunk::<TAG_LEN>().ok_or(OpenError)?;
        let mut buffer = body.to_vec();
        self.open_in_place(nonce, aad, &mut buffer, tag)?;
        Ok(buffer)
    }

    /// Decrypts `buffer` where it lies; it is left as it was when the tag is wrong.
    pub fn open_in_place(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), OpenError> {
        let (nonce, tag) = (Nonce::from(*nonce), Tag::from(*tag));
        match &self.0 {
            Cipher::Aes128(key) => key.decrypt_inout_detached(&nonce, aad, buffer.into(), &tag),
            Cipher::Aes256(key) => key.decrypt_inout_detached(&nonce, aad, buffer.into(), &tag),
        }
        .map_err(|_| OpenError)
    }
}

impl fmt::Debug for AesGcmKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AesGcmKey(***)")
    }
}

/// How often a key may still be used with random nonces.
///
/// One budget belongs to one key for as long as the key lives: keep it across reloads. It refuses
/// rather than wraps, and never gives back what was taken.
#[derive(Debug)]
pub struct UseBudget {
    used: AtomicU64,
    limit: u64,
}

/// The key was used as often as it may be; it must be replaced.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the key was used {limit} times and must be replaced")]
pub struct BudgetExhausted {
    /// Uses the key had.
    pub limit: u64,
}

impl UseBudget {
    /// Encryptions under one key with random 96-bit nonces (NIST SP 800-38D section 8.3).
    pub const LIMIT: u64 = 1 << 32;

    /// A fresh key's budget.
    pub const fn new() -> Self {
        Self::with_limit(Self::LIMIT)
    }

    /// A budget of `limit` uses, never more than [`Self::LIMIT`].
    pub const fn with_limit(limit: u64) -> Self {
        let limit = if limit < Self::LIMIT { limit } else { Self::LIMIT };
        Self { used: AtomicU64::new(0), limit }
    }

    /// Takes one use, or refuses.
    pub fn take(&self) -> Result<(), BudgetExhausted> {
        self.used
            .try_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                (used < self.limit).then_some(used + 1)
            })
            .map(drop)
            .map_err(|_| BudgetExhausted { limit: self.limit })
    }

    /// Uses that are left; for a metric.
    pub fn remaining(&self) -> u64 {
        self.limit.saturating_sub(self.used.load(Ordering::Relaxed))
    }
}

impl Default for UseBudget {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, thread};

    use proptest::prelude::*;

    use super::*;
    use crate::random::SystemRandom;

    proptest! {
        #[test]
        fn what_is_sealed_opens_and_nothing_else_does(
            long in any::<bool>(),
            key: [u8; 32],
            nonce: [u8; 12],
            aad: Vec<u8>,
            plaintext: Vec<u8>,
            flip in any::<prop::sample::Index>(),
            bit in 0..8,
        ) {
            let key = AesGcmKey::new(if long { &key } else { &key[..16] }).unwrap();
            let sealed = key.seal(&nonce, &aad, &plaintext).unwrap();
            prop_assert_eq!(sealed.len(), plaintext.len() + TAG_LEN);
            prop_assert_eq!(key.open(&nonce, &aad, &sealed).unwrap(), plaintext);

            let mut changed = sealed.clone();
            changed[flip.index(sealed.len())] ^= 1_u8 << bit;
            prop_assert_eq!(key.open(&nonce, &aad, &changed), Err(OpenError));

            let mut other_nonce = nonce;
            other_nonce[flip.index(12)] ^= 1_u8 << bit;
            prop_assert_eq!(key.open(&other_nonce, &aad, &sealed), Err(OpenError));

            let other_aad = [aad.as_slice(), b"x"].concat();
            prop_assert_eq!(key.open(&nonce, &other_aad, &sealed), Err(OpenError));
        }
    }

    #[test]
    fn a_truncated_tag_is_refused() {
        let key = AesGcmKey::new(&[1; 32]).unwrap();
        let sealed = key.seal(&[2; 12], b"", b"").unwrap();
        for length in 0..TAG_LEN {
            assert_eq!(
                key.open(&[2; 12], b"", &sealed[..length]),
                Err(OpenError),
                "a tag of {length} bytes"
            );
        }
    }

    #[test]
    fn a_key_has_16_or_32_bytes() {
        for length in [0, 8, 15, 17, 24, 31, 33, 64] {
            assert_eq!(
                AesGcmKey::new(&vec![0; length]).err(),
                Some(KeyLengthError { found: length }),
                "{length} bytes"
            );
        }
    }

    #[test]
    fn a_spent_budget_refuses_and_stays_spent() {
        let (budget, key) = (UseBudget::with_limit(2), AesGcmKey::new(&[1; 16]).unwrap());
        let first = key.seal_random(&budget, &SystemRandom, b"", b"pay").unwrap();
        let second = key.seal_random(&budget, &SystemRandom, b"", b"pay").unwrap();
        assert_ne!(first.nonce, second.nonce, "each message has its own nonce");
        for _ in 0..3 {
            assert_eq!(
                key.seal_random(&budget, &SystemRandom, b"", b"pay"),
                Err(SealError::Budget(BudgetExhausted { limit: 2 })),
                "the third use and every later one is refused"
            );
        }
        assert_eq!(budget.remaining(), 0, "nothing is left");
    }

    #[test]
    fn a_budget_is_never_larger_than_the_standard_allows() {
        assert_eq!(UseBudget::new().remaining(), 1 << 32, "2^32 by default");
        assert_eq!(UseBudget::with_limit(u64::MAX).remaining(), 1 << 32, "and at most");
    }

    #[test]
    fn threads_together_take_no_more_than_the_budget() {
        let budget = Arc::new(UseBudget::with_limit(1000));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let budget = Arc::clone(&budget);
                thread::spawn(move || (0..500).filter(|_| budget.take().is_ok()).count())
            })
            .collect();
        let taken: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(taken, 1000, "2000 attempts share 1000 uses");
    }
}
