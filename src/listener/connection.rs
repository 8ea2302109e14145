//! One accepted connection: the TLS handshake, what it taught, and the loop that serves it.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use rustls::ProtocolVersion;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tollgate_api::{Clock, Code, Connection, Tick, Tls};

use super::{
    Drain, Event, Handler, HandshakeFailure, Limits, ListenerSpec, admission::Permit, drain::FRESH,
    http1, http2, socket::Socket,
};

/// A connection that was accepted and counted.
pub(super) struct Accepted<H: Handler> {
    pub(super) stream: TcpStream,
    pub(super) peer: SocketAddr,
    pub(super) local: SocketAddr,
    /// What the listener was when it accepted; a reload does not change it midway.
    pub(super) spec: Arc<ListenerSpec>,
    pub(super) handler: Arc<H>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) drain: Drain,
    pub(super) permit: Permit,
}

impl<H: Handler> Accepted<H> {
    /// Serves the connection to its end.
    pub(super) async fn serve(self) {
        let Self { stream, peer, local, spec, handler, clock, mut drain, permit } = self;
        let open = Open { spec: spec.clone(), handler: handler.clone(), _permit: permit };
        handler.event(&spec.name, Event::Opened);
        let accepted = clock.tick();
        // Boxed, so that an idle connection does not hold the room of a handshake.
        let established = Box::pin(establish(stream, &spec, &*handler, &mut drain)).await;
        let Some((socket, tls)) = established else { return };
        let http2 = tls.as_ref().is_some_and(|tls| tls.protocol.as_deref() == Some("h2"));
        let connection = Connection { listener: spec.name.clone(), peer, local, tls };
        let caller =
            Caller { handler, clock, connection: Arc::new(connection), spec, drain, accepted };
        if http2 {
            Box::pin(http2::serve(socket, caller)).await;
        } else {
            http1::serve(socket, caller).await;
        }
        drop(open);
    }
}

/// A connection that can carry requests, without its socket.
pub(super) struct Caller<H: Handler> {
    pub(super) handler: Arc<H>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) connection: Arc<Connection>,
    pub(super) spec: Arc<ListenerSpec>,
    pub(super) drain: Drain,
    accepted: Tick,
}

impl<H: Handler> Caller<H> {
    pub(super) fn limits(&self) -> &Limits {
        &self.spec.limits
    }

    /// Time since the connection was accepted.
    pub(super) fn age(&self) -> Duration {
        self.clock.tick().since(self.accepted)
    }

    pub(super) fn refused(&self, code: &'static Code, started: Tick) {
        self.handler.refused(&self.connection, code, started);
    }

    pub(super) fn panicked(&self) {
        self.handler.event(&self.spec.name, Event::Panicked);
    }
}

/// Reports the end of a connection, however it comes.
struct Open<H: Handler> {
    spec: Arc<ListenerSpec>,
    handler: Arc<H>,
    _permit: Permit,
}

impl<H: Handler> Drop for Open<H> {
    fn drop(&mut self) {
        self.handler.event(&self.spec.name, Event::Closed);
    }
}

async fn establish<H: Handler>(
    stream: TcpStream,
    spec: &ListenerSpec,
    handler: &H,
    drain: &mut Drain,
) -> Option<(Socket, Option<Tls>)> {
    // Answers are collected before they are sent, so waiting for more gains nothing.
    let _ = stream.set_nodelay(true);
    let Some(tls) = &spec.tls else { return Some((Socket::plain(stream), None)) };
    let handshake = TlsAcceptor::from(tls.config().clone()).accept(stream).into_fallible();
    let result = tokio::select! {
        biased;
        result = timeout(spec.limits.handshake_timeout, handshake) => result,
        // A caller that does not get ahead does not hold up the drain.
        () = drain.lasts(FRESH) => return None,
    };
    let failure = match result {
        Ok(Ok(stream)) => {
            handler.event(&spec.name, Event::Handshake);
            let tls = describe(&stream);
            return Some((Socket::tls(stream), Some(tls)));
        }
        Ok(Err((error, stream))) => {
            // Gently, so that the client can read the alert that says what it did wrong.
            Socket::plain(stream).close_gently().await;
            failure_of(&error)
        }
        Err(_) => HandshakeFailure::Timeout,
    };
    handler.event(&spec.name, Event::HandshakeFailed(failure));
    None
}

fn describe(stream: &TlsStream<TcpStream>) -> Tls {
    let (_, session) = stream.get_ref();
    Tls {
        version: match session.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
            Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
            _ => "unknown",
        }
        .to_owned(),
        cipher: session
            .negotiated_cipher_suite()
            .and_then(|suite| suite.suite().as_str())
            .unwrap_or("unknown")
            .to_owned(),
        server_name: session.server_name().map(str::to_ascii_lowercase),
        protocol: session
            .alpn_protocol()
            .map(|protocol| String::from_utf8_lossy(protocol).into_owned()),
        client_certificates: session
            .peer_certificates()
            .unwrap_or_default()
            .iter()
            .map(|certificate| Bytes::copy_from_slice(certificate))
            .collect(),
    }
}

fn failure_of(error: &io::Error) -> HandshakeFailure {
    use rustls::Error;
    match error.get_ref().and_then(|source| source.downcast_ref::<Error>()) {
        Some(Error::InvalidCertificate(_) | Error::NoCertificatesPresented) => {
            HandshakeFailure::ClientCertificate
        }
        Some(Error::AlertReceived(_)) => HandshakeFailure::RefusedByClient,
        Some(Error::PeerIncompatible(_) | Error::NoApplicationProtocol) => {
            HandshakeFailure::Incompatible
        }
        Some(Error::InvalidMessage(_)) => HandshakeFailure::NotTls,
        Some(_) => HandshakeFailure::Other,
        None => HandshakeFailure::Closed,
    }
}
