//! What the crate promises, seen from outside: published vectors, attacks, formats and round trips.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod attacks;
mod certificates;
mod cookbook;
mod jwe;
mod jwe_refusals;
mod jwe_support;
mod jws;
mod key_text;
mod keys;
mod mastercard;
mod primitives;
mod providers;
mod shangmi;
mod support;
mod wycheproof;
