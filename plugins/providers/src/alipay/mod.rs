//! Alipay: the v2 gateway, the v3 REST interface, and Antom (Alipay+ for the rest of the world).
//!
//! On an upstream, calls are signed (`v2`, `v3`, `antom`) and answers verified; with a content key,
//! contents are encrypted and decrypted. On a route, notifications are verified, delivered once as a
//! JSON object and acknowledged in Alipay's form (`notifications`, `antom_notifications`). Which
//! bytes are signed is written in the protocol's own file; the order of the checks is the one that
//! all providers share.

mod acknowledge;
mod antom;
mod antom_notifications;
mod borders;
mod build;
mod certificates;
mod config;
mod content;
mod form;
mod key_files;
mod keys;
mod known_answers;
mod message;
mod multipart;
mod notifications;
mod read;
#[cfg(test)]
mod tests;
mod time;
mod v2;
mod v2_answer;
mod v3;

pub use config::{Alipay, CallerTokens, CertificateFiles, Protocol, UnsignedErrors};
pub use key_files::KeyFiles;
pub(crate) use known_answers::KNOWN_ANSWERS;
