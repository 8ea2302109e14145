//! The retry budget: an outage must not be doubled by the attempts against it.
//!
//! A token bucket per upstream. Each request pays a little in, each further attempt takes one out;
//! a trickle keeps rarely used upstreams able to retry.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tollgate_api::Tick;

/// How a retry budget is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BudgetSpec {
    /// Further attempts per hundred requests.
    pub percent: u32,
    /// Further attempts per second that are allowed besides.
    pub per_second: u32,
    /// Further attempts that can be saved up.
    pub burst: u32,
}

impl Default for BudgetSpec {
    fn default() -> Self {
        Self { percent: 20, per_second: 1, burst: 20 }
    }
}

/// The bucket. Lock-free; in hundredths of an attempt.
#[derive(Debug)]
pub(super) struct Budget {
    saved: AtomicU64,
    /// When the trickle was last paid in, in nanoseconds.
    paid_at: AtomicU64,
}

impl Budget {
    /// Starts full.
    pub(super) fn new(spec: &BudgetSpec, now: Tick) -> Self {
        Self { saved: AtomicU64::new(full(spec)), paid_at: AtomicU64::new(now.0) }
    }

    /// A request was made for the first time.
    pub(super) fn deposit(&self, spec: &BudgetSpec) {
        self.add(spec, u64::from(spec.percent));
    }

    /// Takes one further attempt, if there is one.
    pub(super) fn withdraw(&self, spec: &BudgetSpec, now: Tick) -> bool {
        self.trickle(spec, now);
        self.saved
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |saved| saved.checked_sub(ATTEMPT))
            .is_ok()
    }

    /// Whether there is one further attempt to take.
    pub(super) fn has_one(&self, spec: &BudgetSpec, now: Tick) -> bool {
        self.trickle(spec, now);
        self.saved.load(Ordering::Acquire) >= ATTEMPT
    }

    fn trickle(&self, spec: &BudgetSpec, now: Tick) {
        let paid = self.paid_at.load(Ordering::Acquire);
        let seconds = now.since(Tick(paid)).as_secs();
        if seconds == 0 {
            return;
        }
        let until = Tick(paid).after(Duration::from_secs(seconds)).0;
        // Whoever loses the race finds the trickle already paid.
        if self.paid_at.compare_exchange(paid, until, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            self.add(spec, seconds.saturating_mul(u64::from(spec.per_second) * ATTEMPT));
        }
    }

    fn add(&self, spec: &BudgetSpec, amount: u64) {
        let _ = self.saved.fetch_update(Ordering::AcqRel, Ordering::Acquire, |saved| {
            Some(saved.saturating_add(amount).min(full(spec)))
        });
    }
}

fn full(spec: &BudgetSpec) -> u64 {
    u64::from(spec.burst) * ATTEMPT
}

const ATTEMPT: u64 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: BudgetSpec = BudgetSpec { percent: 50, per_second: 1, burst: 2 };

    #[test]
    fn a_budget_is_spent_and_filled_by_requests() {
        let budget = Budget::new(&SPEC, Tick(0));
        assert!(budget.withdraw(&SPEC, Tick(0)), "it starts full");
        assert!(budget.withdraw(&SPEC, Tick(0)), "the burst is two");
        assert!(!budget.withdraw(&SPEC, Tick(0)), "an outage is not doubled");
        budget.deposit(&SPEC);
        assert!(!budget.has_one(&SPEC, Tick(0)), "half an attempt is none to promise");
        assert!(!budget.withdraw(&SPEC, Tick(0)), "half an attempt is none");
        budget.deposit(&SPEC);
        assert!(budget.withdraw(&SPEC, Tick(0)), "two requests pay for one attempt");
    }

    #[test]
    fn a_budget_trickles_and_never_exceeds_its_burst() {
        let budget = Budget::new(&SPEC, Tick(0));
        let later = Tick(0).after(Duration::from_hours(1));
        for round in 0..2 {
            assert!(budget.withdraw(&SPEC, later), "an hour fills it up, attempt {round}");
        }
        assert!(!budget.withdraw(&SPEC, later), "and no further than the burst");
        let second = later.after(Duration::from_secs(1));
        assert!(budget.withdraw(&SPEC, second), "one attempt a second trickles in");
        assert!(!budget.withdraw(&SPEC, second), "and not more");
    }
}
