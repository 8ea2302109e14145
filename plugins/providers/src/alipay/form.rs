//! Parameters as forms and queries carry them (`application/x-www-form-urlencoded`), and the text
//! that Alipay signs over them.
//!
//! Decoding happens exactly once and is strict: what two readers could understand in two ways is
//! refused.

use std::collections::{BTreeMap, btree_map::Entry};

/// Parameters by name, in the order of their bytes, which is the order in which they are signed.
#[derive(Clone, Default)]
pub(super) struct Parameters(BTreeMap<String, String>);

/// Why text is not a set of parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum FormError {
    #[error("the form is malformed")]
    Malformed,
    #[error("a parameter is there twice")]
    Duplicate,
}

impl Parameters {
    /// Decodes a form or a query.
    pub fn parse(encoded: &[u8]) -> Result<Self, FormError> {
        let mut parameters = Self::default();
        if encoded.is_empty() {
            return Ok(parameters);
        }
        for pair in encoded.split(|byte| *byte == b'&') {
            let equals = pair.iter().position(|byte| *byte == b'=').ok_or(FormError::Malformed)?;
            let (name, value) = pair.split_at_checked(equals).ok_or(FormError::Malformed)?;
            let value = value.get(1..).unwrap_or_default();
            parameters.add(decode(name)?, decode(value)?)?;
        }
        Ok(parameters)
    }

    /// Adds a parameter that must not be there yet.
    pub fn add(&mut self, name: String, value: String) -> Result<(), FormError> {
        if name.is_empty() {
            return Err(FormError::Malformed);
        }
        match self.0.entry(name) {
            Entry::Vacant(place) => {
                place.insert(value);
                Ok(())
            }
            Entry::Occupied(_) => Err(FormError::Duplicate),
        }
    }

    /// Sets a parameter, whatever it was.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), value.into());
    }

    pub fn remove(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value, if it is there and not empty.
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Keeps what the rule says.
    pub fn retain(&mut self, keep: impl Fn(&str, &str) -> bool) {
        self.0.retain(|name, value| keep(name, value));
    }

    /// The text that is signed: `name=value` of each, not encoded, sorted, joined with `&`.
    pub fn text_to_sign(&self) -> String {
        let pairs: Vec<String> =
            self.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("&")
    }

    /// The parameters that the rule takes, encoded.
    pub fn encode(&self, take: impl Fn(&str) -> bool) -> String {
        let mut text = String::new();
        for (name, value) in self.iter().filter(|(name, _)| take(name)) {
            if !text.is_empty() {
                text.push('&');
            }
            encode(name, &mut text);
            text.push('=');
            encode(value, &mut text);
        }
        text
    }
}

/// Decodes `%` and `+`, once.
fn decode(encoded: &[u8]) -> Result<String, FormError> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || {
                    let digit = char::from(*rest.next()?).to_digit(16)?;
                    u8::try_from(digit).ok()
                };
                let high = digit().ok_or(FormError::Malformed)?;
                let low = digit().ok_or(FormError::Malformed)?;
                high << 4 | low
            }
            other => *other,
        });
    }
    String::from_utf8(bytes).map_err(|_| FormError::Malformed)
}

/// Encodes everything but unreserved characters (RFC 3986 section 2.3); a space is `%20`, which
/// forms and queries understand alike.
fn encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            into.push(char::from(byte));
        } else {
            into.push('%');
            for digit in [byte >> 4, byte & 15] {
                into.extend(
                    char::from_digit(digit.into(), 16).map(|digit| digit.to_ascii_uppercase()),
                );
            }
        }
    }
}

/// One value, encoded.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    encode(text, &mut out);
    out
}

/// One value, decoded once.
pub(super) fn decoded(text: &str) -> Result<String, FormError> {
    decode(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_encoded_decodes(pairs in proptest::collection::btree_map("\\PC{1,8}", "\\PC*", 0..6)) {
            let parameters = Parameters(pairs);
            let read = Parameters::parse(parameters.encode(|_| true).as_bytes());
            prop_assert_eq!(read.unwrap().0, parameters.0);
        }

        #[test]
        fn no_text_makes_it_panic(text: Vec<u8>) {
            let _ = Parameters::parse(&text);
        }
    }

    #[test]
    fn values_are_decoded_exactly_once() {
        let read = Parameters::parse(b"a=%2525+%2B&b=&c=%E4%B8%AD").unwrap();
        let pairs: Vec<_> = read.iter().collect();
        assert_eq!(pairs, [("a", "%25 +"), ("b", ""), ("c", "中")], "once, empty values kept");
        assert_eq!(read.text_to_sign(), "a=%25 +&b=&c=中", "raw values, sorted");
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        for (text, error) in [
            ("a=1&a=1", FormError::Duplicate),
            ("a=1&%61=2", FormError::Duplicate),
            ("a", FormError::Malformed),
            ("=1", FormError::Malformed),
            ("a=1&", FormError::Malformed),
            ("&a=1", FormError::Malformed),
            ("a=%", FormError::Malformed),
            ("a=%4", FormError::Malformed),
            ("a=%zz", FormError::Malformed),
            ("a=%+4", FormError::Malformed),
            ("a=%ff", FormError::Malformed),
        ] {
            let found = Parameters::parse(text.as_bytes()).err();
            assert_eq!(found, Some(error), "`{text}`");
        }
    }
}
