//! The one JSON parser for message bodies, and the one way to change them.
//!
//! [`Document::parse`] is stricter than RFC 8259 asks: duplicate members, a byte order mark, lone
//! surrogates and trailing data are refused, and depth and counts are bounded, so that no two
//! readers of a body can disagree about what it says. Numbers stay text. Every value knows its
//! byte span in the body, which is what lets [`Edits`] change a body by splicing: untouched bytes
//! are copied as they stand and a document is never written anew.
//!
//! Errors carry an offset and a reason, never a byte of the body.

mod document;
mod edits;
mod encode;
mod error;
mod fragment;
mod parse;
mod path;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use document::{Document, Elements, Kind, Limits, Member, Members, ValueRef};
pub use edits::{EditError, Edits};
pub use encode::encode_string;
pub use error::{JsonError, JsonFault};
pub use fragment::Fragment;
pub use path::{FieldPath, FieldPathError, Segment};
