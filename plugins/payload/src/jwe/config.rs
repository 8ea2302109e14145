//! Settings of `jwe`.

use schemars::JsonSchema;
use serde::Deserialize;
use tollgate_api::setting::{FileRef, SecretRef};
use tollgate_crypto::{ContentAlgorithm, KeyAlgorithm};

use crate::{FieldValues, KeyFormat, KeyList, NamedKey, Scope, StatusPattern};

/// Encrypts what is said to the party on its side and decrypts what that party says, as JSON Web
/// Encryption (RFC 7516) in compact serialisation.
///
/// On an upstream, requests are encrypted for the provider and its answers decrypted. On a route,
/// the caller's requests are decrypted and the answers encrypted. Without `encrypt_to` or
/// `encrypt_with` nothing is encrypted, without `decrypt_with` nothing is decrypted; one of the two
/// directions must be configured.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Jwe {
    /// The other party's public key: a PEM public key or certificate, or a JSON Web Key.
    pub encrypt_to: Option<FileRef>,

    /// The key shared with the other party, for `dir`, `A256KW` and `A256GCMKW`.
    pub encrypt_with: Option<SecretRef>,

    /// The `kid` by which the other party finds its key. Default: that of the JSON Web Key, if the
    /// key is one, else none.
    #[schemars(length(min = 1, max = 256))]
    pub encrypt_kid: Option<String>,

    /// The `typ` of tokens that are sent, if the other party asks for one.
    #[schemars(length(min = 1, max = 256))]
    pub typ: Option<String>,

    /// How the content key is protected. Fixed here: a token that says otherwise is refused.
    pub algorithm: Algorithm,

    /// How the content is encrypted, and what is accepted from the other party unless a key of
    /// `decrypt_with` says otherwise.
    pub encryption: Encryption,

    /// Our private keys, or keys shared with the other party: one or a list. While keys are
    /// rotated the old and the new one stand side by side, each with its `kid`; a token is
    /// decrypted with exactly the key it names.
    pub decrypt_with: Option<KeyList<DecryptKey>>,

    /// How shared keys are written. Private and public keys are recognised by themselves.
    #[serde(default)]
    pub key_format: KeyFormat,

    /// Which part of a message is encrypted.
    #[serde(default)]
    #[schemars(extend("default" = "body"))]
    pub scope: Scope,

    /// Which part of an answer is encrypted, where that differs from requests.
    pub answer_scope: Option<Scope>,

    /// What is encrypted of a field; for `scope: fields`.
    #[serde(default)]
    pub field_values: FieldValues,

    /// The media type of an encrypted body; for `scope: body`.
    #[serde(default = "jose")]
    pub media_type: String,

    /// The media type of a decrypted body whose token has no `cty`; for `scope: body`.
    #[serde(default = "json")]
    pub content_type: String,

    /// Statuses of answers that may be plain, such as `[503, 4xx]`. From a provider such an answer
    /// is decrypted if it is encrypted, else passed on as it is; to a caller it is not encrypted.
    /// Every other answer that should be encrypted and is not is refused.
    #[serde(default)]
    pub plain_statuses: Vec<StatusPattern>,

    /// Fields that one message may have encrypted, at most; for `scope: fields`.
    #[serde(default = "max_fields")]
    #[schemars(range(min = 1, max = 10_000))]
    pub max_fields: usize,
}

/// A decryption key and what it is good for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecryptKey {
    /// Where the key is.
    pub key: SecretRef,

    /// The `kid` of tokens that are decrypted with this key. Needed as soon as there are several.
    #[schemars(length(min = 1, max = 256))]
    pub kid: Option<String>,

    /// How the content key is protected, where that differs from `algorithm` above.
    pub algorithm: Option<Algorithm>,

    /// The content encryptions accepted with this key. Default: the `encryption` above, alone.
    #[schemars(length(min = 1))]
    pub encryptions: Option<Vec<Encryption>>,

    /// How a shared key is written, where that differs from `key_format` above.
    pub format: Option<KeyFormat>,
}

impl NamedKey for DecryptKey {
    const NAME: &'static str = "JweDecryptKey";

    fn key(&self) -> &SecretRef {
        &self.key
    }
}

/// How the content key is protected (RFC 7518 section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(rename = "JweAlgorithm")]
pub enum Algorithm {
    /// RSA with OAEP and SHA-256.
    #[serde(rename = "RSA-OAEP-256")]
    RsaOaep256,
    /// An elliptic curve key (P-256 or P-384) agrees on the content key.
    #[serde(rename = "ECDH-ES")]
    EcdhEs,
    /// An elliptic curve key agrees on a key that wraps the content key with AES-128.
    #[serde(rename = "ECDH-ES+A128KW")]
    EcdhEsA128Kw,
    /// An elliptic curve key agrees on a key that wraps the content key with AES-256.
    #[serde(rename = "ECDH-ES+A256KW")]
    EcdhEsA256Kw,
    /// The shared key encrypts the content itself.
    #[serde(rename = "dir")]
    Direct,
    /// The shared key wraps the content key with AES-256.
    #[serde(rename = "A256KW")]
    A256Kw,
    /// The shared key encrypts the content key with AES-256-GCM.
    #[serde(rename = "A256GCMKW")]
    A256GcmKw,
}

/// How the content is encrypted (RFC 7518 section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(rename = "JweEncryption")]
pub enum Encryption {
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

impl Algorithm {
    /// Whether both parties share the key.
    pub(super) const fn is_shared(self) -> bool {
        matches!(self, Self::Direct | Self::A256Kw | Self::A256GcmKw)
    }
}

impl From<Algorithm> for KeyAlgorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::RsaOaep256 => Self::RsaOaep256,
            Algorithm::EcdhEs => Self::EcdhEs,
            Algorithm::EcdhEsA128Kw => Self::EcdhEsA128Kw,
            Algorithm::EcdhEsA256Kw => Self::EcdhEsA256Kw,
            Algorithm::Direct => Self::Direct,
            Algorithm::A256Kw => Self::A256Kw,
            Algorithm::A256GcmKw => Self::A256GcmKw,
        }
    }
}

impl From<Encryption> for ContentAlgorithm {
    fn from(encryption: Encryption) -> Self {
        match encryption {
            Encryption::A128Gcm => Self::A128Gcm,
            Encryption::A256Gcm => Self::A256Gcm,
            Encryption::A128CbcHs256 => Self::A128CbcHs256,
            Encryption::A256CbcHs512 => Self::A256CbcHs512,
        }
    }
}

fn jose() -> String {
    "application/jose".to_owned()
}

fn json() -> String {
    "application/json".to_owned()
}

const fn max_fields() -> usize {
    100
}
