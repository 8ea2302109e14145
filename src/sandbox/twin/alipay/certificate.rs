//! Certificates and the numbers that Alipay knows them by (`app_cert_sn`, `alipay_cert_sn`,
//! `alipay_root_cert_sn`).

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use md5::{Digest, Md5};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SerialNumber, date_time_ymd,
};
use x509_parser::{
    certificate::X509Certificate,
    objects::{oid_registry, oid2abbrev},
    pem::Pem,
};

use super::super::hex;
use crate::sandbox::MakeError;

/// A certificate, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Certificate {
    /// PEM.
    pub text: String,
    /// MD5 of its issuer and its serial number.
    pub number: String,
    /// `SubjectPublicKeyInfo`, DER.
    pub key: Vec<u8>,
}

/// The authority of application and provider, signed with RSA as Alipay's is.
pub(super) struct Root {
    /// PEM.
    pub text: String,
    /// PKCS#8 PEM.
    pub key: String,
}

impl Root {
    /// Of a private key (PKCS#8 PEM).
    pub fn of(key: String, now: Duration) -> Result<Self, MakeError> {
        let mut params = root_params(now);
        let pair = KeyPair::from_pem(&key)?;
        params.serial_number = Some(serial(pair.public_key_raw()));
        let text = params.self_signed(&pair)?.pem();
        Ok(Self { text, key })
    }

    /// A certificate for a private key (PKCS#8 PEM).
    pub fn issue(&self, name: &str, key: &str, now: Duration) -> Result<Certificate, MakeError> {
        let issuer = Issuer::new(root_params(now), KeyPair::from_pem(&self.key)?);
        let pair = KeyPair::from_pem(key)?;
        let mut leaf = params(name, now);
        leaf.serial_number = Some(serial(pair.public_key_raw()));
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        let text = leaf.signed_by(&pair, &issuer)?.pem();
        Certificate::read(&text).ok_or_else(|| rcgen::Error::CouldNotParseCertificate.into())
    }
}

impl Certificate {
    /// Reads the first certificate of a PEM text.
    pub fn read(text: &str) -> Option<Self> {
        let pem = Pem::iter_from_buffer(text.as_bytes()).find_map(Result::ok)?;
        let certificate = pem.parse_x509().ok()?;
        Some(Self {
            text: text.to_owned(),
            number: number(&certificate)?,
            key: certificate.public_key().raw.to_vec(),
        })
    }
}

/// The number of a file with root certificates: those that are signed with RSA, in the order of the
/// file. Alipay's own holds others beside them, of which one cannot be read; they do not count.
pub(super) fn root_number(text: &str) -> Option<String> {
    let numbers: Vec<String> = Pem::iter_from_buffer(text.as_bytes())
        .filter_map(Result::ok)
        .filter_map(|pem| {
            let certificate = pem.parse_x509().ok()?;
            let algorithm = certificate.signature_algorithm.algorithm.to_id_string();
            if algorithm.starts_with(RSA) { number(&certificate) } else { None }
        })
        .collect();
    (!numbers.is_empty()).then(|| numbers.join("_"))
}

/// The issuer with its last part first, and the serial number in decimal digits.
fn number(certificate: &X509Certificate<'_>) -> Option<String> {
    let parts: Vec<_> = certificate.issuer().iter_attributes().collect();
    let mut text = Vec::new();
    for part in parts.iter().rev() {
        let name = oid2abbrev(part.attr_type(), oid_registry()).ok()?;
        text.push(format!("{name}={}", part.as_str().ok()?));
    }
    let mut digest = Md5::new();
    digest.update(text.join(","));
    digest.update(decimal(certificate.raw_serial()));
    Some(hex(&digest.finalize()))
}

/// A big-endian number in decimal digits.
fn decimal(bytes: &[u8]) -> String {
    // The least digit first.
    let mut digits = vec![0_u32];
    for byte in bytes {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            let value = *digit * 256 + carry;
            *digit = value % 10;
            carry = value / 10;
        }
        while carry > 0 {
            digits.push(carry % 10);
            carry /= 10;
        }
    }
    digits.iter().rev().filter_map(|digit| char::from_digit(*digit, 10)).collect()
}

/// Sixteen bytes that make a positive number, like the key's fingerprint.
fn serial(key: &[u8]) -> SerialNumber {
    let mut serial = digest(&SHA256, key).as_ref().to_vec();
    serial.truncate(16);
    if let Some(first) = serial.first_mut() {
        *first = (*first & 0x3f) | 0x40;
    }
    SerialNumber::from_slice(&serial)
}

fn root_params(now: Duration) -> CertificateParams {
    let mut params = params("Ant Financial Certification Authority R1 (sandbox)", now);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn params(name: &str, now: Duration) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    for (kind, value) in [
        (DnType::CountryName, "CN"),
        (DnType::OrganizationName, "Ant Financial"),
        (DnType::OrganizationalUnitName, "Certification Authority"),
        (DnType::CommonName, name),
    ] {
        params.distinguished_name.push(kind, value);
    }
    let now = date_time_ymd(1970, 1, 1) + now;
    params.not_before = now - BEFORE;
    params.not_after = now + LIFETIME;
    params
}

/// What the identifiers of signature algorithms with RSA begin with (RFC 8017, appendix C).
const RSA: &str = "1.2.840.113549.1.1.";
/// A merchant whose clock is behind ours still accepts them.
const BEFORE: Duration = Duration::from_hours(1);
/// Five years, as Alipay's are.
const LIFETIME: Duration = Duration::from_hours(5 * 365 * 24);

#[cfg(test)]
mod tests;
