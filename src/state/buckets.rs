//! The buckets of one shard of a limiter: bounded in number, and forgotten only when forgetting makes
//! no difference.
//!
//! A bucket may be evicted only when all it spent is replenished, so that a flood of new keys cannot
//! reset anybody's limit. An eviction queue orders buckets by the earliest time at which that can be
//! so; it is corrected lazily, when a bucket comes to its head.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    num::NonZeroU32,
};

use tollgate_api::{Quota, Tick, Verdict};

use super::gcra::{Cell, Offer};

/// The cells of one key, one for each quota.
#[derive(Debug, Clone, Default)]
pub(super) struct Bucket(Vec<Cell>);

impl Bucket {
    /// Takes from every quota or from none.
    pub(super) fn take(
        &mut self,
        quotas: &[Quota],
        cost: NonZeroU32,
        now: Tick,
    ) -> (bool, Vec<Verdict>) {
        self.adopt(quotas, now);
        let offers: Vec<Offer> = self.0.iter().map(|cell| cell.offer(cost, now)).collect();
        let allowed = offers.iter().all(Offer::fits);
        let mut verdicts = Vec::with_capacity(offers.len());
        for (cell, offer) in self.0.iter_mut().zip(offers) {
            let (settled, verdict) = offer.settle(allowed);
            *cell = settled;
            verdicts.push(verdict);
        }
        (allowed, verdicts)
    }

    /// When nothing in it is spent any more.
    pub(super) fn replenished_at(&self) -> Tick {
        self.0.iter().map(Cell::replenished_at).max().unwrap_or_default()
    }

    /// Makes the cells those of these quotas. After a reload, a quota continues the cell of the same
    /// quota, else of one with the same period, else of the one that has spent the most.
    fn adopt(&mut self, quotas: &[Quota], now: Tick) {
        if self.0.iter().map(Cell::quota).eq(quotas.iter().copied()) {
            return;
        }
        let old = std::mem::take(&mut self.0);
        self.0 = quotas
            .iter()
            .map(|quota| {
                old.iter()
                    .find(|cell| cell.quota() == *quota)
                    .or_else(|| old.iter().find(|cell| cell.quota().period == quota.period))
                    .or_else(|| old.iter().max_by_key(|cell| cell.spent(now)))
                    .map_or_else(|| Cell::empty(*quota, now), |cell| cell.under(*quota, now))
            })
            .collect();
    }
}

/// Some of a limiter's buckets, behind one lock.
pub(super) struct Buckets {
    kept: HashMap<u128, Bucket>,
    /// Every kept key once, with a time before which it is certainly not replenished.
    queue: BinaryHeap<Reverse<(Tick, u128)>>,
    capacity: usize,
}

/// Where a key's requests are counted.
pub(super) enum Place<'a> {
    /// In a bucket it already has.
    Own(&'a mut Bucket),
    /// In a bucket made for it just now.
    Fresh(&'a mut Bucket),
    /// Nowhere: every bucket is in use.
    Full,
}

impl Buckets {
    pub(super) fn new(capacity: usize) -> Self {
        Self { kept: HashMap::new(), queue: BinaryHeap::new(), capacity }
    }

    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// The bucket of this key. A new key finds room if there is some, or if a bucket can be evicted.
    pub(super) fn place(&mut self, key: u128, now: Tick) -> Place<'_> {
        // The map is asked twice because the borrow of a found bucket would last until the end.
        if self.kept.contains_key(&key) {
            return match self.kept.get_mut(&key) {
                Some(bucket) => Place::Own(bucket),
                None => Place::Full,
            };
        }
        self.evict(now);
        if self.kept.len() >= self.capacity {
            return Place::Full;
        }
        self.queue.push(Reverse((now, key)));
        Place::Fresh(self.kept.entry(key).or_default())
    }

    /// Evicts a few replenished buckets, so that room comes back as fast as new keys take it.
    fn evict(&mut self, now: Tick) {
        const ENOUGH: usize = 2;
        // What one request may do for the others: a bucket that was used since it was queued is put
        // back, and not met again before it may be replenished.
        const STEPS: usize = 64;
        let mut evicted = 0;
        for _ in 0..STEPS {
            let Some(Reverse((earliest, key))) = self.queue.peek().copied() else { return };
            if earliest > now || evicted >= ENOUGH {
                return;
            }
            self.queue.pop();
            match self.kept.get(&key).map(Bucket::replenished_at) {
                Some(at) if at > now => self.queue.push(Reverse((at, key))),
                Some(_) => {
                    self.kept.remove(&key);
                    evicted += 1;
                }
                None => {}
            }
        }
    }
}
