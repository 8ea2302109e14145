//! How an exchange or attempt ended, told to every plugin that took part.

use http::StatusCode;

use crate::Code;

/// How it ended.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outcome {
    /// Status that was (or would have been) sent to the caller.
    pub status: Option<StatusCode>,
    /// Why the gateway refused or failed, if it did.
    pub fault: Option<&'static Code>,
    /// The exchange was dropped before it had a result.
    pub cancelled: bool,
}
