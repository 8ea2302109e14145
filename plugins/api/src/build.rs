//! What a plugin is built from, and how it presents itself to the registry.

use std::sync::Arc;

use bytes::Bytes;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use tollgate_crypto::Secret;

use crate::{
    Callers, Clock, Entropy, Fetch, Jobs, Measures, Plugin, RateLimiters, ReplaySets, State,
    setting::{FileRef, SecretRef},
};

/// Where a plugin stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// On a route: it speaks to the caller.
    Route,
    /// On an upstream: it speaks to the provider.
    Upstream,
}

/// Where a plugin may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sides {
    /// Only on routes.
    Route,
    /// Only on upstreams.
    Upstream,
    /// On both.
    Both,
}

impl Sides {
    /// Whether it may stand there.
    pub const fn allows(self, side: Side) -> bool {
        matches!(
            (self, side),
            (Self::Both, _) | (Self::Route, Side::Route) | (Self::Upstream, Side::Upstream)
        )
    }
}

/// What a plugin does to an exchange, which decides whether it may run in shadow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Proves who is calling. May run in shadow if the route says `unauthenticated: true`.
    Authentication,
    /// Allows or refuses. May run in shadow.
    Check,
    /// Changes the message. May not run in shadow: what follows depends on the change.
    Transform,
    /// Speaks a provider's dialect: proves that the provider sent a message, and changes it. It counts
    /// as authentication, and may not run in shadow.
    Dialect,
}

impl Role {
    /// Whether `mode: shadow` makes sense.
    pub const fn may_be_shadowed(self) -> bool {
        !matches!(self, Self::Transform | Self::Dialect)
    }

    /// Whether a route with such a plugin knows who is calling.
    pub const fn authenticates(self) -> bool {
        matches!(self, Self::Authentication | Self::Dialect)
    }
}

/// A plugin's settings: its type is the schema, the documentation and the constructor.
pub trait Settings: DeserializeOwned + JsonSchema + 'static {
    /// The name used in the configuration, snake case.
    const KIND: &'static str;
    /// Where it may stand.
    const SIDES: Sides;
    /// What it does.
    const ROLE: Role;
    /// A complete example: YAML of an entry of `plugins`, such as `jwt: { … }`.
    const EXAMPLE: &'static str;
    /// For settings that differ from side to side: the example on a route, where
    /// [`EXAMPLE`](Settings::EXAMPLE) shows an upstream.
    const EXAMPLE_ON_ROUTE: &'static str = Self::EXAMPLE;

    /// Builds the plugin, or says everything that is wrong with the settings.
    fn build(self, build: &mut Build<'_>) -> Built;
}

/// A row of the registry.
#[derive(Clone, Copy)]
pub struct Definition {
    /// [`Settings::KIND`].
    pub kind: &'static str,
    /// [`Settings::SIDES`].
    pub sides: Sides,
    /// [`Settings::ROLE`].
    pub role: Role,
    /// [`Settings::EXAMPLE`].
    pub example: &'static str,
    /// [`Settings::EXAMPLE_ON_ROUTE`].
    pub example_on_route: &'static str,
    /// The schema of the settings.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
    /// Deserializes the settings and builds the plugin.
    pub build: fn(serde_json::Value, &mut Build<'_>) -> Built,
}

impl Definition {
    /// The example for this side.
    pub const fn example_on(&self, side: Side) -> &'static str {
        match side {
            Side::Route => self.example_on_route,
            Side::Upstream => self.example,
        }
    }
}

/// A plugin, or everything that is wrong with its settings.
pub type Built = Result<Arc<dyn Plugin>, Vec<SettingError>>;

impl Definition {
    /// The row for this settings type.
    pub const fn of<S: Settings>() -> Self {
        Self {
            kind: S::KIND,
            sides: S::SIDES,
            role: S::ROLE,
            example: S::EXAMPLE,
            example_on_route: S::EXAMPLE_ON_ROUTE,
            schema: |generator| generator.subschema_for::<S>(),
            build: |value, build| match serde_path_to_error::deserialize::<_, S>(value) {
                Ok(settings) => settings.build(build),
                Err(error) => Err(vec![SettingError::new(
                    pointer_of(error.path()),
                    error.inner().to_string(),
                )]),
            },
        }
    }
}

/// Everything a plugin's constructor may use. Constructors do no I/O beyond `sources`.
pub struct Build<'a> {
    /// Where the plugin will stand.
    pub side: Side,
    /// Stable name of the instance, unique in the configuration: `create-payment/rate_limit`.
    pub name: &'a str,
    /// The plugin runs in shadow: its stores are kept apart.
    pub shadow: bool,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Stores shared with the other instances of the gateway.
    pub stores: &'a Stores,
    /// The bounded client for configured URLs.
    pub fetch: &'a dyn Fetch,
    /// Calls to upstreams, for jobs and refreshes.
    pub callers: &'a dyn Callers,
    /// The one door to files and environment variables.
    pub sources: &'a mut dyn Sources,
    /// State that survives a reload.
    pub state: &'a State,
    /// Background work.
    pub jobs: &'a mut Jobs,
    /// Where figures go.
    pub measures: Arc<dyn Measures>,
}

/// The stores a plugin may use.
#[derive(Clone)]
pub struct Stores {
    /// Rate limiters.
    pub rate_limiters: Arc<dyn RateLimiters>,
    /// Replay sets.
    pub replay_sets: Arc<dyn ReplaySets>,
}

/// Resolves references to files and environment variables. Whatever is read is remembered, so that
/// a reload knows what to watch. Errors are sentences without any content of the file.
pub trait Sources {
    /// The bytes of a secret; a trailing line break of a file is kept.
    fn secret(&mut self, reference: &SecretRef) -> Result<Secret, String>;

    /// The bytes of a file that is not secret.
    fn file(&mut self, reference: &FileRef) -> Result<Bytes, String>;
}

/// What is wrong with one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingError {
    /// JSON pointer relative to the plugin's settings: `/keys/0/file`; empty for the whole.
    pub pointer: String,
    /// What is wrong or was expected. Never the value of a secret.
    pub expected: String,
    /// What would help.
    pub hint: Option<String>,
}

impl SettingError {
    /// An error at this pointer.
    pub fn new(pointer: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), expected: expected.into(), hint: None }
    }

    /// Adds advice.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => format!("/{variant}"),
            Segment::Unknown => String::new(),
        })
        .collect()
}
