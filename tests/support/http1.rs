//! A caller that speaks HTTP/1.1 on a raw socket.

use std::{fmt::Write, net::SocketAddr};

use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{Answer, Authority, Line, Pair, within};

/// A connection of a caller.
pub struct Http1 {
    /// The connection, for what no ordinary client would send.
    pub line: Line,
}

impl Http1 {
    /// Without TLS.
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = within("a connection", TcpStream::connect(address)).await.unwrap();
        Self { line: Line::plain(stream) }
    }

    /// With TLS.
    pub async fn connect_tls(address: SocketAddr, authority: &Authority) -> Self {
        Self::connect_as(address, authority, None).await
    }

    /// With TLS and perhaps a certificate of one's own.
    pub async fn connect_as(
        address: SocketAddr,
        authority: &Authority,
        certificate: Option<&Pair>,
    ) -> Self {
        let config = authority.client(&["http/1.1"], certificate);
        let stream = within("a connection", TcpStream::connect(address)).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connecting = TlsConnector::from(config).connect(name, stream);
        let stream = within("a TLS handshake", connecting).await.expect("a TLS handshake");
        Self { line: Line::over(stream) }
    }

    /// Sends bytes as one segment.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        within("sending", self.line.write(bytes)).await.expect("the gateway reads");
    }

    /// Sends bytes; the gateway may have closed already.
    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = within("sending", self.line.write(bytes)).await;
    }

    /// Sends a request and reads the answer. See [`super::Caller::call`].
    pub async fn call(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        chunks: Option<usize>,
    ) -> Answer {
        let mut head = request_head(method, path, headers);
        match chunks {
            Some(_) => head.push_str("Transfer-Encoding: chunked\r\n"),
            None if body.is_empty() && matches!(method, "GET" | "HEAD" | "DELETE") => {}
            None => write!(head, "Content-Length: {}\r\n", body.len()).unwrap(),
        }
        head.push_str("\r\n");
        let mut message = head.into_bytes();
        match chunks {
            Some(size) => message.extend(chunked(body, size)),
            None => message.extend_from_slice(body),
        }
        // An answer may come before all of it is sent, and the rest be refused.
        self.try_send(message).await;
        let sent = (method, path, body.len(), chunks);
        let answer = self.try_answer(method).await;
        answer.unwrap_or_else(|error| panic!("an answer that is complete to {sent:?}: {error}"))
    }

    /// Reads one answer.
    pub async fn answer(&mut self, method: &str) -> Answer {
        self.try_answer(method).await.expect("an answer that is complete")
    }

    /// Reads one answer, or says how it was cut short.
    pub async fn try_answer(&mut self, method: &str) -> Result<Answer, String> {
        within("an answer", self.read_answer(method)).await
    }

    /// Whether the gateway closes the connection without another byte.
    pub async fn closed(&mut self) -> bool {
        match within("the end of the connection", self.line.rest()).await {
            Ok(rest) => rest.is_empty(),
            Err(_) => true,
        }
    }

    /// Everything that comes until the gateway closes.
    pub async fn rest(&mut self) -> Vec<u8> {
        within("the end of the connection", self.line.rest()).await.unwrap_or_default()
    }

    async fn read_answer(&mut self, method: &str) -> Result<Answer, String> {
        let mut answer = Answer::default();
        loop {
            let head = self
                .line
                .head()
                .await
                .map_err(|error| error.to_string())?
                .ok_or("the connection ended before an answer")?;
            let status = head.first.split(' ').nth(1).and_then(|text| text.parse().ok());
            let status: u16 = status.ok_or_else(|| format!("not a status line: {}", head.first))?;
            if (100..200).contains(&status) && status != 101 {
                answer.interim.push((status, head.fields));
                continue;
            }
            answer.status = status;
            let chunked = head.field("transfer-encoding").is_some();
            let length = head.field("content-length");
            answer.headers = head.fields;
            if method == "HEAD" || matches!(status, 101 | 204 | 304) {
                return Ok(answer);
            }
            if chunked {
                let cut = |error: std::io::Error| error.to_string();
                while let Some(chunk) = self.line.chunk().await.map_err(cut)? {
                    answer.body.extend(chunk);
                }
                answer.trailers = self.line.trailers().await.map_err(cut)?;
            } else if let Some(length) = length {
                let length = length.parse().map_err(|_| format!("not a length: {length}"))?;
                answer.body = self.line.exactly(length).await.map_err(|error| error.to_string())?;
            } else {
                answer.body = self.line.rest().await.map_err(|error| error.to_string())?;
            }
            return Ok(answer);
        }
    }
}

/// What the admin listener is called by, where it asks for no proof.
pub const LOCAL: (&str, &str) = ("host", "localhost");

/// The head of a request up to and without its empty line; `Host: pay.example` unless another is
/// given.
pub fn request_head(method: &str, path: &str, headers: &[(&str, &str)]) -> String {
    let mut head = format!("{method} {path} HTTP/1.1\r\n");
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        head.push_str("Host: pay.example\r\n");
    }
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    head
}

/// A body in chunks of this size.
pub fn chunked(body: &[u8], size: usize) -> Vec<u8> {
    let mut wire = Vec::with_capacity(body.len() * 2);
    for chunk in body.chunks(size) {
        wire.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        wire.extend_from_slice(chunk);
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b"0\r\n\r\n");
    wire
}
