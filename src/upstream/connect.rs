//! Making connections: TCP, TLS with verification, and the agreement on a protocol.
//!
//! A failure here proves that nothing was sent. Its reason is a type, never a text.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use pingora::protocols::{
    TcpKeepalive,
    http::{client::HttpSession, v1::client::HttpSession as Http1Session},
    l4::ext::set_tcp_keepalive,
};
use rustls::CertificateError;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tollgate_api::{Clock, Code, Fault, codes};

use crate::upstream::{
    endpoint::{Speaks, Target},
    http2::Http2Connection,
    spec::{EndpointSpec, Protocol},
    tls::{self, ClientTls, TlsSpec},
    transport::{Counted, Permit},
    wire::Wire,
};

/// Why there is no connection. Nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ConnectError {
    /// Connecting took longer than `timeouts.connect`.
    #[error("no connection in time")]
    Timeout,
    /// Nobody listens there.
    #[error("connection refused{}", number(*.0))]
    Refused(Option<i32>),
    /// The address cannot be reached.
    #[error("address unreachable{}", number(*.0))]
    Unreachable(Option<i32>),
    /// No trusted connection.
    #[error("TLS failed: {0}")]
    Tls(TlsFailure),
    /// The peer does not speak the HTTP it should.
    #[error("the protocol could not be agreed on")]
    Protocol,
    /// The cap on open connections is reached.
    #[error("too many connections are open")]
    Overloaded,
}

impl ConnectError {
    /// The word used in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Refused(_) => "refused",
            Self::Unreachable(_) => "unreachable",
            Self::Tls(failure) => failure.as_str(),
            Self::Protocol => "protocol",
            Self::Overloaded => "overloaded",
        }
    }

    /// The fault code that the caller is told.
    pub fn code(self) -> &'static Code {
        match self {
            Self::Timeout => &codes::UPSTREAM_CONNECT_TIMEOUT,
            Self::Refused(_) | Self::Unreachable(_) | Self::Protocol => {
                &codes::UPSTREAM_UNREACHABLE
            }
            Self::Tls(_) => &codes::UPSTREAM_TLS_FAILED,
            Self::Overloaded => &codes::OVERLOADED,
        }
    }

    /// Whether another address may do better.
    pub(super) fn blames_address(self) -> bool {
        self != Self::Overloaded
    }
}

impl From<ConnectError> for Fault {
    fn from(error: ConnectError) -> Self {
        Self::new(error.code()).caused_by(error)
    }
}

/// Why TLS failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TlsFailure {
    /// The certificate was not issued by a trusted authority.
    #[error("the certificate's issuer is not trusted")]
    UntrustedIssuer,
    /// The certificate belongs to another name.
    #[error("the certificate is for another name")]
    WrongName,
    /// The certificate has expired or is not valid yet.
    #[error("the certificate is not valid now")]
    NotValidNow,
    /// The certificate is unusable in another way.
    #[error("the certificate is not acceptable")]
    BadCertificate,
    /// The peer sent an alert: it refused us, our certificate, or what we offer.
    #[error("the peer refused the handshake")]
    Refused,
    /// The connection broke during the handshake, or no TLS is spoken there.
    #[error("the handshake broke off{}", number(*.0))]
    Broken(Option<i32>),
}

impl TlsFailure {
    const fn as_str(self) -> &'static str {
        match self {
            Self::UntrustedIssuer => "tls_untrusted_issuer",
            Self::WrongName => "tls_wrong_name",
            Self::NotValidNow => "tls_not_valid_now",
            Self::BadCertificate => "tls_bad_certificate",
            Self::Refused => "tls_refused",
            Self::Broken(_) => "tls_broken",
        }
    }
}

/// Makes the connections of one upstream.
pub(super) struct Connector {
    tls: Option<ClientTls>,
    protocol: Protocol,
    clock: Arc<dyn Clock>,
}

/// A connection on which nothing was said yet.
pub(super) struct Fresh {
    pub(super) wire: Wire,
    pub(super) http2: bool,
    /// Whether the peer has said itself that it speaks HTTP/2.
    pub(super) agreed: bool,
}

