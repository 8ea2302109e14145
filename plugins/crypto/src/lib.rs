//! Keys, JOSE, AEAD and signatures: the only crate that names cryptographic libraries.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

pub mod random;
mod secret;

pub use secret::Secret;
