//! What a provider receives and answers.

use bytes::Bytes;

use crate::support::line::Head;

/// A request as a provider received it, or as much as it has received so far.
#[derive(Debug, Clone, Default)]
pub struct Received {
    /// Number of the connection it came on, from 1.
    pub connection: usize,
    /// Its method.
    pub method: String,
    /// Its target: path and query.
    pub target: String,
    /// Its fields in the order of arrival, names in lower case. `:authority` is among them.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
    /// The sizes of its chunks, if it was chunked.
    pub chunks: Vec<usize>,
    /// Trailer fields.
    pub trailers: Vec<(String, String)>,
    /// Whether its end came.
    pub complete: bool,
}

impl Received {
    /// The value of a header field; several are joined by commas.
    pub fn header(&self, name: &str) -> Option<String> {
        Head { first: String::new(), fields: self.headers.clone() }.field(name)
    }
}

/// What a provider answers.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    /// Status.
    pub status: u16,
    /// Header fields; the framing is added.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Bytes,
    /// The body comes in pieces of this size and without an announced length.
    pub chunks: Option<usize>,
    /// Trailer fields (HTTP/2).
    pub trailers: Vec<(String, String)>,
}

impl Reply {
    /// An answer with a length.
    pub fn new(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, body: body.into(), ..Self::default() }
    }

    /// With a header field.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// In pieces of this size, without an announced length.
    #[must_use]
    pub fn in_chunks(mut self, size: usize) -> Self {
        self.chunks = Some(size);
        self
    }

    /// With a trailer field (HTTP/2).
    #[must_use]
    pub fn with_trailer(mut self, name: &str, value: &str) -> Self {
        self.trailers.push((name.to_owned(), value.to_owned()));
        self
    }
}
