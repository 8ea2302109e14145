//! What a listener hands its exchanges to.

use std::sync::Arc;

use pingora::protocols::http::ServerSession;
use tollgate_api::{Code, Connection, Tick};

use super::Drain;

/// Serves the exchanges of a listener.
pub trait Handler: Send + Sync + 'static {
    /// One exchange on a session whose request head has been read and parsed. It never fails: it
    /// answers every fault itself. `started` is when the head's first byte was read.
    ///
    /// On HTTP/1 the answer should carry `Connection: close` (`set_keepalive(None)`) if
    /// [`Drain::begun`] by the time its head is written; the listener sees to it for a drain that
    /// had begun before the exchange. A clone of `drain` keeps the drain waiting while it lives.
    fn exchange(
        &self,
        session: &mut ServerSession,
        connection: &Arc<Connection>,
        started: Tick,
        drain: &Drain,
    ) -> impl Future<Output = After> + Send;

    /// A head that never became an exchange: malformed, too large, too slow, left incomplete. The
    /// listener has answered already; this is for logs and metrics.
    fn refused(&self, connection: &Arc<Connection>, code: &'static Code, started: Tick);

    /// Something happened to a connection of the named listener, for metrics.
    fn event(&self, listener: &str, event: Event);
}

/// What becomes of an HTTP/1 connection after an exchange. HTTP/2 connections always go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// The answer was written completely, and the request body read to its end: the next request
    /// may follow.
    Keep,
    /// The connection is closed, gently, so that the caller can still read what was answered. An
    /// answer that is not complete stays so: the caller sees that it was cut short.
    Close,
}

/// What happens to connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// A connection was accepted.
    Opened,
    /// An accepted connection ended.
    Closed,
    /// A connection was closed at once.
    TurnedAway(TurnedAway),
    /// The operating system did not hand over a connection, for want of descriptors, say.
    AcceptFailed,
    /// A TLS handshake succeeded.
    Handshake,
    /// A TLS handshake failed.
    HandshakeFailed(HandshakeFailure),
    /// An exchange panicked; the caller was answered `internal` if nothing had been sent.
    Panicked,
}

/// Why a connection was closed at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TurnedAway {
    /// The listener has as many connections as it may.
    Listener,
    /// The caller's address has as many connections as it may.
    Address,
}

/// Why a TLS handshake failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HandshakeFailure {
    /// It took too long.
    Timeout,
    /// The client's certificate was absent or not trusted.
    ClientCertificate,
    /// The client refused, usually because it does not trust the listener's certificate.
    RefusedByClient,
    /// No protocol version, cipher suite or application protocol in common.
    Incompatible,
    /// What came was not TLS.
    NotTls,
    /// The connection ended.
    Closed,
    /// Anything else.
    Other,
}

impl HandshakeFailure {
    /// The word used in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::ClientCertificate => "client_certificate",
            Self::RefusedByClient => "refused_by_client",
            Self::Incompatible => "incompatible",
            Self::NotTls => "not_tls",
            Self::Closed => "closed",
            Self::Other => "other",
        }
    }
}
