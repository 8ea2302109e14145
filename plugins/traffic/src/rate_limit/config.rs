//! The settings of `rate_limit`.

use std::{
    num::NonZeroU32,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_api::{
    Build, Built, Measure, Quota, Role, SettingError, Settings, Sides,
    expression::Expression,
    setting::{HeaderName, Rate},
};

use super::{Limiter, fields::Policies};

/// Limits how many requests a caller may send.
///
/// Refused requests are answered with 429 and `Retry-After`; every answer carries `RateLimit-Policy`
/// and `RateLimit`. A refused request counts against nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// Which requests are counted together.
    #[serde(default)]
    #[schemars(extend("default" = "client"))]
    pub per: Per,
    /// The limit, if there is one: `200/s`, `1000/m`, `5/h`, `2/d`.
    pub limit: Option<Rate>,
    /// How many requests may come at once; as many as the limit counts, unless set.
    pub burst: Option<NonZeroU32>,
    /// Several limits instead of one; a request must fit all of them.
    #[serde(default)]
    #[schemars(length(max = 8))]
    pub limits: Vec<Limit>,
    /// How much one request counts.
    #[serde(default = "one")]
    pub cost: NonZeroU32,
    /// What happens to requests while the store that counts them is unavailable.
    #[serde(default)]
    pub on_failure: OnFailure,
}

/// One of several limits.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// The limit: `200/s`, `1000/m`, `5/h`, `2/d`.
    pub limit: Rate,
    /// How many requests may come at once; as many as the limit counts, unless set.
    pub burst: Option<NonZeroU32>,
}

/// Which requests are counted together.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Per {
    /// Those of an authenticated client (`client_id`, else the subject). Callers that nobody has
    /// authenticated are counted by address, apart from every client.
    #[default]
    Client,
    /// Those from an address; of IPv6, from a /64 network, which is what one customer has.
    Address,
    /// All on this route.
    Route,
    /// Those with the same value of this header field. Requests without it, and those that carry it
    /// more than once, are counted together. Callers choose headers freely: use one that an earlier
    /// plugin has verified.
    Header(HeaderName),
    /// Those for which this expression yields the same text, number or boolean. Requests that lack
    /// what it names are counted together.
    Expression(Expression),
}

/// What happens while the store is unavailable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Requests are refused with 503.
    #[default]
    Closed,
    /// Requests pass without being counted.
    Open,
}

impl OnFailure {
    /// The word used in settings and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
        }
    }
}

impl Settings for RateLimit {
    const KIND: &'static str = "rate_limit";
    const SIDES: Sides = Sides::Route;
    const ROLE: Role = Role::Check;
    const EXAMPLE: &'static str = include_str!("example.yaml");

    fn build(self, build: &mut Build<'_>) -> Built {
        let limits = self.limits()?;
        let store_name =
            if build.shadow { format!("shadow/{}", build.name) } else { build.name.to_owned() };
        let store = build.stores.rate_limiters.limiter(&store_name);
        let (tracked, measures, name) =
            (store.clone(), build.measures.clone(), build.name.to_owned());
        build.jobs.every(format!("{store_name}: keys"), 0, KEYS_REPORTED_EVERY, move || {
            // More keys than 2^52 do not fit into memory.
            #[expect(clippy::cast_precision_loss, reason = "a gauge")]
            measures.set(&name, Measure::RateLimitKeys, tracked.keys() as f64);
            std::future::ready(())
        });
        Ok(Arc::new(Limiter {
            name: build.name.to_owned(),
            policies: Policies::new(&self.per, &limits),
            per: self.per,
            quotas: limits.iter().map(Limit::quota).collect(),
            cost: self.cost,
            on_failure: self.on_failure,
            store,
            measures: build.measures.clone(),
            degraded: AtomicBool::new(false),
        }))
    }
}

impl RateLimit {
    /// Every limit, however it was written, or everything that is wrong with them.
    fn limits(&self) -> Result<Vec<Limit>, Vec<SettingError>> {
        let mut errors = Vec::new();
        let limits = match (self.limit, self.limits.as_slice()) {
            (Some(limit), []) => vec![Limit { limit, burst: self.burst }],
            (None, limits) => limits.to_vec(),
            (Some(_), _) => {
                errors.push(
                    SettingError::new("/limits", "either `limit` or `limits`, not both")
                        .with_hint("move `limit` and `burst` into the list"),
                );
                self.limits.clone()
            }
        };
        if limits.is_empty() {
            errors.push(
                SettingError::new("", "expected a `limit`").with_hint("such as `limit: 200/s`"),
            );
        }
        if limits.len() > MOST_LIMITS {
            errors.push(SettingError::new(
                "/limits",
                format!("expected at most {MOST_LIMITS} limits"),
            ));
        }
        if self.limit.is_none() && self.burst.is_some() {
            errors.push(
                SettingError::new("/burst", "`burst` belongs to a `limit`")
                    .with_hint("each of `limits` has a `burst` of its own"),
            );
        }
        for (nth, limit) in limits.iter().enumerate() {
            if self.cost > limit.quota().burst {
                let (pointer, field) = match (self.limit, limit.burst) {
                    (Some(_), Some(_)) => ("/burst".to_owned(), "burst"),
                    (Some(_), None) => ("/limit".to_owned(), "limit"),
                    (None, Some(_)) => (format!("/limits/{nth}/burst"), "burst"),
                    (None, None) => (format!("/limits/{nth}/limit"), "limit"),
                };
                let expected =
                    format!("the {field} is below the cost of one request: {}", self.cost);
                errors.push(
                    SettingError::new(pointer, expected).with_hint("no request would ever pass"),
                );
            }
        }
        if errors.is_empty() { Ok(limits) } else { Err(errors) }
    }
}

impl Limit {
    pub(super) fn quota(&self) -> Quota {
        let count = self.limit.count();
        Quota { limit: count, period: self.limit.period(), burst: self.burst.unwrap_or(count) }
    }
}

fn one() -> NonZeroU32 {
    NonZeroU32::MIN
}

/// More would say nothing that fewer could not.
const MOST_LIMITS: usize = 8;
const KEYS_REPORTED_EVERY: Duration = Duration::from_secs(10);
