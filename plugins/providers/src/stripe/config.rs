//! The settings of `stripe`. The comments on the fields are the user documentation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_api::{
    Build, Built, Role, Settings, Sides,
    setting::{Delay, Duration, SecretRef},
};

/// Speaks Stripe's dialect: calls with the institution's own credentials, and webhooks that are
/// proved to be Stripe's.
///
/// On an upstream, every call leaves with `secret_key`, one API version and one idempotency key, for
/// an account that the caller is allowed to act on. On a route, webhooks are verified with
/// `webhook_secrets`, delivered once, and acknowledged. What belongs to one side is refused on the
/// other.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stripe {
    /// Upstream: the secret key (`sk_…`) or restricted key (`rk_…`) that calls are made with.
    /// Whatever credentials the caller sent are replaced by it.
    #[serde(default)]
    pub secret_key: Option<SecretRef>,

    /// Upstream: the API version that calls are made with, such as `2025-09-30.clover`. Whatever the
    /// caller asked for is replaced by it. Without it the caller's is removed, and the default of
    /// the account holds.
    #[serde(default)]
    #[schemars(length(min = 1, max = 64))]
    pub version: Option<String>,

    /// The connected account (`acct_…`) that this is about. On an upstream, every call is made on
    /// its behalf, and a caller that names another one is refused. On a route, events of any other
    /// account are refused.
    #[serde(default)]
    #[schemars(length(min = 1, max = 255))]
    pub account: Option<String>,

    /// Several connected accounts, instead of `account`. On an upstream, the ones that a caller may
    /// name in `Stripe-Account` or `Stripe-Context`; without naming one, it acts on the account of
    /// the secret key. On a route, events of any other account are refused.
    #[serde(default)]
    pub accounts: Vec<String>,

    /// Upstream: how the caller's `Idempotency-Key` becomes Stripe's.
    #[serde(default)]
    pub idempotency_key: Option<IdempotencyKeySettings>,

    /// Route: the signing secrets (`whsec_…`) of this webhook endpoint. While a secret is rotated
    /// the old and the new one stand side by side.
    #[serde(default)]
    pub webhook_secrets: Vec<SecretRef>,

    /// Route: the greatest age of a signature, `5m` by default. A signature of exactly this age is
    /// still accepted. At most `1h`.
    #[serde(default)]
    pub tolerance: Option<Duration>,

    /// Route: how far the time of a signature may lie in the future, `30s` by default: by as much as
    /// our clock may be behind. At most `5m`.
    #[serde(default)]
    pub future_tolerance: Option<Delay>,

    /// Route: whether events must be of live mode (`true`) or of a sandbox or test mode (`false`).
    /// Without it both are delivered. Production endpoints of Connect receive both, so say `true`
    /// there.
    #[serde(default)]
    pub livemode: Option<bool>,
}

/// How the caller's `Idempotency-Key` becomes Stripe's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdempotencyKeySettings {
    /// Whether a POST without a key is refused. Without a key, nobody can tell whether a repeated
    /// call moves money twice.
    #[serde(default = "yes")]
    pub required: bool,

    /// Among whom a key means the same call.
    #[serde(default)]
    pub scope: KeyScope,

    /// Whether a key that Stripe cannot take (more than 255 characters, or characters other than
    /// visible ASCII) is replaced by its SHA-256. By default it is refused.
    #[serde(default)]
    pub derive: bool,
}

/// Among whom an idempotency key means the same call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyScope {
    /// One client: a digest of who is calling is put before the key, so that two clients that chose
    /// the same key do not get each other's results. Where nobody proved who is calling, keys go as
    /// they are.
    #[default]
    Client,
    /// All callers: keys go as they are.
    Shared,
}

impl Default for IdempotencyKeySettings {
    fn default() -> Self {
        Self { required: true, scope: KeyScope::default(), derive: false }
    }
}

impl Settings for Stripe {
    const KIND: &'static str = super::KIND;
    const SIDES: Sides = Sides::Both;
    const ROLE: Role = Role::Dialect;
    const EXAMPLE: &'static str = include_str!("example.yaml");
    const EXAMPLE_ON_ROUTE: &'static str = include_str!("example-route.yaml");

    fn build(self, build: &mut Build<'_>) -> Built {
        super::build::plugin(&self, build)
    }
}

const fn yes() -> bool {
    true
}
