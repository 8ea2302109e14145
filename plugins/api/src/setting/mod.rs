//! Value types that settings are made of: each parses exactly, shows itself as it is written, and
//! carries its own schema.

mod reference;

pub use reference::{FileRef, SecretRef};
