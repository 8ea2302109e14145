//! `jwe`: JSON Web Encryption of a body, an envelope or named fields.

mod build;
mod config;
mod protection;

pub use config::{Algorithm, DecryptKey, Encryption, Jwe};
