//! Request and answer: heads as they will be forwarded, bodies held or streamed.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header::HeaderValue};

use crate::Code;

/// The request as it will be forwarded.
///
/// Hop-by-hop fields, `Host`, `Content-Length`, `Transfer-Encoding` and `Expect` are not among the
/// headers: framing is the loop's business, and follows from the body.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Host without port, lower-case.
    pub host: String,
    /// Port, if the caller named one.
    pub port: Option<u16>,
    /// Canonical path, percent-encoded, beginning with `/`.
    pub path: String,
    /// Query without `?`, exactly as sent.
    pub query: Option<String>,
    /// Header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
}

impl Request {
    /// Path and query as they will be sent.
    pub fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }
}

/// A message body.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Body {
    /// There is none.
    #[default]
    Empty,
    /// The whole, in memory.
    Held(Bytes),
    /// It passes chunk by chunk and cannot be read or replaced here.
    Streamed,
}

impl Body {
    /// The whole body, if it is in memory or empty; `None` if it streams.
    pub fn whole(&self) -> Option<Bytes> {
        match self {
            Self::Empty => Some(Bytes::new()),
            Self::Held(bytes) => Some(bytes.clone()),
            Self::Streamed => None,
        }
    }
}

/// Who made an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The provider.
    Provider,
    /// A plugin or the gateway, on purpose.
    Gateway,
    /// The gateway, because of a fault of this kind.
    Fault(&'static Code),
}

impl Origin {
    /// Whether the provider made it.
    pub fn is_provider(self) -> bool {
        self == Self::Provider
    }
}

/// The answer as it will be sent.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// Header fields, without hop-by-hop fields and framing.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
    /// Who made it.
    pub origin: Origin,
}

impl Answer {
    /// An answer of the gateway's own.
    pub fn new(status: StatusCode, content_type: &'static str, body: Bytes) -> Self {
        let mut headers = HeaderMap::new();
        let body = if body.is_empty() {
            Body::Empty
        } else {
            headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
            Body::Held(body)
        };
        Self { status, headers, body, origin: Origin::Gateway }
    }
}
