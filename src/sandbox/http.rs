//! What a sandbox service sees of a request and says in answer.

use std::future::Future;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};

/// A request, its body whole.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path, without the query.
    pub path: String,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// What is answered.
#[derive(Debug, Clone)]
pub enum Reply {
    /// An answer.
    Answer {
        /// The status.
        status: StatusCode,
        /// The header fields.
        headers: HeaderMap,
        /// The body.
        body: Bytes,
    },
    /// None: the connection is dropped.
    Hangup,
}

/// Answers requests.
pub trait Service: Send + Sync + 'static {
    /// One request. It never fails: what is wrong is told in the answer.
    fn answer(&self, request: Request) -> impl Future<Output = Reply> + Send;
}

impl Request {
    /// The only value of a header field, if it is text.
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the body is said to be of this media type, parameters aside.
    pub fn is_of_type(&self, wanted: &str) -> bool {
        self.header(&header::CONTENT_TYPE)
            .and_then(|value| value.split(';').next())
            .is_some_and(|media| media.trim().eq_ignore_ascii_case(wanted))
    }
}

impl Reply {
    /// A JSON document.
    pub fn json(status: StatusCode, body: &Value) -> Self {
        Self::bytes(status, Bytes::from(body.to_string()))
    }

    /// Bytes that are JSON already.
    pub fn bytes(status: StatusCode, body: Bytes) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Self::Answer { status, headers, body }
    }

    /// There is nothing at this path, or not for this method.
    pub fn not_found() -> Self {
        Self::json(StatusCode::NOT_FOUND, &json!({ "error": "not_found" }))
    }
}
