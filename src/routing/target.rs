//! The request target, brought to one spelling before anything looks at it.
//!
//! **The rule.** A path is forwarded as it was sent, except that percent-encoded unreserved
//! characters are decoded and hexadecimal digits are upper-cased (RFC 3986 sections 6.2.2.1 and
//! 6.2.2.2): `/%70ay%2d1` becomes `/pay-1`. Nothing else is repaired. What servers are known to
//! read in different ways is refused: dot segments, empty segments, a slash or backslash that is
//! encoded, a raw backslash, control characters, `;` path parameters in either spelling, an
//! encoding of an encoding (`%252e`), encoded bytes that are not UTF-8, and every byte that RFC
//! 3986 does not allow in a path. Paths are case-sensitive and a trailing slash is significant.
//!
//! Characters that may stand in a segment either way (`:`, `@`, `!`, `$`, `&`, `'`, `(`, `)`, `*`,
//! `+`, `,`, `=`) are forwarded in the spelling they came in, because callers sign it, but both
//! spellings match the same routes: see [`Target::match_path`].
//!
//! The query is forwarded as sent, after a check for bytes that cannot stand in a target at all.

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;

/// A request target in origin form (RFC 9112 section 3.2.1) in its one canonical spelling.
///
/// Parsing a target's own [`path_and_query`](Self::path_and_query) gives the same target.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    text: String,
    path_len: usize,
    match_path: Option<String>,
}

impl Target {
    /// The longest target accepted, path and query together, in bytes.
    pub const MAX_LEN: usize = 8 * 1024;

    /// Parses a path with an optional query, as it stood in the request line or in `:path`.
    pub fn parse(raw: impl AsRef<[u8]>) -> Result<Self, TargetError> {
        let raw = raw.as_ref();
        if raw.len() > Self::MAX_LEN {
            return Err(TargetError::TooLong);
        }
        match raw.first() {
            Some(b'/') => {}
            Some(b'*') if raw.len() == 1 => return Err(TargetError::AsteriskForm),
            _ => return Err(TargetError::NotOriginForm),
        }
        let (path, query) = match raw.iter().position(|byte| *byte == b'?') {
            Some(at) => {
                let (path, query) = raw.split_at(at);
                (path, Some(query))
            }
            None => (raw, None),
        };
        let mut text = canonical_path(path)?;
        let path_len = text.len();
        let match_path = match_form(&text);
        if let Some(query) = query {
            text.push_str(checked_query(query)?);
        }
        Ok(Self { text, path_len, match_path })
    }

    /// The path to forward, percent-encoded; begins with `/`.
    pub fn path(&self) -> &str {
        self.text.get(..self.path_len).unwrap_or_default()
    }

    /// The query as sent, without its `?`; `None` when there was no `?`.
    pub fn query(&self) -> Option<&str> {
        self.text.get(self.path_len + 1..)
    }

    /// What to forward: the path and, if there was one, `?` and the query.
    pub fn path_and_query(&self) -> &str {
        &self.text
    }

    /// The path routes are matched against: like [`path`](Self::path), with the characters decoded
    /// that may stand in a segment either way. Two paths are equal here exactly when they are
    /// equal once percent-decoded, so no spelling of a path slips past a route for it.
    pub fn match_path(&self) -> &str {
        self.match_path.as_deref().unwrap_or_else(|| self.path())
    }
}

/// Shows lengths only: targets carry account numbers and tokens.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("path_bytes", &self.path_len)
            .field("query_bytes", &self.query().map(str::len))
            .finish_non_exhaustive()
    }
}

/// Why a request target was refused. Carries nothing of what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TargetError {
    /// Longer than [`Target::MAX_LEN`].
    #[error("the target is longer than {} bytes", Target::MAX_LEN)]
    TooLong,
    /// Absolute form, authority form or nothing at all.
    #[error("the target does not begin with `/`")]
    NotOriginForm,
    /// `OPTIONS *` asks about a server as a whole, and a gateway is many.
    #[error("the target `*` is not served")]
    AsteriskForm,
    /// `#` is never sent.
    #[error("the target has a fragment")]
    Fragment,
    /// A byte that must be percent-encoded, a space or a byte above 127 among them.
    #[error("the target has a character that must be percent-encoded")]
    InvalidCharacter,
    /// `%` without two hexadecimal digits.
    #[error("the path has an invalid percent-encoding")]
    InvalidEncoding,
    /// Overlong forms hide slashes and dots.
    #[error("the path has encoded bytes that are not UTF-8")]
    InvalidUtf8,
    /// NUL, line breaks and the like, raw or encoded.
    #[error("the target has a control character")]
    Control,
    /// `.` or `..` as a whole segment, in any spelling.
    #[error("the path has a dot segment")]
    DotSegment,
    /// `//`.
    #[error("the path has an empty segment")]
    EmptySegment,
    /// `%2F`.
    #[error("the path has an encoded slash")]
    EncodedSlash,
    /// `\` or `%5C`.
    #[error("the path has a backslash")]
    Backslash,
    /// `;` or `%3B`.
    #[error("the path has a path parameter")]
    PathParameter,
    /// `%25` before two hexadecimal digits.
    #[error("the path is percent-encoded twice")]
    DoubleEncoding,
}

