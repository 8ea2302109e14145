//! Reading the parts of a signature from header fields, strictly.

use std::time::Duration;

use http::{HeaderMap, header::AsHeaderName};

use super::Refusal;

/// The value of a field that must be there exactly once and hold text.
pub fn field(headers: &HeaderMap, name: impl AsHeaderName) -> Result<&str, Refusal> {
    optional_field(headers, name)?.ok_or(Refusal::Missing)
}

/// The value of a field that may be there once. Empty text is refused: nothing that is signed is.
pub fn optional_field(
    headers: &HeaderMap,
    name: impl AsHeaderName,
) -> Result<Option<&str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Refusal::Malformed);
    }
    match value.to_str() {
        Ok("") => Err(Refusal::Missing),
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(Refusal::Malformed),
    }
}

/// A time in whole seconds since the Unix epoch: digits and nothing else.
pub fn seconds(text: &str) -> Result<Duration, Refusal> {
    let plain = !text.is_empty() && text.len() <= 12 && text.bytes().all(|b| b.is_ascii_digit());
    let seconds = if plain { text.parse().ok() } else { None };
    seconds.map(Duration::from_secs).ok_or(Refusal::Malformed)
}
