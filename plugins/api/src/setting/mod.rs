//! Value types that settings are made of: each parses exactly, shows itself as it is written, and
//! carries its own schema.
//!
//! The text types (`10s`, `256KiB`, `200/s`, …) have a schema of type `string` whose `format` names
//! them; [`formats`] has the check for each such name, so that every value of a configuration can
//! be checked before any of it is built.

mod cidr;
mod duration;
mod format;
mod header;
mod rate;
mod reference;
mod size;
#[cfg(test)]
mod tests;
mod text;
mod url;

pub use cidr::Cidr;
pub use duration::{Delay, Duration};
pub use format::{Check, formats};
pub use header::HeaderName;
pub use rate::Rate;
pub use reference::{FileRef, SecretRef};
pub use size::ByteSize;
pub use text::TextError;
pub use url::Url;
