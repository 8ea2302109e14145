//! One reading of a query, used for every query condition.
//!
//! The reading is that of forms (`application/x-www-form-urlencoded`): parameters are separated by
//! `&` alone, a name ends at the first `=`, `+` is a space, and percent-encodings are decoded once,
//! names and values alike; a `%` that encodes nothing stands for itself. Nothing is allocated.

use super::target::hex_pair;

/// What a query has under one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lookup<'q> {
    Absent,
    /// The value, still encoded.
    Once(&'q str),
    /// Which value counts is not for us to guess.
    Repeated,
}

/// Looks a decoded name up.
pub(super) fn lookup<'q>(query: Option<&'q str>, name: &str) -> Lookup<'q> {
    let mut found = Lookup::Absent;
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (encoded, value) = pair.split_once('=').unwrap_or((pair, ""));
        if decodes_to(encoded, name) {
            if found != Lookup::Absent {
                return Lookup::Repeated;
            }
            found = Lookup::Once(value);
        }
    }
    found
}

/// Whether an encoded name or value stands for a text.
pub(super) fn decodes_to(encoded: &str, text: &str) -> bool {
    decoded(encoded).eq(text.bytes())
}

/// The bytes an encoded name or value stands for.
pub(super) fn decoded(encoded: &str) -> impl Iterator<Item = u8> {
    let mut rest = encoded.as_bytes();
    std::iter::from_fn(move || {
        let (first, tail) = rest.split_first()?;
        let (byte, tail) = match (*first, tail) {
            (b'+', _) => (b' ', tail),
            (b'%', [high, low, after @ ..]) => match hex_pair(*high, *low) {
                Some(value) => (value, after),
                None => (b'%', tail),
            },
            (byte, _) => (byte, tail),
        };
        rest = tail;
        Some(byte)
    })
}
