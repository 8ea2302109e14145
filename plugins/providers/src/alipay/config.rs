//! Settings of `alipay`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_api::setting::{Duration, SecretRef};

use super::KeyFiles;

/// Speaks Alipay's security dialect: signs and encrypts calls, verifies and decrypts answers, and
/// takes notifications.
///
/// On an upstream it stands before Alipay; on a route it takes Alipay's notifications, delivers each
/// once and acknowledges it. The same settings may stand on both sides; each side says what it lacks.
/// Keys are PEM, or base64 without armour as Alipay's console shows them. Signatures are RSA with
/// SHA-256 (`RSA2`, `ALIPAY-SHA256withRSA`, `RSA256`); SHA-1 (`RSA`) is refused.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alipay {
    /// Which of Alipay's protocols is spoken. Notifications of `v2` and `v3` are the same.
    #[serde(default)]
    pub protocol: Protocol,

    /// The application's identifier; for `v2` and `v3`. Notifications for another are refused.
    #[schemars(length(min = 1, max = 64), pattern(r"^[A-Za-z0-9_.-]+$"))]
    pub app_id: Option<String>,

    /// The client's identifier; for `antom`. With one that begins with `SANDBOX_`, calls to
    /// `/ams/api` go to `/ams/sandbox/api`.
    #[schemars(length(min = 1, max = 64), pattern(r"^[A-Za-z0-9_.-]+$"))]
    pub client_id: Option<String>,

    /// The application's RSA key, which signs calls. Needed on an upstream, not used on a route.
    pub private_key: Option<SecretRef>,

    /// Alipay's public key, which its answers and notifications are verified with: a file. While
    /// Alipay changes it, a list of files, the old and the new one: what either of them signed
    /// counts. At most four. Either this or `certificates` is given.
    pub alipay_public_key: Option<KeyFiles>,

    /// Certificates in place of bare keys; for `v2` and `v3`. Calls then name the application's and
    /// the root certificate, and answers must name one of Alipay's.
    pub certificates: Option<CertificateFiles>,

    /// The key of the application's content encryption: AES, in base64; for `v2` and `v3`. With it
    /// every call that has a content is encrypted, and what Alipay encrypted is decrypted. What
    /// Alipay signed without encrypting it (most of its errors) is accepted too.
    pub encryption_key: Option<SecretRef>,

    /// The version of our key that signatures name; for `antom`. Without it, `1`.
    #[schemars(range(min = 1))]
    pub key_version: Option<u32>,

    /// The seller whom notifications must name as `seller_id`; for `v2` and `v3`. Without it any
    /// seller of the application is accepted, also a notification that names none.
    #[schemars(length(min = 1, max = 64))]
    pub seller_id: Option<String>,

    /// The token that a merchant gave the application to act for it; for `v2` and `v3`. It stands in
    /// every call, whatever the caller gives.
    pub app_auth_token: Option<SecretRef>,

    /// What happens to a call in which the caller gives such a token: `alipay-app-auth-token` in the
    /// header (`v3`), `app_auth_token` among the parameters (`v2`). For `v2` and `v3` without
    /// `app_auth_token`.
    #[serde(default)]
    pub caller_tokens: CallerTokens,

    /// How far the signed time of an answer or notification may be away from now, in both
    /// directions: 1 second to 24 hours; for `v3` answers and for `antom`. Without it, 10 minutes.
    pub window: Option<Duration>,

    /// The greatest age of a notification of `v2` or `v3`, by the time that it says it was sent at: 1
    /// minute to 71 hours. Without it, 48 hours: Alipay repeats a notification for about 25. A time more
    /// than 10 minutes ahead is refused, too. What was delivered is remembered for longer, 72 hours.
    pub notification_age: Option<Duration>,

    /// Methods that a payer's app or browser calls with what was signed here; for `v2`. The caller is
    /// answered with `{"order_string": "…"}`, and nothing is sent to Alipay: an app hands the text to
    /// Alipay's SDK, a page opens `https://openapi.alipay.com/gateway.do?` followed by it.
    #[serde(default = "for_payers")]
    pub signed_orders: Vec<String>,

    /// What happens to an error of Alipay that carries no signature at all.
    #[serde(default)]
    pub unsigned_errors: UnsignedErrors,
}

/// Alipay's protocols.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// The gateway at `/gateway.do`, whose parameters are signed in sorted order.
    V2,
    /// The REST interface below `/v3/`.
    #[default]
    V3,
    /// Antom and Alipay+, below `/ams/`.
    Antom,
}

/// Files of certificates, in PEM, as Alipay's console hands them out.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateFiles {
    /// The application's certificate, `appCertPublicKey_….crt`. Needed on an upstream.
    #[schemars(extend("format" = "file"))]
    pub app: Option<PathBuf>,

    /// Alipay's certificate, `alipayCertPublicKey_RSA2.crt`. While Alipay changes it, the file may
    /// hold both.
    #[schemars(extend("format" = "file"))]
    pub alipay: PathBuf,

    /// Alipay's root certificates, `alipayRootCert.crt`. Needed on an upstream.
    #[schemars(extend("format" = "file"))]
    pub root: Option<PathBuf>,
}

/// What happens to an error that Alipay did not sign.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnsignedErrors {
    /// It is refused like any other answer that is not signed, and the caller is told so with 502:
    /// what Alipay did is then unknown.
    #[default]
    Refuse,
    /// It is handed to the caller as it is. Whoever can change answers between Alipay and the
    /// gateway can then make a payment that succeeded look as if it had failed.
    Pass,
}

/// What happens to a call with which a caller would act for another merchant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallerTokens {
    /// It is refused with 403.
    #[default]
    Refuse,
    /// The token is signed and sent. Every caller of this upstream may then act for every merchant
    /// whose token it has.
    Pass,
}

fn for_payers() -> Vec<String> {
    FOR_PAYERS.map(str::to_owned).to_vec()
}

/// Methods that Alipay's documents have an app or a page call.
const FOR_PAYERS: [&str; 4] = [
    "alipay.trade.app.pay",
    "alipay.trade.page.pay",
    "alipay.trade.wap.pay",
    "alipay.fund.auth.order.app.freeze",
];
