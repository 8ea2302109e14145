//! What is known of the caller's connection, shared by every exchange on it.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;

/// A caller's connection, as the listener accepted it.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Name of the listener in the configuration.
    pub listener: Arc<str>,
    /// Address of the peer on the socket.
    pub peer: SocketAddr,
    /// Address that was connected to.
    pub local: SocketAddr,
    /// What TLS established; `None` on a plaintext listener.
    pub tls: Option<Tls>,
}

impl Connection {
    /// `https` or `http`, as the caller sees it.
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }
}

/// What a TLS handshake established.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// Protocol version, such as `TLSv1.3`.
    pub version: String,
    /// Cipher suite, such as `TLS13_AES_256_GCM_SHA384`.
    pub cipher: String,
    /// The name the caller asked for, lower-case.
    pub server_name: Option<String>,
    /// The negotiated protocol: `h2` or `http/1.1`.
    pub protocol: Option<String>,
    /// The caller's certificate chain, leaf first, DER. Empty without client authentication. It was
    /// verified against the listener's trust bundle before anything else happened.
    pub client_certificates: Vec<Bytes>,
}
