//! Remembers verified tokens by their digest, so that a signature is verified once.
//!
//! Bounded in number, and only tokens of ordinary size are kept, which bounds the memory. What is
//! found here is neither current nor meant for a route until [`super::checks`] say so. Several
//! threads that present a new token at once may each verify it; the last one is kept.

use std::{sync::Arc, time::Duration};

use quick_cache::sync::Cache;
use tollgate_crypto::sha256;

use super::proven::Proven;

/// A bounded map from a token's SHA-256 to what it proved.
pub(super) struct TokenCache(Cache<[u8; 32], Arc<Proven>>);

impl TokenCache {
    /// Room for this many tokens.
    pub fn new(capacity: usize) -> Self {
        Self(Cache::new(capacity))
    }

    /// The token's key, if tokens of this size are kept.
    pub fn key(token: &str) -> Option<[u8; 32]> {
        (token.len() <= LONGEST).then(|| sha256(token.as_bytes()))
    }

    /// What the token proved, unless it has expired or other keys are in force by now.
    pub fn find(&self, key: &[u8; 32], generation: [u8; 32], now: Duration) -> Option<Arc<Proven>> {
        let found = self.0.get(key)?;
        if found.generation == generation && now < found.expires {
            return Some(found);
        }
        self.0.remove(key);
        None
    }

    /// Remembers a token.
    pub fn keep(&self, key: [u8; 32], token: Arc<Proven>) {
        self.0.insert(key, token);
    }
}

/// Longer tokens are verified on every use.
const LONGEST: usize = 8 * 1024;
