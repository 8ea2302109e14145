//! The provider's side of an attempt: one request out, one answer in, over HTTP/1.1 or HTTP/2.
//!
//! Tells what it knows of what was sent ([`Evidence`]); whether another attempt follows is decided
//! elsewhere. Errors of the engine never leave this room as text.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use pingora::{
    http::{RequestHeader, ResponseHeader},
    protocols::http::{HttpTask, client::HttpSession},
};
use tokio::time::timeout;

use crate::upstream::{Evidence, Failure, FailureKind, Session};

/// An attempt's connection.
pub struct Wire {
    session: Session,
    request_done: bool,
    head_seen: bool,
    answer_done: bool,
}

/// What came from the provider next.
pub enum Event {
    /// An interim answer (1xx).
    Interim(Box<ResponseHeader>),
    /// The answer's head.
    Head(Box<ResponseHeader>),
    /// A piece of its body, never empty.
    Chunk(Bytes),
    /// Its end, with trailers.
    End(Option<HeaderMap>),
}

impl Wire {
    /// Takes over a fresh or reused session.
    pub fn new(session: Session) -> Self {
        Self { session, request_done: false, head_seen: false, answer_done: false }
    }

    /// Sends the head; `end` if there is no body.
    pub async fn send_head(
        &mut self,
        mut head: RequestHeader,
        end: bool,
        progress: Duration,
    ) -> Result<(), Failure> {
        let write = async {
            match &mut self.session.client {
                HttpSession::H2(client) => {
                    // HTTP/2 frames by itself, and refuses a field that says how (RFC 9113 section 8.2.2).
                    head.remove_header(&header::TRANSFER_ENCODING);
                    client.write_request_header(Box::new(head), end)
                }
                client => {
                    client.write_request_header(Box::new(head)).await?;
                    if end { client.finish_request_body().await } else { Ok(()) }
                }
            }
        };
        let result = timeout(progress, write).await;
        // A request that was not written to its end must never look complete: the next one would
        // be written into its body.
        self.request_done = end && matches!(result, Ok(Ok(())));
        self.judge(result)
    }

    /// Sends a piece of the body.
    pub async fn send_chunk(
        &mut self,
        chunk: Bytes,
        end: bool,
        progress: Duration,
    ) -> Result<(), Failure> {
        let write = async {
            match &mut self.session.client {
                HttpSession::H2(client) => client.write_request_body(chunk, end).await,
                client => {
                    if !chunk.is_empty() {
                        client.write_request_body(chunk, false).await?;
                    }
                    if end { client.finish_request_body().await } else { Ok(()) }
                }
            }
        };
        let result = timeout(progress, write).await;
        // A request that was not written to its end must never look complete: the next one would
        // be written into its body.
        self.request_done = end && matches!(result, Ok(Ok(())));
        self.judge(result)
    }

    /// What comes next. Cancel-safe. No deadline of its own.
    pub async fn next(&mut self) -> Result<Event, Failure> {
        loop {
            let event = match &mut self.session.client {
                HttpSession::H1(client) => match client.read_response_task().await {
                    Ok(HttpTask::Header(head, _)) => Some(self.on_head(head)?),
                    Ok(HttpTask::Body(chunk, _)) => {
                        chunk.filter(|chunk| !chunk.is_empty()).map(Event::Chunk)
                    }
                    Ok(HttpTask::Done | HttpTask::Trailer(_)) => {
                        self.answer_done = true;
                        Some(Event::End(None))
                    }
                    Ok(HttpTask::UpgradedBody(..)) => return Err(self.protocol()),
                    Ok(HttpTask::Failed(error)) | Err(error) => return Err(self.failure(&error)),
                },
                HttpSession::H2(client) if client.response_header().is_none() => {
                    match client.read_response_header().await {
                        Ok(()) => match client.response_header().cloned() {
                            Some(head) => Some(self.on_head(Box::new(head))?),
                            None => return Err(self.protocol()),
                        },
                        Err(error) => return Err(self.failure(&error)),
                    }
                }
                HttpSession::H2(client) => match client.read_response_body().await {
                    Ok(Some(chunk)) if chunk.is_empty() => None,
                    Ok(Some(chunk)) => Some(Event::Chunk(chunk)),
                    Ok(None) => match client.check_response_end_or_error() {
                        Err(error) => return Err(self.failure(&error)),
                        Ok(_) => match client.read_trailers().await {
                            Ok(trailers) => {
                                self.answer_done = true;
                                Some(Event::End(trailers))
                            }
                            Err(error) => return Err(self.failure(&error)),
                        },
                    },
                    Err(error) => return Err(self.failure(&error)),
                },
                HttpSession::Custom(()) => return Err(self.protocol()),
            };
            if let Some(event) = event {
                return Ok(event);
            }
        }
    }

    /// Gives the connection back: reusable if both directions are complete, else broken.
    pub fn into_session(self) -> (Session, bool) {
        let complete = self.request_done && self.answer_done;
        (self.session, complete)
    }

    /// A deadline passed while this attempt was under way.
    pub fn timed_out(&self) -> Failure {
        Failure::new(FailureKind::Timeout, self.evidence())
    }

    /// What is known of what was sent.
    pub fn evidence(&self) -> Evidence {
        self.session.evidence(self.head_seen)
    }

    fn on_head(&mut self, head: Box<ResponseHeader>) -> Result<Event, Failure> {
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            // We never ask for an upgrade.
            return Err(self.protocol());
        }
        if head.status.is_informational() {
            return Ok(Event::Interim(head));
        }
        // How long the body is cannot be told (RFC 9112 section 6.3, and 6.1 for codings).
        let mut codings = head.headers.get_all(header::TRANSFER_ENCODING).iter();
        if codings.next().is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
            || codings.next().is_some()
        {
            return Err(self.protocol());
        }
        self.head_seen = true;
        Ok(Event::Head(head))
    }

    fn judge(
        &self,
        result: Result<pingora::Result<()>, tokio::time::error::Elapsed>,
    ) -> Result<(), Failure> {
        match result {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.failure(&error)),
            Err(_) => Err(self.timed_out()),
        }
    }

    fn protocol(&self) -> Failure {
        Failure::new(FailureKind::Protocol, self.evidence())
    }

    fn failure(&self, error: &pingora::Error) -> Failure {
        self.session.failure(error, self.head_seen)
    }
}
