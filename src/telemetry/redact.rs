//! Keeps card numbers out of every sink: the first six and last four digits stay, as PCI DSS 3.4.1
//! allows, the rest become `*`.
//!
//! A card number is a run of 13 to 19 digits that passes the Luhn check, begins with 1 to 9 and is
//! not part of a longer run. Single spaces or dashes may stand between its digits, and digits may be percent-encoded
//! (`%34` is `4`). An order number passes one time in ten; it is masked then, which is the cheaper
//! mistake.

use std::borrow::Cow;

/// The text with every card number masked; borrowed if there is none.
pub fn scrub(text: &str) -> Cow<'_, str> {
    let mut masked: Option<Vec<u8>> = None;
    let bytes = text.as_bytes();
    // Most texts hold few digits and need no closer look.
    if bytes.iter().filter(|byte| byte.is_ascii_digit()).count() < SHORTEST {
        return Cow::Borrowed(text);
    }
    let mut at = 0;
    while at < bytes.len() {
        let Some(run) = Run::at(bytes, at) else {
            at += 1;
            continue;
        };
        at = run.end;
        for (from, to) in run.card_numbers() {
            let target = masked.get_or_insert_with(|| bytes.to_vec());
            run.mask(from, to, target);
        }
    }
    match masked {
        // Masked digits are ASCII and leave every other byte alone, so the text stays UTF-8.
        Some(bytes) => Cow::Owned(String::from_utf8(bytes).unwrap_or_default()),
        None => Cow::Borrowed(text),
    }
}

/// Digits that may belong together, with the place of each in the text.
struct Run {
    digits: Vec<Digit>,
    end: usize,
}

#[derive(Clone, Copy)]
struct Digit {
    value: u8,
    start: usize,
    end: usize,
    /// A space or dash stands before it.
    separated: bool,
}

impl Run {
    fn at(bytes: &[u8], start: usize) -> Option<Self> {
        digit_at(bytes, start)?;
        let mut digits = Vec::new();
        let mut at = start;
        let mut separated = false;
        let mut end = start;
        loop {
            if let Some((value, next)) = digit_at(bytes, at) {
                digits.push(Digit { value, start: at, end: next, separated });
                (at, end, separated) = (next, next, false);
            } else if let (false, Some(next)) = (separated, separator_at(bytes, at)) {
                (at, separated) = (next, true);
            } else {
                return Some(Self { digits, end });
            }
        }
    }

    /// Ranges of digits that are card numbers, from the left, without overlap.
    fn card_numbers(&self) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        // Without a separator the digits stand together or not at all; a group boundary may also be
        // where a card number begins or ends (`2026-11-24 4111 1111 1111 1111`).
        let boundaries: Vec<usize> = (0..=self.digits.len())
            .filter(|at| *at == 0 || self.digits.get(*at).is_none_or(|digit| digit.separated))
            .collect();
        let mut from = 0;
        for (nth, start) in boundaries.iter().copied().enumerate() {
            if start < from {
                continue;
            }
            // The longest first, so that no digit of a longer number is left standing. There are as
            // many digits as boundaries at least, so that the work stays linear in the text.
            let within = boundaries.len().min(nth + 1 + LONGEST);
            let end = boundaries
                .get(nth + 1..within)
                .unwrap_or_default()
                .iter()
                .rev()
                .copied()
                .find(|end| self.digits.get(start..*end).is_some_and(is_card_number));
            if let Some(end) = end {
                found.push((start, end));
                from = end;
            }
        }
        found
    }

    fn mask(&self, from: usize, to: usize, target: &mut [u8]) {
        let hidden = self.digits.get(from + 6..to - 4).unwrap_or_default();
        for digit in hidden {
            for byte in target.get_mut(digit.start..digit.end).unwrap_or_default() {
                *byte = b'*';
            }
        }
    }
}

fn is_card_number(digits: &[Digit]) -> bool {
    (SHORTEST..=LONGEST).contains(&digits.len())
        && digits.first().is_some_and(|first| first.value != 0)
        && luhn(digits.iter().map(|digit| digit.value))
}

/// ISO/IEC 7812-1, annex B.
fn luhn(digits: impl DoubleEndedIterator<Item = u8>) -> bool {
    let sum: u32 = digits
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, u32::from(digit)) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => digit * 2 - 9,
            (_, digit) => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The digit at this place and where it ends: `4` or `%34`.
