//! Public keys: what verifies a signature and what encrypts to someone.

use std::{fmt, sync::Arc};

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use serde_json::{Map, Value, json};
use x509_parser::{
    asn1_rs::{FromDer, Oid, oid},
    public_key::PublicKey as X509PublicKey,
    x509::SubjectPublicKeyInfo,
};

use super::{
    KeyError, jwk,
    pem::{self, Label},
    roca,
};
use crate::{digest::sha256, encoding::base64url_encode};

/// A validated public key. Cloning shares it.
#[derive(Clone, Eq, PartialEq)]
pub struct PublicKey(Arc<Material>);

#[derive(Eq, PartialEq)]
pub(crate) enum Material {
    /// Modulus and exponent, big endian without leading zeros.
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// An uncompressed point (SEC 1 section 2.3.3).
    Ec {
        kind: KeyKind,
        point: Vec<u8>,
    },
    Ed25519(Vec<u8>),
}

/// The kinds of asymmetric key that are accepted.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum KeyKind {
    /// RSA of 2048 to 8192 bits.
    Rsa,
    /// EC on P-256 (secp256r1).
    P256,
    /// EC on P-384 (secp384r1).
    P384,
    /// Edwards curve 25519.
    Ed25519,
}

impl KeyKind {
    /// The name an error or a log uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rsa => "an RSA key",
            Self::P256 => "an EC key on P-256",
            Self::P384 => "an EC key on P-384",
            Self::Ed25519 => "an Ed25519 key",
        }
    }

    pub(crate) const fn curve(self) -> Option<&'static str> {
        match self {
            Self::P256 => Some("P-256"),
            Self::P384 => Some("P-384"),
            Self::Rsa | Self::Ed25519 => None,
        }
    }

    /// Bytes of a coordinate.
    pub(crate) const fn coordinate_len(self) -> usize {
        match self {
            Self::P384 => 48,
            _ => 32,
        }
    }
}

