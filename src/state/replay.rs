//! Replay sets in memory: for one process, forgotten when it ends.
//!
//! A set keeps a bounded number of keys (a million unless told otherwise), as digests under a secret
//! of the process. A key leaves when its time is over and never before: a set that is full of keys
//! that still count refuses new ones, because what cannot be remembered could be replayed.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    hash::{BuildHasher, RandomState},
    sync::{Arc, Weak},
    time::Duration,
};

use parking_lot::Mutex;
use tollgate_api::{Clock, ReplaySet, ReplaySets, Seen, Step, StoreError, Tick};

/// Opens replay sets in memory.
pub struct MemoryReplaySets {
    clock: Arc<dyn Clock>,
    max_keys: usize,
    open: Mutex<HashMap<String, Weak<Set>>>,
}

impl MemoryReplaySets {
    /// Sets that remember at most [`MAX_KEYS`](Self::MAX_KEYS) keys each.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::with_max_keys(clock, Self::MAX_KEYS)
    }

    /// Sets that remember at most this many keys each.
    pub fn with_max_keys(clock: Arc<dyn Clock>, max_keys: usize) -> Self {
        Self { clock, max_keys, open: Mutex::default() }
    }

    /// How many keys a set remembers by default: about 80 MB when all are in use.
    pub const MAX_KEYS: usize = 1_000_000;
}

impl ReplaySets for MemoryReplaySets {
    fn replay_set(&self, name: &str) -> Arc<dyn ReplaySet> {
        let mut open = self.open.lock();
        open.retain(|_, set| set.strong_count() > 0);
        if let Some(set) = open.get(name).and_then(Weak::upgrade) {
            return set;
        }
        let set = Arc::new(Set {
            clock: self.clock.clone(),
            secrets: [RandomState::new(), RandomState::new()],
            max_keys: self.max_keys,
            keys: Mutex::default(),
        });
        open.insert(name.to_owned(), Arc::downgrade(&set));
        set
    }
}

struct Set {
    clock: Arc<dyn Clock>,
    secrets: [RandomState; 2],
    max_keys: usize,
    keys: Mutex<Keys>,
}

#[derive(Default)]
struct Keys {
    until: HashMap<u128, Tick>,
    /// Every key with the end of its time. An entry that the map does not confirm is void: the key
    /// was removed, or inserted anew.
    queue: BinaryHeap<Reverse<(Tick, u128)>>,
}

impl Keys {
    fn expire(&mut self, now: Tick) {
        while let Some(&Reverse((until, digest))) = self.queue.peek() {
            let void = self.until.get(&digest) != Some(&until);
            if !void && until > now {
                break;
            }
            self.queue.pop();
            if !void {
                self.until.remove(&digest);
            }
        }
    }
}

impl Set {
    /// 128 bits, so that two keys are never taken for one by accident.
    fn digest(&self, key: &[u8]) -> u128 {
        let [high, low] = &self.secrets;
        u128::from(high.hash_one(key)) << 64 | u128::from(low.hash_one(key))
    }
}

impl ReplaySet for Set {
    fn insert<'a>(&'a self, key: &'a [u8], keep: Duration) -> Step<'a, Seen, StoreError> {
        let (digest, now) = (self.digest(key), self.clock.tick());
        let mut keys = self.keys.lock();
        keys.expire(now);
        if keys.until.contains_key(&digest) {
            return Step::Now(Ok(Seen::Again));
        }
        if keys.queue.len() >= self.max_keys {
            return Step::Now(Err(StoreError));
        }
        let until = now.after(keep);
        keys.until.insert(digest, until);
        keys.queue.push(Reverse((until, digest)));
        Step::Now(Ok(Seen::First))
    }

    fn contains<'a>(&'a self, key: &'a [u8]) -> Step<'a, bool, StoreError> {
        let (digest, now) = (self.digest(key), self.clock.tick());
        let keys = self.keys.lock();
        Step::Now(Ok(keys.until.get(&digest).is_some_and(|until| *until > now)))
    }

    fn remove(&self, key: &[u8]) {
        let digest = self.digest(key);
        self.keys.lock().until.remove(&digest);
    }
}

#[cfg(test)]
mod tests {
    use tollgate_api::ManualClock;

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn set(clock: &Arc<ManualClock>, max_keys: usize) -> Arc<dyn ReplaySet> {
        MemoryReplaySets::with_max_keys(clock.clone(), max_keys).replay_set("x")
    }

    async fn insert(set: &dyn ReplaySet, key: &str) -> Result<Seen, StoreError> {
        set.insert(key.as_bytes(), MINUTE).resolve().await
    }

    #[tokio::test]
    async fn a_key_is_seen_until_its_time_is_over() {
        let clock = Arc::new(ManualClock::at(MINUTE));
        let set = set(&clock, 10);
        assert_eq!(insert(&*set, "a").await, Ok(Seen::First), "new");
        assert_eq!(insert(&*set, "a").await, Ok(Seen::Again), "seen");
        assert_eq!(set.contains(b"b").resolve().await, Ok(false), "another key");
        clock.advance(Duration::from_millis(59_999));
        assert_eq!(set.contains(b"a").resolve().await, Ok(true), "just before its end");
        clock.advance(Duration::from_millis(1));
        assert_eq!(set.contains(b"a").resolve().await, Ok(false), "its time is over");
        assert_eq!(insert(&*set, "a").await, Ok(Seen::First), "new again");
    }

    #[tokio::test]
    async fn a_removed_key_is_new_again_and_keeps_its_new_time() {
        let clock = Arc::new(ManualClock::at(MINUTE));
        let set = set(&clock, 10);
        assert_eq!(insert(&*set, "a").await, Ok(Seen::First), "new");
        clock.advance(MINUTE / 2);
        set.remove(b"a");
        assert_eq!(insert(&*set, "a").await, Ok(Seen::First), "removed, so new");
        clock.advance(MINUTE / 2);
        assert_eq!(insert(&*set, "a").await, Ok(Seen::Again), "the first time no longer counts");
    }

    #[tokio::test]
    async fn a_full_set_refuses_rather_than_forgets() {
        let clock = Arc::new(ManualClock::at(MINUTE));
        let set = set(&clock, 2);
        for key in ["a", "b"] {
            assert_eq!(insert(&*set, key).await, Ok(Seen::First), "{key}");
        }
        assert_eq!(insert(&*set, "c").await, Err(StoreError), "no room");
        assert_eq!(insert(&*set, "a").await, Ok(Seen::Again), "nothing was forgotten for it");
        clock.advance(MINUTE);
        assert_eq!(insert(&*set, "c").await, Ok(Seen::First), "room again");
    }

    #[tokio::test]
    async fn sets_are_apart_by_name_and_shared_while_somebody_holds_them() {
        let clock = Arc::new(ManualClock::at(MINUTE));
        let sets = MemoryReplaySets::new(clock);
        let (one, same, other) =
            (sets.replay_set("one"), sets.replay_set("one"), sets.replay_set("other"));
        assert_eq!(insert(&*one, "a").await, Ok(Seen::First), "new in one");
        assert_eq!(insert(&*same, "a").await, Ok(Seen::Again), "the same set");
        assert_eq!(insert(&*other, "a").await, Ok(Seen::First), "another set");
        drop((one, same));
        assert_eq!(insert(&*sets.replay_set("one"), "a").await, Ok(Seen::First), "nobody held it");
    }
}
