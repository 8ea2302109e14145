//! The generic cell rate algorithm (ITU-T I.371), as a leaky bucket in whole numbers.
//!
//! A bucket's level is counted in units of which `period` (in nanoseconds) make one request, so that
//! `limit` units drain away in each nanosecond. No rate is rounded: what passes in any span of time is
//! exactly `burst` plus what drained in it.

use std::{num::NonZeroU32, time::Duration};

use tollgate_api::{Quota, Tick, Verdict};

/// How full the bucket of one quota is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    quota: Quota,
    level: u128,
    at: Tick,
}

/// What a cell says about a request, before anything is taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offer {
    cell: Cell,
    /// Level after the request, if it fits.
    after: Option<u128>,
    retry_after: Duration,
}

impl Cell {
    /// Nothing spent.
    pub(super) fn empty(quota: Quota, now: Tick) -> Self {
        Self { quota, level: 0, at: now }
    }

    /// The cell under another quota: what was spent stays spent, as far as the new burst can hold it.
    pub(super) fn under(self, quota: Quota, now: Tick) -> Self {
        if self.quota == quota {
            return self;
        }
        // Until now it drained under the old quota.
        let spent = self.drained(now);
        let level = match unit(quota) {
            new if new == unit(self.quota) => spent.level,
            new => scale(spent.level, new, unit(self.quota)),
        };
        Self { quota, level: level.min(full(quota)), at: now }
    }

    pub(super) fn quota(&self) -> Quota {
        self.quota
    }

    /// Requests spent and not yet replenished, rounded up.
    pub(super) fn spent(&self, now: Tick) -> u128 {
        self.drained(now).level.div_ceil(unit(self.quota))
    }

    /// When the bucket will have forgotten everything.
    pub(super) fn replenished_at(&self) -> Tick {
        self.at.after(drain_time(self.level, self.quota))
    }

    /// Whether `cost` requests fit, and if not, when they will.
    pub(super) fn offer(&self, cost: NonZeroU32, now: Tick) -> Offer {
        let cell = self.drained(now);
        let room = full(self.quota);
        let needed = u128::from(cost.get()) * unit(self.quota);
        let after = cell.level + needed;
        if after <= room {
            return Offer { cell, after: Some(after), retry_after: Duration::ZERO };
        }
        // A cost beyond the burst never fits.
        let retry_after =
            if needed > room { Duration::MAX } else { drain_time(after - room, self.quota) };
        Offer { cell, after: None, retry_after }
    }

    fn drained(&self, now: Tick) -> Self {
        // Another thread may have read a later time before this one came here.
        let now = now.max(self.at);
        let elapsed = u128::from(now.0 - self.at.0);
        let drained = elapsed * u128::from(self.quota.limit.get());
        Self { quota: self.quota, level: self.level.saturating_sub(drained), at: now }
    }
}

impl Offer {
    /// Whether the request fits.
    pub(super) fn fits(&self) -> bool {
        self.after.is_some()
    }

    /// The cell and verdict after the decision over all quotas.
    pub(super) fn settle(self, allowed: bool) -> (Cell, Verdict) {
        let level = if allowed { self.after.unwrap_or(self.cell.level) } else { self.cell.level };
        let cell = Cell { level, ..self.cell };
        let left = full(cell.quota).saturating_sub(level) / unit(cell.quota);
        let verdict = Verdict {
            remaining: u32::try_from(left).unwrap_or(u32::MAX),
            reset: drain_time(level, cell.quota),
            retry_after: self.retry_after,
        };
        (cell, verdict)
    }
}

/// Units that make one request.
fn unit(quota: Quota) -> u128 {
    quota.period.as_nanos().max(1)
}

/// Units the bucket holds.
fn full(quota: Quota) -> u128 {
    u128::from(quota.burst.get()) * unit(quota)
}

/// Time until this many units have drained, rounded up to a nanosecond.
fn drain_time(units: u128, quota: Quota) -> Duration {
    let nanos = units.div_ceil(u128::from(quota.limit.get()));
    u64::try_from(nanos).map_or(Duration::MAX, Duration::from_nanos)
}

