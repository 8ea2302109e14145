//! Whether another attempt is allowed: the one place where that is decided. Money moves once.
//!
//! *Nothing sent* may be repeated anywhere. *Unknown* only towards the same provider, and only
//! where the provider guarantees that a repetition changes nothing. *Answered* is final unless a
//! rule names the status. A provider is an upstream; its endpoints are one provider.

use std::time::Duration;

/// What is known about an attempt that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// No byte of the request can have reached the provider's application.
    NothingSent,
    /// It may have: the provider may have acted.
    Unknown,
    /// A valid answer head was read.
    Answered,
}

impl Evidence {
    /// The word used in metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NothingSent => "nothing_sent",
            Self::Unknown => "unknown",
            Self::Answered => "answered",
        }
    }
}

/// What makes a repetition harmless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Guarantee {
    /// Nothing.
    #[default]
    None,
    /// The provider recognises the request by an idempotency key that it carries.
    ProviderKey,
}

/// Rules of an upstream about further attempts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rules {
    /// Attempts in all, the first included.
    pub max_attempts: u32,
    /// Whether a safe method, or one under a guarantee, may be repeated after *unknown*.
    pub repeat_unknown: bool,
    /// Statuses of answers after which a safe method, or one under a guarantee, may be repeated.
    pub repeat_statuses: Vec<u16>,
}

impl Default for Rules {
    /// One more attempt, after *nothing was sent* alone.
    fn default() -> Self {
        Self { max_attempts: 2, repeat_unknown: false, repeat_statuses: Vec::new() }
    }
}

/// Everything that the decision depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is one line of a decision table")]
pub struct Situation {
    /// GET, HEAD, OPTIONS or TRACE (RFC 9110 section 9.2.1).
    pub method_safe: bool,
    /// What is known about the last attempt.
    pub evidence: Evidence,
    /// The request is held, or no byte of its body was consumed.
    pub replayable: bool,
    /// What the upstream guarantees for this request.
    pub guarantee: Guarantee,
    /// Whether the rules let *unknown* be repeated ([`Rules::repeat_unknown`]).
    pub unknown_allowed: bool,
    /// Whether the rules name the status that was answered ([`Rules::repeat_statuses`]).
    pub status_allowed: bool,
    /// Attempts so far, at least one.
    pub attempts_made: u32,
    /// Attempts in all ([`Rules::max_attempts`]).
    pub max_attempts: u32,
    /// Time left before the deadline.
    pub deadline_left: Duration,
    /// Whether the retry budget has an attempt left.
    pub budget_left: bool,
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Next {
    /// One more attempt.
    Again {
        /// It must go to the same upstream; otherwise another one may be chosen too.
        same_provider_only: bool,
    },
    /// The failure or answer stands.
    Stop(Why),
}

/// Why there is no further attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// The provider may have acted, and nothing makes a repetition harmless.
    MayHaveActed,
    /// The answer is final.
    Final,
    /// The body was consumed.
    NotReplayable,
    /// All attempts are used up.
    Exhausted,
    /// The deadline has passed.
    Deadline,
    /// The retry budget is empty.
    Budget,
}

