//! TLS of a listener: versions, certificates by server name, client certificates.
//!
//! TLS 1.2 and 1.3 with rustls on aws-lc-rs, ALPN `h2` and `http/1.1`, no early data. Where client
//! certificates are asked for, sessions are not resumed: a resumed session would not be checked
//! against the trust bundle again, so that a certificate could outlive its revocation or its end.

use std::{collections::HashMap, fmt, sync::Arc};

use rustls::{
    RootCertStore, ServerConfig, SignatureScheme,
    server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};
use rustls_pki_types::{CertificateDer, pem::PemObject};

use super::Certificate;

/// Whether clients show certificates.
#[derive(Clone)]
pub enum ClientAuth {
    /// They are not asked.
    Off,
    /// They are asked; one that is shown must be trusted.
    Optional(Arc<RootCertStore>),
    /// They must show one that is trusted.
    Required(Arc<RootCertStore>),
}

impl PartialEq for ClientAuth {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Off, Self::Off) => true,
            (Self::Optional(a), Self::Optional(b)) | (Self::Required(a), Self::Required(b)) => {
                a.roots == b.roots
            }
            _ => false,
        }
    }
}

impl fmt::Debug for ClientAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("Off"),
            Self::Optional(trust) => write!(f, "Optional({} roots)", trust.len()),
            Self::Required(trust) => write!(f, "Required({} roots)", trust.len()),
        }
    }
}

/// TLS of a listener, complete and checked.
#[derive(Clone)]
pub struct TlsSpec {
    certificates: Vec<Certificate>,
    client: ClientAuth,
    config: Arc<ServerConfig>,
}

impl TlsSpec {
    /// TLS with these certificates; the first is served to clients that ask for no name, or for
    /// one that no certificate has.
    ///
    /// The error is a sentence.
    pub fn new(certificates: Vec<Certificate>, client: ClientAuth) -> Result<Self, String> {
        let resolver = ByName::new(&certificates)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|_| "the cryptographic provider lacks TLS 1.2 or 1.3".to_owned())?;
        let verifier = |trust: &Arc<RootCertStore>| {
            WebPkiClientVerifier::builder_with_provider(trust.clone(), provider.clone())
        };
        let unusable = |_| "the trust bundle for client certificates is empty".to_owned();
        let builder = match &client {
            ClientAuth::Off => builder.with_no_client_auth(),
            ClientAuth::Optional(trust) => builder.with_client_cert_verifier(
                verifier(trust).allow_unauthenticated().build().map_err(unusable)?,
            ),
            ClientAuth::Required(trust) => {
                builder.with_client_cert_verifier(verifier(trust).build().map_err(unusable)?)
            }
        };
        let mut config = builder.with_cert_resolver(Arc::new(resolver));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        if client == ClientAuth::Off {
            config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new()
                .map_err(|_| "no key for session tickets could be made".to_owned())?;
        } else {
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        Ok(Self { certificates, client, config: Arc::new(config) })
    }

    /// The certificates, the fallback first.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// Whether clients show certificates.
    pub fn client(&self) -> &ClientAuth {
        &self.client
    }

    pub(super) fn config(&self) -> &Arc<ServerConfig> {
        &self.config
    }
}

/// What is served, not the object that serves it: equal specifications keep their session keys.
impl PartialEq for TlsSpec {
    fn eq(&self, other: &Self) -> bool {
        self.certificates == other.certificates && self.client == other.client
    }
}

impl fmt::Debug for TlsSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsSpec")
            .field("certificates", &self.certificates)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

/// Reads a trust bundle (PEM). The error is a sentence.
pub fn trust_from_pem(bundle: &[u8]) -> Result<Arc<RootCertStore>, String> {
    let mut store = RootCertStore::empty();
    for (index, certificate) in CertificateDer::pem_slice_iter(bundle).enumerate() {
        let certificate =
            certificate.map_err(|_| "the trust bundle is not valid PEM".to_owned())?;
        store.add(certificate).map_err(|_| {
            format!("certificate {} of the trust bundle cannot be a trust anchor", index + 1)
        })?;
    }
    if store.is_empty() {
        return Err("the trust bundle holds no certificate".to_owned());
    }
    Ok(Arc::new(store))
}

/// Finds the certificate for a server name: exact, then wildcard, then the first of all. Where
/// several have the name, the first whose key the client can verify.
#[derive(Debug)]
struct ByName {
    names: HashMap<String, Vec<Arc<CertifiedKey>>>,
    all: Vec<Arc<CertifiedKey>>,
}

impl ByName {
    fn new(certificates: &[Certificate]) -> Result<Self, String> {
        if certificates.is_empty() {
            return Err("TLS needs at least one certificate".to_owned());
        }
        let mut names = HashMap::<_, Vec<_>>::new();
        for certificate in certificates {
            for name in certificate.names() {
                names.entry(name.clone()).or_default().push(certificate.key().clone());
            }
        }
        Ok(Self { names, all: certificates.iter().map(|c| c.key().clone()).collect() })
    }

    fn find(&self, name: Option<&str>, schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let fits = |keys: &Vec<Arc<CertifiedKey>>| {
            keys.iter().find(|key| key.key.choose_scheme(schemes).is_some()).cloned()
        };
        name.map(str::to_ascii_lowercase)
            .and_then(|name| {
                self.names.get(&name).and_then(fits).or_else(|| {
                    let (_, parent) = name.split_once('.')?;
                    self.names.get(&format!("*.{parent}")).and_then(fits)
                })
            })
            .or_else(|| fits(&self.all))
    }
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.find(hello.server_name(), hello.signature_schemes())
    }
}