impl TargetError {
    /// The stable fault code; the status is 414 for `target_too_long` and 400 for the others.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooLong => "target_too_long",
            Self::NotOriginForm
            | Self::AsteriskForm
            | Self::Fragment
            | Self::InvalidCharacter
            | Self::InvalidEncoding => "malformed_target",
            Self::InvalidUtf8
            | Self::Control
            | Self::DotSegment
            | Self::EmptySegment
            | Self::EncodedSlash
            | Self::Backslash
            | Self::PathParameter
            | Self::DoubleEncoding => "ambiguous_path",
        }
    }
}

/// The value of two hexadecimal digits.
pub(super) fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

fn canonical_path(raw: &[u8]) -> Result<String, TargetError> {
    let text = if raw.contains(&b'%') {
        Cow::Owned(decode_unreserved(raw)?)
    } else {
        raw.iter().try_for_each(|byte| check_raw(*byte))?;
        Cow::Borrowed(raw)
    };
    let text = std::str::from_utf8(&text).map_err(|_| TargetError::InvalidCharacter)?;
    check_segments(text)?;
    if text.contains('%') {
        check_double_encoding(text)?;
    }
    Ok(text.to_owned())
}

/// The one transformation: encoded unreserved characters decoded, hexadecimal digits in upper case.
fn decode_unreserved(raw: &[u8]) -> Result<Vec<u8>, TargetError> {
    let mut out = Vec::with_capacity(raw.len());
    // Consecutive encoded bytes above 127: together they must be UTF-8.
    let mut run = Vec::new();
    let mut rest = raw;
    while let Some((&byte, tail)) = rest.split_first() {
        if byte != b'%' {
            check_run(&mut run)?;
            check_raw(byte)?;
            out.push(byte);
            rest = tail;
            continue;
        }
        let [high, low, tail @ ..] = tail else {
            return Err(TargetError::InvalidEncoding);
        };
        let value = hex_pair(*high, *low).ok_or(TargetError::InvalidEncoding)?;
        if value.is_ascii() {
            check_run(&mut run)?;
            check_encoded(value)?;
        } else {
            run.push(value);
        }
        if is_unreserved(value) {
            out.push(value);
        } else {
            out.extend([b'%', high.to_ascii_uppercase(), low.to_ascii_uppercase()]);
        }
        rest = tail;
    }
    check_run(&mut run)?;
    Ok(out)
}

fn check_raw(byte: u8) -> Result<(), TargetError> {
    match byte {
        b'/' => Ok(()),
        _ if is_unreserved(byte) || is_either(byte) => Ok(()),
        b'#' => Err(TargetError::Fragment),
        b'\\' => Err(TargetError::Backslash),
        b';' => Err(TargetError::PathParameter),
        _ if byte.is_ascii_control() => Err(TargetError::Control),
        _ => Err(TargetError::InvalidCharacter),
    }
}

fn check_encoded(value: u8) -> Result<(), TargetError> {
    match value {
        b'/' => Err(TargetError::EncodedSlash),
        b'\\' => Err(TargetError::Backslash),
        b';' => Err(TargetError::PathParameter),
        _ if value.is_ascii_control() => Err(TargetError::Control),
        _ => Ok(()),
    }
}

fn check_run(run: &mut Vec<u8>) -> Result<(), TargetError> {
    if run.is_empty() {
        return Ok(());
    }
    let text = std::str::from_utf8(run).map_err(|_| TargetError::InvalidUtf8)?;
    if text.chars().any(char::is_control) {
        return Err(TargetError::Control);
    }
    run.clear();
    Ok(())
}

/// Looks at the canonical text, so an encoded dot has already become a dot.
fn check_segments(path: &str) -> Result<(), TargetError> {
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "" if segments.peek().is_some() => return Err(TargetError::EmptySegment),
            "." | ".." => return Err(TargetError::DotSegment),
            _ => {}
        }
    }
    Ok(())
}

/// Looks at the canonical text, so `%25%32%65` has already become `%252e`.
fn check_double_encoding(path: &str) -> Result<(), TargetError> {
    let twice = path.split("%25").skip(1).any(
        |after| matches!(after.as_bytes(), [high, low, ..] if hex_pair(*high, *low).is_some()),
    );
    // `%25` directly before another `%25` cannot hide digits: the second begins with `%`.
    if twice { Err(TargetError::DoubleEncoding) } else { Ok(()) }
}

/// `None` when the path already is its own matching form.
fn match_form(path: &str) -> Option<String> {
    if !path.contains('%') {
        return None;
    }
    let mut pieces = path.split('%');
    let mut out = String::with_capacity(path.len());
    out.push_str(pieces.next()?);
    let mut changed = false;
    for piece in pieces {
        let decoded = match piece.as_bytes() {
            [high, low, ..] => hex_pair(*high, *low).filter(|value| is_either(*value)),
            _ => None,
        };
        if let Some(value) = decoded {
            changed = true;
            out.push(char::from(value));
            out.push_str(piece.get(2..).unwrap_or_default());
        } else {
            out.push('%');
            out.push_str(piece);
        }
    }
    changed.then_some(out)
}

fn checked_query(query: &[u8]) -> Result<&str, TargetError> {
    for byte in query {
        match byte {
            b'#' => return Err(TargetError::Fragment),
            b'!'..=b'~' => {}
            _ if byte.is_ascii_control() => return Err(TargetError::Control),
            _ => return Err(TargetError::InvalidCharacter),
        }
    }
    std::str::from_utf8(query).map_err(|_| TargetError::InvalidCharacter)
}

/// RFC 3986 section 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// The rest of RFC 3986's `pchar`, without `;`.
fn is_either(byte: u8) -> bool {
    matches!(
        byte,
        b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=' | b':' | b'@'
    )
}