/// `level * new / old`, rounded up. Periods are far below 2^64 ns, so that this only saturates when
/// the result exceeds every burst.
fn scale(level: u128, new: u128, old: u128) -> u128 {
    level.checked_mul(new).map_or(u128::MAX, |product| product.div_ceil(old))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quota(limit: u32, period: Duration, burst: u32) -> Quota {
        Quota {
            limit: NonZeroU32::new(limit).unwrap(),
            period,
            burst: NonZeroU32::new(burst).unwrap(),
        }
    }

    fn take(cell: &mut Cell, cost: u32, now: u64) -> (bool, Verdict) {
        let offer = cell.offer(NonZeroU32::new(cost).unwrap(), Tick(now));
        let fits = offer.fits();
        let (next, verdict) = offer.settle(fits);
        *cell = next;
        (fits, verdict)
    }

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        // (time in ns, cost, passes, remaining, reset in ns, retry after in ns): 2/s, burst 3.
        let table = [
            (0, 1, true, 2, SECOND / 2, 0),
            (0, 1, true, 1, SECOND, 0),
            (0, 1, true, 0, SECOND * 3 / 2, 0),
            (0, 1, false, 0, SECOND * 3 / 2, SECOND / 2),
            (SECOND / 2 - 1, 1, false, 0, SECOND + 1, 1),
            (SECOND / 2, 1, true, 0, SECOND * 3 / 2, 0),
            (SECOND, 2, false, 1, SECOND, SECOND / 2),
            (SECOND * 3 / 2, 2, true, 0, SECOND * 3 / 2, 0),
            (SECOND * 60, 3, true, 0, SECOND * 3 / 2, 0),
            (SECOND * 60, 4, false, 0, SECOND * 3 / 2, u64::MAX),
        ];
        let mut cell = Cell::empty(quota(2, Duration::from_secs(1), 3), Tick(0));
        for (nth, (now, cost, passes, remaining, reset, retry)) in table.into_iter().enumerate() {
            let (passed, verdict) = take(&mut cell, cost, now);
            assert_eq!(passed, passes, "row {nth}");
            assert_eq!(verdict.remaining, remaining, "row {nth}: remaining");
            assert_eq!(verdict.reset, Duration::from_nanos(reset), "row {nth}: reset");
            let retry = if retry == u64::MAX { Duration::MAX } else { Duration::from_nanos(retry) };
            assert_eq!(verdict.retry_after, retry, "row {nth}: retry after");
        }
    }

    #[test]
    fn a_rate_that_does_not_divide_its_period_is_not_rounded() {
        // 3 per second: after exactly a second, three fit again, and not one more.
        let mut cell = Cell::empty(quota(3, Duration::from_secs(1), 3), Tick(0));
        for _ in 0..3 {
            assert!(take(&mut cell, 1, 0).0, "the burst");
        }
        for nth in 1..=3 {
            let due = (nth * SECOND).div_ceil(3);
            assert!(!take(&mut cell, 1, due - 1).0, "a nanosecond before the {nth}th is due");
            assert!(take(&mut cell, 1, due).0, "the {nth}th is due");
        }
    }

    #[test]
    fn time_that_runs_backwards_grants_nothing() {
        let mut cell = Cell::empty(quota(1, Duration::from_secs(1), 1), Tick(5 * SECOND));
        assert!(take(&mut cell, 1, 5 * SECOND).0, "the burst");
        assert!(!take(&mut cell, 1, 0).0, "an earlier reading does not replenish");
    }

    #[test]
    fn another_quota_keeps_what_was_spent() {
        let minute = Duration::from_mins(1);
        let mut cell = Cell::empty(quota(10, Duration::from_secs(1), 10), Tick(0));
        for _ in 0..8 {
            take(&mut cell, 1, 0);
        }
        // (new quota, remaining after one more request if it passes)
        for (new, passes, remaining) in [
            (quota(10, Duration::from_secs(1), 20), true, 11),
            (quota(20, Duration::from_secs(1), 10), true, 1),
            (quota(10, minute, 10), true, 1),
            (quota(10, minute, 8), false, 0),
            (quota(10, Duration::from_millis(7), 4), false, 0),
        ] {
            let mut cell = cell.under(new, Tick(0));
            let (passed, verdict) = take(&mut cell, 1, 0);
            assert_eq!((passed, verdict.remaining), (passes, remaining), "{new:?}");
        }
    }

    #[test]
    fn the_largest_quota_does_not_overflow() {
        let day = Duration::from_hours(400 * 24);
        let mut cell = Cell::empty(quota(u32::MAX, day, u32::MAX), Tick(0));
        assert!(take(&mut cell, u32::MAX, 0).0, "the whole burst");
        assert!(!take(&mut cell, 1, 0).0, "and not one more");
        assert!(take(&mut cell, u32::MAX, u64::MAX).0, "at the end of time it is full again");
    }

    /// The textbook form: a theoretical arrival time, here in units of 1/limit ns.
    struct Textbook {
        quota: Quota,
        arrival: u128,
    }

    impl Textbook {
        fn take(&mut self, cost: u32, now: u64) -> bool {
            let now = u128::from(now) * u128::from(self.quota.limit.get());
            let period = self.quota.period.as_nanos();
            let arrival = self.arrival.max(now) + u128::from(cost) * period;
            let passes = arrival - now <= u128::from(self.quota.burst.get()) * period;
            if passes {
                self.arrival = arrival;
            }
            passes
        }
    }

    proptest! {
        #[test]
        fn it_decides_as_the_textbook_does(
            limit in 1_u32..500,
            period in 1_u64..3_000_000_000,
            burst in 1_u32..50,
            requests in prop::collection::vec((0_u64..300_000_000, 1_u32..60), 1..200),
        ) {
            let quota = quota(limit, Duration::from_nanos(period), burst);
            let mut cell = Cell::empty(quota, Tick(0));
            let mut model = Textbook { quota, arrival: 0 };
            let mut now = 0;
            for (pause, cost) in requests {
                now += pause;
                prop_assert_eq!(take(&mut cell, cost, now).0, model.take(cost, now), "at {}", now);
            }
        }

        #[test]
        fn a_refused_request_passes_when_it_was_told_to_and_not_before(
            limit in 1_u32..500,
            period in 1_u64..3_000_000_000,
            burst in 1_u32..50,
            cost in 1_u32..50,
            spent in 0_u32..60,
        ) {
            let quota = quota(limit, Duration::from_nanos(period), burst);
            let mut cell = Cell::empty(quota, Tick(0));
            for _ in 0..spent {
                take(&mut cell, 1, 0);
            }
            let (passed, verdict) = take(&mut cell, cost, 0);
            if !passed && cost <= burst {
                let due = u64::try_from(verdict.retry_after.as_nanos()).unwrap();
                prop_assert!(!take(&mut cell.clone(), cost, due - 1).0, "a nanosecond early");
                prop_assert!(take(&mut cell, cost, due).0, "when it was told to");
            }
        }
    }
}