fn digit_at(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    match bytes.get(at..)? {
        [digit @ b'0'..=b'9', ..] => Some((digit - b'0', at + 1)),
        [b'%', b'3', digit @ b'0'..=b'9', ..] => Some((digit - b'0', at + 3)),
        _ => None,
    }
}

/// Where a separator at this place ends: a space, a dash, `+`, `%20` or `%2D`.
fn separator_at(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at..)? {
        [b' ' | b'-' | b'+', ..] => Some(at + 1),
        [b'%', b'2', b'0' | b'd' | b'D' | b'b' | b'B', ..] => Some(at + 3),
        _ => None,
    }
}

const SHORTEST: usize = 13;
const LONGEST: usize = 19;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn vectors() -> Value {
        let text = include_str!("../../tests/vectors/pan/luhn-and-mask.json");
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn card_numbers_are_masked_to_six_and_four() {
        let vectors = vectors();
        for case in vectors["valid"].as_array().unwrap() {
            let number = case["pan"].as_str().unwrap();
            let masked = case["mask_display_bin6_last4"].as_str().unwrap();
            assert_eq!(scrub(number), masked, "{number}");
            assert_eq!(
                scrub(&format!("a{number}b")),
                format!("a{masked}b"),
                "{number} between letters"
            );
        }
    }

    #[test]
    fn what_is_not_a_card_number_is_left_alone() {
        let vectors = vectors();
        for case in vectors["invalid_luhn_or_length"].as_array().unwrap() {
            let number = case["pan"].as_str().unwrap();
            assert_eq!(scrub(number), number, "fails Luhn or has the wrong length");
        }
        for number in vectors["luhn_valid_but_not_a_pan"].as_array().unwrap() {
            let number = number.as_str().unwrap();
            assert_eq!(scrub(number), number, "no scheme issues it");
        }
    }

    #[test]
    fn card_numbers_are_found_in_text() {
        let vectors = vectors();
        for case in vectors["text_scrub_cases"].as_array().unwrap() {
            let text = case["in"].as_str().unwrap();
            let scrubbed = scrub(text);
            if let Some(hidden) = case["must_not_contain"].as_str() {
                assert!(!scrubbed.contains(hidden), "{text} became {scrubbed}");
            } else if let Some(kept) = case["must_keep"].as_str() {
                assert!(scrubbed.contains(kept), "{text} became {scrubbed}");
            } else {
                assert_ne!(scrubbed, text, "percent-encoded digits are digits");
            }
        }
    }

    #[test]
    fn a_number_beside_other_digits_is_found_by_its_groups() {
        for (text, expected) in [
            ("2026-11-24 4111 1111 1111 1111 12/27", "2026-11-24 4111 11** **** 1111 12/27"),
            ("4111-1111-1111-1111-737", "4111-11**-****-1111-737"),
            ("/cards/4242%204242%204242%204242/x", "/cards/4242%2042**%20****%204242/x"),
            ("4111111111111111 4242424242424242", "411111******1111 424242******4242"),
            ("4111  1111  1111  1111", "4111  1111  1111  1111"),
            (
                "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 4111111111111111",
                "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 411111******1111",
            ),
        ] {
            assert_eq!(scrub(text), expected, "{text}");
        }
    }

    #[test]
    fn text_without_card_numbers_is_not_copied() {
        assert!(matches!(scrub("/v1/payments/12345"), Cow::Borrowed(_)), "nothing to mask");
    }

    proptest! {
        #[test]
        fn scrubbing_never_fails_and_is_stable(text in "\\PC{0,80}") {
            let once = scrub(&text).into_owned();
            prop_assert_eq!(once.chars().count() <= text.chars().count(), true, "it never grows");
            prop_assert_eq!(scrub(&once).into_owned(), once, "a second time changes nothing");
        }

        #[test]
        fn digits_in_any_arrangement_never_leave_a_card_number_whole(
            before in "[a-z/=]{0,8}", separator in "[ +-]?", after in "[a-z/&]{0,8}"
        ) {
            let number = ["4111", "1111", "1111", "1111"].join(&separator);
            let scrubbed = scrub(&format!("{before}{number}{after}")).into_owned();
            prop_assert!(!scrubbed.contains(&number), "{}", scrubbed);
        }
    }
}
