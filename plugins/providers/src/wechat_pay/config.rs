//! The settings of `wechat_pay`. The comments on the fields are the user documentation.

use std::{borrow::Cow, fmt, path::PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};
use tollgate_api::{
    Build, Built, Role, Settings, Sides,
    json::FieldPath,
    setting::{Duration, SecretRef},
};

use super::{KIND, Variant, build};

/// Speaks WeChat Pay API v3.
///
/// On an upstream, calls are signed for the merchant, sensitive fields are encrypted, and every answer
/// is verified before a byte of it passes. On a route, WeChat Pay's notifications are verified and
/// decrypted, handed on as a clean event, once, and acknowledged in WeChat Pay's own form.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WechatPay {
    /// The merchant's number, `mchid`. Notifications for another merchant are refused.
    #[schemars(length(min = 1, max = 32))]
    pub merchant_id: String,

    /// Serial number of the merchant's API certificate, in hexadecimal. Needed on an upstream, and on a
    /// route that downloads certificates.
    pub certificate_serial: Option<String>,

    /// The merchant's private key, `apiclient_key.pem`. Needed where `certificate_serial` is.
    pub private_key: Option<SecretRef>,

    /// The `APIv3` key that was set in the merchant platform: exactly 32 bytes, used as they are.
    pub api_v3_key: SecretRef,

    /// The keys that WeChat Pay signs with. At least one source is given; all of them count side by
    /// side, so that a merchant can move from certificates to public keys.
    pub platform_keys: PlatformKeySettings,

    /// Fields of requests that are encrypted to WeChat Pay where they are there, such as
    /// `payer.name`. On an upstream only.
    #[serde(default)]
    pub encrypt_fields: Vec<FieldPath>,

    /// Fields of answers that are decrypted with the merchant's private key where they are there,
    /// such as `data[*].payer_phone`. On an upstream only.
    #[serde(default)]
    pub decrypt_fields: Vec<FieldPath>,

    /// The variant of the interface that the merchant was admitted to.
    #[serde(default)]
    pub algorithm: Variant,

    /// Files that WeChat Pay neither signs nor announces a digest of, and that pass all the same. By
    /// default none does. On an upstream only.
    #[serde(default)]
    pub unsigned_answers: Vec<UnsignedAnswers>,

    /// What the caller is told when WeChat Pay answers with an error that is not signed. On an
    /// upstream only.
    #[serde(default)]
    pub unsigned_errors: UnsignedErrors,
}

/// Where WeChat Pay's keys come from.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlatformKeySettings {
    /// Public keys, each with its identifier.
    #[serde(default)]
    pub public_keys: Vec<PublicKeySettings>,

    /// Platform certificates in PEM, for merchants that have them in files.
    #[serde(default)]
    pub certificates: Vec<FilePath>,

    /// Downloads platform certificates and keeps them fresh: `true` on an upstream,
    /// `{ upstream: … }` on a route, which names the upstream that leads to WeChat Pay.
    pub download: Option<Download>,
}

/// A public key of WeChat Pay's.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PublicKeySettings {
    /// Its identifier, `PUB_KEY_ID_…`, as the merchant platform shows it.
    #[schemars(length(min = 1, max = 128))]
    pub id: String,

    /// The file with the key, `pub_key.pem`.
    #[schemars(extend("format" = "file"))]
    pub key: PathBuf,
}

/// A file that is not secret, relative to the configuration file that names it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct FilePath(pub PathBuf);

/// Whether and how platform certificates are downloaded.
#[derive(Debug)]
pub enum Download {
    /// Not at all, or with the defaults.
    Simple(bool),
    /// As said.
    With(DownloadSettings),
}

/// How platform certificates are downloaded.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DownloadSettings {
    /// The upstream to download through. On an upstream it is that upstream itself.
    pub upstream: Option<String>,

    /// How often. At least `1m`.
    #[serde(default = "hourly")]
    pub every: Duration,
}

/// Kinds of files that WeChat Pay hands out without a signature or digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnsignedAnswers {
    /// Pictures that belong to complaints: `/v3/merchant-service/images/…`.
    ComplaintImages,
    /// Electronic invoices: `/v3/new-tax-control-fapiao/download`.
    Invoices,
    /// Statements: `/v3/statements` and `/v3/global/statements`.
    Statements,
}

/// What becomes of an error that WeChat Pay answers with, and has not signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnsignedErrors {
    /// 502 `upstream_signature_missing`, like any answer that is not signed.
    #[default]
    Refuse,
    /// Of 401, 429 and 5xx, which say nothing about a payment, the status is passed on with a body of
    /// the gateway's own. Others are refused.
    Status,
}

impl Download {
    /// The settings, if certificates are downloaded.
    pub(super) fn settings(self) -> Option<DownloadSettings> {
        match self {
            Self::Simple(false) => None,
            Self::Simple(true) => Some(DownloadSettings { upstream: None, every: hourly() }),
            Self::With(settings) => Some(settings),
        }
    }
}

const fn hourly() -> Duration {
    Duration::from_secs(3_600)
}

impl<'de> Deserialize<'de> for Download {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(DownloadVisitor)
    }
}

struct DownloadVisitor;

impl<'de> Visitor<'de> for DownloadVisitor {
    type Value = Download;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(EXPECTED)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Download, E> {
        Ok(Download::Simple(value))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Download, A::Error> {
        DownloadSettings::deserialize(MapAccessDeserializer::new(map)).map(Download::With)
    }
}

impl JsonSchema for Download {
    fn schema_name() -> Cow<'static, str> {
        "WechatPayDownload".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Whether platform certificates are downloaded, or how.",
            "x-expected": EXPECTED,
            "anyOf": [{ "type": "boolean" }, generator.subschema_for::<DownloadSettings>()]
        })
    }
}

impl JsonSchema for FilePath {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "FilePath".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "file", "minLength": 1 })
    }
}

impl Settings for WechatPay {
    const KIND: &'static str = KIND;
    const SIDES: Sides = Sides::Both;
    const ROLE: Role = Role::Dialect;
    const EXAMPLE: &'static str = include_str!("example.yaml");

    fn build(self, build: &mut Build<'_>) -> Built {
        build::plugin(self, build)
    }
}

const EXPECTED: &str = "`true`, `false` or `{ upstream: …, every: … }`";
