//! What a listener is to be: typed values, no configuration types.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use super::TlsSpec;

/// A listener, as the configuration wants it.
#[derive(Debug, Clone, PartialEq)]
pub struct ListenerSpec {
    /// Name in the configuration.
    pub name: Arc<str>,
    /// Where to listen. Port 0 lets the operating system choose; see
    /// [`Listeners::addresses`](super::Listeners::addresses).
    pub address: SocketAddr,
    /// TLS; `None` speaks plaintext HTTP/1.1.
    pub tls: Option<TlsSpec>,
    /// Deadlines and bounds.
    pub limits: Limits,
}

/// Deadlines and bounds of a listener's connections. All are finite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// From accepting a connection to the end of its TLS (and HTTP/2) handshake.
    pub handshake_timeout: Duration,
    /// From a request's first byte to the end of its head, in total.
    pub header_timeout: Duration,
    /// How long a connection may be open without a request.
    pub idle_timeout: Duration,
    /// How long one write to the caller may make no progress.
    pub write_timeout: Duration,
    /// Bytes of a request's head, request line included.
    pub head_bytes: usize,
    /// Header fields of a request, at most 256.
    pub head_fields: usize,
    /// Open connections of the listener; more are closed at once.
    pub connections: usize,
    /// Open connections from one IPv4 address or IPv6 /64 network.
    pub connections_per_address: Option<usize>,
    /// Concurrent exchanges on one HTTP/2 connection.
    pub http2_streams: u32,
    /// Requests on one HTTP/2 connection that may be refused before it is closed: malformed, too
    /// large, or more than are allowed at once.
    pub http2_rejections: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            head_bytes: 32 * 1024,
            head_fields: 100,
            connections: 20_000,
            connections_per_address: None,
            http2_streams: 100,
            http2_rejections: 16,
        }
    }
}
