//! What a party on either side of the gateway sees of `jwe` and `aes_gcm`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    missing_docs,
    reason = "tests"
)]

mod aes_gcm_layouts;
mod aes_gcm_refusals;
mod aes_gcm_settings;
mod jwe_answers;
mod jwe_attacks;
mod jwe_round_trips;
mod jwe_settings;
mod map;
mod map_answers;
mod map_settings;
mod properties;
mod support;
