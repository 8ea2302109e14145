//! The caller's side of an exchange: reading the body and keeping the connection usable. Answering is
//! in `answer`.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use pingora::{ErrorType, protocols::http::ServerSession};
use tokio::time::timeout;
use tollgate_api::{Clock, Fault, Tick, codes};

use super::memory::Reservation;

/// A caller's session, with what the loop must remember of it.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, not states")]
pub struct Caller<'s> {
    pub(super) session: &'s mut ServerSession,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) write_timeout: Duration,
    pub(super) expects_continue: bool,
    /// Bytes of the body that were read.
    pub bytes_in: u64,
    /// Bytes of the answer's body that were written.
    pub bytes_out: u64,
    /// Time spent waiting for the caller.
    pub waited: Duration,
    /// The connection may serve another request.
    pub keep: bool,
    /// Writing failed: nobody is left to answer.
    pub gone: bool,
    broken: bool,
    /// The body has been read to its end.
    ended: bool,
}

impl<'s> Caller<'s> {
    /// Takes over a session whose head has been read.
    pub fn new(session: &'s mut ServerSession, clock: Arc<dyn Clock>) -> Self {
        // Whether an unread body costs the connection is decided by `settle`.
        session.set_close_on_response_before_downstream_finish(false);
        session.set_ignore_info_resp(false);
        Self {
            session,
            clock,
            write_timeout: Duration::from_secs(30),
            expects_continue: false,
            bytes_in: 0,
            bytes_out: 0,
            waited: Duration::ZERO,
            keep: true,
            gone: false,
            broken: false,
            ended: false,
        }
    }

    /// Sets what the listener's policy and the head say.
    pub fn configure(&mut self, write_timeout: Duration, expects_continue: bool) {
        self.write_timeout = write_timeout;
        self.expects_continue = expects_continue;
        self.session.set_write_timeout(Some(write_timeout));
    }

    /// The head as Pingora parsed it.
    pub fn header(&self) -> &pingora::http::RequestHeader {
        self.session.req_header()
    }

    /// Whether the body has been read to its end (or there is none).
    pub fn body_done(&mut self) -> bool {
        // Remembered, because an HTTP/2 stream that is reset after that no longer says so.
        self.ended = self.ended || self.session.is_body_done();
        self.ended
    }

    /// Whether an answer's head has been written.
    pub fn answered(&self) -> bool {
        self.session.response_written().is_some_and(|head| !head.status.is_informational())
    }

    /// Whether it is HTTP/2.
    pub fn is_http2(&self) -> bool {
        self.session.is_http2()
    }

    /// Lets the caller send its body, if it waits for that.
    pub async fn invite_body(&mut self) {
        if !std::mem::take(&mut self.expects_continue) {
            return;
        }
        // On HTTP/2 Pingora has no interim answers; a caller goes on after a short wait of its own.
        if let ServerSession::H1(session) = &mut *self.session
            && timeout(self.write_timeout, session.write_continue_response()).await.is_err()
        {
            self.broken = true;
        }
    }

