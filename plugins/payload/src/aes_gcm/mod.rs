//! `aes_gcm`: AES-GCM of a body, an envelope or named fields, in a partner's layout.

mod associated;
mod build;
mod config;
mod layout;
mod places;
mod protection;

pub use config::{
    AesGcm, AssociatedData, DecryptKey, Encoding, KeyIdPlace, NoncePlace, Part, TagPlace,
};
