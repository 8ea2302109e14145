//! Who is calling, and from where: `jwt` proves the bearer of an access token, `ip_filter` allows
//! and refuses addresses. Each plugin is a folder with its settings, its mechanism, a README and an
//! example.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

pub mod ip_filter;
pub mod jwt;
