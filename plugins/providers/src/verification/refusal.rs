//! Why a signed message is refused, and what its sender is told.

use tollgate_api::{Code, Fault, Side, codes};

/// Why a message is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not signed, or a part of the signature is missing or empty.
    #[error("the signature or a part of it is missing")]
    Missing,
    /// A part is there twice or has the wrong form.
    #[error("the signature is malformed")]
    Malformed,
    /// It names an algorithm other than the one of the key.
    #[error("the signature names an algorithm that is not accepted")]
    Algorithm,
    /// It names a key that is not known or no longer accepted.
    #[error("the signature names an unknown key")]
    KeyUnknown,
    /// Its time lies outside of the window.
    #[error("the signature is too old, or from the future")]
    Expired,
    /// The signature does not fit the bytes.
    #[error("the signature does not fit the message")]
    Invalid,
    /// It was received before.
    #[error("the signature was received before")]
    Replayed,
    /// The provider's keys cannot be had.
    #[error("the provider's keys cannot be had")]
    KeysUnavailable,
    /// What was received before cannot be told.
    #[error("the replay set is unavailable")]
    StoreUnavailable,
}

impl Refusal {
    /// The code for the party on this side: a route's caller sent the message, an upstream answered
    /// with it.
    pub fn code(self, side: Side) -> &'static Code {
        match (side, self) {
            (Side::Route, Self::Missing) => &codes::SIGNATURE_MISSING,
            (Side::Route, Self::Malformed) => &codes::SIGNATURE_MALFORMED,
            (Side::Route, Self::Algorithm) => &codes::SIGNATURE_ALGORITHM_REFUSED,
            (Side::Route, Self::KeyUnknown) => &codes::SIGNATURE_KEY_UNKNOWN,
            (Side::Route, Self::Expired) => &codes::SIGNATURE_EXPIRED,
            (Side::Route, Self::Invalid) => &codes::SIGNATURE_INVALID,
            (Side::Route, Self::Replayed) => &codes::SIGNATURE_REPLAYED,
            (Side::Upstream, Self::Missing) => &codes::UPSTREAM_SIGNATURE_MISSING,
            (Side::Upstream, Self::Malformed) => &codes::UPSTREAM_SIGNATURE_MALFORMED,
            (Side::Upstream, Self::Algorithm) => &codes::UPSTREAM_SIGNATURE_ALGORITHM_REFUSED,
            (Side::Upstream, Self::KeyUnknown) => &codes::UPSTREAM_SIGNATURE_KEY_UNKNOWN,
            (Side::Upstream, Self::Expired) => &codes::UPSTREAM_SIGNATURE_EXPIRED,
            (Side::Upstream, Self::Invalid) => &codes::UPSTREAM_SIGNATURE_INVALID,
            (Side::Upstream, Self::Replayed) => &codes::UPSTREAM_SIGNATURE_REPLAYED,
            (Side::Route, Self::KeysUnavailable) => &codes::PROVIDER_KEYS_UNAVAILABLE,
            (Side::Route, Self::StoreUnavailable) => &codes::STORE_UNAVAILABLE,
            // The provider has acted by then: nothing may sound as if it had not.
            (Side::Upstream, Self::KeysUnavailable | Self::StoreUnavailable) => {
                &codes::UPSTREAM_UNVERIFIABLE
            }
        }
    }

    /// The fault for the party on this side.
    pub fn fault(self, side: Side) -> Fault {
        Fault::new(self.code(side)).caused_by(self)
    }
}
