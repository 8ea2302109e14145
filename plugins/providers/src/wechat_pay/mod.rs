//! WeChat Pay, API v3: the dialect between a merchant and `api.mch.weixin.qq.com`.
//!
//! On an upstream (`calls`) a call is signed for the merchant, sensitive fields are encrypted to WeChat
//! Pay, and no byte of an answer passes before its signature was verified, or for a file the digest
//! that a signed answer announced (`files`). On a route (`notifications`) a notification is verified,
//! its resource decrypted, the event handed on, and WeChat Pay answered in its own form. Both take
//! WeChat Pay's keys from one place (`platform`), by the identifier that each signature names.
//!
//! Promises: the bytes that are signed or verified are those that are sent or were received; what
//! cannot be verified is refused, errors included; no secret and nothing received shows in a log.

mod acknowledgement;
mod build;
mod calls;
mod canonical;
mod config;
mod expected;
mod fields;
mod files;
mod known_answers;
mod merchant;
mod multipart;
mod notifications;
mod platform;
mod presented;
mod resource;
#[cfg(test)]
mod tests;
mod variant;

pub use config::{
    Download, DownloadSettings, FilePath, PlatformKeySettings, PublicKeySettings, UnsignedAnswers,
    UnsignedErrors, WechatPay,
};
pub(crate) use known_answers::KNOWN_ANSWERS;
pub use variant::Variant;

/// The plugin's name in the configuration.
const KIND: &str = "wechat_pay";
