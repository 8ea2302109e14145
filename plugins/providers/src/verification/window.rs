//! How far the time in a signature may be away from now.

use std::time::Duration;

use super::Refusal;

/// A message is accepted while its age, or how far it lies in the future, is within these bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The greatest age.
    pub past: Duration,
    /// How far the other clock may be ahead.
    pub future: Duration,
    /// Whether the bounds themselves are still within.
    pub inclusive: bool,
}

impl Window {
    /// Symmetric; a message exactly at a bound is refused.
    pub const fn within(bound: Duration) -> Self {
        Self { past: bound, future: bound, inclusive: false }
    }

    /// Refuses a time outside of the window. Both times count from the Unix epoch.
    pub fn check(self, now: Duration, time: Duration) -> Result<(), Refusal> {
        let (away, bound) = match now.checked_sub(time) {
            Some(age) => (age, self.past),
            None => (time.saturating_sub(now), self.future),
        };
        let within = if self.inclusive { away <= bound } else { away < bound };
        if within { Ok(()) } else { Err(Refusal::Expired) }
    }

    /// How long a nonce must be remembered so that no message passes twice.
    pub const fn memory(self) -> Duration {
        self.past.saturating_add(self.future).saturating_add(Duration::from_secs(1))
    }
}
