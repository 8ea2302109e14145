//! What a twin does wrong when it is asked to.

use std::collections::HashMap;

use parking_lot::Mutex;
use serde_json::{Map, Value, json};

use super::Seed;

/// A fault on demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// What was asked for is done, and the connection is dropped without an answer.
    LostAnswer,
    /// The answer comes late.
    Slow,
    /// The connection is dropped in the middle of the answer's body.
    ResetMidAnswer,
    /// A notification is sent again although it was acknowledged.
    DuplicateNotification,
    /// A notification is first sent long after what it tells.
    LateNotification,
    /// A notification is sent after the one that follows it.
    ReorderedNotification,
    /// What is sent is signed wrongly.
    WrongSignature,
    /// The provider changes its keys before it answers; the old ones stay good.
    KeyRotation,
    /// The provider's clock is wrong where it signs.
    ClockSkew,
    /// What was asked for is done, and the answer is an error of the provider's own, 5xx.
    ErrorAfterCharge,
    /// A signature that the provider makes wrong on purpose, to see that somebody checks it.
    ProbeSignature,
    /// A file is not the one whose digest was announced.
    ChangedFile,
}

/// What is sent wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// An answer.
    Answer,
    /// A notification.
    Notification,
}

/// How often a fault happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Plan {
    /// Of a million that could have it, how many do.
    pub share: u32,
    /// How many of the next that could have it do, whatever the share.
    pub times: u32,
    /// Only answers, or only notifications; both if it is not said.
    pub on: Option<On>,
}

/// The faults that are planned.
pub struct Faults {
    seed: Seed,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// With the one subject that a plan is for, if it is for one.
    plans: HashMap<Fault, (Plan, Option<String>)>,
    /// How many draws there were for a fault and a subject, which stands here by its hash.
    turns: HashMap<(Fault, [u8; 32]), u64>,
}

impl Fault {
    /// All of them, with what each is called.
    pub const ALL: [(&'static str, Self); 12] = [
        ("lost_answer", Self::LostAnswer),
        ("slow", Self::Slow),
        ("reset_mid_answer", Self::ResetMidAnswer),
        ("duplicate_notification", Self::DuplicateNotification),
        ("late_notification", Self::LateNotification),
        ("reordered_notification", Self::ReorderedNotification),
        ("wrong_signature", Self::WrongSignature),
        ("key_rotation", Self::KeyRotation),
        ("clock_skew", Self::ClockSkew),
        ("error_after_charge", Self::ErrorAfterCharge),
        ("probe_signature", Self::ProbeSignature),
        ("changed_file", Self::ChangedFile),
    ];

    /// What it is called.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, fault)| *fault == self).map_or("", |(name, _)| name)
    }

    /// Whether it is one of what is signed, or of the time that is signed with it.
    pub fn is_of_signatures(self) -> bool {
        matches!(self, Self::WrongSignature | Self::ProbeSignature | Self::ClockSkew)
    }

    /// The fault of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(other, _)| *other == name).map(|(_, fault)| *fault)
    }
}

impl Plan {
    /// Happens to this share of everything, from 0 to 1 as it is written in JSON or a command.
    pub fn share(text: &str) -> Option<Self> {
        let share: f64 = text.parse().ok().filter(|share| (0.0..=1.0).contains(share))?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is between zero and a million"
        )]
        let share = (share * f64::from(WHOLE)).round() as u32;
        Some(Self { share, ..Self::default() })
    }

    /// Happens to the next so many.
    pub fn times(times: u32) -> Self {
        Self { times, ..Self::default() }
    }

    /// Happens to these only.
    #[must_use]
    pub fn on(self, on: On) -> Self {
        Self { on: Some(on), ..self }
    }
}

impl Faults {
    /// No fault is planned.
    pub fn new(seed: Seed) -> Self {
        Self { seed, state: Mutex::default() }
    }

    /// Replaces what was planned for this fault.
    pub fn plan(&self, fault: Fault, plan: Plan) {
        self.state.lock().plans.insert(fault, (plan, None));
    }

    /// Replaces what was planned for this fault, and plans it for one subject alone: an order, say.
    pub fn plan_for(&self, subject: &str, fault: Fault, plan: Plan) {
        self.state.lock().plans.insert(fault, (plan, Some(subject.to_owned())));
    }

    /// Plans no fault any more.
    pub fn clear(&self) {
        self.state.lock().plans.clear();
    }

