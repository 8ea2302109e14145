//! Keys of the kinds the gateway accepts, from every format operators have them in.
//!
//! Parsing is strict and happens once, at configuration: a key that parsed is of a supported kind,
//! long enough, and on its curve. An error says what was expected and never contains key text.

mod error;
mod jwk;
mod pem;
mod private;
mod public;
mod roca;
mod symmetric;

pub use error::KeyError;
pub use private::PrivateKey;
pub use public::{KeyKind, PublicKey};
pub use symmetric::SymmetricKey;

pub(crate) use jwk::JwkPolicy;
pub(crate) use private::{Material as PrivateMaterial, agreement_algorithm};
pub(crate) use public::Material as PublicMaterial;
