//! Who signs: a merchant, a platform, a stranger.

use std::sync::LazyLock;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PKCS_RSA_SHA256,
    RsaKeySize, SerialNumber,
};

/// An RSA key of 2048 bits with a certificate for it.
pub struct Party {
    /// The private key: PKCS#8 in PEM.
    pub private: String,
    /// The public key: SPKI in PEM.
    pub public: String,
    /// The certificate in PEM.
    pub certificate: String,
    /// The certificate of its issuer in PEM.
    pub root: String,
    /// The serial number of the certificate: upper hexadecimal.
    pub serial: String,
}

/// The institution: the merchant, the app.
pub static INSTITUTION: LazyLock<Party> = LazyLock::new(|| Party::new("institution"));
/// The provider of payments.
pub static PROVIDER: LazyLock<Party> = LazyLock::new(|| Party::new("provider"));
/// Whom nobody knows.
pub static STRANGER: LazyLock<Party> = LazyLock::new(|| Party::new("stranger"));

impl Party {
    /// A party of this name, with a key of its own and a certificate of an issuer of its own.
    fn new(name: &str) -> Self {
        let root_key = rsa();
        let mut root = named("Root of tests");
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.serial_number = Some(SerialNumber::from_slice(&[0x11, 0x22]));
        let root = CertifiedIssuer::self_signed(root, root_key).unwrap();
        let key = rsa();
        let mut params = named(name);
        // Never zero in front: some print it, some do not.
        let serial: Vec<u8> = [0x5a].into_iter().chain(name.bytes().cycle().take(19)).collect();
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        let certificate = params.signed_by(&key, &root).unwrap();
        Self {
            private: key.serialize_pem(),
            public: key.public_key_pem(),
            certificate: certificate.pem(),
            root: root.pem(),
            serial: hex(&serial),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02X}"))
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CountryName, "CN");
    params.distinguished_name.push(DnType::OrganizationName, "Tollgate");
    params.distinguished_name.push(DnType::OrganizationalUnitName, "Tests");
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn rsa() -> KeyPair {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap()
}
