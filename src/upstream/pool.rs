//! Idle HTTP/1.1 connections to one address, the freshest first.
//!
//! A pool belongs to one address of one upstream, and an upstream has one trust bundle, identity,
//! server name and protocol: connections that differ in any of them never meet.

use std::{collections::VecDeque, time::Duration};

use parking_lot::Mutex;
use tollgate_api::Tick;

use crate::upstream::wire::Wire;

/// The idle connections.
#[derive(Default)]
pub(super) struct IdlePool(Mutex<VecDeque<Idle>>);

struct Idle {
    wire: Box<Wire>,
    since: Tick,
    until: Tick,
}

impl IdlePool {
    /// The most recently used connection that is alive and was idle for less than `fresher_than`.
    pub(super) fn take(&self, now: Tick, fresher_than: Option<Duration>) -> Option<Box<Wire>> {
        loop {
            let mut idle = {
                let mut pool = self.0.lock();
                let newest = pool.back()?;
                if fresher_than.is_some_and(|limit| now.since(newest.since) >= limit) {
                    return None;
                }
                pool.pop_back()?
            };
            if now < idle.until && idle.wire.is_usable() {
                return Some(idle.wire);
            }
        }
    }

    /// Keeps a connection for `idle`; the oldest gives way when there are more than `cap`.
    pub(super) fn put(&self, wire: Box<Wire>, now: Tick, idle: Duration, cap: usize) {
        let mut pool = self.0.lock();
        pool.push_back(Idle { wire, since: now, until: now.after(idle) });
        let surplus = pool.len().saturating_sub(cap);
        let dropped: Vec<_> = pool.drain(..surplus).collect();
        drop(pool);
        drop(dropped);
    }

    /// Closes the connection that was idle longest; whether there was one.
    pub(super) fn evict(&self) -> bool {
        let oldest = self.0.lock().pop_front();
        oldest.is_some()
    }

    /// Closes what is too old or dead.
    pub(super) fn sweep(&self, now: Tick) {
        self.0.lock().retain_mut(|idle| now < idle.until && idle.wire.is_usable());
    }

    pub(super) fn clear(&self) {
        let all = std::mem::take(&mut *self.0.lock());
        drop(all);
    }

    pub(super) fn len(&self) -> usize {
        self.0.lock().len()
    }
}
