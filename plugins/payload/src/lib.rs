//! Plugins about what is said: payloads encrypted for the party on their side and decrypted again,
//! and one message made of another.
//!
//! [`jwe::Jwe`] speaks JWE compact serialisation, [`aes_gcm::AesGcm`] plain AES-GCM in the layout a
//! partner prescribes. Both take a whole body, one envelope or named JSON fields, and both follow
//! the side they stand on: on a route requests are decrypted and answers encrypted, on an upstream
//! requests are encrypted and answers decrypted. [`map::Map`] builds the request and the answer
//! that the other party understands, by expressions.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

pub mod aes_gcm;
pub mod jwe;
pub mod map;

mod keys;
mod message;

pub use keys::{KeyEntry, KeyFormat, KeyList, NamedKey};
pub use message::{FieldList, FieldValues, Scope, StatusPattern};
