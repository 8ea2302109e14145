//! The path of a field in a JSON body, as settings write it.
//!
//! `payer.card.number`, `items[0].sku`, `items[*].sku` for every element, `["odd.key"]` for a name
//! that has characters of its own, and `$` for the whole document. A bare name is letters, digits
//! and any of `_ - $ @ : / #`.

use std::{fmt, str::FromStr};

use thiserror::Error;

use super::encode::{encode_string, unescape};

/// A parsed path. Two paths that name the same field are equal, however they were written.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FieldPath(Vec<Segment>);

/// One step of a path.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Segment {
    /// The member of an object.
    Name(String),
    /// The element of an array, from zero.
    Index(usize),
    /// Every element of an array.
    Every,
}

/// Why a text is no path, and where.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
#[error("{reason} at character {}", .offset + 1)]
pub struct FieldPathError {
    /// Byte offset into the text, from zero.
    pub offset: usize,
    /// What was expected there.
    pub reason: &'static str,
}

impl FieldPath {
    /// The path of the whole document, `$`.
    pub fn root() -> Self {
        Self(Vec::new())
    }

    /// The steps from the document's root.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Whether the path names at most one value, that is, has no `[*]`.
    pub fn is_single(&self) -> bool {
        !self.0.contains(&Segment::Every)
    }

    /// The path one step longer.
    #[must_use]
    pub fn join(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }

    /// The last step and the path before it; nothing for `$`.
    pub fn split_last(&self) -> Option<(Segment, Self)> {
        let (last, before) = self.0.split_last()?;
        Some((last.clone(), Self(before.to_vec())))
    }

    /// Whether `self` is `other` or lies inside it, `[*]` standing for any index. Two settings
    /// that contradict each other are found this way.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.len() >= other.0.len()
            && self.0.iter().zip(&other.0).all(|(own, outer)| {
                own == outer
                    || matches!(
                        (own, outer),
                        (Segment::Every, Segment::Index(_)) | (Segment::Index(_), Segment::Every)
                    )
            })
    }
}

impl FromStr for FieldPath {
    type Err = FieldPathError;

    fn from_str(text: &str) -> Result<Self, FieldPathError> {
        if text.len() > LONGEST {
            return Err(error(LONGEST, "a path is at most 1,024 bytes long; too long"));
        }
        if text == "$" {
            return Ok(Self::root());
        }
        let mut segments = Vec::new();
        let mut at = 0;
        while at < text.len() || segments.is_empty() {
            if segments.len() >= MOST_SEGMENTS {
                return Err(error(at, "a path has at most 64 steps; another"));
            }
            let rest = text.get(at..).unwrap_or("");
            if let Some(inside) = rest.strip_prefix('[') {
                let (segment, used) = bracket(inside, at + 1)?;
                segments.push(segment);
                at += 1 + used;
                continue;
            }
            if !segments.is_empty() {
                if !rest.starts_with('.') {
                    return Err(error(at, "expected `.` or `[`"));
                }
                at += 1;
            }
            let rest = text.get(at..).unwrap_or("");
            let length = rest.find(|character| !is_bare(character)).unwrap_or(rest.len());
            if length == 0 {
                return Err(error(
                    at,
                    "expected a field name (write `[\"…\"]` for a name with other characters)",
                ));
            }
            segments.push(Segment::Name(rest.get(..length).unwrap_or("").to_owned()));
            at += length;
        }
        Ok(Self(segments))
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return out.write_str("$");
        }
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Name(name) => {
                    let alone = self.0.len() == 1 && name == "$";
                    if name.is_empty() || alone || !name.chars().all(is_bare) {
                        write!(out, "[{}]", encode_string(name))?;
                    } else if position == 0 {
                        out.write_str(name)?;
                    } else {
                        write!(out, ".{name}")?;
                    }
                }
                Segment::Index(index) => write!(out, "[{index}]")?,
                Segment::Every => out.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

/// What stands after `[`, and how many bytes it takes, the `]` included.
fn bracket(inside: &str, offset: usize) -> Result<(Segment, usize), FieldPathError> {
    if inside.starts_with("*]") {
        return Ok((Segment::Every, 2));
    }
    if let Some(literal) = inside.strip_prefix('"') {
        let length = literal_length(literal)
            .ok_or_else(|| error(offset, "expected a JSON string, closed and escaped correctly"))?;
        let raw = literal.get(..length).unwrap_or("");
        if !literal.get(length + 1..).unwrap_or("").starts_with(']') {
            return Err(error(offset + length + 2, "expected `]`"));
        }
        return Ok((Segment::Name(unescape(raw, true).into_owned()), length + 3));
    }
    let digits = inside.bytes().take_while(u8::is_ascii_digit).count();
    let Some(number) = inside.get(..digits).filter(|number| !number.is_empty()) else {
        return Err(error(offset, "expected an index, `*` or a name in double quotes"));
    };
    if number.len() > 1 && number.starts_with('0') {
        return Err(error(offset, "an index has no leading zero; one found"));
    }
    let index = number.parse::<u32>().ok().and_then(|index| usize::try_from(index).ok());
    let index =
        index.ok_or_else(|| error(offset, "an index is at most 4294967295; a greater one"))?;
    if !inside.get(digits..).unwrap_or("").starts_with(']') {
        return Err(error(offset + digits, "expected `]`"));
    }
    Ok((Segment::Index(index), digits + 1))
}

/// The length of the inside of a JSON string literal whose opening quote was taken.
fn literal_length(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => {
                let literal = format!("\"{}\"", text.get(..at)?);
                return serde_json::from_str::<String>(&literal).is_ok().then_some(at);
            }
            _ => {}
        }
    }
    None
}

fn is_bare(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-' | '$' | '@' | ':' | '/' | '#')
}

fn error(offset: usize, reason: &'static str) -> FieldPathError {
    FieldPathError { offset, reason }
}

const LONGEST: usize = 1_024;
const MOST_SEGMENTS: usize = 64;
