//! A certificate authority for one demonstration or test.

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use thiserror::Error;

/// A certificate authority whose key is never written down.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    now: Duration,
}

/// A certificate and its private key, in PEM.
pub struct Pair {
    /// The certificate.
    pub chain: String,
    /// Its private key (PKCS#8), to be kept as carefully as a key.
    pub key: String,
}

/// A key or certificate could not be made.
#[derive(Debug, Error)]
#[error("a key or certificate cannot be made: {0}")]
pub struct MakeError(#[from] rcgen::Error);

impl Authority {
    /// A new authority. `now` is the time since the Unix epoch; its certificates are valid for
    /// thirty days from then.
    pub fn new(name: &str, now: Duration) -> Result<Self, MakeError> {
        let mut params = params(name, Vec::new(), now)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        Ok(Self { issuer, now })
    }

    /// A certificate for a server with these names and addresses.
    pub fn server(&self, names: &[&str]) -> Result<Pair, MakeError> {
        let alternatives = names.iter().map(|name| (*name).to_owned()).collect();
        let common = names.first().copied().unwrap_or("server");
        let mut params = params(common, alternatives, self.now)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Pair { chain: certificate.pem(), key: key.serialize_pem() })
    }

    /// The authority's own certificate in PEM, to be trusted.
    pub fn certificate(&self) -> String {
        self.issuer.pem()
    }
}

fn params(
    common_name: &str,
    alternatives: Vec<String>,
    now: Duration,
) -> Result<CertificateParams, MakeError> {
    let mut params = CertificateParams::new(alternatives)?;
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    params.distinguished_name = name;
    let now = date_time_ymd(1970, 1, 1) + now;
    params.not_before = now - CLOCK_DIFFERENCE;
    params.not_after = now + LIFETIME;
    Ok(params)
}

/// A client whose clock is behind ours still accepts the certificates.
const CLOCK_DIFFERENCE: Duration = Duration::from_hours(1);
const LIFETIME: Duration = Duration::from_hours(30 * 24);

#[cfg(test)]
mod tests {
    use super::*;
    use x509_parser::pem::parse_x509_pem;

    #[test]
    fn a_server_certificate_names_what_it_serves_and_may_not_sign() {
        let authority = Authority::new("Test CA", Duration::from_hours(500_000)).unwrap();
        let pair = authority.server(&["pay.example", "127.0.0.1"]).unwrap();
        let (_, leaf) = parse_x509_pem(pair.chain.as_bytes()).unwrap();
        let leaf = leaf.parse_x509().unwrap();
        let authority = authority.certificate();
        let (_, root) = parse_x509_pem(authority.as_bytes()).unwrap();
        let root = root.parse_x509().unwrap();
        assert_eq!(leaf.issuer(), root.subject(), "issued by the authority");
        let names = leaf.subject_alternative_name().unwrap().unwrap().value.general_names.len();
        assert_eq!(names, 2, "a DNS name and an address");
        assert!(root.is_ca() && !leaf.is_ca(), "only the authority may sign");
        assert_eq!(
            leaf.validity().not_before.timestamp(),
            500_000 * 3_600 - 3_600,
            "valid from an hour before it was made"
        );
    }
}
