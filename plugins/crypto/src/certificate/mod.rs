//! X.509 certificates of providers (RFC 5280): their key, their numbers, and who signed them.
//!
//! A [`Certificate`] has parsed and holds a supported key. Whether it is current is for the caller, who
//! has a clock; which roots to trust is for the configuration.

mod chain;
mod facts;
mod name;

use std::{fmt, sync::Arc, time::Duration};

use x509_parser::certificate::X509Certificate;

use crate::key::{KeyError, PemLabel, PemSection, PublicKey, pem_sections};

pub(crate) use facts::Facts;

/// A parsed certificate. Cloning shares it.
#[derive(Clone, Eq, PartialEq)]
pub struct Certificate(Arc<Parsed>);

#[derive(Eq, PartialEq)]
struct Parsed {
    der: Vec<u8>,
    public_key: PublicKey,
    facts: Facts,
}

impl Certificate {
    /// Reads a PEM text that holds exactly one certificate and nothing else.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let mut certificates = Self::from_pem_bundle(text)?;
        match (certificates.pop(), certificates.is_empty()) {
            (Some(certificate), true) => Ok(certificate),
            _ => Err(KeyError::SeveralCertificates),
        }
    }

    /// Reads a PEM text of one or more certificates and nothing else, in order.
    pub fn from_pem_bundle(text: &str) -> Result<Vec<Self>, KeyError> {
        let read = |section: &PemSection| match section.label {
            PemLabel::Certificate => Self::from_der(&section.der),
            other => Err(KeyError::WrongSection { expected: "`CERTIFICATE`", found: other.name() }),
        };
        pem_sections(text)?.iter().map(read).collect()
    }

    /// Reads the certificates of a PEM text that can be read, in order, and skips the others.
    ///
    /// Only for files that a provider hands out as they are: Alipay's root file holds certificates
    /// whose key is of no kind that is supported here. What was skipped is trusted by nobody.
    pub fn from_pem_bundle_lenient(text: &str) -> Vec<Self> {
        const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
        const END: &str = "-----END CERTIFICATE-----";
        text.split(BEGIN)
            .skip(1)
            .filter_map(|piece| piece.split_once(END))
            .filter_map(|(body, _)| Self::from_pem(&format!("{BEGIN}{body}{END}")).ok())
            .collect()
    }

    /// Reads one DER certificate.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let facts = Facts::read(der).ok_or(KeyError::Certificate)?;
        let public_key = PublicKey::from_spki_der(&facts.spki)?;
        Ok(Self(Arc::new(Parsed { der: der.to_vec(), public_key, facts })))
    }

    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The certified key.
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public_key
    }

    /// The serial number in upper-case hexadecimal, two digits to a byte, without the zero byte that DER
    /// puts before a first bit that is set: WeChat Pay's `serial_no`.
    pub fn serial_hex_upper(&self) -> String {
        self.0.facts.serial_hex_upper()
    }

    /// The serial number as a decimal: the `certId` of UnionPay, and a part of Alipay's numbers.
    pub fn serial_decimal(&self) -> String {
        self.0.facts.serial_decimal.clone()
    }

    /// The issuer as RFC 2253 writes it: the last attribute first, `CN=…,OU=…,O=…,C=…`, no spaces.
    pub fn issuer_reversed(&self) -> String {
        self.0.facts.issuer_reversed.clone()
    }

    /// The last common name of the subject, if it has one that is text.
    pub fn subject_common_name(&self) -> Option<&str> {
        self.0.facts.subject_common_name.as_deref()
    }

    /// The first moment at which the certificate may be used, since the epoch.
    pub fn not_before(&self) -> Duration {
        self.0.facts.not_before
    }

    /// The last moment at which the certificate may be used, since the epoch.
    pub fn not_after(&self) -> Duration {
        self.0.facts.not_after
    }

    /// Whether the certificate may be used at this moment, since the epoch (RFC 5280 section 4.1.2.5).
    pub fn is_current(&self, now: Duration) -> bool {
        // Times in a certificate are whole seconds, and the last one counts in full.
        self.not_before() <= now && now.as_secs() <= self.not_after().as_secs()
    }

    /// The algorithm the certificate was signed with, in dots: `1.2.840.113549.1.1.11`.
    pub fn signature_algorithm_oid(&self) -> String {
        self.0.facts.signature_algorithm.clone()
    }

    /// Whether `issuer` is a certificate authority that bears the name this certificate says issued it,
    /// and signed it. One link of a chain (RFC 5280 section 6.1.3).
    ///
    /// SHA-1 and MD5 signatures, and certificates with critical extensions that are not understood here,
    /// are verified by nobody. Whether both are current, how long a chain may be and which root ends it
    /// is for the caller.
    pub fn verified_by(&self, issuer: &Self) -> bool {
        chain::is_link(self, issuer)
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("serial", &self.serial_hex_upper())
            .field("issuer", &self.0.facts.issuer_reversed)
            .field("public_key", &self.0.public_key)
            .finish_non_exhaustive()
    }
}

/// Parses a whole DER certificate, nothing less and nothing more.
fn parse(der: &[u8]) -> Option<X509Certificate<'_>> {
    let (rest, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
    rest.is_empty().then_some(certificate)
}
