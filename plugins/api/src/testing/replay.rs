//! Replay sets in a plain map, without a bound, on the bench's clock.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{Clock, ReplaySet, ReplaySets, Seen, Step, StoreError};

/// Opens sets that remember until their time is over. [`fail`](FakeReplaySets::fail) makes every
/// later question fail.
#[derive(Clone)]
pub struct FakeReplaySets(Arc<Shared>);

struct Shared {
    clock: Arc<dyn Clock>,
    state: Mutex<Remembered>,
}

#[derive(Default)]
struct Remembered {
    until: HashMap<(String, Vec<u8>), Duration>,
    failing: bool,
}

impl FakeReplaySets {
    /// Sets on this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Shared { clock, state: Mutex::default() }))
    }

    /// From now on every question fails, or none does.
    pub fn fail(&self, failing: bool) {
        self.state().failing = failing;
    }

    fn state(&self) -> std::sync::MutexGuard<'_, Remembered> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReplaySets for FakeReplaySets {
    fn replay_set(&self, name: &str) -> Arc<dyn ReplaySet> {
        Arc::new(Named { sets: self.clone(), name: name.to_owned() })
    }
}

struct Named {
    sets: FakeReplaySets,
    name: String,
}

impl Named {
    fn ask(&self, key: &[u8], insert: Option<Duration>) -> Result<bool, StoreError> {
        let now = self.sets.0.clock.unix();
        let mut state = self.sets.state();
        if state.failing {
            return Err(StoreError);
        }
        state.until.retain(|_, until| *until > now);
        let key = (self.name.clone(), key.to_vec());
        let there = state.until.contains_key(&key);
        if let (false, Some(keep)) = (there, insert) {
            state.until.insert(key, now + keep);
        }
        Ok(there)
    }
}

impl ReplaySet for Named {
    fn insert<'a>(&'a self, key: &'a [u8], keep: Duration) -> Step<'a, Seen, StoreError> {
        let there = self.ask(key, Some(keep));
        Step::Now(there.map(|there| if there { Seen::Again } else { Seen::First }))
    }

    fn contains<'a>(&'a self, key: &'a [u8]) -> Step<'a, bool, StoreError> {
        Step::Now(self.ask(key, None))
    }

    fn remove(&self, key: &[u8]) {
        self.sets.state().until.remove(&(self.name.clone(), key.to_vec()));
    }
}
