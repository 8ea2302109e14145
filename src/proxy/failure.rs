//! What a failed attempt means to the caller.

use tollgate_api::Fault;

use crate::upstream::{ConnectError, Failure, PickError};

/// The fault for an attempt that got no valid answer.
pub fn of_attempt(failure: &Failure) -> Fault {
    Fault::new(failure.code()).caused_by(failure.to_string())
}

/// The fault for a connection that could not be had.
pub fn of_connect(error: ConnectError) -> Fault {
    Fault::new(error.code()).caused_by(error.to_string())
}

/// The fault when there is nowhere to send to.
pub fn of_pick(error: PickError) -> Fault {
    Fault::new(error.code()).caused_by(error.to_string())
}
