//! Bodies of `application/x-www-form-urlencoded`, and the percent-encoding they share with paths
//! and queries.
//!
//! A form is read as strictly as JSON is: a name that occurs twice, a `%` without two digits and
//! bytes that are not UTF-8 are refused, so that no two readers of a body can disagree about what
//! it says.

use std::{
    borrow::Cow,
    fmt::{self, Write},
};

use thiserror::Error;

/// A parsed form: names and values decoded once, in the order sent, each name once.
#[derive(Clone, Default)]
pub struct Form {
    fields: Vec<(String, String)>,
}

/// Why a body is no form.
#[derive(Clone, Copy, Debug, Error, Eq, PartialEq)]
pub enum FormError {
    /// A `%` without two hexadecimal digits, or bytes that are not UTF-8 once decoded.
    #[error("a field of the form is not percent-encoded UTF-8")]
    Encoding,
    /// Two fields have one name.
    #[error("a field of the form occurs twice")]
    Duplicate,
    /// More than 1,000 fields.
    #[error("the form has too many fields")]
    TooMany,
}

impl Form {
    /// Parses a body.
    pub fn parse(body: &[u8]) -> Result<Self, FormError> {
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut names = std::collections::HashSet::new();
        for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            if fields.len() == MOST_FIELDS {
                return Err(FormError::TooMany);
            }
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let name = decode(halves.next().unwrap_or_default())?;
            let value = decode(halves.next().unwrap_or_default())?;
            if !names.insert(name.clone()) {
                return Err(FormError::Duplicate);
            }
            fields.push((name, value));
        }
        Ok(Self { fields })
    }

    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// Every field in the order sent.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// The number of fields only: a form may hold card numbers.
impl fmt::Debug for Form {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Form({} fields)", self.fields.len())
    }
}

/// Fields as a form or as a query without `?`. Everything but letters, digits and `-._~` is
/// percent-encoded, a space too, which every reader understands.
pub fn encode<'f>(fields: impl IntoIterator<Item = (&'f str, &'f str)>) -> String {
    let mut out = String::new();
    for (name, value) in fields {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(&percent_encode(name));
        out.push('=');
        out.push_str(&percent_encode(value));
    }
    out
}

/// Percent-encodes all but the unreserved characters (RFC 3986 section 2.3), so that the text is
/// one path segment, or one name or value of a query, whatever is in it.
pub fn percent_encode(text: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    Cow::Owned(out)
}

fn decode(text: &[u8]) -> Result<String, FormError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let (pair, left) = after.split_at_checked(2).ok_or(FormError::Encoding)?;
                let digits = std::str::from_utf8(pair)
                    .ok()
                    .filter(|pair| pair.bytes().all(|digit| digit.is_ascii_hexdigit()));
                let decoded = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
                bytes.push(decoded.ok_or(FormError::Encoding)?);
                rest = left;
            }
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).map_err(|_| FormError::Encoding)
}

const MOST_FIELDS: usize = 1_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_form_is_read_strictly() {
        let form =
            Form::parse(b"trade_no=2026&subject=a+b%26%C3%BC&empty=&alone&a%5Bb%5D=1").unwrap();
        assert_eq!(form.get("subject"), Some("a b&ü"), "decoded once");
        assert_eq!(form.get("empty"), Some(""), "an empty value is a value");
        assert_eq!(form.get("alone"), Some(""), "and so is none");
        assert_eq!(form.get("a[b]"), Some("1"), "names are decoded too");
        assert_eq!(form.get("none"), None, "not there");
        assert_eq!(form.fields().next(), Some(("trade_no", "2026")), "in their order");
        for (body, error) in [
            (&b"a=1&a=2"[..], FormError::Duplicate),
            (b"a=1&%61=2", FormError::Duplicate),
            (b"a=%", FormError::Encoding),
            (b"a=%4", FormError::Encoding),
            (b"a=%+4", FormError::Encoding),
            (b"a=%zz", FormError::Encoding),
            (b"a=%ff", FormError::Encoding),
            (b"\xff=1", FormError::Encoding),
        ] {
            assert_eq!(Form::parse(body).map(drop), Err(error), "{body:?}");
        }
        let many: Vec<String> = (0..1_001).map(|number| format!("f{number}=1")).collect();
        assert_eq!(
            Form::parse(many.join("&").as_bytes()).map(drop),
            Err(FormError::TooMany),
            "bounded"
        );
        assert_eq!(format!("{form:?}"), "Form(5 fields)", "Debug hides it");
    }

    #[test]
    fn texts_are_encoded_as_one_segment() {
        for (text, encoded) in [
            ("order-1_a.b~c", "order-1_a.b~c"),
            ("a/b?c#d", "a%2Fb%3Fc%23d"),
            ("a b+c%", "a%20b%2Bc%25"),
            ("\u{fc}", "%C3%BC"),
            ("a\r\nb", "a%0D%0Ab"),
        ] {
            assert_eq!(percent_encode(text), encoded, "`{text}`");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_again(fields in prop::collection::btree_map(any::<String>(), any::<String>(), 0..8)) {
            let pairs = || fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let form = Form::parse(encode(pairs()).as_bytes()).unwrap();
            prop_assert_eq!(form.fields().collect::<Vec<_>>(), pairs().collect::<Vec<_>>());
        }

        #[test]
        fn no_body_makes_it_panic(body in any::<Vec<u8>>()) {
            let _ = Form::parse(&body);
        }
    }
}
