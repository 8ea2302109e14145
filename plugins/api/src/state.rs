//! State of plugins that outlives a configuration: key sets, counters, caches.

use std::{
    any::Any,
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

/// Keeps state by stable name for as long as some configuration uses it.
///
/// A reload builds the new configuration while the old one still runs, so whatever both name is
/// found and carried over; what only the old one named goes with it.
#[derive(Default)]
pub struct State(Mutex<HashMap<(String, u64), Weak<dyn Any + Send + Sync>>>);

impl State {
    /// The state of this name and fingerprint, made if no running configuration has it.
    pub fn get_or_create<T: Send + Sync + 'static>(
        &self,
        name: &str,
        fingerprint: u64,
        create: impl FnOnce() -> T,
    ) -> Arc<T> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, state| state.strong_count() > 0);
        let key = (name.to_owned(), fingerprint);
        if let Some(found) =
            kept.get(&key).and_then(Weak::upgrade).and_then(|state| state.downcast::<T>().ok())
        {
            return found;
        }
        let fresh = Arc::new(create());
        let erased: Arc<dyn Any + Send + Sync> = fresh.clone();
        kept.insert(key, Arc::downgrade(&erased));
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_is_carried_over_while_somebody_holds_it_and_dropped_after() {
        let state = State::default();
        let first = state.get_or_create("jwks", 1, || 7_u32);
        let second = state.get_or_create("jwks", 1, || 8_u32);
        assert!(Arc::ptr_eq(&first, &second), "the same name finds the same state");
        assert_eq!(
            *state.get_or_create("jwks", 2, || 9_u32),
            9,
            "another fingerprint is another state"
        );
        drop((first, second));
        assert_eq!(
            *state.get_or_create("jwks", 1, || 10_u32),
            10,
            "nobody held it, so it is made anew"
        );
    }

    #[test]
    fn another_type_under_the_same_name_is_made_anew() {
        let state = State::default();
        let _number = state.get_or_create("x", 0, || 1_u32);
        assert_eq!(*state.get_or_create("x", 0, || "text"), "text", "types never mix");
    }
}
