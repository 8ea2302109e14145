//! Typed state of plugins for one exchange or attempt.

use std::{any::Any, fmt};

/// Each plugin instance has its own slots, one for each type it stores.
#[derive(Default)]
pub struct Slots {
    current: u32,
    kept: Vec<(u32, Box<dyn Any + Send>)>,
}

impl Slots {
    /// From now on the slots of this plugin instance are meant.
    pub fn enter(&mut self, instance: u32) {
        self.current = instance;
    }

    /// Drops what the instances in this range stored: an attempt is over.
    pub fn clear(&mut self, instances: std::ops::Range<u32>) {
        self.kept.retain(|(instance, _)| !instances.contains(instance));
    }

    /// Takes over everything another exchange's slots hold: a shadowed plugin's, from its view.
    pub fn absorb(&mut self, other: &mut Self) {
        self.kept.append(&mut other.kept);
    }

    /// Moves what the current instance stored into another exchange's slots.
    pub fn lend(&mut self, other: &mut Self) {
        other.current = self.current;
        let (lent, kept) = std::mem::take(&mut self.kept)
            .into_iter()
            .partition(|(instance, _)| *instance == self.current);
        other.kept = lent;
        self.kept = kept;
    }

    pub(super) fn find<T: 'static>(&self) -> Option<&T> {
        self.kept
            .iter()
            .filter(|(instance, _)| *instance == self.current)
            .find_map(|(_, state)| state.downcast_ref())
    }

    pub(super) fn store<T: Send + 'static>(&mut self, state: T) {
        let _ = self.take::<T>();
        self.kept.push((self.current, Box::new(state)));
    }

    pub(super) fn take<T: 'static>(&mut self) -> Option<T> {
        let at = self
            .kept
            .iter()
            .position(|(instance, state)| *instance == self.current && state.is::<T>())?;
        self.kept.swap_remove(at).1.downcast().ok().map(|state| *state)
    }
}

impl fmt::Debug for Slots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What plugins store may be secret.
        f.debug_struct("Slots").field("kept", &self.kept.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_instance_sees_only_its_own_state() {
        let mut slots = Slots::default();
        slots.enter(1);
        slots.store(5_u8);
        slots.enter(2);
        assert_eq!(slots.find::<u8>(), None, "another instance's state is not visible");
        slots.store(6_u8);
        slots.store(7_u8);
        assert_eq!(slots.take::<u8>(), Some(7), "the last of a type wins");
        assert_eq!(slots.take::<u8>(), None, "taken once");
        slots.enter(1);
        assert_eq!(slots.find::<u8>(), Some(&5), "untouched by the other");
        slots.clear(0..2);
        assert_eq!(slots.find::<u8>(), None, "cleared with its attempt");
    }
}
