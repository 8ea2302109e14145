//! The budget that all held bodies share.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tollgate_api::{Fault, codes};

/// Bytes that held bodies may take together.
#[derive(Debug, Default)]
pub struct HeldMemory {
    used: AtomicUsize,
    limit: AtomicUsize,
}

impl HeldMemory {
    /// Sets the limit; what is held already stays.
    pub fn set_limit(&self, bytes: usize) {
        self.limit.store(bytes, Ordering::Relaxed);
    }

    /// Bytes held now.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// A reservation that grows with a body and is given back when dropped.
    pub fn reserve(self: &Arc<Self>) -> Reservation {
        Reservation { budget: self.clone(), bytes: 0 }
    }
}

/// Memory reserved for one exchange's bodies.
#[derive(Debug)]
pub struct Reservation {
    budget: Arc<HeldMemory>,
    bytes: usize,
}

impl Reservation {
    /// Reserves more, or fails with `overloaded`.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Fault> {
        let limit = self.budget.limit.load(Ordering::Relaxed);
        self.budget
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|used| *used <= limit)
            })
            .map_err(|_| {
                Fault::new(&codes::OVERLOADED).caused_by("the memory for held bodies is used up")
            })?;
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_never_exceeded_and_given_back() {
        let budget = Arc::new(HeldMemory::default());
        budget.set_limit(10);
        let mut first = budget.reserve();
        first.grow(6).expect("fits");
        let mut second = budget.reserve();
        assert!(second.grow(5).is_err(), "would exceed the limit");
        assert_eq!(budget.used(), 6, "a refused reservation takes nothing");
        drop(first);
        second.grow(10).expect("fits once the first is gone");
        drop(second);
        assert_eq!(budget.used(), 0, "everything was given back");
    }
}
