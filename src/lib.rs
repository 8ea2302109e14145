//! Tollgate: a payments gateway that speaks each provider's security dialect, on both sides, by
//! configuration.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

pub mod admin;
pub mod cli;
pub mod config;
mod fetch;
pub mod listener;
pub mod pipeline;
pub mod process;
pub mod proxy;
pub mod reload;
pub mod routing;
pub mod sandbox;
pub mod snapshot;
pub mod state;
pub mod telemetry;
pub mod upstream;