/// The decision. Reasons about money come before reasons about resources, so that a log never says
/// "no budget" for what was not allowed in the first place.
pub fn decide(situation: &Situation) -> Next {
    let harmless = situation.method_safe || situation.guarantee == Guarantee::ProviderKey;
    let refused = match situation.evidence {
        Evidence::NothingSent => None,
        Evidence::Unknown => {
            (!(harmless && situation.unknown_allowed)).then_some(Why::MayHaveActed)
        }
        Evidence::Answered => (!(harmless && situation.status_allowed)).then_some(Why::Final),
    };
    let stop = refused.or_else(|| {
        if !situation.replayable {
            Some(Why::NotReplayable)
        } else if situation.attempts_made >= situation.max_attempts {
            Some(Why::Exhausted)
        } else if situation.deadline_left.is_zero() {
            Some(Why::Deadline)
        } else {
            (!situation.budget_left).then_some(Why::Budget)
        }
    });
    match stop {
        Some(why) => Next::Stop(why),
        None => Next::Again { same_provider_only: situation.evidence != Evidence::NothingSent },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every situation there is, with 1 or 2 attempts of 2 made.
    fn all() -> impl Iterator<Item = Situation> {
        (0..3 * 2_u32.pow(8)).map(|number| {
            let bit = |at: u32| (number / 3) >> at & 1 == 1;
            Situation {
                evidence: [Evidence::NothingSent, Evidence::Unknown, Evidence::Answered]
                    [number as usize % 3],
                method_safe: bit(0),
                replayable: bit(1),
                guarantee: if bit(2) { Guarantee::ProviderKey } else { Guarantee::None },
                unknown_allowed: bit(3),
                status_allowed: bit(4),
                attempts_made: if bit(5) { 2 } else { 1 },
                max_attempts: 2,
                deadline_left: Duration::from_secs(u64::from(bit(6))),
                budget_left: bit(7),
            }
        })
    }

    fn has_means(s: &Situation) -> bool {
        s.replayable
            && s.attempts_made < s.max_attempts
            && !s.deadline_left.is_zero()
            && s.budget_left
    }

    #[test]
    fn nothing_sent_is_repeated_anywhere_for_any_method_while_the_means_last() {
        for s in all().filter(|s| s.evidence == Evidence::NothingSent) {
            let again = decide(&s) == Next::Again { same_provider_only: false };
            assert_eq!(again, has_means(&s), "{s:?}");
        }
    }

    #[test]
    fn unknown_is_repeated_only_where_harmless_and_allowed_and_never_elsewhere() {
        for s in all().filter(|s| s.evidence == Evidence::Unknown) {
            let harmless = s.method_safe || s.guarantee == Guarantee::ProviderKey;
            let allowed = harmless && s.unknown_allowed;
            let again = decide(&s) == Next::Again { same_provider_only: true };
            assert_eq!(again, allowed && has_means(&s), "{s:?}");
            if !allowed {
                assert_eq!(decide(&s), Next::Stop(Why::MayHaveActed), "{s:?}");
            }
        }
    }

    #[test]
    fn an_answer_is_final_unless_a_rule_names_its_status_and_a_repetition_is_harmless() {
        for s in all().filter(|s| s.evidence == Evidence::Answered) {
            let harmless = s.method_safe || s.guarantee == Guarantee::ProviderKey;
            let allowed = harmless && s.status_allowed;
            let again = decide(&s) == Next::Again { same_provider_only: true };
            assert_eq!(again, allowed && has_means(&s), "{s:?}");
            if !allowed {
                assert_eq!(decide(&s), Next::Stop(Why::Final), "{s:?}");
            }
        }
    }

    #[test]
    fn an_unsafe_request_without_a_guarantee_is_never_repeated_once_it_may_have_arrived() {
        for s in all() {
            if !s.method_safe
                && s.guarantee == Guarantee::None
                && s.evidence != Evidence::NothingSent
            {
                assert!(matches!(decide(&s), Next::Stop(_)), "{s:?}");
            }
        }
    }

    #[test]
    fn what_runs_out_first_is_named() {
        let fine = Situation {
            method_safe: false,
            evidence: Evidence::NothingSent,
            replayable: true,
            guarantee: Guarantee::None,
            unknown_allowed: false,
            status_allowed: false,
            attempts_made: 1,
            max_attempts: 2,
            deadline_left: Duration::from_millis(1),
            budget_left: true,
        };
        let table = [
            (fine, Next::Again { same_provider_only: false }),
            (Situation { replayable: false, ..fine }, Next::Stop(Why::NotReplayable)),
            (Situation { attempts_made: 2, ..fine }, Next::Stop(Why::Exhausted)),
            (Situation { deadline_left: Duration::ZERO, ..fine }, Next::Stop(Why::Deadline)),
            (Situation { budget_left: false, ..fine }, Next::Stop(Why::Budget)),
        ];
        for (situation, expected) in table {
            assert_eq!(decide(&situation), expected, "{situation:?}");
        }
    }
}
