//! JSON strings: text to literal and back (RFC 8259, section 7).

use std::{borrow::Cow, fmt::Write as _};

/// `text` as a JSON string literal, quotes included. Only what must be escaped is escaped, and
/// U+2028, U+2029 and `</` are left alone: the result is for machines.
pub fn encode_string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            control if control < ' ' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// The text that the inside of a literal stands for. The literal was checked by the parser.
pub(super) fn unescape(inside: &str, escaped: bool) -> Cow<'_, str> {
    if !escaped {
        return Cow::Borrowed(inside);
    }
    let mut out = String::with_capacity(inside.len());
    let mut rest = inside;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let mut characters = after.chars();
        let kind = characters.next().unwrap_or('\\');
        rest = characters.as_str();
        match kind {
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'u' => {
                let mut code = take_hex(&mut rest);
                if (0xd800..0xdc00).contains(&code) {
                    rest = rest.strip_prefix("\\u").unwrap_or(rest);
                    let low = take_hex(&mut rest);
                    code = 0x1_0000 + ((code - 0xd800) << 10) + (low & 0x3ff);
                }
                out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            other => out.push(other),
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn take_hex(rest: &mut &str) -> u32 {
    let Some((digits, after)) = rest.split_at_checked(4) else { return 0xfffd };
    *rest = after;
    u32::from_str_radix(digits, 16).unwrap_or(0xfffd)
}
