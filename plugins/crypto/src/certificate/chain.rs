//! One link of a chain: whether one certificate issued another.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P256_SHA512_ASN1, ECDSA_P384_SHA256_ASN1,
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA512_ASN1, EcdsaVerificationAlgorithm, UnparsedPublicKey,
};
use x509_parser::{
    asn1_rs::{Any, FromDer, Header, Tag},
    certificate::X509Certificate,
    extensions::{ParsedExtension, X509Extension},
};

use super::{Certificate, parse};
use crate::{
    jws::Algorithm,
    key::{KeyKind, PublicKey, PublicMaterial},
};

/// Whether `issuer` may sign certificates, has the right name, and signed `subject`.
pub(super) fn is_link(subject: &Certificate, issuer: &Certificate) -> bool {
    let (Some(below), Some(above)) = (parse(subject.der()), parse(issuer.der())) else {
        return false;
    };
    below.issuer().as_raw() == above.subject().as_raw()
        && may_sign_certificates(&above)
        && [&below, &above].into_iter().all(|each| each.extensions().iter().all(is_understood))
        && names_its_algorithm_twice(&below)
        && below.signature_value.unused_bits == 0
        && is_signed(&below, issuer.public_key())
}

/// A certificate authority, whose key is for certificates where it says what it is for. Certificates of
/// version 1 say neither and are none.
fn may_sign_certificates(certificate: &X509Certificate<'_>) -> bool {
    certificate.is_ca()
        && match certificate.key_usage() {
            Ok(Some(usage)) => usage.value.key_cert_sign(),
            Ok(None) => true,
            Err(_) => false,
        }
}

/// A critical extension must be understood by whoever relies on the certificate (RFC 5280 section 4.2).
/// Those listed either are checked here or limit a use that nothing here makes.
fn is_understood(extension: &X509Extension<'_>) -> bool {
    !extension.critical
        || matches!(
            extension.parsed_extension(),
            ParsedExtension::BasicConstraints(_)
                | ParsedExtension::KeyUsage(_)
                | ParsedExtension::ExtendedKeyUsage(_)
                | ParsedExtension::SubjectAlternativeName(_)
                | ParsedExtension::CertificatePolicies(_)
        )
}

/// The algorithm stands once under the signature and once beside it, byte for byte the same
/// (RFC 5280 section 4.1.1.2). The library reads the one beside it more leniently than DER is.
fn names_its_algorithm_twice(certificate: &X509Certificate<'_>) -> bool {
    let signed = certificate.tbs_certificate.as_ref();
    let beside = content(certificate.as_raw()).and_then(|content| content.get(signed.len()..));
    let under = content(signed).and_then(|fields| {
        let (mut rest, first) = Any::from_der(fields).ok()?;
        if first.tag() == Tag(0) {
            // The version came first; now the serial number.
            rest = Any::from_der(rest).ok()?.0;
        }
        let (after, _) = Any::from_der(rest).ok()?;
        rest.get(..rest.len() - after.len())
    });
    beside.zip(under).is_some_and(|(beside, under)| beside.starts_with(under))
}

/// What is inside of a DER value.
fn content(der: &[u8]) -> Option<&[u8]> {
    Header::from_der(der).ok().map(|(content, _)| content)
}

fn is_signed(certificate: &X509Certificate<'_>, key: &PublicKey) -> bool {
    let message = certificate.tbs_certificate.as_ref();
    let signature = certificate.signature_value.data.as_ref();
    let oid = certificate.signature_algorithm.algorithm.to_id_string();
    match (oid.as_str(), key.material()) {
        (SHA256_WITH_RSA, _) => key.verify(Algorithm::Rs256, message, signature).is_ok(),
        (SHA384_WITH_RSA, _) => key.verify(Algorithm::Rs384, message, signature).is_ok(),
        (SHA512_WITH_RSA, _) => key.verify(Algorithm::Rs512, message, signature).is_ok(),
        (ED25519, _) => key.verify(Algorithm::EdDsa, message, signature).is_ok(),
        (oid, PublicMaterial::Ec { kind, point }) => ecdsa(oid, *kind)
            .is_some_and(|by| UnparsedPublicKey::new(by, point).verify(message, signature).is_ok()),
        _ => false,
    }
}

/// In certificates a digest may go with either curve, and the signature is DER (RFC 5758 section 3.2).
fn ecdsa(oid: &str, kind: KeyKind) -> Option<&'static EcdsaVerificationAlgorithm> {
    Some(match (oid, kind) {
        (ECDSA_WITH_SHA256, KeyKind::P256) => &ECDSA_P256_SHA256_ASN1,
        (ECDSA_WITH_SHA384, KeyKind::P256) => &ECDSA_P256_SHA384_ASN1,
        (ECDSA_WITH_SHA512, KeyKind::P256) => &ECDSA_P256_SHA512_ASN1,
        (ECDSA_WITH_SHA256, KeyKind::P384) => &ECDSA_P384_SHA256_ASN1,
        (ECDSA_WITH_SHA384, KeyKind::P384) => &ECDSA_P384_SHA384_ASN1,
        (ECDSA_WITH_SHA512, KeyKind::P384) => &ECDSA_P384_SHA512_ASN1,
        _ => return None,
    })
}

const SHA256_WITH_RSA: &str = "1.2.840.113549.1.1.11";
const SHA384_WITH_RSA: &str = "1.2.840.113549.1.1.12";
const SHA512_WITH_RSA: &str = "1.2.840.113549.1.1.13";
const ECDSA_WITH_SHA256: &str = "1.2.840.10045.4.3.2";
const ECDSA_WITH_SHA384: &str = "1.2.840.10045.4.3.3";
const ECDSA_WITH_SHA512: &str = "1.2.840.10045.4.3.4";
const ED25519: &str = "1.3.101.112";
