//! A provider's side of an HTTP/1.1 connection.

use std::{fmt::Write, sync::Arc};

use super::{Log, Received, Reply};
use crate::support::{Line, http1::chunked, line::Head};

/// A connection at an HTTP/1.1 provider.
pub struct Peer {
    /// The connection, for what no ordinary server would do.
    pub line: Line,
    /// Its number, from 1.
    pub connection: usize,
    pub(super) log: Arc<Log>,
    pub(super) current: Option<(usize, Head)>,
}

impl Peer {
    /// Reads a request whole; `None` if the connection ended or broke before.
    pub async fn request(&mut self) -> Option<Received> {
        self.head().await?;
        self.body().await
    }

    /// Reads a request's head.
    pub async fn head(&mut self) -> Option<Received> {
        let head = self.line.head().await.ok().flatten()?;
        let mut words = head.first.split(' ');
        let received = Received {
            connection: self.connection,
            method: words.next().unwrap_or_default().to_owned(),
            target: words.next().unwrap_or_default().to_owned(),
            headers: head.fields.clone(),
            ..Received::default()
        };
        let at = self.log.begin(received.clone());
        self.current = Some((at, head));
        Some(received)
    }

    /// Reads the body of the request whose head was read.
    pub async fn body(&mut self) -> Option<Received> {
        let (at, head) = self.current.take().expect("a head was read");
        let log = self.log.clone();
        if head.field("transfer-encoding").is_some() {
            assert_eq!(head.count("content-length"), 0, "never both framings: {head:?}");
            while let Some(chunk) = self.line.chunk().await.ok()? {
                log.update(at, |received| {
                    received.chunks.push(chunk.len());
                    received.body.extend_from_slice(&chunk);
                });
            }
            let trailers = self.line.trailers().await.ok()?;
            log.update(at, |received| received.trailers = trailers);
        } else if let Some(length) = head.field("content-length") {
            let mut left: usize = length.parse().expect("one valid length");
            while left > 0 {
                let piece = self.line.some(left).await.ok()?;
                left -= piece.len();
                log.update(at, |received| received.body.extend_from_slice(&piece));
            }
        }
        log.update(at, |received| received.complete = true);
        Some(log.requests.lock()[at].clone())
    }

    /// Answers.
    pub async fn reply(&mut self, reply: &Reply) -> std::io::Result<()> {
        let mut head = format!("HTTP/1.1 {} Reply\r\n", reply.status);
        for (name, value) in &reply.headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        let mut message = match reply.chunks {
            Some(_) => format!("{head}Transfer-Encoding: chunked\r\n\r\n"),
            None if matches!(reply.status, 204 | 304) => format!("{head}\r\n"),
            None => format!("{head}Content-Length: {}\r\n\r\n", reply.body.len()),
        }
        .into_bytes();
        match reply.chunks {
            Some(size) => message.extend(chunked(&reply.body, size)),
            None => message.extend_from_slice(&reply.body),
        }
        self.line.write(message).await
    }

    /// Writes bytes as one segment.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.line.write(bytes).await;
    }

    /// Says nothing until the gateway gives up.
    pub async fn silence(&mut self) {
        self.line.ended().await;
    }

    /// Breaks the connection off.
    pub fn reset(self) {
        self.line.reset();
    }
}