    /// The next piece of the body, never empty; `None` at its end. Cancel-safe. No deadline.
    ///
    /// Tiny pieces that have come already are one: sent on as they are, a flood of them would look
    /// like an attack to an HTTP/2 provider, which then ends the connection of others as well.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        let Some(first) = self.piece().await? else { return Ok(None) };
        if first.len() >= TINY || self.body_done() {
            return Ok(Some(first));
        }
        let mut gathered = BytesMut::from(first);
        while gathered.len() < TINY {
            match self.piece().now_or_never() {
                Some(Ok(Some(next))) => gathered.extend_from_slice(&next),
                Some(Err(fault)) => return Err(fault),
                Some(Ok(None)) | None => break,
            }
        }
        Ok(Some(gathered.freeze()))
    }

    async fn piece(&mut self) -> Result<Option<Bytes>, Fault> {
        loop {
            if self.body_done() {
                return Ok(None);
            }
            match self.session.read_request_body().await {
                // An empty chunk in the middle would end the body of the next hop.
                Ok(Some(chunk)) if chunk.is_empty() => {}
                Ok(Some(chunk)) => {
                    self.bytes_in += chunk.len() as u64;
                    return Ok(Some(chunk));
                }
                Ok(None) => return Ok(None),
                Err(error) => {
                    self.broken = true;
                    self.keep = false;
                    let there = MALFORMED_BODY.contains(&error.etype().as_str());
                    self.gone |= !there;
                    let code =
                        if there { &codes::BODY_INCOMPLETE } else { &codes::CALLER_INCOMPLETE };
                    return Err(Fault::new(code));
                }
            }
        }
    }

    /// Reads the whole body within limit, deadline and memory budget.
    pub async fn hold(
        &mut self,
        length: Option<u64>,
        limit: usize,
        deadline: Duration,
        memory: &mut Reservation,
    ) -> Result<Bytes, Fault> {
        if length.is_some_and(|length| length > limit as u64) {
            return Err(Fault::new(&codes::BODY_TOO_LARGE));
        }
        let started = self.clock.tick();
        let result =
            if let Ok(result) = timeout(deadline, self.collect(length, limit, memory)).await {
                result
            } else {
                self.keep = false;
                Err(Fault::new(&codes::BODY_TIMEOUT))
            };
        self.waited += self.clock.tick().since(started);
        result
    }

    async fn collect(
        &mut self,
        length: Option<u64>,
        limit: usize,
        memory: &mut Reservation,
    ) -> Result<Bytes, Fault> {
        self.invite_body().await;
        let Some(first) = self.chunk().await? else { return Ok(Bytes::new()) };
        check_length(first.len(), limit)?;
        memory.grow(first.len())?;
        if self.session.is_body_done() {
            return Ok(first);
        }
        let announced = length.and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
        let mut body =
            BytesMut::with_capacity(announced.clamp(first.len(), first.len().max(PREALLOCATED)));
        body.extend_from_slice(&first);
        while let Some(chunk) = self.chunk().await? {
            check_length(body.len() + chunk.len(), limit)?;
            memory.grow(chunk.len())?;
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    /// Waits for the next piece of the body; after its end, for a hang-up if `listen` (only for safe
    /// methods: nobody else is given up), else for ever. Cancel-safe.
    pub async fn watch(&mut self, sending: bool, listen: bool) -> Watched {
        if sending {
            return Watched::Chunk(self.chunk().await);
        }
        if !listen || self.gone || !self.body_done() {
            return std::future::pending().await;
        }
        match self.session.read_body_or_idle(true).await {
            Err(error) if error.etype() != &ErrorType::ConnectError => Watched::HungUp,
            // A byte of a next request came early and is lost: the connection ends with this answer.
            _ => {
                self.keep = false;
                std::future::pending().await
            }
        }
    }

    /// Before an early answer: reads a small rest of the body, so that a refusal does not cost the
    /// caller its connection; a large or slow rest, or one that waits for `100 Continue`, does.
    pub async fn settle(&mut self, length: Option<u64>) {
        if self.session.is_body_done() {
            return;
        }
        if self.is_http2() {
            // Ending our side tells the caller to stop; the connection is not harmed.
            return;
        }
        let small = length.is_none_or(|length| length <= DRAINED);
        if self.expects_continue
            || self.broken
            || !small
            || timeout(DRAIN_TIME, self.drain()).await != Ok(true)
        {
            self.keep = false;
        }
    }

    async fn drain(&mut self) -> bool {
        let mut drained = 0;
        while drained <= DRAINED {
            match self.session.read_request_body().await {
                Ok(Some(chunk)) => drained += chunk.len() as u64,
                Ok(None) => return true,
                Err(_) => return false,
            }
            if self.session.is_body_done() {
                return true;
            }
        }
        false
    }

    /// The time, for the loop.
    pub fn now(&self) -> Tick {
        self.clock.tick()
    }
}

/// What the caller did.
pub enum Watched {
    /// Its body went on, ended, or broke.
    Chunk(Result<Option<Bytes>, Fault>),
    /// It left.
    HungUp,
}

fn check_length(length: usize, limit: usize) -> Result<(), Fault> {
    if length > limit { Err(Fault::new(&codes::BODY_TOO_LARGE)) } else { Ok(()) }
}

/// An announced length is believed up to this size before any byte came.
const PREALLOCATED: usize = 64 * 1024;

/// Kinds of error after which the caller is still there to be told what is wrong with its body.
const MALFORMED_BODY: [&str; 2] = ["InvalidChunk", "InvalidTrailerEnd"];

/// Pieces of a body below this size are gathered.
const TINY: usize = 1024;

/// Rest of a body that is read for the sake of the connection.
const DRAINED: u64 = 64 * 1024;

const DRAIN_TIME: Duration = Duration::from_secs(1);
