//! `rate_limit`: how many requests a caller may send.
//!
//! Counts exactly, by the generic cell rate algorithm, in the limiter that the store opens under the
//! instance's name, so buckets survive a reload. Callers are told where they stand on every answer
//! (draft-ietf-httpapi-ratelimit-headers). Which bucket a request belongs to is decided in `key`,
//! what callers read in `fields`.

mod config;
mod fields;
mod key;
#[cfg(test)]
mod tests;

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use http::header::RETRY_AFTER;
use tollgate_api::{
    BodyNeed, Decision, Exchange, Fault, Flow, Hooks, Measure, Measures, Needs, Plugin, Quota,
    RateLimiter, Step, StoreError, Turn, codes, expression::Root,
};

pub use config::{Limit, OnFailure, Per, RateLimit};
use fields::Policies;
use key::key_of;

/// The plugin, built from [`RateLimit`].
pub(crate) struct Limiter {
    name: String,
    per: Per,
    quotas: Vec<Quota>,
    cost: NonZeroU32,
    on_failure: OnFailure,
    policies: Policies,
    store: Arc<dyn RateLimiter>,
    measures: Arc<dyn Measures>,
    degraded: AtomicBool,
}

impl Plugin for Limiter {
    fn needs(&self) -> Needs {
        let request = match &self.per {
            Per::Expression(expression) if expression.names(Root::Body) => BodyNeed::Whole,
            _ => BodyNeed::Nothing,
        };
        Needs { request, answer: BodyNeed::Nothing }
    }

    fn hooks(&self) -> Hooks {
        Hooks::BOTH
    }

    fn on_request<'a>(&'a self, exchange: &'a mut Exchange) -> Step<'a, Flow> {
        let key = match key_of(&self.per, exchange) {
            Ok(key) => key,
            Err(fault) => return Step::Now(Err(fault)),
        };
        // An engine in memory decides at once, and then nothing is allocated. The future of another
        // borrows the key, so it is made again where the key lives; unpolled, the first does nothing.
        if let Step::Now(decision) = self.store.take(&key, &self.quotas, self.cost) {
            return Step::Now(self.settle(exchange, decision));
        }
        Step::later(async move {
            let decision = self.store.take(&key, &self.quotas, self.cost).resolve().await;
            self.settle(exchange, decision)
        })
    }

    fn on_response<'a>(&'a self, exchange: &'a mut Exchange) -> Step<'a, Turn> {
        let decision = exchange.take::<Decision>();
        if let Some(answer) = &mut exchange.answer {
            if answer.origin.is_provider() {
                fields::remove_foreign(&mut answer.headers);
            }
            if let Some(decision) = decision {
                self.policies.write(&decision, &mut answer.headers);
            }
        }
        Step::Now(Ok(Turn::Pass))
    }
}

impl Limiter {
    fn settle(
        &self,
        exchange: &mut Exchange,
        decision: Result<Decision, StoreError>,
    ) -> Result<Flow, Fault> {
        self.note(decision.is_err());
        let decision = match (decision, self.on_failure) {
            (Ok(decision), _) => decision,
            (Err(_), OnFailure::Open) => return Ok(Flow::Continue),
            (Err(error), OnFailure::Closed) => {
                return Err(Fault::new(&codes::STORE_UNAVAILABLE).caused_by(error));
            }
        };
        if decision.shared_bucket {
            self.measures.add(&self.name, Measure::RateLimitOverflow, 1);
        }
        let allowed = decision.allowed;
        let retry_after = fields::retry_after(&decision);
        exchange.store(decision);
        if allowed {
            return Ok(Flow::Continue);
        }
        Err(Fault::new(&codes::RATE_LIMITED).with_header(RETRY_AFTER, retry_after))
    }

    /// Says once when the store goes away and once when it is back.
    fn note(&self, failed: bool) {
        if self.degraded.load(Ordering::Relaxed) == failed
            || self.degraded.swap(failed, Ordering::Relaxed) == failed
        {
            return;
        }
        self.measures.set(&self.name, Measure::Degraded, f64::from(u8::from(failed)));
        if failed {
            tracing::warn!(
                plugin = self.name,
                on_failure = self.on_failure.as_str(),
                "the store of a rate limit is unavailable"
            );
        } else {
            tracing::info!(plugin = self.name, "the store of a rate limit is available again");
        }
    }
}
