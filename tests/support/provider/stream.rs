//! A provider's side of an HTTP/2 connection.

use std::sync::Arc;

use bytes::Bytes;
use h2::{Reason, RecvStream, server::SendResponse};
use http::{HeaderMap, Response};
use tokio::task::JoinSet;

use super::{Log, Received, Reply};
use crate::support::http2;

/// A stream at an HTTP/2 provider.
pub struct Stream {
    /// The body, for what no ordinary server would do.
    pub incoming: RecvStream,
    /// The answer, for what no ordinary server would do.
    pub respond: SendResponse<Bytes>,
    /// Number of the connection, from 1.
    pub connection: usize,
    log: Arc<Log>,
    at: usize,
}

impl Stream {
    /// Reads the request whole; `None` if it broke off.
    pub async fn request(&mut self) -> Option<Received> {
        while let Some(piece) = self.incoming.data().await {
            let piece = piece.ok()?;
            let _ = self.incoming.flow_control().release_capacity(piece.len());
            self.log.update(self.at, |received| {
                received.chunks.push(piece.len());
                received.body.extend_from_slice(&piece);
            });
        }
        let trailers = self.incoming.trailers().await.ok()?;
        self.log.update(self.at, |received| {
            received.trailers = trailers.map(|map| http2::fields(&map)).unwrap_or_default();
            received.complete = true;
        });
        Some(self.log.requests.lock()[self.at].clone())
    }

    /// What was received so far.
    pub fn head(&self) -> Received {
        self.log.requests.lock()[self.at].clone()
    }

    /// Answers.
    pub async fn reply(&mut self, reply: &Reply) {
        let mut response = Response::builder().status(reply.status);
        for (name, value) in &reply.headers {
            response = response.header(name, value);
        }
        let bodiless = matches!(reply.status, 204 | 304);
        if reply.chunks.is_none() && !bodiless {
            response = response.header("content-length", reply.body.len());
        }
        let response = response.body(()).unwrap();
        let ends = reply.body.is_empty() && reply.trailers.is_empty();
        let Ok(mut stream) = self.respond.send_response(response, ends) else { return };
        if ends {
            return;
        }
        let size = reply.chunks.unwrap_or(16 * 1024);
        let mut rest = reply.body.clone();
        while !rest.is_empty() {
            let piece = rest.split_to(size.min(rest.len()));
            let end = rest.is_empty() && reply.trailers.is_empty();
            if http2::push(&mut stream, piece, end).await.is_err() {
                return;
            }
        }
        if !reply.trailers.is_empty() {
            let mut map = HeaderMap::new();
            for (name, value) in &reply.trailers {
                let name: http::HeaderName = name.parse().unwrap();
                map.append(name, value.parse().unwrap());
            }
            let _ = stream.send_trailers(map);
        }
    }

    /// Resets the stream.
    pub fn reset(&mut self, reason: Reason) {
        self.respond.send_reset(reason);
    }

    /// Says nothing until the gateway gives the stream up.
    pub async fn silence(&mut self) {
        let _ = std::future::poll_fn(|context| self.respond.poll_reset(context)).await;
    }
}

/// Serves a connection: the script is run for each stream.
pub(super) async fn streams<S, F>(
    socket: S,
    connection: usize,
    log: Arc<Log>,
    script: Arc<impl Fn(Stream) -> F + Send + Sync + 'static>,
) where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    F: Future<Output = ()> + Send + 'static,
{
    let Ok(mut accepted) = h2::server::handshake(socket).await else { return };
    let mut tasks = JoinSet::new();
    while let Some(Ok((request, respond))) = accepted.accept().await {
        let (head, incoming) = request.into_parts();
        let mut headers = http2::fields(&head.headers);
        if let Some(authority) = head.uri.authority() {
            headers.insert(0, (":authority".to_owned(), authority.to_string()));
        }
        let at = log.begin(Received {
            connection,
            method: head.method.to_string(),
            target: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
            headers,
            ..Received::default()
        });
        tasks.spawn(script(Stream { incoming, respond, connection, log: log.clone(), at }));
    }
}
