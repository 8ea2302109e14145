//! The settings of `jwt`. The comments on the fields are the user documentation.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_api::{
    Build, Built, Role, Settings, Sides,
    setting::{Delay, Duration, Url},
};
use tollgate_crypto::Algorithm;

use super::claim_rule::ClaimRule;

/// Accepts requests that bring a valid JWT access token in the `Authorization` header.
///
/// The signature, issuer, audience, lifetime, required claims and required scopes are checked on
/// every request. A token that was verified once is remembered until it expires, so that repeated
/// use costs a digest and a few comparisons.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Jwt {
    /// Who must have issued the token: the exact value of `iss`.
    pub issuer: String,

    /// For whom the token must be meant: `aud`, or one of `aud`, has this value.
    #[serde(default)]
    pub audience: Option<String>,

    /// Several audiences, of which the token must name at least one. Instead of `audience`.
    #[serde(default)]
    pub audiences: Vec<String>,

    /// Where the issuer publishes its keys (JWKS, RFC 7517). `https`, or `http` on loopback.
    ///
    /// Exactly one of `jwks`, `jwks_file` and `keys` is given.
    #[serde(default)]
    pub jwks: Option<Url>,

    /// A file with the issuer's keys as JWKS. Watched: a change is picked up by a reload.
    #[serde(default)]
    #[schemars(extend("format" = "file"))]
    pub jwks_file: Option<PathBuf>,

    /// Single public keys or certificates in PEM.
    #[serde(default)]
    pub keys: Vec<KeySettings>,

    /// The authorities that the server of `jwks` is trusted by, in PEM, instead of the system's.
    #[serde(default)]
    #[schemars(extend("format" = "file"))]
    pub trust: Option<PathBuf>,

    /// Signature algorithms that are accepted. By default every one that the keys serve.
    #[serde(default)]
    pub algorithms: Vec<AlgorithmName>,

    /// Scopes that the token must have, all of them: in `scope`, or else in `scp`.
    #[serde(default)]
    pub scopes: Vec<String>,

    /// Claims that the token must have, each with the value or one of the values given: text,
    /// integers or booleans. A claim that is a list must hold one of them.
    #[serde(default)]
    pub claims: BTreeMap<String, ClaimRule>,

    /// Whether the token's `typ` must say that it is an access token (`at+jwt`, RFC 9068), so that
    /// an ID token of the same issuer is refused.
    #[serde(default)]
    pub access_token_type: AccessTokenType,

    /// How far the issuer's clock may differ from ours. At most `5m`.
    #[serde(default = "default_clock_skew")]
    pub clock_skew: Delay,

    /// Whether the token is passed on to the upstream. By default `Authorization` is removed.
    #[serde(default)]
    pub forward_token: bool,

    /// Header fields that are set from claims: `X-Client-Id: { claim: client_id }`. What the caller
    /// sent under these names is always removed first, also when the token lacks the claim.
    #[serde(default)]
    pub claims_to_headers: BTreeMap<String, FromClaim>,

    /// How often the keys at `jwks` are fetched.
    #[serde(default = "default_refresh")]
    pub refresh: Duration,

    /// The shortest time between two fetches that callers cause by naming an unknown key. A failed
    /// fetch is repeated after this time.
    #[serde(default = "default_cooldown")]
    pub cooldown: Duration,

    /// How long keys are used after they were last fetched, while fetching fails. After that every
    /// token is refused with 503 `keys_unavailable`.
    #[serde(default = "default_keep_stale")]
    pub keep_stale: Duration,

    /// What is protected, as told to callers in `WWW-Authenticate`.
    #[serde(default = "default_realm")]
    pub realm: String,

    /// How many verified tokens are remembered; `0` verifies every token anew. Routes with the same
    /// keys and the same number share what is remembered.
    #[serde(default = "default_cache")]
    pub cache: usize,
}

/// A public key in a file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeySettings {
    /// The key or certificate in PEM.
    #[schemars(extend("format" = "file"))]
    pub file: PathBuf,

    /// The identifier that tokens name the key by.
    #[serde(default)]
    pub kid: Option<String>,

    /// The one algorithm the key is used with.
    pub algorithm: AlgorithmName,
}

/// A signature algorithm (RFC 7518 section 3.1, RFC 8037, RFC 9864).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum AlgorithmName {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    #[serde(rename = "RS384")]
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    #[serde(rename = "RS512")]
    Rs512,
    /// RSASSA-PSS with SHA-256.
    #[serde(rename = "PS256")]
    Ps256,
    /// RSASSA-PSS with SHA-384.
    #[serde(rename = "PS384")]
    Ps384,
    /// RSASSA-PSS with SHA-512.
    #[serde(rename = "PS512")]
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// ECDSA on P-384 with SHA-384.
    #[serde(rename = "ES384")]
    Es384,
    /// Ed25519 under its older name.
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// Ed25519 under its own name; the same algorithm.
    #[serde(rename = "Ed25519")]
    Ed25519,
}

impl From<AlgorithmName> for Algorithm {
    fn from(name: AlgorithmName) -> Self {
        match name {
            AlgorithmName::Rs256 => Self::Rs256,
            AlgorithmName::Rs384 => Self::Rs384,
            AlgorithmName::Rs512 => Self::Rs512,
            AlgorithmName::Ps256 => Self::Ps256,
            AlgorithmName::Ps384 => Self::Ps384,
            AlgorithmName::Ps512 => Self::Ps512,
            AlgorithmName::Es256 => Self::Es256,
            AlgorithmName::Es384 => Self::Es384,
            AlgorithmName::EdDsa | AlgorithmName::Ed25519 => Self::EdDsa,
        }
    }
}

/// Whether a token must declare that it is an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccessTokenType {
    /// `typ` must be `at+jwt` or `application/at+jwt`.
    Required,
    /// `typ` is not looked at.
    #[default]
    Any,
}

/// Where a header field's value comes from.
///
/// A mapping rather than a plain name, so that field and claim cannot be mixed up: a field that is
/// named by mistake would not be taken from the caller.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FromClaim {
    /// The claim.
    pub claim: String,
}

impl Settings for Jwt {
    const KIND: &'static str = super::KIND;
    const SIDES: Sides = Sides::Route;
    const ROLE: Role = Role::Authentication;
    const EXAMPLE: &'static str = include_str!("example.yaml");

    fn build(self, build: &mut Build<'_>) -> Built {
        super::build::plugin(self, build)
    }
}

fn default_clock_skew() -> Delay {
    Delay::from_millis(30_000)
}

fn default_refresh() -> Duration {
    Duration::from_secs(600)
}

fn default_cooldown() -> Duration {
    Duration::from_secs(30)
}

fn default_keep_stale() -> Duration {
    Duration::from_secs(24 * 3_600)
}

fn default_realm() -> String {
    "tollgate".to_owned()
}

fn default_cache() -> usize {
    10_000
}
