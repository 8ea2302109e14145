//! Signing: compact tokens, and raw signatures for other schemes.

use aws_lc_rs::{rand::SystemRandom, signature as library};
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::{Algorithm, header::MAX_KID_LEN};
use crate::{
    encoding::base64url_encode,
    key::{KeyError, PrivateKey, PrivateMaterial},
};

/// A private key with the one algorithm it signs with and the identifier it is published under.
#[derive(Clone, Debug)]
pub struct SigningKey {
    key: PrivateKey,
    algorithm: Algorithm,
    kid: Option<String>,
}

/// Nothing was signed.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("signing failed")]
pub struct SignError;

/// What a token's header says besides `alg` and `kid`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TokenHeader {
    /// The type of token, such as `at+jwt`.
    pub typ: Option<String>,
    /// The type of the payload.
    pub cty: Option<String>,
}

impl TokenHeader {
    /// A header with this `typ`.
    pub fn typ(typ: &str) -> Self {
        Self { typ: Some(typ.to_owned()), cty: None }
    }
}

impl SigningKey {
    /// Fixes the algorithm of a key; it must fit its kind.
    pub fn new(
        key: PrivateKey,
        algorithm: Algorithm,
        kid: Option<String>,
    ) -> Result<Self, KeyError> {
        algorithm.check(key.kind())?;
        if kid.as_ref().is_some_and(|kid| kid.is_empty() || kid.len() > MAX_KID_LEN) {
            return Err(KeyError::Kid);
        }
        Ok(Self { key, algorithm, kid })
    }

    /// The algorithm signatures are made with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The identifier the key is published under.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The key itself.
    pub fn private_key(&self) -> &PrivateKey {
        &self.key
    }

    /// The public key as an entry of a JWKS document.
    pub fn public_jwk(&self) -> Map<String, Value> {
        let mut jwk = self.key.public_key().to_jwk();
        jwk.insert("use".to_owned(), "sig".into());
        jwk.insert("alg".to_owned(), self.algorithm.name().into());
        if let Some(kid) = &self.kid {
            jwk.insert("kid".to_owned(), kid.as_str().into());
        }
        jwk
    }

    /// Signs raw bytes. An ECDSA signature is `r‖s` in fixed length (RFC 7518 section 3.4).
    ///
    /// An RSA signature takes around a millisecond: see [`PrivateKey::is_expensive`].
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match (self.key.material(), rsa_encoding(self.algorithm)) {
            (PrivateMaterial::Rsa { signing, .. }, Some(encoding)) => {
                let mut signature = vec![0; signing.public_modulus_len()];
                signing
                    .sign(encoding, &SystemRandom::new(), message, &mut signature)
                    .map_err(|_| SignError)?;
                Ok(signature)
            }
            (PrivateMaterial::Ec { signing, .. }, None) => signing
                .sign(&SystemRandom::new(), message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| SignError),
            (PrivateMaterial::Ed25519(pair), None) => pair
                .try_sign(message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| SignError),
            _ => Err(SignError),
        }
    }
}

/// Makes a compact token of a set of claims.
pub fn sign(
    claims: &Map<String, Value>,
    key: &SigningKey,
    header: &TokenHeader,
) -> Result<String, SignError> {
    sign_payload(&serde_json::to_vec(claims).map_err(|_| SignError)?, key, header)
}

/// Makes a compact token of any payload (RFC 7515 section 5.1).
pub fn sign_payload(
    payload: &[u8],
    key: &SigningKey,
    header: &TokenHeader,
) -> Result<String, SignError> {
    let mut members = Map::new();
    members.insert("alg".to_owned(), key.algorithm.name().into());
    let optional = [("kid", &key.kid), ("typ", &header.typ), ("cty", &header.cty)];
    for (name, value) in optional {
        if let Some(value) = value {
            members.insert(name.to_owned(), json!(value));
        }
    }
    let header = serde_json::to_vec(&members).map_err(|_| SignError)?;
    let mut token = format!("{}.{}", base64url_encode(&header), base64url_encode(payload));
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    token.push_str(&base64url_encode(&signature));
    Ok(token)
}

fn rsa_encoding(algorithm: Algorithm) -> Option<&'static dyn library::RsaEncoding> {
    Some(match algorithm {
        Algorithm::Rs256 => &library::RSA_PKCS1_SHA256,
        Algorithm::Rs384 => &library::RSA_PKCS1_SHA384,
        Algorithm::Rs512 => &library::RSA_PKCS1_SHA512,
        Algorithm::Ps256 => &library::RSA_PSS_SHA256,
        Algorithm::Ps384 => &library::RSA_PSS_SHA384,
        Algorithm::Ps512 => &library::RSA_PSS_SHA512,
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => return None,
    })
}
