//! Finds, among many routes with the same host and path, the few that a value allows.
//!
//! A thousand tenants told apart by one header share one leaf. Routes that ask for the same names
//! with the same methods and listeners form a group, hashed by the value of one of those names, so
//! a request compares itself with one tenant's routes and not with everybody's. Only a request that
//! repeats the deciding header or parameter, and is refused for it, looks at the whole group.

use std::collections::HashMap;
use std::sync::Arc;

use http::HeaderName;

use super::query::{Lookup, decoded, lookup};
use super::rule::{ListenerIndex, Name, Rank, Rule};
use super::table::Input;

/// The groups of one leaf, most specific first.
#[derive(Debug)]
pub(super) struct Index(Vec<Group>);

impl Index {
    /// Groups sorted rules and keeps their order; `None` when there is nothing to gain.
    pub(super) fn of(rules: &[Arc<Rule>]) -> Option<Self> {
        let mut groups: Vec<Vec<Arc<Rule>>> = Vec::new();
        let mut known = HashMap::new();
        for rule in rules {
            let at = *known.entry(Likeness::of(rule)).or_insert(groups.len());
            match groups.get_mut(at) {
                Some(group) => group.push(rule.clone()),
                None => groups.push(vec![rule.clone()]),
            }
        }
        let groups: Vec<_> = groups.into_iter().map(Group::of).collect();
        groups.iter().any(|group| group.by_value.len() > 1).then_some(Self(groups))
    }

    /// Every rule that does not fail for the value its group is hashed by.
    pub(super) fn candidates(&self, input: &Input<'_>) -> impl Iterator<Item = &Arc<Rule>> {
        self.0.iter().flat_map(|group| group.candidates(input))
    }
}

/// What the rules of a group have in common.
#[derive(PartialEq, Eq, Hash)]
struct Likeness<'r> {
    rank: Rank,
    names: Vec<Name<'r>>,
    methods: Vec<&'r str>,
    listeners: &'r [ListenerIndex],
}

impl<'r> Likeness<'r> {
    fn of(rule: &'r Rule) -> Self {
        let mut methods: Vec<_> = rule.methods.iter().map(http::Method::as_str).collect();
        methods.sort_unstable();
        Self { rank: rule.rank, names: rule.asked_names(), methods, listeners: &rule.listeners }
    }
}

/// Rules that are alike, and the name whose value tells most of them apart.
#[derive(Debug)]
struct Group {
    rules: Vec<Arc<Rule>>,
    key: Option<Key>,
    by_value: HashMap<Vec<u8>, Vec<Arc<Rule>>>,
}

#[derive(Debug)]
enum Key {
    Header(HeaderName),
    Query(Arc<str>),
}

impl Group {
    fn of(rules: Vec<Arc<Rule>>) -> Self {
        let names = rules.first().map(|rule| rule.asked_names()).unwrap_or_default();
        let hashed = names.into_iter().map(|name| (Key::of(name), by_value(&rules, name)));
        // The first of those that tell most apart, so that the choice is the same every time.
        let best =
            hashed.reduce(|best, next| if next.1.len() > best.1.len() { next } else { best });
        match best {
            Some((key, by_value)) if by_value.len() > 1 => Self { rules, key: Some(key), by_value },
            _ => Self { rules, key: None, by_value: HashMap::new() },
        }
    }

    fn candidates(&self, input: &Input<'_>) -> &[Arc<Rule>] {
        let with = |value: &[u8]| self.by_value.get(value).map_or(&[][..], Vec::as_slice);
        match &self.key {
            None => &self.rules,
            Some(Key::Header(name)) => {
                let mut values = input.headers.get_all(name).iter();
                match (values.next(), values.next()) {
                    (None, _) => &[],
                    (Some(value), None) => with(value.as_bytes()),
                    (Some(_), Some(_)) => &self.rules,
                }
            }
            Some(Key::Query(name)) => match lookup(input.target.query(), name) {
                Lookup::Absent => &[],
                Lookup::Once(value) if !value.contains(['%', '+']) => with(value.as_bytes()),
                Lookup::Once(value) => with(&decoded(value).collect::<Vec<_>>()),
                Lookup::Repeated => &self.rules,
            },
        }
    }
}

impl Key {
    fn of(name: Name<'_>) -> Self {
        match name {
            Name::Header(name) => Self::Header(name.clone()),
            Name::Query(name) => Self::Query(name.clone()),
        }
    }
}

fn by_value(rules: &[Arc<Rule>], name: Name<'_>) -> HashMap<Vec<u8>, Vec<Arc<Rule>>> {
    let mut by_value: HashMap<_, Vec<_>> = HashMap::new();
    for rule in rules {
        if let Some(value) = rule.asked_value(name) {
            by_value.entry(value.to_vec()).or_default().push(rule.clone());
        }
    }
    by_value
}
