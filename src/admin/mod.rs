//! The operators' listener: health, readiness, metrics, the configuration in effect, reload.
//!
//! What is asked and who asks is decided without any I/O in `access` and `answer`; `handler` is the
//! thin part that speaks HTTP.

mod access;
mod answer;
mod handler;

pub use handler::{AdminHandler, Operations};
