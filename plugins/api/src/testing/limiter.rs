//! Limiters that decide what a test says, and remember what they were asked.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{Decision, Quota, RateLimiter, RateLimiters, Step, StoreError, Verdict};

/// Every limiter opened here shares one script. Without one, everything is allowed.
#[derive(Clone, Default)]
pub struct FakeLimiters(Arc<Mutex<Script>>);

#[derive(Default)]
struct Script {
    decision: Option<Result<Decision, StoreError>>,
    opened: Vec<String>,
    taken: Vec<(Vec<u8>, Vec<Quota>, u32)>,
}

impl FakeLimiters {
    /// From now on every request is decided like this.
    pub fn decide(&self, decision: Result<Decision, StoreError>) {
        self.script().decision = Some(decision);
    }

    /// Names under which limiters were opened.
    pub fn opened(&self) -> Vec<String> {
        self.script().opened.clone()
    }

    /// Key, quotas and cost of every request so far.
    pub fn taken(&self) -> Vec<(Vec<u8>, Vec<Quota>, u32)> {
        self.script().taken.clone()
    }

    fn script(&self) -> std::sync::MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RateLimiters for FakeLimiters {
    fn limiter(&self, name: &str) -> Arc<dyn RateLimiter> {
        self.script().opened.push(name.to_owned());
        Arc::new(self.clone())
    }
}

impl RateLimiter for FakeLimiters {
    fn take<'a>(
        &'a self,
        key: &'a [u8],
        quotas: &'a [Quota],
        cost: NonZeroU32,
    ) -> Step<'a, Decision, StoreError> {
        let mut script = self.script();
        script.taken.push((key.to_vec(), quotas.to_vec(), cost.get()));
        let allowed = || {
            let full = |quota: &Quota| Verdict {
                remaining: quota.burst.get().saturating_sub(cost.get()),
                reset: quota.period,
                retry_after: std::time::Duration::ZERO,
            };
            Ok(Decision {
                allowed: true,
                verdicts: quotas.iter().map(full).collect(),
                shared_bucket: false,
            })
        };
        Step::Now(script.decision.clone().unwrap_or_else(allowed))
    }

    fn keys(&self) -> usize {
        let script = self.script();
        let mut keys: Vec<_> = script.taken.iter().map(|(key, ..)| key).collect();
        keys.sort_unstable();
        keys.dedup();
        keys.len()
    }
}
