//! Encrypted tokens in compact serialisation (RFC 7516).
//!
//! A key's configuration fixes how the content key is protected and which content encryptions are
//! accepted; a token that says otherwise is refused before any key is used. There is no RSA PKCS#1
//! v1.5, no password-based encryption, no `none` and no compression. Every way in which the right key
//! can fail to decrypt looks the same, in the error and in the work that is done.

mod algorithm;
pub(crate) mod content;
mod decrypt;
mod encrypt;
mod error;
mod header;
pub(crate) mod key_management;

pub use algorithm::{ContentAlgorithm, KeyAlgorithm};
pub use decrypt::{DEFAULT_MAX_TOKEN_LEN, Decrypted, Decrypter, DecryptionKey};
pub use encrypt::{Encrypter, EncryptionOptions};
pub use error::{JweError, JweKeyError};
