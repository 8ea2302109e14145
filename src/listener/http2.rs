//! The loop of an HTTP/2 connection: each exchange is a task, the connection outlives them all.
//!
//! When the connection breaks, its exchanges go on: what was asked of a provider is asked, and its
//! answer must be recorded although nobody is left to receive it.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::FutureExt;
use h2::Reason;
use pingora::{
    http::ResponseHeader,
    protocols::{
        Digest, Stream,
        http::{
            ServerSession,
            v2::server::{H2Accept, HttpSession, default_h2_options, handshake},
        },
    },
};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use tollgate_api::{Code, Connection, Tick, codes};

use super::{
    After, Drain, Event, Handler, ListenerSpec,
    connection::Caller,
    drain::FRESH,
    refusal,
    socket::{Home, Socket},
};

/// Serves the connection to its end, and waits for its exchanges to end.
pub(super) async fn serve<H: Handler>(socket: Socket, mut caller: Caller<H>) {
    let home = Home::default();
    let limits = caller.limits();
    let mut options = default_h2_options();
    options
        .max_concurrent_streams(limits.http2_streams)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX))
        .max_send_buffer_size(SEND_BUFFER)
        .data_frame_budget(SMALL_FRAMES);
    let patience = limits.handshake_timeout.saturating_sub(caller.age());
    let greeting = handshake(Box::new(home.lend(socket)), Some(options));
    let greeted = tokio::select! {
        biased;
        greeted = timeout(patience, greeting) => greeted.ok().and_then(Result::ok),
        () = caller.drain.lasts(FRESH) => None,
    };
    let mut exchanges = JoinSet::new();
    if let Some(mut connection) = greeted {
        drive(&mut connection, &mut exchanges, &mut caller).await;
    }
    if let Some(socket) = home.take() {
        socket.close_gently().await;
    }
    while exchanges.join_next().await.is_some() {}
}

type H2Connection = h2::server::Connection<Stream, Bytes>;

async fn drive<H: Handler>(
    connection: &mut H2Connection,
    exchanges: &mut JoinSet<()>,
    caller: &mut Caller<H>,
) {
    let digest = Arc::new(Digest::default());
    let mut rejections = 0;
    // When the caller was told to go away.
    let mut parting: Option<Tick> = None;
    loop {
        let idle = exchanges.is_empty();
        let patience = if parting.is_some() { PARTING } else { caller.limits().idle_timeout };
        tokio::select! {
            biased;
            () = caller.drain.begins(), if parting.is_none() => {
                connection.graceful_shutdown();
                parting = Some(caller.clock.tick());
            }
            accepted = HttpSession::from_h2_conn(connection, digest.clone()) => match accepted {
                // A caller that goes on asking long after it was told to leave is not served.
                Ok(Some(H2Accept::Session(_)))
                    if parting.is_some_and(|told| caller.clock.tick().since(told) > PARTING) => {}
                Ok(Some(accepted)) => {
                    while exchanges.try_join_next().is_some() {}
                    let refusal = match accepted {
                        H2Accept::Session(session) => admit(session, exchanges, caller),
                        H2Accept::Rejected => Some(&codes::MALFORMED_REQUEST),
                    };
                    let Some(code) = refusal else { continue };
                    caller.refused(code, caller.clock.tick());
                    rejections += 1;
                    if rejections > caller.limits().http2_rejections {
                        return calm(connection, digest).await;
                    }
                }
                Ok(None) | Err(_) => return,
            },
            _ = exchanges.join_next(), if !idle => {}
            () = sleep(patience), if idle => {
                if parting.is_some() {
                    return;
                }
                connection.graceful_shutdown();
                parting = Some(caller.clock.tick());
            }
        }
    }
}

/// Begins an exchange, or answers with a refusal.
fn admit<H: Handler>(
    session: HttpSession,
    exchanges: &mut JoinSet<()>,
    caller: &Caller<H>,
) -> Option<&'static Code> {
    let limits = caller.limits();
    let refusal = if session.req_header().headers.len() > limits.head_fields {
        &codes::HEADERS_TOO_LARGE
    } else if exchanges.len() >= MOST * limits.http2_streams as usize {
        &codes::OVERLOADED
    } else {
        exchanges.spawn(Stem::of(caller).exchange(session));
        return None;
    };
    // What fits into the windows is sent at once; a caller without any does not get it.
    let mut session = ServerSession::new_http2(session);
    let _ = answer(&mut session, refusal).now_or_never();
    Some(refusal)
}

/// Ends the connection of a caller that sends too many malformed requests.
async fn calm(connection: &mut H2Connection, digest: Arc<Digest>) {
    connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
    let _ = timeout(PARTING, async {
        while let Ok(Some(_)) = HttpSession::from_h2_conn(connection, digest.clone()).await {}
    })
    .await;
}

/// What an exchange needs of its connection.
struct Stem<H: Handler> {
    handler: Arc<H>,
    connection: Arc<Connection>,
    spec: Arc<ListenerSpec>,
    drain: Drain,
    started: Tick,
}

impl<H: Handler> Stem<H> {
    fn of(caller: &Caller<H>) -> Self {
        Self {
            handler: caller.handler.clone(),
            connection: caller.connection.clone(),
            spec: caller.spec.clone(),
            drain: caller.drain.clone(),
            started: caller.clock.tick(),
        }
    }

    async fn exchange(self, session: HttpSession) {
        let mut session = ServerSession::new_http2(session);
        session.set_write_timeout(Some(self.spec.limits.write_timeout));
        let exchange =
            self.handler.exchange(&mut session, &self.connection, self.started, &self.drain);
        let after = AssertUnwindSafe(exchange).catch_unwind().await;
        if after.is_err() {
            self.handler.event(&self.spec.name, Event::Panicked);
        }
        match after {
            Ok(After::Keep) | Err(_) if session.response_written().is_none() => {
                let _ = answer(&mut session, &codes::INTERNAL).await;
            }
            Ok(After::Keep) => {
                let _ = session.finish().await;
            }
            // An answer that is not complete is reset when the session is dropped.
            Ok(After::Close) | Err(_) => {}
        }
    }
}

async fn answer(session: &mut ServerSession, code: &Code) -> pingora::Result<()> {
    let body = refusal::problem(code);
    let mut head = ResponseHeader::build(code.status, Some(4))?;
    head.insert_header("content-type", "application/problem+json")?;
    head.insert_header("content-length", body.len().to_string())?;
    head.insert_header("cache-control", "no-store")?;
    head.insert_header("tollgate-error", code.name)?;
    session.write_response_header(Box::new(head)).await?;
    session.write_response_body(body.into(), true).await
}

/// How many exchanges may run for each stream that may be open: an exchange goes on when its stream
/// was reset, so that a caller could begin any number of them.
const MOST: usize = 2;
/// How long a caller has to leave after it was told to.
const PARTING: Duration = Duration::from_secs(2);
/// How much of an answer may wait for the caller's socket, per exchange.
const SEND_BUFFER: usize = 64 * 1024;
/// How many tiny frames (256 bytes are charged for each) may wait to be read, per connection. By
/// default these are about a hundred, which many small requests at once exceed.
const SMALL_FRAMES: usize = 4096 * 256;
