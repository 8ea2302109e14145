//! What callers are told: `RateLimit-Policy`, `RateLimit` and `Retry-After`
//! (draft-ietf-httpapi-ratelimit-headers-10).
//!
//! A bucket is described as the quota that it really is: `q` requests in `w` seconds, of which `r`
//! are left and all are back in `t` seconds. On a refusal only the limits that were exceeded are
//! named, with the time until this request would pass as `t`, so that `Retry-After` is never earlier
//! than any `t`. Seconds are rounded up.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use tollgate_api::{Decision, Quota};

use super::{Limit, Per};

/// `ratelimit`.
pub(super) static RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// `ratelimit-policy`.
pub(super) static RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The fields of one instance that do not depend on a request.
pub(super) struct Policies {
    names: Vec<String>,
    field: Option<HeaderValue>,
}

impl Policies {
    pub(super) fn new(per: &Per, limits: &[Limit]) -> Self {
        let per = match per {
            Per::Client => "client",
            Per::Address => "address",
            Per::Route => "route",
            Per::Header(_) => "header",
            Per::Expression(_) => "expression",
        };
        let names: Vec<String> =
            limits.iter().map(|limit| format!("\"{OURS}{per}-{}\"", limit.limit)).collect();
        let policies: Vec<String> = names
            .iter()
            .zip(limits)
            .map(|(name, limit)| {
                let (quota, window) = window(limit.quota());
                format!("{name};q={quota};w={window}")
            })
            .collect();
        Self { names, field: HeaderValue::try_from(policies.join(", ")).ok() }
    }

    /// Adds the fields to an answer.
    pub(super) fn write(&self, decision: &Decision, headers: &mut HeaderMap) {
        if let Some(policy) = &self.field {
            headers.append(&RATELIMIT_POLICY, policy.clone());
        }
        let states: Vec<String> = self
            .names
            .iter()
            .zip(&decision.verdicts)
            .filter(|(_, verdict)| decision.allowed || !verdict.retry_after.is_zero())
            .map(|(name, verdict)| {
                let time = if decision.allowed { verdict.reset } else { verdict.retry_after };
                format!("{name};r={};t={}", verdict.remaining, seconds(time))
            })
            .collect();
        if let Ok(state) = HeaderValue::try_from(states.join(", ")) {
            headers.append(&RATELIMIT, state);
        }
    }
}

/// When a refused request may be sent again: never earlier than it would pass.
pub(super) fn retry_after(decision: &Decision) -> HeaderValue {
    let longest = decision.verdicts.iter().map(|verdict| verdict.retry_after).max();
    HeaderValue::from(seconds(longest.unwrap_or_default()).max(1))
}

/// Removes what a provider says about the gateway's own quota with it: it would mislead the caller.
/// What other instances of this plugin have added stays.
pub(super) fn remove_foreign(headers: &mut HeaderMap) {
    for name in [&RATELIMIT, &RATELIMIT_POLICY] {
        let ours: Vec<HeaderValue> = headers
            .get_all(name)
            .iter()
            .filter(|value| {
                value
                    .as_bytes()
                    .strip_prefix(b"\"")
                    .is_some_and(|rest| rest.starts_with(OURS.as_bytes()))
            })
            .cloned()
            .collect();
        headers.remove(name);
        for value in ours {
            headers.append(name, value);
        }
    }
}

/// Quota and window in seconds: what a full bucket gives at once, or the rate as written where that
/// is more.
fn window(quota: Quota) -> (u32, u64) {
    if quota.burst <= quota.limit {
        return (quota.limit.get(), seconds(quota.period));
    }
    let nanos =
        quota.period.as_nanos() * u128::from(quota.burst.get()) / u128::from(quota.limit.get());
    let window = u64::try_from(nanos).map_or(Duration::MAX, Duration::from_nanos);
    (quota.burst.get(), seconds(window))
}

fn seconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0))
}

/// How the names of our policies begin.
const OURS: &str = "per-";
