//! Settings of `aes_gcm`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_api::{
    json::FieldPath,
    setting::{HeaderName, SecretRef},
};

use crate::{FieldValues, KeyFormat, KeyList, NamedKey, Scope, StatusPattern};

/// Encrypts what is said to the party on its side and decrypts what that party says, with AES-GCM
/// under a shared key, in the layout that the two have agreed on.
///
/// On an upstream, requests are encrypted for the provider and its answers decrypted. On a route,
/// the caller's requests are decrypted and the answers encrypted. Without `encrypt_with` nothing is
/// encrypted, without `decrypt_with` nothing is decrypted; one of them must be there. A key of 16
/// bytes means AES-128, one of 32 bytes AES-256. Nonces have 12 bytes and are random, tags have 16.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AesGcm {
    /// The key that messages to the other party are encrypted with.
    pub encrypt_with: Option<SecretRef>,

    /// The name that the other party knows the key by; sent where `key_id_in` says.
    #[schemars(length(min = 1, max = 256))]
    pub encrypt_key_id: Option<String>,

    /// The keys that the other party encrypts with: one or a list. With `key_id_in` a message names
    /// its key; without, the keys are tried in this order.
    pub decrypt_with: Option<KeyList<DecryptKey>>,

    /// How keys are written.
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

    /// How nonce, ciphertext and tag are written. `raw` is for `scope: body` alone; what stands in
    /// a header is then written in base64.
    #[serde(default)]
    pub encoding: Encoding,

    /// Where the nonce stands.
    #[serde(default)]
    pub nonce: NoncePlace,

    /// Where the tag stands.
    #[serde(default)]
    pub tag: TagPlace,

    /// Where a message names its key.
    pub key_id_in: Option<KeyIdPlace>,

    /// What is authenticated with the message without being encrypted.
    pub associated_data: Option<AssociatedData>,

    /// The media type of an encrypted body; for `scope: body`.
    #[serde(default = "octets")]
    pub media_type: String,

    /// The media type of a body before it is encrypted and after it is decrypted; for `scope: body`.
    /// Nothing in the layout could carry it, so that other bodies are refused.
    #[serde(default = "json")]
    pub content_type: String,

    /// Statuses of answers that may be plain, such as `[503, 4xx]`. From a provider such an answer
    /// is decrypted if it has the encrypted form, else passed on as it is; to a caller it is not
    /// encrypted. Every other answer that should be encrypted and is not is refused.
    #[serde(default)]
    pub plain_statuses: Vec<StatusPattern>,

    /// Fields that one message may have encrypted, at most; for `scope: fields`.
    #[serde(default = "max_fields")]
    #[schemars(range(min = 1, max = 10_000))]
    pub max_fields: usize,
}

/// A decryption key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecryptKey {
    /// Where the key is.
    pub key: SecretRef,

    /// The name that messages name it by, where `key_id_in` says.
    #[schemars(length(min = 1, max = 256))]
    pub id: Option<String>,

    /// How the key is written, where that differs from `key_format` above.
    pub format: Option<KeyFormat>,
}

impl NamedKey for DecryptKey {
    const NAME: &'static str = "AesGcmDecryptKey";

    fn key(&self) -> &SecretRef {
        &self.key
    }
}

/// How bytes are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Base64 with padding.
    #[default]
    Base64,
    /// Base64url without padding.
    Base64url,
    /// Hexadecimal: lower case is sent, either is read.
    Hex,
    /// As they are.
    Raw,
}

/// Where the nonce stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoncePlace {
    /// Before everything else, in one piece with it.
    #[default]
    Prefix,
    /// In a header; for `body` and `envelope`.
    Header(HeaderName),
    /// In another member of the envelope.
    Member(String),
}

/// Where the tag stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TagPlace {
    /// Behind the ciphertext, in one piece with it.
    #[default]
    Suffix,
    /// Before the ciphertext (and behind the nonce, if that is a prefix too).
    Prefix,
    /// In a header; for `body` and `envelope`.
    Header(HeaderName),
    /// In another member of the envelope.
    Member(String),
}

/// Where a message names its key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyIdPlace {
    /// In a header.
    Header(HeaderName),
    /// In another member of the envelope.
    Member(String),
}

/// What is authenticated without being encrypted: parts of the message, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssociatedData {
    /// The parts.
    #[schemars(length(min = 1, max = 16))]
    pub parts: Vec<Part>,

    /// What stands between the parts, if the other party joins them as text. A message in which a
    /// part contains it is refused, since it could be read in two ways; with an empty separator that
    /// cannot be told, and parts run into one another. Without a separator each of several parts
    /// follows its length in bytes, as a number of 8 bytes, the highest first.
    #[schemars(length(max = 16))]
    pub separator: Option<String>,
}

/// A part of the associated data.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AssociatedPart")]
pub enum Part {
    /// Always the same text.
    Text(String),
    /// The value of a header, of which there must be exactly one.
    Header(HeaderName),
    /// The value of a field that is not encrypted: a string's text, a number or boolean as written;
    /// for `scope: fields`.
    Field(FieldPath),
}

fn octets() -> String {
    "application/octet-stream".to_owned()
}

fn json() -> String {
    "application/json".to_owned()
}

const fn max_fields() -> usize {
    100
}
