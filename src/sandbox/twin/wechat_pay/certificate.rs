//! Certificates with serial numbers, as merchants and the platform have them.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use rcgen::{
    CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair, KeyUsagePurpose,
    SerialNumber, date_time_ymd,
};
use x509_parser::pem::parse_x509_pem;

use super::super::hex;
use crate::sandbox::MakeError;

/// A certificate, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Certificate {
    /// PEM.
    pub text: String,
    /// In upper-case hexadecimal digits.
    pub serial: String,
    /// Since the Unix epoch.
    pub from: Duration,
    /// Since the Unix epoch.
    pub until: Duration,
    /// `SubjectPublicKeyInfo`, DER.
    pub key: Vec<u8>,
}

impl Certificate {
    /// Issues one for a private key (PKCS#8 PEM), by an authority that nobody needs afterwards: who
    /// uses these certificates pins them.
    pub fn issue(name: &str, key: &str, now: Duration) -> Result<Self, MakeError> {
        let mut authority = params("Tenpay.com Root CA (sandbox)", now);
        authority.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let mut leaf = params(name, now);
        let key = KeyPair::from_pem(key)?;
        // Twenty bytes that make a positive number, like the key's fingerprint.
        let mut serial = digest(&SHA256, key.public_key_raw()).as_ref().to_vec();
        serial.truncate(20);
        if let Some(first) = serial.first_mut() {
            *first = (*first & 0x3f) | 0x40;
        }
        leaf.serial_number = Some(SerialNumber::from_slice(&serial));
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        let issued = leaf.signed_by(&key, &authority)?;
        Self::read(&issued.pem()).ok_or_else(|| rcgen::Error::CouldNotParseCertificate.into())
    }

    /// Reads the first certificate of a PEM text.
    pub fn read(text: &str) -> Option<Self> {
        let (_, pem) = parse_x509_pem(text.as_bytes()).ok()?;
        let certificate = pem.parse_x509().ok()?;
        let serial = certificate.raw_serial();
        let serial = serial.strip_prefix(&[0]).unwrap_or(serial);
        let validity = certificate.validity();
        let time = |time: x509_parser::time::ASN1Time| {
            Duration::from_secs(u64::try_from(time.timestamp()).unwrap_or_default())
        };
        Some(Self {
            text: text.to_owned(),
            serial: hex(serial).to_uppercase(),
            from: time(validity.not_before),
            until: time(validity.not_after),
            key: certificate.public_key().raw.to_vec(),
        })
    }
}

fn params(name: &str, now: Duration) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let now = date_time_ymd(1970, 1, 1) + now;
    params.not_before = now - BEFORE;
    params.not_after = now + LIFETIME;
    params
}

/// A merchant whose clock is behind ours still accepts them.
const BEFORE: Duration = Duration::from_hours(1);
/// Five years, as WeChat Pay's are.
const LIFETIME: Duration = Duration::from_hours(5 * 365 * 24);
