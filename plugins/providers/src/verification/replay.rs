//! What was received before.

use std::sync::Arc;

use tollgate_api::{ReplaySet, ReplaySets, Seen};

use super::{Refusal, Window};

/// Remembers nonces for as long as a message that carries them could pass.
pub struct Replay {
    set: Arc<dyn ReplaySet>,
    keep: std::time::Duration,
}

impl Replay {
    /// A set of this name (of the provider and its account, so that every route of a gateway shares
    /// it) for messages within this window.
    pub fn new(sets: &dyn ReplaySets, name: &str, window: Window) -> Self {
        Self { set: sets.replay_set(name), keep: window.memory() }
    }

    /// Refuses what was here before, and remembers it from now on.
    pub async fn check(&self, key_id: &str, nonce: &[u8]) -> Result<(), Refusal> {
        let mut entry = Vec::with_capacity(key_id.len() + 1 + nonce.len());
        entry.extend_from_slice(key_id.as_bytes());
        entry.push(0);
        entry.extend_from_slice(nonce);
        match self.set.insert(&entry, self.keep).resolve().await {
            Ok(Seen::First) => Ok(()),
            Ok(Seen::Again) => Err(Refusal::Replayed),
            Err(_) => Err(Refusal::StoreUnavailable),
        }
    }
}
