//! The plugin contract: what a plugin is given, what it may do, and what it promises.
//!
//! A plugin speaks to the party on its side: on a route to the caller, on an upstream to the
//! provider. This crate holds the contract ([`Plugin`], [`Exchange`], [`Fault`]), what a plugin is
//! built from ([`Build`]), and the value types that settings are made of. It knows nothing of
//! sockets, of Pingora or of the configuration file; plugin families know only this crate and
//! `tollgate-crypto`.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod build;
mod call;
mod clock;
mod connection;
mod exchange;
mod fault;
mod fetch;
mod identity;
mod jobs;
mod measure;
mod offload;
mod outcome;
mod plugin;
mod state;
mod store;

pub mod codes;
pub mod expression;
pub mod fields;
pub mod form;
pub mod json;
pub mod money;
pub mod setting;
#[doc(hidden)]
pub mod testing;

pub use build::{
    Build, Built, Definition, Role, SettingError, Settings, Side, Sides, Sources, Stores,
};
pub use call::{Call, Caller, Callers};
pub use clock::{Clock, Entropy, ManualClock, SeededEntropy, SystemClock, SystemEntropy, Tick};
pub use connection::{Connection, Tls};
pub use exchange::{Answer, Body, Exchange, Origin, Request, Slots};
pub use fault::{Blame, Code, Fault, FieldError, FieldPlace};
pub use fetch::{Fetch, FetchError, Fetched, Fetcher};
pub use identity::Identity;
pub use jobs::{Job, Jobs};
pub use measure::{Measure, Measures, NoMeasures};
pub use offload::Offload;
pub use outcome::Outcome;
pub use plugin::{AnswerHead, BodyNeed, Flow, Hooks, Needs, Observer, Plugin, Step, Turn, Which};
pub use state::State;
pub use store::{
    Decision, Quota, RateLimiter, RateLimiters, ReplaySet, ReplaySets, Seen, StoreError, Verdict,
};
