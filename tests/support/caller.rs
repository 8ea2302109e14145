//! What a caller receives, whatever protocol it speaks.

use super::{Http1, Http2};

/// An answer.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its fields in the order of arrival, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
    /// Trailer fields.
    pub trailers: Vec<(String, String)>,
    /// Interim answers (1xx) that came before it: status and fields.
    pub interim: Vec<(u16, Vec<(String, String)>)>,
}

impl Answer {
    /// The value of a header field; several are joined by commas.
    pub fn header(&self, name: &str) -> Option<String> {
        let values: Vec<&str> = self
            .headers
            .iter()
            .filter(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
            .collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// The code of the gateway's own refusal; none if the provider answered.
    pub fn fault(&self) -> Option<String> {
        self.header("tollgate-error")
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A connection of a caller, over either protocol.
pub enum Caller {
    /// HTTP/1.1.
    Http1(Box<Http1>),
    /// HTTP/2.
    Http2(Http2),
}

impl Caller {
    /// Sends a request whose body has an announced length (`chunks: None`), or comes in pieces of
    /// this size without one, and reads the answer.
    pub async fn call(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        chunks: Option<usize>,
    ) -> Answer {
        match self {
            Self::Http1(caller) => caller.call(method, path, headers, body, chunks).await,
            Self::Http2(caller) => caller.call(method, path, headers, body, chunks).await,
        }
    }
}
