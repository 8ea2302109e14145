//! The outside world in miniature: a token issuer and payment providers to try the gateway against.
//!
//! They speak real wire formats over TLS, check what they receive with code of their own (nothing of
//! the gateway's plugins and nothing of its crypto crate, so that a mistake there cannot cancel
//! itself out), keep a book of charges, and misbehave on demand. They are for demonstrations and
//! tests on one machine: keys are made on the spot and nothing is kept.

mod authority;
mod http;
mod institution;
mod issuer;
mod keys;
mod materials;
mod provider;
mod server;
pub mod twin;

pub use authority::{Authority, MakeError, Pair};
pub use http::{Reply, Request, Service};
pub use institution::Institution;
pub use issuer::{Client, Issuer};
pub use keys::RsaPair;
pub use materials::{Materials, write_private};
pub use provider::{Charge, CipherDialect, Dialect, Fault, JweDialect, Provider, Refusal, Wire};
pub use server::{Server, StartError};
