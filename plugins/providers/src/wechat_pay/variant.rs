//! The two variants of API v3: RSA with AES, and `ShangMi` with SM2, SM3 and SM4.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The algorithms that the merchant has agreed on with WeChat Pay. They follow from this setting and
/// never from a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Variant {
    /// RSA with SHA-256, AES-256-GCM and RSA-OAEP: what every merchant has.
    #[default]
    Rsa,
    /// SM2 with SM3, SM4-GCM and SM2 encryption, for merchants that WeChat Pay has admitted to it.
    Sm2,
}

impl Variant {
    /// The scheme in `Authorization` and `Wechatpay-Signature-Type`.
    pub const fn signature_type(self) -> &'static str {
        match self {
            Self::Rsa => DEFAULT_SIGNATURE_TYPE,
            Self::Sm2 => "WECHATPAY2-SM2-WITH-SM3",
        }
    }

    /// The `algorithm` of an encrypted resource.
    pub const fn resource_algorithm(self) -> &'static str {
        match self {
            Self::Rsa => "AEAD_AES_256_GCM",
            Self::Sm2 => "AEAD_SM4_GCM",
        }
    }

    /// Where platform certificates are downloaded.
    pub const fn certificates_target(self) -> &'static str {
        match self {
            Self::Rsa => "/v3/certificates",
            Self::Sm2 => "/v3/certificates?algorithm_type=SM2",
        }
    }
}

/// What a message without `Wechatpay-Signature-Type` is signed with.
pub(super) const DEFAULT_SIGNATURE_TYPE: &str = "WECHATPAY2-SHA256-RSA2048";
