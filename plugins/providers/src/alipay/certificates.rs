//! The numbers that Alipay knows certificates by (`app_cert_sn`, `alipay_cert_sn`,
//! `alipay_root_cert_sn`).

use tollgate_crypto::{Certificate, Digest, DigestAlgorithm, to_hex};

/// The number of one certificate: MD5 over its issuer, last attribute first, and its decimal serial.
/// An identifier that Alipay prescribes; nothing is protected by it.
pub(super) fn number(certificate: &Certificate) -> String {
    let mut digest = Digest::new(DigestAlgorithm::Md5);
    digest.update(certificate.issuer_reversed().as_bytes());
    digest.update(certificate.serial_decimal().as_bytes());
    to_hex(&digest.finish())
}

/// The number of the root file: those of its certificates that are signed with RSA. Others of the
/// file may be of a kind that cannot be read here; they do not count.
pub(super) fn root_number(pem: &str) -> Option<String> {
    let numbers: Vec<_> = Certificate::from_pem_bundle_lenient(pem)
        .iter()
        .filter(|root| root.signature_algorithm_oid().starts_with(RSA))
        .map(number)
        .collect();
    (!numbers.is_empty()).then(|| numbers.join("_"))
}

/// The certificates of a file that belong to Alipay itself: those that issued none of the others.
pub(super) fn leaves(pem: &str) -> Vec<Certificate> {
    let all = Certificate::from_pem_bundle_lenient(pem);
    let issued =
        |issuer: &Certificate| all.iter().any(|other| other != issuer && other.verified_by(issuer));
    all.iter().filter(|one| !issued(one)).cloned().collect()
}

/// What the identifiers of signature algorithms with RSA begin with (PKCS #1, RFC 8017 appendix C).
const RSA: &str = "1.2.840.113549.1.1.";
