//! Plugins that decide how much: `rate_limit`.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod rate_limit;

pub use rate_limit::{Limit, OnFailure, Per, RateLimit};