impl PublicKey {
    /// Reads a PEM file that holds a `PUBLIC KEY` or, first, a `CERTIFICATE`.
    ///
    /// Of a certificate only the key is used: dates, chain and names are for the caller to judge.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let sections = pem::sections(text)?;
        let first = sections.first().ok_or(KeyError::NotPem)?;
        match first.label {
            Label::PublicKey => Self::from_spki_der(&first.der),
            Label::Certificate => Self::from_certificate_der(&first.der),
            other => Err(KeyError::WrongSection {
                expected: "`PUBLIC KEY` or `CERTIFICATE`",
                found: other.name(),
            }),
        }
    }

    /// Reads a DER `SubjectPublicKeyInfo` (RFC 5280 section 4.1.2.7).
    pub fn from_spki_der(der: &[u8]) -> Result<Self, KeyError> {
        let (rest, spki) =
            SubjectPublicKeyInfo::from_der(der).map_err(|_| KeyError::Unsupported)?;
        if rest.is_empty() { Self::from_spki(&spki) } else { Err(KeyError::Unsupported) }
    }

    /// Reads the key of a DER X.509 certificate.
    pub fn from_certificate_der(der: &[u8]) -> Result<Self, KeyError> {
        let (rest, certificate) =
            x509_parser::parse_x509_certificate(der).map_err(|_| KeyError::Certificate)?;
        if rest.is_empty() {
            Self::from_spki(certificate.public_key())
        } else {
            Err(KeyError::Certificate)
        }
    }

    /// Reads a JSON Web Key of type `RSA`, `EC` or `OKP` (RFC 7518 section 6, RFC 8037).
    ///
    /// Private members are ignored; `use`, `key_ops` and `alg` are for whoever uses the key.
    pub fn from_jwk(key: &Map<String, Value>) -> Result<Self, KeyError> {
        match (jwk::text(key, "kty"), jwk::text(key, "crv")) {
            (Some("RSA"), _) => Self::from_rsa(
                &jwk::bytes(key, "n", "`n` in base64url")?,
                &jwk::bytes(key, "e", "`e` in base64url")?,
            ),
            (Some("EC"), Some("P-256")) => Self::from_ec_jwk(KeyKind::P256, key),
            (Some("EC"), Some("P-384")) => Self::from_ec_jwk(KeyKind::P384, key),
            (Some("OKP"), Some("Ed25519")) => {
                Self::from_ed25519(&jwk::bytes(key, "x", "`x` in base64url")?)
            }
            _ => Err(KeyError::Jwk {
                expected: "`kty` `RSA`, `EC` on `P-256` or `P-384`, or `OKP` on `Ed25519`",
            }),
        }
    }

    /// The kind of key.
    pub fn kind(&self) -> KeyKind {
        match &*self.0 {
            Material::Rsa { .. } => KeyKind::Rsa,
            Material::Ec { kind, .. } => *kind,
            Material::Ed25519(_) => KeyKind::Ed25519,
        }
    }

    /// The members of the public JSON Web Key, without `kid`, `use` or `alg`.
    pub fn to_jwk(&self) -> Map<String, Value> {
        let members = match &*self.0 {
            Material::Rsa { n, e } => {
                json!({"kty": "RSA", "n": base64url_encode(n), "e": base64url_encode(e)})
            }
            Material::Ec { kind, point } => {
                let (x, y) =
                    point.split_at_checked(1).unwrap_or_default().1.split_at(kind.coordinate_len());
                json!({
                    "kty": "EC", "crv": kind.curve(), "x": base64url_encode(x), "y": base64url_encode(y),
                })
            }
            Material::Ed25519(x) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": base64url_encode(x)})
            }
        };
        match members {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }

    /// The SHA-256 thumbprint of the key (RFC 7638), in base64url: a good `kid`.
    pub fn thumbprint(&self) -> String {
        // RFC 7638 asks for exactly these members in lexical order without whitespace.
        let jwk = self.to_jwk();
        let mut members: Vec<_> = jwk.iter().collect();
        members.sort_by_key(|(name, _)| name.as_str());
        let canonical: Vec<_> =
            members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        base64url_encode(&sha256(format!("{{{}}}", canonical.join(",")).as_bytes()))
    }

    pub(crate) fn material(&self) -> &Material {
        &self.0
    }

    pub(crate) fn from_rsa(n: &[u8], e: &[u8]) -> Result<Self, KeyError> {
        let (n, e) = (strip_zeros(n), strip_zeros(e));
        let bits = n.len() * 8 - n.first().map_or(0, |top| top.leading_zeros() as usize);
        if !(2048..=8192).contains(&bits) {
            return Err(KeyError::RsaSize { bits });
        }
        let exponent = e.iter().fold(0_u128, |value, &byte| value << 8 | u128::from(byte));
        if e.len() > 5 || exponent % 2 == 0 || exponent <= 1 || exponent >= 1 << 33 {
            return Err(KeyError::RsaExponent);
        }
        if roca::is_affected(n) {
            return Err(KeyError::Roca);
        }
        RsaPublicKeyComponents { n, e }
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            .map_err(|_| KeyError::Unsupported)?;
        Ok(Self::new(Material::Rsa { n: n.to_vec(), e: e.to_vec() }))
    }

    pub(crate) fn from_point(kind: KeyKind, point: &[u8]) -> Result<Self, KeyError> {
        // Only the uncompressed form is unambiguous; the library would also take a whole SPKI here.
        if point.len() != 1 + 2 * kind.coordinate_len() || point.first() != Some(&4) {
            return Err(KeyError::NotOnCurve);
        }
        match kind {
            KeyKind::P256 => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point),
            KeyKind::P384 => ParsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point),
            KeyKind::Rsa | KeyKind::Ed25519 => return Err(KeyError::Unsupported),
        }
        .map_err(|_| KeyError::NotOnCurve)?;
        Ok(Self::new(Material::Ec { kind, point: point.to_vec() }))
    }

    pub(crate) fn from_ed25519(key: &[u8]) -> Result<Self, KeyError> {
        if key.len() != 32 || ParsedPublicKey::new(&ED25519, key).is_err() {
            return Err(KeyError::NotOnCurve);
        }
        Ok(Self::new(Material::Ed25519(key.to_vec())))
    }

    fn from_ec_jwk(kind: KeyKind, key: &Map<String, Value>) -> Result<Self, KeyError> {
        let x = jwk::bytes(key, "x", "`x` in base64url")?;
        let y = jwk::bytes(key, "y", "`y` in base64url")?;
        if x.len() != kind.coordinate_len() || y.len() != kind.coordinate_len() {
            return Err(KeyError::NotOnCurve);
        }
        Self::from_point(kind, &[&[4], x.as_slice(), y.as_slice()].concat())
    }

    fn from_spki(spki: &SubjectPublicKeyInfo<'_>) -> Result<Self, KeyError> {
        let bits = &spki.subject_public_key.data;
        match (&spki.algorithm.algorithm, curve_of(spki)) {
            (algorithm, _) if *algorithm == RSA_ENCRYPTION => match spki.parsed() {
                Ok(X509PublicKey::RSA(key)) => Self::from_rsa(key.modulus, key.exponent),
                _ => Err(KeyError::Unsupported),
            },
            (algorithm, Some(curve)) if *algorithm == EC_PUBLIC_KEY => {
                if curve == P256 {
                    Self::from_point(KeyKind::P256, bits)
                } else if curve == P384 {
                    Self::from_point(KeyKind::P384, bits)
                } else {
                    Err(KeyError::Unsupported)
                }
            }
            (algorithm, _) if *algorithm == ED25519_KEY => Self::from_ed25519(bits),
            _ => Err(KeyError::Unsupported),
        }
    }

    fn new(material: Material) -> Self {
        Self(Arc::new(material))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:?}, {})", self.kind(), self.thumbprint())
    }
}

fn curve_of<'a>(spki: &'a SubjectPublicKeyInfo<'_>) -> Option<Oid<'a>> {
    spki.algorithm.parameters.as_ref()?.as_oid().ok()
}

fn strip_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|&&byte| byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

const RSA_ENCRYPTION: Oid<'static> = oid!(1.2.840.113549.1.1.1);
const EC_PUBLIC_KEY: Oid<'static> = oid!(1.2.840.10045.2.1);
const P256: Oid<'static> = oid!(1.2.840.10045.3.1.7);
const P384: Oid<'static> = oid!(1.3.132.0.34);
const ED25519_KEY: Oid<'static> = oid!(1.3.101.112);
