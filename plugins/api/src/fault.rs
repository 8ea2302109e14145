//! What went wrong, and whose fault it is.
//!
//! A [`Fault`] carries a stable [`Code`], never text from a caller or a provider: its title is a
//! constant, its source goes to the log alone. The gateway maps it to a status,
//! `application/problem+json` (RFC 9457), a log level and a metric label in one place.

use std::{error::Error, fmt, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Blame {
    /// The caller sent something wrong or is not allowed.
    Caller,
    /// The provider failed, or its answer cannot be trusted.
    Upstream,
    /// The gateway itself failed or is overloaded.
    Gateway,
    /// The configuration asks for something that cannot be done.
    Configuration,
}

impl Blame {
    /// The word used in metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Upstream => "upstream",
            Self::Gateway => "gateway",
            Self::Configuration => "configuration",
        }
    }
}

/// A kind of fault: a constant, declared once and documented in the reference.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// Stable name in snake case: the `Tollgate-Error` header, the metric label, the problem type.
    pub name: &'static str,
    /// Whose fault it is.
    pub blame: Blame,
    /// Status of the answer, valid by construction ([`Code::status`]).
    pub status: u16,
    /// One sentence for the caller without any data in it.
    pub title: &'static str,
}

impl Code {
    /// Declares a code.
    ///
    /// # Panics
    /// At compile time, when the status is not 4xx or 5xx.
    pub const fn new(name: &'static str, blame: Blame, status: u16, title: &'static str) -> Self {
        assert!(status >= 400 && status < 600, "a fault is answered with 4xx or 5xx");
        Self { name, blame, status, title }
    }

    /// The status as a typed value.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// A part of the request that is wrong. Its name is written in the configuration, never taken from
/// the request, and what is wrong with it is a constant: the value is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Which part.
    pub place: FieldPlace,
    /// What is wrong with it, as a sentence goes on: `is missing`.
    pub detail: &'static str,
}

/// Where a field of a request stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldPlace {
    /// In the body, by JSON pointer (RFC 6901): `/payer/name`.
    Body(String),
    /// In the query or the path, by name.
    Parameter(String),
    /// A header field, by name.
    Header(String),
}

/// A failure on its way to becoming an answer.
pub struct Fault(Box<Inner>);

struct Inner {
    code: &'static Code,
    source: Option<Box<dyn Error + Send + Sync>>,
    headers: HeaderMap,
    plugin: Option<&'static str>,
    detail: Option<Arc<str>>,
    fields: Vec<FieldError>,
}

impl Fault {
    /// A fault of this kind.
    pub fn new(code: &'static Code) -> Self {
        Self(Box::new(Inner {
            code,
            source: None,
            headers: HeaderMap::new(),
            plugin: None,
            detail: None,
            fields: Vec::new(),
        }))
    }

    /// Names a field that is wrong: a member of `errors` in the answer (RFC 9457 section 3.2).
    #[must_use]
    pub fn at(mut self, place: FieldPlace, detail: &'static str) -> Self {
        self.0.fields.push(FieldError { place, detail });
        self
    }

    /// Adds a sentence for the caller: `detail` in the answer. It comes from the configuration.
    #[must_use]
    pub fn with_detail(mut self, detail: Arc<str>) -> Self {
        self.0.detail = Some(detail);
        self
    }

    /// Adds the cause, for the log alone. It must not hold secrets or bytes from outside.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Adds a header to the answer (`WWW-Authenticate`, `Retry-After`, …).
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.append(name, value);
        self
    }

    /// Records the kind of plugin that refused; the pipeline does this.
    #[must_use]
    pub fn from_plugin(mut self, kind: &'static str) -> Self {
        self.0.plugin.get_or_insert(kind);
        self
    }

    /// What kind of fault it is.
    pub fn code(&self) -> &'static Code {
        self.0.code
    }

    /// The cause, for the log alone.
    pub fn cause(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.0.source.as_deref()
    }

    /// Headers that belong on the answer.
    pub fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// The fields that are wrong.
    pub fn fields(&self) -> &[FieldError] {
        &self.0.fields
    }

    /// The sentence for the caller, if there is one.
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// The kind of plugin that refused, if one did.
    pub fn plugin(&self) -> Option<&'static str> {
        self.0.plugin
    }
}

impl From<&'static Code> for Fault {
    fn from(code: &'static Code) -> Self {
        Self::new(code)
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault")
            .field("code", &self.0.code.name)
            .field("plugin", &self.0.plugin)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.code.name)
    }
}

impl Error for Fault {}
