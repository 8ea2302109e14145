//! Keys of the kinds the gateway accepts, from every format operators have them in.
//!
//! Parsing is strict and happens once, at configuration: a key that parsed is of a supported kind,
//! long enough, and on its curve. An error says what was expected and never contains key text.

mod error;
mod jwk;
mod oaep;
mod pem;
mod private;
mod public;
mod roca;
mod symmetric;
mod text;
mod verify;

pub use error::KeyError;
pub use oaep::OaepDigest;
pub use private::PrivateKey;
pub use public::{KeyKind, PublicKey};
pub use symmetric::SymmetricKey;
pub use verify::{SignatureInvalid, VerifiedSignature};

pub(crate) use jwk::JwkPolicy;
pub(crate) use oaep::{
    decrypt as oaep_decrypt, encrypt as oaep_encrypt, encrypting_key as oaep_encrypting_key,
};
pub(crate) use pem::{Label as PemLabel, Section as PemSection, sections as pem_sections};
pub(crate) use private::{Material as PrivateMaterial, agreement_algorithm};
pub(crate) use public::Material as PublicMaterial;
pub(crate) use text::Form;
