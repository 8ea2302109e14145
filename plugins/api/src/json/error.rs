//! Why a body is not the JSON we accept: an offset and a reason, never the data.

use thiserror::Error;

/// Where and why a body was refused.
#[derive(Clone, Copy, Debug, Error, Eq, PartialEq)]
#[error("invalid JSON at byte {offset}: {fault}")]
pub struct JsonError {
    /// Byte offset into the body, counted from zero.
    pub offset: usize,
    /// What is wrong there.
    pub fault: JsonFault,
}

/// The reasons for which a body is refused.
#[derive(Clone, Copy, Debug, Error, Eq, PartialEq)]
#[non_exhaustive]
pub enum JsonFault {
    /// The body ended inside a value, or holds none.
    #[error("unexpected end")]
    UnexpectedEnd,
    /// A byte that cannot stand here.
    #[error("unexpected character")]
    UnexpectedCharacter,
    /// Something follows the value.
    #[error("trailing data")]
    TrailingData,
    /// The body is not UTF-8 (RFC 8259, section 8.1).
    #[error("not UTF-8")]
    NotUtf8,
    /// The body starts with U+FEFF.
    #[error("byte order mark")]
    ByteOrderMark,
    /// A raw control character inside a string.
    #[error("control character in a string")]
    ControlCharacter,
    /// A backslash followed by something that is no escape.
    #[error("invalid escape")]
    InvalidEscape,
    /// Half a surrogate pair.
    #[error("lone surrogate")]
    LoneSurrogate,
    /// A number outside the grammar, `01` or `1.` for instance.
    #[error("invalid number")]
    InvalidNumber,
    /// A number of more than 256 characters.
    #[error("number too long")]
    NumberTooLong,
    /// Two members of one object share a name, compared after unescaping.
    #[error("duplicate member")]
    DuplicateMember,
    /// Nested beyond [`Limits::depth`](super::Limits::depth).
    #[error("nested too deeply")]
    TooDeep,
    /// More children in one object or array than
    /// [`Limits::members`](super::Limits::members).
    #[error("too many members")]
    TooManyMembers,
    /// More values altogether than [`Limits::values`](super::Limits::values).
    #[error("too many values")]
    TooManyValues,
}
