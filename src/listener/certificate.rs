//! A certificate chain with its private key, checked before it is ever served.

use std::{fmt, sync::Arc, time::Duration};

use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use x509_parser::{extensions::GeneralName, prelude::FromDer};

/// A certificate chain and the private key of its first certificate.
#[derive(Clone)]
pub struct Certificate {
    key: Arc<CertifiedKey>,
    names: Vec<String>,
    not_after: Duration,
}

impl Certificate {
    /// Reads a chain (PEM, the listener's own certificate first) and a private key (PEM: PKCS#8,
    /// PKCS#1 or SEC1), and checks that they belong together.
    ///
    /// The error is a sentence without anything of the key.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, String> {
        let chain = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| "the certificate chain is not valid PEM".to_owned())?;
        let Some(leaf) = chain.first() else {
            return Err("the certificate file holds no certificate".to_owned());
        };
        let (names, not_after) = read_leaf(leaf)?;
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|_| "the key file holds no private key in PEM".to_owned())?;
        let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key)
            .map_err(|_| "the private key is neither RSA, ECDSA nor Ed25519".to_owned())?;
        let key = CertifiedKey::new(chain, key);
        key.keys_match().map_err(|_| {
            "the private key does not belong to the first certificate of the chain".to_owned()
        })?;
        Ok(Self { key: Arc::new(key), names, not_after })
    }

    /// The DNS names it is valid for, lower-case; a wildcard is `*.example`.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// When it ends, as time since the Unix epoch.
    pub fn not_after(&self) -> Duration {
        self.not_after
    }

    pub(super) fn key(&self) -> &Arc<CertifiedKey> {
        &self.key
    }
}

/// The key is that of the first certificate, so the chain says it all.
impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.key.cert == other.key.cert
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("names", &self.names)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

fn read_leaf(leaf: &CertificateDer<'_>) -> Result<(Vec<String>, Duration), String> {
    let (_, certificate) = x509_parser::certificate::X509Certificate::from_der(leaf)
        .map_err(|_| "the first certificate of the chain is not valid X.509".to_owned())?;
    let names = certificate
        .subject_alternative_name()
        .map_err(|_| "the certificate's subject alternative names are not valid".to_owned())?
        .map(|extension| {
            extension
                .value
                .general_names
                .iter()
                .filter_map(|name| match name {
                    GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
                    _ => None,
                })
                .collect()
        })
        .unwrap_or_default();
    let not_after = u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or(0);
    Ok((names, Duration::from_secs(not_after)))
}
