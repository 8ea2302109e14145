//! Sockets on which callers are served.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_api::setting::{ByteSize, Cidr, Duration, SecretRef};

use super::literal;

/// A socket on which callers are served.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listener {
    /// Address and port, such as `0.0.0.0:8443` or `[::]:8443`. Port 0 takes a free one.
    #[schemars(extend("format" = "socket-address"))]
    pub address: String,
    /// TLS. Without it the listener speaks plain HTTP/1.1.
    pub tls: Option<ListenerTls>,
    /// Deadlines and bounds.
    #[serde(default)]
    pub limits: ListenerLimits,
    /// Proxies in front of this listener. Only from these addresses are `Forwarded` and
    /// `X-Forwarded-*` believed; from everyone else they are replaced.
    #[serde(default)]
    pub trusted_proxies: Vec<Cidr>,
    /// Which header those proxies name the caller in. The other is never believed.
    #[serde(default)]
    pub forwarded_by: ForwardedBy,
}

/// Which header a trusted proxy names the caller in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ForwardedBy {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// TLS of a listener: 1.2 and 1.3, HTTP/2 and HTTP/1.1 by ALPN.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListenerTls {
    /// Certificates, chosen by the name the caller asks for. The first also serves callers who ask
    /// for none or for an unknown one.
    pub certificates: Vec<CertificateFiles>,
    /// Ask callers for certificates.
    pub client_certificates: Option<ClientCertificates>,
}

/// A certificate chain and its private key.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateFiles {
    /// PEM file with the certificate and its intermediates, leaf first.
    #[schemars(extend("format" = "file"))]
    pub chain: PathBuf,
    /// PEM private key: PKCS#8, PKCS#1 or SEC1.
    pub key: SecretRef,
}

/// Which client certificates are accepted.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientCertificates {
    /// PEM file with the authorities that callers' certificates must chain to.
    #[schemars(extend("format" = "file"))]
    pub trust: PathBuf,
    /// Refuse callers without a certificate.
    #[serde(default)]
    pub required: bool,
}

/// Deadlines and bounds of a listener.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ListenerLimits {
    /// Time for the TLS handshake.
    pub handshake_timeout: Duration,
    /// Time for a request's whole header, from its first byte.
    pub header_timeout: Duration,
    /// How long a connection may wait for its next request.
    pub idle_timeout: Duration,
    /// Longest that one write to the caller may take.
    pub write_timeout: Duration,
    /// Open connections. Beyond it new ones are closed at once.
    pub connections: u32,
    /// Concurrent requests on one HTTP/2 connection.
    pub http2_streams: u32,
    /// Size of a request's header.
    pub header_size: ByteSize,
}

impl Default for ListenerLimits {
    fn default() -> Self {
        Self {
            handshake_timeout: literal("10s"),
            header_timeout: literal("10s"),
            idle_timeout: literal("75s"),
            write_timeout: literal("30s"),
            connections: 20_000,
            http2_streams: 100,
            header_size: literal("32KiB"),
        }
    }
}
