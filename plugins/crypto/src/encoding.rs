//! Base64, base64url and hexadecimal, strict.
//!
//! Decoders refuse whitespace, the wrong alphabet, wrong padding and non-zero trailing bits, so that
//! every value has exactly one spelling. An error never repeats what was given.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use thiserror::Error;

/// The text is not in the expected encoding.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("expected {expected}")]
pub struct DecodeError {
    /// What the text should have been.
    pub expected: &'static str,
}

/// Base64url without padding (RFC 7515 section 2).
#[must_use]
pub fn base64url_encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes base64url; padding, whitespace and non-zero trailing bits are refused.
pub fn base64url_decode(text: &str) -> Result<Vec<u8>, DecodeError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| DecodeError { expected: "base64url without padding" })
}

/// Base64 with padding (RFC 4648 section 4).
#[must_use]
pub fn base64_encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Decodes base64; padding is required, whitespace and non-zero trailing bits are refused.
pub fn base64_decode(text: &str) -> Result<Vec<u8>, DecodeError> {
    STANDARD.decode(text).map_err(|_| DecodeError { expected: "base64 with padding" })
}

/// Lower-case hexadecimal.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// Decodes hexadecimal of either case.
pub fn from_hex(text: &str) -> Result<Vec<u8>, DecodeError> {
    let error = DecodeError { expected: "an even number of hexadecimal digits" };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return Err(error);
    }
    pairs
        .iter()
        .map(|&[high, low]| {
            let high = char::from(high).to_digit(16)?;
            u8::try_from(high << 4 | char::from(low).to_digit(16)?).ok()
        })
        .collect::<Option<_>>()
        .ok_or(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64url_has_one_spelling_per_value() {
        assert_eq!(base64url_decode("-_8"), Ok(vec![0xfb, 0xff]), "the url alphabet");
        for (text, why) in [
            ("-_8=", "padding"),
            ("-_9", "non-zero trailing bits"),
            ("+/8", "the other alphabet"),
            (" -_8", "leading whitespace"),
            ("-_8\n", "trailing newline"),
            ("-", "a lone digit"),
        ] {
            assert!(base64url_decode(text).is_err(), "{why} is refused");
        }
    }

    #[test]
    fn base64_needs_its_padding() {
        assert_eq!(base64_decode("+/8="), Ok(vec![0xfb, 0xff]), "padded");
        for (text, why) in
            [("+/8", "no padding"), ("-_8=", "the url alphabet"), ("+/9=", "trailing bits")]
        {
            assert!(base64_decode(text).is_err(), "{why} is refused");
        }
    }

    #[test]
    fn hexadecimal_round_trips_and_refuses_the_rest() {
        assert_eq!(to_hex(&[0, 10, 0xff]), "000aff", "lower case, two digits each");
        assert_eq!(from_hex("000AfF"), Ok(vec![0, 10, 0xff]), "either case");
        for text in ["0", "0g", "é0", " 00", "+0"] {
            assert!(from_hex(text).is_err(), "`{text}` is refused");
        }
    }
}
