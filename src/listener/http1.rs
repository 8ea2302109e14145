//! The loop of an HTTP/1 connection: read a head, lend it to the handler, again.
//!
//! The head is read here, whole, and given to Pingora's session as bytes that were already read.
//! So its deadline and size are total, waiting for a request is told apart from waiting for the
//! rest of one, and a drain interrupts only the former: nothing read, nothing lost.

use std::{panic::AssertUnwindSafe, time::Duration};

use bytes::{Buf, BytesMut};
use futures::FutureExt;
use pingora::protocols::http::{ServerSession, v1::server::HttpSession};
use tokio::{
    io::AsyncReadExt,
    time::{sleep, timeout},
};
use tollgate_api::{Code, Tick, codes};

use super::{
    After, Handler,
    connection::Caller,
    drain::FRESH,
    head::{Progress, Scanner},
    refusal,
    socket::{Home, Socket, Wire},
};

/// Serves the connection to its end.
pub(super) async fn serve<H: Handler>(mut socket: Socket, mut caller: Caller<H>) {
    let home = Home::default();
    let mut buffer = BytesMut::new();
    let mut fresh = true;
    loop {
        let started = match read_head(&mut socket, &mut buffer, &mut caller, fresh).await {
            Head::Complete(started) => started,
            Head::Refused(code, started) => {
                caller.refused(code, started);
                return refuse(socket, code, &caller).await;
            }
            Head::Abandoned(started) => {
                caller.refused(&codes::CALLER_INCOMPLETE, started);
                return socket.close().await;
            }
            Head::None => return socket.close().await,
        };
        fresh = false;
        // Boxed, so that an idle connection does not hold the room of an exchange.
        let outcome = Box::pin(exchange(home.lend(socket), buffer, started, &caller)).await;
        let Some(returned) = home.take() else { return };
        match outcome {
            Outcome::Reusable(next) => (socket, buffer) = (returned, next),
            Outcome::Close => return returned.close_gently().await,
            Outcome::Answer(code) => return refuse(returned, code, &caller).await,
        }
    }
}

