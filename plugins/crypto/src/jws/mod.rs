//! Signed tokens in compact serialisation (RFC 7515, RFC 7519).
//!
//! The caller says which algorithms it allows, the key says which it serves, and the token only picks
//! among those. Keys come from configuration alone: a token that brings one is refused. Time, issuer,
//! audience and type are for the caller to check, with its own clock, on a [`VerifiedToken`].

mod algorithm;
mod error;
mod header;
mod key_set;
mod sign;
mod verify;

pub use algorithm::Algorithm;
pub use error::JwsError;
pub use header::{Header, MAX_TOKEN_LEN, peek};

pub(crate) use header::{MAX_KID_LEN, kid, member, protected};
pub use key_set::{KeySet, KeySetError, VerificationKey};
pub use sign::{SignError, SigningKey, TokenHeader, sign, sign_payload};
pub use verify::{VerifiedPayload, VerifiedToken, verify, verify_payload};
