//! The encryption algorithms that are accepted (RFC 7518 sections 4 and 5).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How the content key reaches the recipient.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub enum KeyAlgorithm {
    /// RSAES-OAEP with SHA-256 and MGF1 with SHA-256.
    #[serde(rename = "RSA-OAEP-256")]
    RsaOaep256,
    /// ECDH ephemeral-static; the agreed key encrypts the content.
    #[serde(rename = "ECDH-ES")]
    EcdhEs,
    /// ECDH ephemeral-static; the agreed key wraps a content key with AES-128.
    #[serde(rename = "ECDH-ES+A128KW")]
    EcdhEsA128Kw,
    /// ECDH ephemeral-static; the agreed key wraps a content key with AES-256.
    #[serde(rename = "ECDH-ES+A256KW")]
    EcdhEsA256Kw,
    /// A shared key encrypts the content.
    #[serde(rename = "dir")]
    Direct,
    /// A shared key wraps a content key with AES-256 (RFC 3394).
    #[serde(rename = "A256KW")]
    A256Kw,
    /// A shared key encrypts a content key with AES-256-GCM.
    #[serde(rename = "A256GCMKW")]
    A256GcmKw,
}

/// How the content is encrypted and authenticated.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub enum ContentAlgorithm {
    /// AES-128-GCM.
    #[serde(rename = "A128GCM")]
    A128Gcm,
    /// AES-256-GCM.
    #[serde(rename = "A256GCM")]
    A256Gcm,
    /// AES-128-CBC with HMAC-SHA-256.
    #[serde(rename = "A128CBC-HS256")]
    A128CbcHs256,
    /// AES-256-CBC with HMAC-SHA-512.
    #[serde(rename = "A256CBC-HS512")]
    A256CbcHs512,
}

/// A name that is not one of the accepted algorithms.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("expected one of {expected}")]
pub struct UnknownEncryption {
    /// The names that would have been accepted.
    pub expected: &'static str,
}

impl KeyAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 7] = [
        Self::RsaOaep256,
        Self::EcdhEs,
        Self::EcdhEsA128Kw,
        Self::EcdhEsA256Kw,
        Self::Direct,
        Self::A256Kw,
        Self::A256GcmKw,
    ];

    /// The `alg` value.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RsaOaep256 => "RSA-OAEP-256",
            Self::EcdhEs => "ECDH-ES",
            Self::EcdhEsA128Kw => "ECDH-ES+A128KW",
            Self::EcdhEsA256Kw => "ECDH-ES+A256KW",
            Self::Direct => "dir",
            Self::A256Kw => "A256KW",
            Self::A256GcmKw => "A256GCMKW",
        }
    }

    /// Whether the content key is agreed or shared, so that none is sent (RFC 7516 section 5.2, step 10).
    pub(super) const fn sends_no_key(self) -> bool {
        matches!(self, Self::Direct | Self::EcdhEs)
    }
}

impl ContentAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 4] =
        [Self::A128Gcm, Self::A256Gcm, Self::A128CbcHs256, Self::A256CbcHs512];

    /// The `enc` value.
    pub const fn name(self) -> &'static str {
        match self {
            Self::A128Gcm => "A128GCM",
            Self::A256Gcm => "A256GCM",
            Self::A128CbcHs256 => "A128CBC-HS256",
            Self::A256CbcHs512 => "A256CBC-HS512",
        }
    }

    /// Bytes of the content key.
    pub const fn key_len(self) -> usize {
        match self {
            Self::A128Gcm => 16,
            Self::A256Gcm | Self::A128CbcHs256 => 32,
            Self::A256CbcHs512 => 64,
        }
    }

    /// Bytes of the initialisation vector, exactly.
    pub const fn iv_len(self) -> usize {
        match self {
            Self::A128Gcm | Self::A256Gcm => 12,
            Self::A128CbcHs256 | Self::A256CbcHs512 => 16,
        }
    }

    /// Bytes of the tag, exactly.
    pub const fn tag_len(self) -> usize {
        match self {
            Self::A128Gcm | Self::A256Gcm | Self::A128CbcHs256 => 16,
            Self::A256CbcHs512 => 32,
        }
    }
}

impl FromStr for KeyAlgorithm {
    type Err = UnknownEncryption;

    fn from_str(name: &str) -> Result<Self, UnknownEncryption> {
        Self::ALL.into_iter().find(|known| known.name() == name).ok_or(UnknownEncryption {
            expected: "RSA-OAEP-256, ECDH-ES, ECDH-ES+A128KW, ECDH-ES+A256KW, dir, A256KW and A256GCMKW",
        })
    }
}

impl FromStr for ContentAlgorithm {
    type Err = UnknownEncryption;

    fn from_str(name: &str) -> Result<Self, UnknownEncryption> {
        Self::ALL.into_iter().find(|known| known.name() == name).ok_or(UnknownEncryption {
            expected: "A128GCM, A256GCM, A128CBC-HS256 and A256CBC-HS512",
        })
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for ContentAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
