//! What a provider does wrong when it is asked to.

use std::{collections::VecDeque, time::Duration};

use serde_json::Value;

/// A fault on demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The answer is changed after it was sealed.
    Tamper,
    /// The answer comes late.
    Slow(Duration),
    /// The connection is dropped without an answer, although the charge was made.
    Reset,
}

impl Fault {
    /// Reads `{"next": "tamper"}`.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        Self::named(body.get("next")?.as_str()?)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Tamper => "tamper",
            Self::Slow(_) => "slow",
            Self::Reset => "reset",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Tamper, Self::Slow(SLOW), Self::Reset].into_iter().find(|fault| fault.name() == name)
    }
}

/// Faults that are planned, first come first served.
#[derive(Debug, Default)]
pub(super) struct Faults(VecDeque<Fault>);

impl Faults {
    /// Plans a fault; superfluous ones are dropped.
    pub fn push(&mut self, fault: Fault) {
        if self.0.len() < PLANNED {
            self.0.push_back(fault);
        }
    }

    /// The fault for this message: the one its order asks for, else the next that is planned.
    pub fn next(&mut self, order: Option<&str>) -> Option<Fault> {
        order
            .and_then(|order| order.split(['-', '_']).next())
            .and_then(Fault::named)
            .or_else(|| self.0.pop_front())
    }
}

/// Longer than a caller likes, shorter than the gateway's patience.
const SLOW: Duration = Duration::from_secs(3);
const PLANNED: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planned_fault_happens_once() {
        let mut faults = Faults::default();
        faults.push(Fault::Tamper);
        assert_eq!(faults.next(Some("1")), Some(Fault::Tamper), "planned");
        assert_eq!(faults.next(Some("1")), None, "over");
    }

    #[test]
    fn an_order_can_ask_for_its_own_fault() {
        let mut faults = Faults::default();
        assert_eq!(faults.next(Some("reset-7")), Some(Fault::Reset), "by its beginning");
        assert_eq!(faults.next(Some("resettled")), None, "not by a word that begins alike");
        assert_eq!(faults.next(None), None, "no order, no fault");
    }

    #[test]
    fn faults_are_bounded() {
        let mut faults = Faults::default();
        for _ in 0..100 {
            faults.push(Fault::Reset);
        }
        assert_eq!(faults.0.len(), PLANNED, "superfluous ones are dropped");
    }
}
