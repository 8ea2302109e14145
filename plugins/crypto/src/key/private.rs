//! Private keys: what signs and what decrypts.

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    agreement,
    encoding::{AsBigEndian, AsDer, EcPrivateKeyBin, Pkcs8V1Der},
    rsa::{KeyPairComponents, KeySize, OaepPrivateDecryptingKey, PrivateDecryptingKey},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        Ed25519KeyPair, KeyPair, RsaKeyPair, RsaPublicKeyComponents,
    },
};
use serde_json::{Map, Value};

use super::{
    KeyError, KeyKind, PublicKey, jwk,
    pem::{self, Label},
};
use crate::{encoding::base64_encode, secret::Secret};

/// A validated private key. Cloning shares it.
#[derive(Clone)]
pub struct PrivateKey {
    material: Arc<Material>,
    public: PublicKey,
}

pub(crate) enum Material {
    Rsa { signing: Box<RsaKeyPair>, decrypting: OaepPrivateDecryptingKey },
    Ec { signing: Box<EcdsaKeyPair>, agreeing: agreement::PrivateKey },
    Ed25519(Ed25519KeyPair),
}

impl PrivateKey {
    /// Reads a PEM file with exactly one `PRIVATE KEY` (PKCS#8), `RSA PRIVATE KEY` (PKCS#1) or
    /// `EC PRIVATE KEY` (SEC 1). Certificates and public keys beside it are ignored.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let mut key = None;
        let mut other = None;
        for section in pem::sections(text)? {
            match section.label {
                Label::EncryptedPrivateKey => return Err(KeyError::Encrypted),
                Label::PrivateKey | Label::RsaPrivateKey | Label::EcPrivateKey => {
                    if key.replace(section).is_some() {
                        return Err(KeyError::SeveralKeys);
                    }
                }
                Label::EcParameters => {}
                Label::Certificate | Label::PublicKey | Label::Sm2PrivateKey | Label::Other => {
                    other = Some(section.label);
                }
            }
        }
        let Some(section) = key else {
            return Err(KeyError::WrongSection {
                expected: "`PRIVATE KEY`, `RSA PRIVATE KEY` or `EC PRIVATE KEY`",
                found: other.map_or("none", Label::name),
            });
        };
        match section.label {
            Label::RsaPrivateKey => Self::from_rsa(RsaKeyPair::from_der(&section.der)),
            Label::EcPrivateKey => Self::from_ec_der(&section.der),
            _ => Self::from_pkcs8_der(&section.der),
        }
    }

    /// Reads an unencrypted DER PKCS#8 `PrivateKeyInfo` (RFC 5208).
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyError> {
        // The library checks the algorithm identifier, so at most one of these can succeed.
        if let Ok(key) = Ed25519KeyPair::from_pkcs8(der) {
            return Self::from_ed25519(key);
        }
        match Self::from_ec_der(der) {
            Err(KeyError::Unsupported) => Self::from_rsa(RsaKeyPair::from_pkcs8(der)),
            other => other,
        }
    }

    /// Reads a private JSON Web Key: `RSA` with all CRT members, `EC` or `OKP`.
    pub fn from_jwk(key: &Map<String, Value>) -> Result<Self, KeyError> {
        let public = PublicKey::from_jwk(key)?;
        let d = jwk::secret_bytes(key, "d", "`d` in base64url")?;
        let private = match public.material() {
            super::public::Material::Rsa { n, e } => {
                let member = |name| {
                    jwk::secret_bytes(key, name, "`p`, `q`, `dp`, `dq` and `qi` in base64url")
                };
                Self::from_rsa(RsaKeyPair::from_components(&KeyPairComponents {
                    public_key: RsaPublicKeyComponents { n, e },
                    d: d.as_slice(),
                    p: member("p")?.as_slice(),
                    q: member("q")?.as_slice(),
                    dP: member("dp")?.as_slice(),
                    dQ: member("dq")?.as_slice(),
                    qInv: member("qi")?.as_slice(),
                }))
                .map_err(|error| match error {
                    KeyError::Unsupported => KeyError::Inconsistent,
                    other => other,
                })?
            }
            super::public::Material::Ec { kind, point } => {
                let algorithm = signing_algorithm(*kind);
                let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &d, point)
                    .map_err(|_| KeyError::Inconsistent)?;
                Self::from_ec(*kind, pair)?
            }
            super::public::Material::Ed25519(x) => Self::from_ed25519(
                Ed25519KeyPair::from_seed_and_public_key(&d, x)
                    .map_err(|_| KeyError::Inconsistent)?,
            )?,
        };
        if private.public == public { Ok(private) } else { Err(KeyError::Inconsistent) }
    }

    /// Makes a new key; an RSA key has 2048 bits. For demonstrations and tests.
    pub fn generate(kind: KeyKind) -> Result<Self, KeyError> {
        match kind {
            KeyKind::Rsa => Self::from_rsa(
                RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::Generation),
            ),
            KeyKind::P256 | KeyKind::P384 => {
                let pair = EcdsaKeyPair::generate(signing_algorithm(kind));
                Self::from_ec(kind, pair.map_err(|_| KeyError::Generation)?)
            }
            KeyKind::Ed25519 => {
                Self::from_ed25519(Ed25519KeyPair::generate().map_err(|_| KeyError::Generation)?)
            }
        }
    }

    /// The key as PKCS#8 PEM, to be kept as carefully as the key.
    pub fn to_pkcs8_pem(&self) -> Result<Secret, KeyError> {
        let der = match &*self.material {
            Material::Rsa { signing, .. } => {
                let der: Pkcs8V1Der<'_> = signing.as_der().map_err(|_| KeyError::Generation)?;
                base64_encode(der.as_ref())
            }
            Material::Ec { signing, .. } => signing
                .to_pkcs8v1()
                .map(|der| base64_encode(der.as_ref()))
                .map_err(|_| KeyError::Generation)?,
            Material::Ed25519(pair) => pair
                .to_pkcs8v1()
                .map(|der| base64_encode(der.as_ref()))
                .map_err(|_| KeyError::Generation)?,
        };
        let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
        for (index, digit) in der.chars().enumerate() {
            if index > 0 && index % 64 == 0 {
                pem.push('\n');
            }
            pem.push(digit);
        }
        pem.push_str("\n-----END PRIVATE KEY-----\n");
        Ok(Secret::from(pem))
    }

    /// The public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The kind of key.
    pub fn kind(&self) -> KeyKind {
        self.public.kind()
    }

    /// Whether one operation takes around a millisecond of CPU, so that a server should run it apart.
    pub fn is_expensive(&self) -> bool {
        self.kind() == KeyKind::Rsa
    }

    pub(crate) fn material(&self) -> &Material {
        &self.material
    }

    fn from_ec_der(der: &[u8]) -> Result<Self, KeyError> {
        for kind in [KeyKind::P256, KeyKind::P384] {
            if let Ok(pair) = EcdsaKeyPair::from_private_key_der(signing_algorithm(kind), der) {
                return Self::from_ec(kind, pair);
            }
        }
        Err(KeyError::Unsupported)
    }

    pub(super) fn from_rsa<E>(pair: Result<RsaKeyPair, E>) -> Result<Self, KeyError> {
        let pair = pair.map_err(|_| KeyError::Unsupported)?;
        let RsaPublicKeyComponents { n, e } =
            RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
        let public = PublicKey::from_rsa(&n, &e)?;
        let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| KeyError::Unsupported)?;
        let decrypting = PrivateDecryptingKey::from_pkcs8(der.as_ref())
            .map_err(|_| KeyError::Unsupported)
            .and_then(|key| {
                OaepPrivateDecryptingKey::new(key).map_err(|_| KeyError::Unsupported)
            })?;
        Ok(Self::new(Material::Rsa { signing: Box::new(pair), decrypting }, public))
    }

    fn from_ec(kind: KeyKind, pair: EcdsaKeyPair) -> Result<Self, KeyError> {
        let public = PublicKey::from_point(kind, pair.public_key().as_ref())?;
        let scalar: EcPrivateKeyBin<'_> =
            pair.private_key().as_be_bytes().map_err(|_| KeyError::Unsupported)?;
        let agreeing =
            agreement::PrivateKey::from_private_key(agreement_algorithm(kind), scalar.as_ref())
                .map_err(|_| KeyError::Unsupported)?;
        Ok(Self::new(Material::Ec { signing: Box::new(pair), agreeing }, public))
    }

    fn from_ed25519(pair: Ed25519KeyPair) -> Result<Self, KeyError> {
        let public = PublicKey::from_ed25519(pair.public_key().as_ref())?;
        Ok(Self::new(Material::Ed25519(pair), public))
    }

    fn new(material: Material, public: PublicKey) -> Self {
        Self { material: Arc::new(material), public }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({:?}, ***)", self.kind())
    }
}

/// The ECDH algorithm of a curve.
pub(crate) fn agreement_algorithm(kind: KeyKind) -> &'static agreement::Algorithm {
    match kind {
        KeyKind::P384 => &agreement::ECDH_P384,
        _ => &agreement::ECDH_P256,
    }
}

fn signing_algorithm(kind: KeyKind) -> &'static aws_lc_rs::signature::EcdsaSigningAlgorithm {
    match kind {
        KeyKind::P384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
        _ => &ECDSA_P256_SHA256_FIXED_SIGNING,
    }
}
