//! What may pass, and in which form: `headers` sets, adds and removes header fields. Each plugin is
//! a folder with its settings, its mechanism, a README and an example.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

pub mod headers;