/// What became of an exchange; the socket has come home.
enum Outcome {
    /// The next request may follow, of which these bytes were already read.
    Reusable(BytesMut),
    /// Everything was said.
    Close,
    /// Nothing was answered yet.
    Answer(&'static Code),
}

async fn exchange<H: Handler>(
    wire: Wire,
    head: BytesMut,
    started: Tick,
    caller: &Caller<H>,
) -> Outcome {
    let mut session = HttpSession::new(Box::new(wire));
    session.set_pipelining_enabled(true);
    session.set_pipelined_prefix(head);
    session.set_write_timeout(Some(caller.limits().write_timeout));
    // The error holds what the caller sent; it is dropped unseen.
    let parsed = timeout(caller.limits().header_timeout, session.read_request()).await;
    if !matches!(parsed, Ok(Ok(Some(_)))) {
        caller.refused(&codes::MALFORMED_REQUEST, started);
        return Outcome::Answer(&codes::MALFORMED_REQUEST);
    }
    let mut session = ServerSession::H1(session);
    if caller.drain.begun() {
        session.set_keepalive(None);
    }
    let exchange =
        caller.handler.exchange(&mut session, &caller.connection, started, &caller.drain);
    let after = AssertUnwindSafe(exchange).catch_unwind().await;
    if after.is_err() {
        caller.panicked();
    }
    let answered =
        session.response_written().is_some_and(|answer| !answer.status.is_informational());
    match after {
        Ok(After::Keep) | Err(_) if !answered => Outcome::Answer(&codes::INTERNAL),
        Ok(After::Keep) if session.is_body_done() => {
            match timeout(caller.limits().write_timeout, session.finish()).await {
                Ok(Ok(Some(reusable))) => {
                    let (_, prefix) = reusable.into_parts();
                    Outcome::Reusable(prefix.unwrap_or_default())
                }
                _ => Outcome::Close,
            }
        }
        _ => Outcome::Close,
    }
}

async fn refuse<H: Handler>(socket: Socket, code: &Code, caller: &Caller<H>) {
    refusal::answer(socket, code, caller.clock.unix(), caller.limits().write_timeout).await;
}

/// What came of waiting for a request.
enum Head {
    /// A head is in the buffer.
    Complete(Tick),
    /// A head that is not served.
    Refused(&'static Code, Tick),
    /// The caller left in the middle of a head.
    Abandoned(Tick),
    /// No request came: the caller left, was idle for too long, or the listener drains.
    None,
}

async fn read_head<H: Handler>(
    socket: &mut Socket,
    buffer: &mut BytesMut,
    caller: &mut Caller<H>,
    fresh: bool,
) -> Head {
    if buffer.is_empty() && !first_bytes(socket, buffer, caller, fresh).await {
        return Head::None;
    }
    let started = caller.clock.tick();
    let mut reader = Reader::default();
    match reader.look(buffer, caller) {
        Progress::Complete => return Head::Complete(started),
        Progress::Refused(code) => return Head::Refused(code, started),
        Progress::Incomplete => {}
    }
    let rest = timeout(caller.limits().header_timeout, reader.read(socket, buffer, caller)).await;
    match rest {
        // Empty lines are no request.
        Ok(None) | Err(_) if is_blank(buffer) => Head::None,
        Ok(None) => Head::Abandoned(started),
        Ok(Some(Progress::Refused(code))) => Head::Refused(code, started),
        Ok(Some(_)) => Head::Complete(started),
        Err(_) => Head::Refused(&codes::HEADER_TIMEOUT, started),
    }
}

/// Waits for a request to begin; `false` if none will be served.
async fn first_bytes<H: Handler>(
    socket: &mut Socket,
    buffer: &mut BytesMut,
    caller: &mut Caller<H>,
    fresh: bool,
) -> bool {
    buffer.reserve(READ);
    tokio::select! {
        // What has come already is served, drain or not.
        biased;
        read = socket.read_buf(buffer) => return matches!(read, Ok(1..)),
        () = caller.drain.begins() => {}
        () = sleep(caller.spec.limits.idle_timeout) => return false,
    }
    let patience = if fresh { FRESH.saturating_sub(caller.age()) } else { Duration::ZERO };
    !patience.is_zero() && matches!(timeout(patience, socket.read_buf(buffer)).await, Ok(Ok(1..)))
}

/// Reads the rest of a head.
#[derive(Default)]
struct Reader {
    scanner: Scanner,
    skipped: usize,
}

impl Reader {
    /// Reads until the head is decided; `None` if the caller leaves before.
    async fn read<H: Handler>(
        &mut self,
        socket: &mut Socket,
        buffer: &mut BytesMut,
        caller: &Caller<H>,
    ) -> Option<Progress> {
        loop {
            buffer.reserve(READ);
            if !matches!(socket.read_buf(buffer).await, Ok(1..)) {
                return None;
            }
            match self.look(buffer, caller) {
                Progress::Incomplete => {}
                decided => return Some(decided),
            }
        }
    }

    fn look<H: Handler>(&mut self, buffer: &mut BytesMut, caller: &Caller<H>) -> Progress {
        // Empty lines before a request line are ignored (RFC 9112 section 2.2), but not for ever.
        while self.scanner.is_at_start() && buffer.starts_with(b"\r\n") {
            if self.skipped == EMPTY_LINES {
                return Progress::Refused(&codes::MALFORMED_REQUEST);
            }
            self.skipped += 1;
            buffer.advance(2);
        }
        self.scanner.advance(buffer, caller.limits())
    }
}

fn is_blank(buffer: &[u8]) -> bool {
    buffer.iter().all(|byte| matches!(byte, b'\r' | b'\n'))
}

/// How much is read at once while a head is incomplete.
const READ: usize = 2048;
/// How many empty lines may precede a request.
const EMPTY_LINES: usize = 4;