    /// Whether this fault happens now, to this subject.
    pub fn strikes(&self, fault: Fault, on: On, subject: &str) -> bool {
        let mut state = self.state.lock();
        let Some((plan, only)) = state.plans.get_mut(&fault) else { return false };
        if plan.on.is_some_and(|wanted| wanted != on)
            || only.as_deref().is_some_and(|only| only != subject)
        {
            return false;
        }
        if plan.times > 0 {
            plan.times -= 1;
            return true;
        }
        let share = plan.share;
        if share == 0 {
            return false;
        }
        if state.turns.len() >= SUBJECTS {
            state.turns.clear();
        }
        let key = self.seed.bytes("subject", subject, 0);
        let turn = state.turns.entry((fault, key)).or_default();
        *turn += 1;
        self.seed.millionth(fault.name(), subject, *turn) < share
    }

    /// What is planned, as a document.
    pub fn shown(&self) -> Value {
        let state = self.state.lock();
        let plans = Fault::ALL.iter().filter_map(|(name, fault)| {
            let (plan, only) = state.plans.get(fault)?;
            let share = f64::from(plan.share) / f64::from(WHOLE);
            let mut shown = json!({ "share": share, "times": plan.times });
            let on = plan.on.map(|on| if on == On::Answer { "answer" } else { "notification" });
            for (name, value) in [("on", on), ("order", only.as_deref())] {
                if let (Some(value), Some(members)) = (value, shown.as_object_mut()) {
                    members.insert(name.to_owned(), value.into());
                }
            }
            Some(((*name).to_owned(), shown))
        });
        Value::Object(plans.collect::<Map<_, _>>())
    }
}

const WHOLE: u32 = 1_000_000;
/// How many fates are remembered; beyond it the counts begin anew.
const SUBJECTS: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn fates(seed: u64, subjects: &[&str]) -> Vec<bool> {
        let faults = Faults::new(Seed(seed));
        faults.plan(Fault::LostAnswer, Plan::share("0.5").unwrap());
        let one = |subject: &&str| faults.strikes(Fault::LostAnswer, On::Answer, subject);
        subjects.iter().map(one).collect()
    }

    #[test]
    fn a_planned_number_of_faults_happens_and_no_more() {
        let faults = Faults::new(Seed(1));
        faults.plan(Fault::Slow, Plan::times(2));
        let struck: Vec<_> = (0..4).map(|_| faults.strikes(Fault::Slow, On::Answer, "a")).collect();
        assert_eq!(struck, [true, true, false, false], "the next two");
        assert!(!faults.strikes(Fault::LostAnswer, On::Answer, "a"), "and no other fault");
    }

    #[test]
    fn a_share_decides_the_same_for_the_same_seed_whatever_else_happens() {
        let alone = fates(7, &["a"; 32]);
        assert_eq!(alone, fates(7, &["a"; 32]), "the same seed");
        assert_ne!(alone, fates(8, &["a"; 32]), "another seed");
        let mixed: Vec<&str> = (0..64).map(|at| if at % 2 == 0 { "a" } else { "b" }).collect();
        let of_a: Vec<bool> = fates(7, &mixed).into_iter().step_by(2).collect();
        assert_eq!(alone, of_a, "other orders between change nothing");
        let struck = alone.iter().filter(|struck| **struck).count();
        assert!((8..=24).contains(&struck), "about half of them: {struck}");
    }

    #[test]
    fn the_ends_of_a_share_are_never_and_always_and_there_is_nothing_beyond() {
        for (text, expected) in [("0", false), ("1", true), ("0.0000001", false)] {
            let faults = Faults::new(Seed(3));
            faults.plan(Fault::Slow, Plan::share(text).unwrap());
            let all = (0..100).all(|_| faults.strikes(Fault::Slow, On::Answer, "a") == expected);
            assert!(all, "a share of {text}");
        }
        for text in ["-0.1", "1.1", "NaN", "half", ""] {
            assert_eq!(Plan::share(text), None, "`{text}` is no share");
        }
    }

    #[test]
    fn a_fault_can_be_for_answers_or_notifications_alone() {
        let faults = Faults::new(Seed(1));
        faults.plan(Fault::WrongSignature, Plan::times(1).on(On::Notification));
        assert!(!faults.strikes(Fault::WrongSignature, On::Answer, "a"), "not an answer");
        assert!(faults.strikes(Fault::WrongSignature, On::Notification, "a"), "a notification");
    }

    #[test]
    fn a_fault_can_be_for_one_order_alone() {
        let faults = Faults::new(Seed(1));
        faults.plan_for("a", Fault::Slow, Plan::times(1));
        assert!(!faults.strikes(Fault::Slow, On::Answer, "b"), "not another's");
        assert_eq!(faults.shown()["slow"]["order"], "a", "and it is shown");
        assert!(faults.strikes(Fault::Slow, On::Answer, "a"), "its own");
    }

    #[test]
    fn every_fault_is_found_by_its_name() {
        for (name, fault) in Fault::ALL {
            assert_eq!(Fault::named(name), Some(fault), "{name}");
            assert_eq!(fault.name(), name, "{name}");
        }
        assert_eq!(Fault::named("slower"), None, "there is no such fault");
    }
}
