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
    /// What follows `?`, as it was sent.
    pub query: Option<String>,
    /// Path and query exactly as they were sent, which is what providers have signed.
    pub target: String,
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
    /// The head and the first half of the body, then the connection is dropped.
    Broken {
        /// The status.
        status: StatusCode,
        /// The header fields.
        headers: HeaderMap,
        /// The body, of which half is sent. One that has no half is not sent at all.
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
    /// A request for this target, path and query together.
    pub fn new(method: Method, target: &str, headers: HeaderMap, body: Bytes) -> Self {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        Self { method, path: path.to_owned(), query, target: target.to_owned(), headers, body }
    }

    /// The only value of a parameter of the query, decoded.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let mut values = self.query.as_deref()?.split('&').filter_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (form_decoded(key)? == name).then(|| form_decoded(value)).flatten()
        });
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// The first value of a header field, if it is text.
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The value of a header field that came exactly once, if it is text.
    pub fn only_header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
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

/// `%41+b` as it is meant in queries and forms. `None` if it is not that, or not UTF-8.
pub(super) fn form_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        rest = others;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let (digits, others) = rest.split_at_checked(2)?;
                rest = others;
                let hexadecimal = digits.iter().all(u8::is_ascii_hexdigit);
                let digits = str::from_utf8(digits).ok().filter(|_| hexadecimal)?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
            }
            byte => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_decoded_once_and_must_be_the_only_one_of_its_name() {
        let request = |target| Request::new(Method::GET, target, HeaderMap::new(), Bytes::new());
        let value = |target| request(target).parameter("a");
        assert_eq!(value("/p?a=1").as_deref(), Some("1"), "plain");
        assert_eq!(value("/p?b=2&a=%2B1+2%252").as_deref(), Some("+1 2%2"), "decoded once");
        assert_eq!(value("/p?a").as_deref(), Some(""), "without a value");
        for target in ["/p", "/p?b=1", "/p?a=1&a=2", "/p?a=%4", "/p?a=%+1", "/p?a=%ff"] {
            assert_eq!(value(target), None, "{target}");
        }
        assert_eq!(request("/p?a=1").path, "/p", "the path has no query");
    }
}
