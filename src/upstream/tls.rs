//! TLS towards a provider: whom we trust, who we are, which name must be in the certificate.
//!
//! Verification is always on: there is no setting, no empty server name and no fallback that turns
//! it off. The configuration of a TLS client is built once per upstream, when bad certificates and
//! keys can still be refused, and is shared by nobody else: sessions are never resumed across two
//! trust bundles or identities.

use std::{
    hash::{Hash, Hasher},
    sync::{Arc, OnceLock},
};

use pingora::tls::load_native_certs;
use rustls::{ClientConfig, RootCertStore, crypto::CryptoProvider};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use tollgate_crypto::Secret;

use crate::upstream::spec::Protocol;

/// Trust, identity and name for the connections of one upstream.
#[derive(Debug, Clone, Default, Hash)]
pub struct TlsSpec {
    /// Authorities that may have issued the provider's certificate; the system's if absent.
    pub trust: Option<Trust>,
    /// The certificate we show when asked.
    pub identity: Option<ClientIdentity>,
    /// The name that the certificate must carry, if not the endpoint's host.
    pub server_name: Option<String>,
}

/// A bundle of certificate authorities, not empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Trust(Arc<[CertificateDer<'static>]>);

impl Trust {
    /// Reads a PEM bundle; an unreadable or missing certificate is an error.
    pub fn from_pem(pem: &[u8]) -> Result<Self, String> {
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|_| "the bundle is not valid PEM".to_owned())?;
        if certificates.is_empty() {
            return Err("the bundle holds no certificate".to_owned());
        }
        let mut roots = RootCertStore::empty();
        for certificate in &certificates {
            roots
                .add(certificate.clone())
                .map_err(|_| "a certificate of the bundle cannot be an authority".to_owned())?;
        }
        Ok(Self(certificates.into()))
    }
}

/// A client certificate with its private key.
#[derive(Clone)]
pub struct ClientIdentity {
    chain: Arc<[CertificateDer<'static>]>,
    key: Secret,
}

impl ClientIdentity {
    /// Reads a chain and a key (PKCS#8, SEC1 or PKCS#1), both PEM.
    pub fn from_pem(chain: &[u8], key: Secret) -> Result<Self, String> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(|_| "the certificate chain is not valid PEM".to_owned())?;
        if chain.is_empty() {
            return Err("the chain holds no certificate".to_owned());
        }
        let identity = Self { chain: chain.into(), key };
        identity.private_key()?;
        Ok(identity)
    }

    fn private_key(&self) -> Result<PrivateKeyDer<'static>, String> {
        PrivateKeyDer::from_pem_slice(self.key.expose())
            .map_err(|_| "the private key is not an unencrypted PEM key".to_owned())
    }
}

impl std::fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientIdentity").field("chain", &self.chain.len()).finish_non_exhaustive()
    }
}

impl Hash for ClientIdentity {
    /// Over the chain alone: the key belongs to it (rustls refuses a pair that does not match).
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.chain.hash(state);
    }
}

/// Ready-made client configurations of one upstream.
pub(super) struct ClientTls {
    preferred: Arc<ClientConfig>,
    http1: Arc<ClientConfig>,
}

impl ClientTls {
    pub(super) fn new(spec: &TlsSpec, protocol: Protocol) -> Result<Self, String> {
        let roots = match &spec.trust {
            Some(trust) => {
                let mut roots = RootCertStore::empty();
                for certificate in trust.0.iter() {
                    roots.add(certificate.clone()).map_err(|_| {
                        "a certificate of the trust bundle cannot be an authority".to_owned()
                    })?;
                }
                Arc::new(roots)
            }
            None => system_roots()?,
        };
        let provider = CryptoProvider::get_default()
            .cloned()
            .unwrap_or_else(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| "the cryptographic provider cannot speak TLS 1.2 and 1.3".to_owned())?
            .with_root_certificates(roots);
        let mut preferred = match &spec.identity {
            Some(identity) => builder
                .with_client_auth_cert(identity.chain.to_vec(), identity.private_key()?)
                .map_err(|_| {
                    "the client certificate and its key do not belong together".to_owned()
                })?,
            None => builder.with_no_client_auth(),
        };
        preferred.alpn_protocols = match protocol {
            Protocol::Auto => vec![H2.to_vec(), HTTP1.to_vec()],
            Protocol::Http1 => vec![HTTP1.to_vec()],
            Protocol::Http2 => vec![H2.to_vec()],
        };
        let mut http1 = preferred.clone();
        http1.alpn_protocols = vec![HTTP1.to_vec()];
        Ok(Self { preferred: Arc::new(preferred), http1: Arc::new(http1) })
    }

    /// The configuration to connect with; `http1_only` after the provider asked for it.
    pub(super) fn config(&self, http1_only: bool) -> Arc<ClientConfig> {
        Arc::clone(if http1_only { &self.http1 } else { &self.preferred })
    }
}

/// The name that a certificate must carry: a DNS name, or an IP address in an IP SAN.
pub(super) fn server_name(spec: &TlsSpec, host: &str) -> Result<ServerName<'static>, String> {
    let name = spec.server_name.as_deref().unwrap_or(host);
    ServerName::try_from(name.to_owned())
        .map_err(|_| format!("not a name that a certificate can carry: {name}"))
}

pub(super) const H2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// The system's authorities, read once. One that cannot be parsed is left out, none is an error.
fn system_roots() -> Result<Arc<RootCertStore>, String> {
    static ROOTS: OnceLock<Result<Arc<RootCertStore>, String>> = OnceLock::new();
    ROOTS
        .get_or_init(|| {
            let certificates = load_native_certs()
                .map_err(|_| "the system's certificate authorities cannot be read".to_owned())?;
            let mut roots = RootCertStore::empty();
            let (added, _) = roots.add_parsable_certificates(certificates);
            if added == 0 {
                return Err(
                    "the system has no certificate authorities; give a trust bundle".to_owned()
                );
            }
            Ok(Arc::new(roots))
        })
        .clone()
}
