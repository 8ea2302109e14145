//! JSON text known to be valid: what an edit may put into a body.

use std::fmt;

use bytes::Bytes;

use super::{Document, JsonError, Limits, ValueRef, encode_string};

/// One JSON value as text. Every constructor yields valid JSON, so no edit can break a body.
#[derive(Clone, Eq, PartialEq)]
pub struct Fragment(String);

impl Fragment {
    /// `null`
    pub fn null() -> Self {
        Self("null".to_owned())
    }

    /// `true` or `false`
    pub fn bool(value: bool) -> Self {
        Self(value.to_string())
    }

    /// An integer.
    pub fn integer(value: i64) -> Self {
        Self(value.to_string())
    }

    /// A string.
    pub fn string(text: &str) -> Self {
        Self(encode_string(text))
    }

    /// A copy of a parsed value, as it was written.
    pub fn of(value: ValueRef<'_>) -> Self {
        Self(value.raw().to_owned())
    }

    /// Text from elsewhere, a decrypted payload for instance, accepted only if it parses. The
    /// space around the value is dropped.
    pub fn parse(text: &Bytes, limits: Limits) -> Result<Self, JsonError> {
        Ok(Self::of(Document::parse(text, limits)?.root()))
    }

    /// An object. The names must differ: of two members with one name, the last counts.
    pub fn object<'n>(members: impl IntoIterator<Item = (&'n str, Fragment)>) -> Self {
        let mut kept: Vec<(&str, Fragment)> = Vec::new();
        for (name, value) in members {
            match kept.iter_mut().find(|(other, _)| *other == name) {
                Some(place) => place.1 = value,
                None => kept.push((name, value)),
            }
        }
        let inside: Vec<String> = kept.iter().map(|(name, value)| value.member(name)).collect();
        Self(format!("{{{}}}", inside.join(",")))
    }

    /// An array.
    pub fn array(elements: impl IntoIterator<Item = Fragment>) -> Self {
        let inside: Vec<String> = elements.into_iter().map(|element| element.0).collect();
        Self(format!("[{}]", inside.join(",")))
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The JSON text as a body of its own.
    pub fn into_bytes(self) -> Bytes {
        Bytes::from(self.0)
    }

    /// Text that was written as JSON by this crate.
    pub(crate) fn trusted(text: String) -> Self {
        Self(text)
    }

    pub(super) fn member(&self, name: &str) -> String {
        format!("{}:{}", encode_string(name), self.0)
    }
}

/// The length only: a fragment may hold card numbers.
impl fmt::Debug for Fragment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Fragment({} bytes)", self.0.len())
    }
}
