//! Tollgate: a payments gateway that speaks each provider's security dialect, on both sides, by
//! configuration.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

pub mod config;
pub mod listener;
pub mod routing;
pub mod sandbox;
pub mod state;
pub mod telemetry;
pub mod upstream;
