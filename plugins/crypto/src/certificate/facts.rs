//! What a certificate says besides its key, whatever kind of key that is.

use std::time::Duration;

use x509_parser::time::ASN1Time;

use super::{name, parse};
use crate::encoding::to_hex;

/// What is read of a certificate once.
#[derive(Clone, Eq, PartialEq)]
pub(crate) struct Facts {
    /// The DER `SubjectPublicKeyInfo`.
    pub spki: Vec<u8>,
    pub serial_decimal: String,
    pub issuer_reversed: String,
    pub subject_common_name: Option<String>,
    pub not_before: Duration,
    pub not_after: Duration,
    pub signature_algorithm: String,
    serial: Vec<u8>,
}

impl Facts {
    /// Reads a whole DER certificate, nothing less and nothing more.
    pub(crate) fn read(der: &[u8]) -> Option<Self> {
        let certificate = parse(der)?;
        let validity = certificate.validity();
        let mut serial = certificate.raw_serial();
        while let Some((0, rest)) = serial.split_first()
            && !rest.is_empty()
        {
            serial = rest;
        }
        Some(Self {
            spki: certificate.public_key().raw.to_vec(),
            serial_decimal: certificate.serial.to_string(),
            issuer_reversed: name::reversed(certificate.issuer()),
            subject_common_name: name::common_name(certificate.subject()),
            not_before: since_epoch(validity.not_before),
            not_after: since_epoch(validity.not_after),
            signature_algorithm: certificate.signature_algorithm.algorithm.to_id_string(),
            serial: serial.to_vec(),
        })
    }

    pub(crate) fn serial_hex_upper(&self) -> String {
        to_hex(&self.serial).to_uppercase()
    }
}

/// A moment before the epoch is the epoch.
fn since_epoch(time: ASN1Time) -> Duration {
    Duration::from_secs(u64::try_from(time.timestamp()).unwrap_or_default())
}
