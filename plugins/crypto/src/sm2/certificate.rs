//! X.509 certificates with an SM2 key, as WeChat Pay's platform has in the ShangMi variant.
//!
//! They come under authenticated encryption, so nothing here verifies a chain.

use std::{fmt, time::Duration};

use super::Sm2PublicKey;
use crate::{
    certificate::Facts,
    key::{KeyError, PemLabel, pem_sections},
};

/// A parsed certificate with an SM2 key.
#[derive(Clone, Eq, PartialEq)]
pub struct Sm2Certificate {
    facts: Facts,
    public_key: Sm2PublicKey,
}

impl Sm2Certificate {
    /// Reads a PEM text that holds exactly one certificate and nothing else.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        match pem_sections(text)?.as_slice() {
            [section] if section.label == PemLabel::Certificate => Self::from_der(&section.der),
            [section] => Err(KeyError::WrongSection {
                expected: "`CERTIFICATE`",
                found: section.label.name(),
            }),
            _ => Err(KeyError::SeveralCertificates),
        }
    }

    /// Reads one DER certificate.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let facts = Facts::read(der).ok_or(KeyError::Certificate)?;
        let public_key = Sm2PublicKey::from_spki_der(&facts.spki)?;
        Ok(Self { facts, public_key })
    }

    /// The certified key.
    pub fn public_key(&self) -> &Sm2PublicKey {
        &self.public_key
    }

    /// The serial number, as [`crate::Certificate::serial_hex_upper`] writes it.
    pub fn serial_hex_upper(&self) -> String {
        self.facts.serial_hex_upper()
    }

    /// The first moment at which the certificate may be used, since the epoch.
    pub fn not_before(&self) -> Duration {
        self.facts.not_before
    }

    /// The last moment at which the certificate may be used, since the epoch.
    pub fn not_after(&self) -> Duration {
        self.facts.not_after
    }
}

impl fmt::Debug for Sm2Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sm2Certificate")
            .field("serial", &self.serial_hex_upper())
            .field("public_key", &self.public_key)
            .finish_non_exhaustive()
    }
}
