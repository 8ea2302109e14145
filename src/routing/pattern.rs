//! Path patterns: what a route may say about a path, checked when it is built.
//!
//! Literals are brought to the same form as the paths they meet ([`Target::match_path`]), so a
//! pattern that no accepted path could ever match is an error rather than a dead route.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use super::target::{Target, TargetError};

/// A checked path pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern {
    pub(super) segments: Vec<Segment>,
    pub(super) end: End,
    /// Names in the order of their segments, `rest` last.
    pub(super) names: Arc<[Arc<str>]>,
}

/// One segment of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Segment {
    Literal(Box<str>),
    Name,
}

/// How a pattern ends. The order is that of specificity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum End {
    /// Nothing, or a slash and whatever follows.
    Prefix,
    /// A slash and at least one more character.
    Rest,
    /// Nothing.
    Closed,
}

impl PathPattern {
    /// The most `{name}`s, `{*rest}` included, in one template.
    pub const MAX_NAMES: usize = 16;
    /// The most segments in one pattern.
    pub const MAX_SEGMENTS: usize = 64;

    /// Reads a pattern as configuration writes it: `/v1/*` is a prefix, a path with `{` is a
    /// template, everything else is exact.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        match text.strip_suffix("/*") {
            Some(prefix) if !prefix.contains('{') => Self::prefix(prefix),
            _ if text.contains('{') => Self::template(text),
            _ => Self::exact(text),
        }
    }

    /// This path alone; a trailing slash counts.
    pub fn exact(path: &str) -> Result<Self, PatternError> {
        Ok(Self::unnamed(literals(path)?, End::Closed))
    }

    /// This path and everything below it, on segment boundaries: `/v1` matches `/v1`, `/v1/` and
    /// `/v1/pay` but not `/v10`. A trailing slash makes no difference; `/` matches every path.
    pub fn prefix(path: &str) -> Result<Self, PatternError> {
        let path = path.strip_suffix('/').unwrap_or(path);
        let segments = if path.is_empty() { Vec::new() } else { literals(path)? };
        Ok(Self::unnamed(segments, End::Prefix))
    }

    /// A path in which whole segments may be `{name}`, which matches one segment that is not
    /// empty, and the last may be `{*rest}`, which matches what remains, of any number of segments
    /// and not empty.
    pub fn template(path: &str) -> Result<Self, PatternError> {
        let body = path.strip_prefix('/').ok_or(PatternError::NotAbsolute)?;
        let mut names: Vec<Arc<str>> = Vec::new();
        let mut segments = Vec::new();
        let mut end = End::Closed;
        let mut parts = body.split('/').peekable();
        while let Some(part) = parts.next() {
            let is_last = parts.peek().is_none();
            let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) else {
                segments.push(Segment::Literal(literal(part, is_last)?));
                continue;
            };
            let name = match name.strip_prefix('*') {
                Some(name) if is_last => {
                    end = End::Rest;
                    name
                }
                Some(_) => return Err(PatternError::RestNotLast),
                None => {
                    segments.push(Segment::Name);
                    name
                }
            };
            if names.iter().any(|known| **known == *name) {
                return Err(PatternError::DuplicateName);
            }
            names.push(checked_name(name)?);
        }
        if names.len() > Self::MAX_NAMES {
            return Err(PatternError::TooManyNames);
        }
        if segments.len() > Self::MAX_SEGMENTS {
            return Err(PatternError::TooManySegments);
        }
        Ok(Self { segments, end, names: names.into() })
    }

    /// The names this pattern binds, in the order of its segments.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(AsRef::as_ref)
    }

    /// The one path an exact pattern matches, in matching form.
    pub(super) fn as_exact(&self) -> Option<String> {
        let literal = |segment: &Segment| match segment {
            Segment::Literal(text) => Some(format!("/{text}")),
            Segment::Name => None,
        };
        (self.end == End::Closed).then(|| self.segments.iter().map(literal).collect()).flatten()
    }

    fn unnamed(segments: Vec<Segment>, end: End) -> Self {
        Self { segments, end, names: Arc::from([]) }
    }
}

/// The pattern with its literals in matching form.
impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = self.names();
        for segment in &self.segments {
            match segment {
                Segment::Literal(text) => write!(f, "/{text}")?,
                Segment::Name => write!(f, "/{{{}}}", names.next().unwrap_or_default())?,
            }
        }
        match self.end {
            End::Closed => Ok(()),
            End::Prefix => f.write_str("/*"),
            End::Rest => write!(f, "/{{*{}}}", names.next().unwrap_or_default()),
        }
    }
}

/// Why a path pattern was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PatternError {
    /// Not beginning with `/`.
    #[error("a path begins with `/`")]
    NotAbsolute,
    /// No accepted path could match.
    #[error("{0}, so no request can match it")]
    Target(#[from] TargetError),
    /// A query belongs to the route's query conditions.
    #[error("a path pattern has no query; use query conditions")]
    Query,
    /// `{` or `}` anywhere but around a whole segment.
    #[error("a name stands for a whole segment: `/{{name}}/`")]
    PartialSegment,
    /// `*` is a character of paths; a pattern means it only where it says so.
    #[error("`*` stands only at the end, as `/*`, or in `{{*rest}}`")]
    Star,
    /// `{*rest}` before the end.
    #[error("`{{*rest}}` stands only at the end")]
    RestNotLast,
    /// Names are ASCII letters, digits and `_`, and do not begin with a digit.
    #[error("a name is made of letters, digits and `_`, and does not begin with a digit")]
    InvalidName,
    /// One name twice.
    #[error("a name is used twice in one template")]
    DuplicateName,
    /// More than [`PathPattern::MAX_NAMES`].
    #[error("a template has at most {} names", PathPattern::MAX_NAMES)]
    TooManyNames,
    /// More than [`PathPattern::MAX_SEGMENTS`].
    #[error("a path pattern has at most {} segments", PathPattern::MAX_SEGMENTS)]
    TooManySegments,
}

fn literals(path: &str) -> Result<Vec<Segment>, PatternError> {
    let body = path.strip_prefix('/').ok_or(PatternError::NotAbsolute)?;
    let count = body.split('/').count();
    if count > PathPattern::MAX_SEGMENTS {
        return Err(PatternError::TooManySegments);
    }
    body.split('/')
        .enumerate()
        .map(|(at, part)| literal(part, at + 1 == count).map(Segment::Literal))
        .collect()
}

fn literal(part: &str, is_last: bool) -> Result<Box<str>, PatternError> {
    if part.contains(['{', '}']) {
        return Err(PatternError::PartialSegment);
    }
    if part.contains('?') {
        return Err(PatternError::Query);
    }
    if part.contains('*') {
        return Err(PatternError::Star);
    }
    if part.is_empty() && !is_last {
        return Err(TargetError::EmptySegment.into());
    }
    let target = Target::parse(format!("/{part}"))?;
    Ok(target.match_path().trim_start_matches('/').into())
}

fn checked_name(name: &str) -> Result<Arc<str>, PatternError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if begins && name.chars().all(allowed) {
        Ok(name.into())
    } else {
        Err(PatternError::InvalidName)
    }
}
