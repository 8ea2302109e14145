//! What a failed attempt means to the caller.

use tollgate_api::{Code, Fault, codes};

use crate::upstream::{ConnectError, Evidence, Failure, FailureKind, PickError};

/// The fault for an attempt that got no valid answer.
pub fn of_attempt(failure: &Failure) -> Fault {
    let code: &'static Code = match (failure.kind, failure.evidence) {
        (FailureKind::Timeout, _) => &codes::UPSTREAM_TIMEOUT,
        (FailureKind::Protocol, _) => &codes::UPSTREAM_INVALID_ANSWER,
        (_, Evidence::NothingSent) => &codes::UPSTREAM_UNREACHABLE,
        _ => &codes::UPSTREAM_BROKEN,
    };
    Fault::new(code).caused_by(failure.to_string())
}

/// The fault for a connection that could not be had.
pub fn of_connect(error: &ConnectError) -> Fault {
    let code: &'static Code = match error {
        ConnectError::Timeout => &codes::UPSTREAM_CONNECT_TIMEOUT,
        ConnectError::Tls { .. } => &codes::UPSTREAM_TLS_FAILED,
        ConnectError::Unresolved => &codes::UPSTREAM_UNRESOLVED,
        ConnectError::Overloaded => &codes::OVERLOADED,
        _ => &codes::UPSTREAM_UNREACHABLE,
    };
    Fault::new(code).caused_by(error.to_string())
}

/// The fault when there is nowhere to send to.
pub fn of_pick(error: &PickError) -> Fault {
    let code: &'static Code = match error {
        PickError::Unresolved => &codes::UPSTREAM_UNRESOLVED,
        _ => &codes::NO_HEALTHY_ENDPOINT,
    };
    Fault::new(code).caused_by(error.to_string())
}