impl Connector {
    /// Refuses bad trust, identities and names now rather than at the first request.
    pub(super) fn new(
        spec: &TlsSpec,
        protocol: Protocol,
        any_tls: bool,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, String> {
        let tls = any_tls.then(|| ClientTls::new(spec, protocol)).transpose()?;
        Ok(Self { tls, protocol, clock })
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Which HTTP will be spoken, as far as it is known before connecting.
    pub(super) fn speaks(&self, endpoint: &EndpointSpec, target: &Target) -> Speaks {
        match (self.protocol, endpoint.tls) {
            (Protocol::Http1, _) | (Protocol::Auto, false) => Speaks::Http1,
            (Protocol::Http2, _) => Speaks::Http2,
            (Protocol::Auto, true) => target.speaks(),
        }
    }

    /// Opens a TCP connection.
    pub(super) async fn reach(address: SocketAddr) -> Result<TcpStream, ConnectError> {
        let stream = TcpStream::connect(address).await.map_err(|error| match error.kind() {
            ErrorKind::ConnectionRefused => ConnectError::Refused(error.raw_os_error()),
            ErrorKind::TimedOut => ConnectError::Timeout,
            _ => ConnectError::Unreachable(error.raw_os_error()),
        })?;
        stream
            .set_nodelay(true)
            .map_err(|error| ConnectError::Unreachable(error.raw_os_error()))?;
        // A connection without keep-alive probes still works, only its death shows later.
        let _ = set_tcp_keepalive(&stream, &KEEPALIVE);
        Ok(stream)
    }

    /// Opens a connection with TLS where the endpoint wants it.
    pub(super) async fn establish(
        &self,
        endpoint: &EndpointSpec,
        name: Option<&ServerName<'static>>,
        target: &Target,
        permit: Permit,
    ) -> Result<Fresh, ConnectError> {
        let tcp = Counted::new(Self::reach(target.address()).await?);
        let (Some(name), Some(tls)) = (name.filter(|_| endpoint.tls), &self.tls) else {
            if endpoint.tls {
                // Cannot be: a TLS endpoint is given a name when its upstream is made. Fail closed.
                return Err(ConnectError::Tls(TlsFailure::WrongName));
            }
            let http2 = self.protocol == Protocol::Http2;
            return Ok(Fresh { wire: Wire::plain(tcp, permit), http2, agreed: false });
        };
        let config = tls.config(target.speaks() == Speaks::Http1Required);
        let stream = TlsConnector::from(config)
            .connect(name.clone(), tcp)
            .await
            .map_err(|error| ConnectError::Tls(tls_failure(&error)))?;
        let http2 = stream.get_ref().1.alpn_protocol() == Some(tls::H2);
        if self.protocol == Protocol::Http2 && !http2 {
            return Err(ConnectError::Protocol);
        }
        target.learn(if http2 { Speaks::Http2 } else { Speaks::Http1 });
        Ok(Fresh { wire: Wire::tls(stream, permit), http2, agreed: http2 })
    }

    /// Opens a connection for a single exchange that no pool knows of.
    pub(super) async fn single(
        &self,
        endpoint: &EndpointSpec,
        name: Option<&ServerName<'static>>,
        target: &Target,
        permit: Permit,
    ) -> Result<HttpSession, ConnectError> {
        let fresh = self.establish(endpoint, name, target, permit).await?;
        if !fresh.http2 {
            return Ok(HttpSession::H1(http1(Box::new(fresh.wire))));
        }
        let connection =
            Http2Connection::open(fresh.wire, fresh.agreed, self.clock.as_ref()).await?;
        connection.stream().await.map(HttpSession::H2).ok_or(ConnectError::Protocol)
    }
}

/// A session for the next exchange on an HTTP/1.1 connection.
pub(super) fn http1(mut wire: Box<Wire>) -> Http1Session {
    wire.begin_http1();
    Http1Session::new(wire)
}

fn tls_failure(error: &io::Error) -> TlsFailure {
    let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match cause {
        Some(rustls::Error::InvalidCertificate(certificate)) => match certificate {
            CertificateError::UnknownIssuer => TlsFailure::UntrustedIssuer,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                TlsFailure::WrongName
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => TlsFailure::NotValidNow,
            _ => TlsFailure::BadCertificate,
        },
        Some(rustls::Error::AlertReceived(_)) => TlsFailure::Refused,
        _ => TlsFailure::Broken(error.raw_os_error()),
    }
}

fn number(os_error: Option<i32>) -> String {
    os_error.map_or_else(String::new, |number| format!(" (os error {number})"))
}

/// Notices a peer that vanished without a word, in a little over a minute.
const KEEPALIVE: TcpKeepalive = TcpKeepalive {
    idle: Duration::from_secs(45),
    interval: Duration::from_secs(10),
    count: 3,
    // What was sent and is not acknowledged for so long never will be.
    #[cfg(target_os = "linux")]
    user_timeout: Duration::from_mins(1),
};
