//! Names of header fields.

use std::{fmt, str::FromStr};

use super::text::{TextError, text_setting};

/// The name of a header field (RFC 9110, section 5.1), lower-cased.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct HeaderName(http::HeaderName);

impl HeaderName {
    /// For defaults in code; must be lower-case and valid, else this panics, for a constant at
    /// compile time.
    pub const fn from_static(name: &'static str) -> Self {
        Self(http::HeaderName::from_static(name))
    }

    /// The name as header maps take it.
    pub fn name(&self) -> &http::HeaderName {
        &self.0
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for HeaderName {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        text.parse().map(Self).map_err(|_| {
            let error = TextError::new("expected a header name such as `x-request-id`");
            match text.trim().trim_end_matches(':') {
                name if name != text && name.parse::<http::HeaderName>().is_ok() => {
                    error.hint(format!("`{}`?", name.to_ascii_lowercase()))
                }
                _ => error,
            }
        })
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

text_setting!(HeaderName, "header-name", "a header name such as `x-request-id`");
