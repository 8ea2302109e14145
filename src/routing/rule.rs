//! One route, ready to be compared with a request whose host and path it serves.

use std::sync::Arc;

use http::{HeaderName, Method};

use super::condition::{HeaderMatch, QueryMatch, RouteMatch, ValueMatch};
use super::pattern::PathPattern;
use super::query::{Lookup, decodes_to, lookup};
use super::table::{Input, RouteId};

/// What was sent more than once although it decides the route. Names come from the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ambiguity {
    /// A header on several lines.
    Header(HeaderName),
    /// A repeated query parameter, by its decoded name.
    Query(Arc<str>),
}

/// How specific a route is among those with the same host and path; the greatest wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Rank {
    method_named: bool,
    headers: usize,
    header_values: usize,
    query: usize,
    query_values: usize,
}

impl Rank {
    pub(super) fn of(conditions: &RouteMatch) -> Self {
        let headers = &conditions.headers;
        let query = &conditions.query;
        Self {
            method_named: !conditions.methods.is_empty(),
            headers: headers.len(),
            header_values: headers.iter().filter(|header| header.value.is_exact()).count(),
            query: query.len(),
            query_values: query.iter().filter(|query| query.value.is_exact()).count(),
        }
    }
}

/// One route, with its listeners' names resolved.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) route: RouteId,
    pub(super) rank: Rank,
    pub(super) listeners: Vec<ListenerIndex>,
    pub(super) path: PathPattern,
    pub(super) methods: Vec<Method>,
    pub(super) headers: Vec<HeaderMatch>,
    pub(super) query: Vec<QueryMatch>,
}

/// A header or a query parameter for whose value a rule asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Name<'r> {
    Header(&'r HeaderName),
    Query(&'r Arc<str>),
}

impl Name<'_> {
    fn order(&self) -> (bool, &str) {
        match self {
            Self::Header(name) => (false, name.as_str()),
            Self::Query(name) => (true, name),
        }
    }
}

/// A listener that some route names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ListenerIndex(pub(super) usize);

/// What a rule says about a request whose host and path it serves.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Match,
    /// Everything else holds.
    WrongMethod,
    No,
    Ambiguous(Ambiguity),
}

impl Rule {
    /// A condition that fails outweighs one that is ambiguous: what another route needs to be told
    /// apart by does not concern a request that this route would not take anyway.
    pub(super) fn judge(&self, input: &Input<'_>, listener: Option<ListenerIndex>) -> Verdict {
        let heard = |named: &ListenerIndex| Some(*named) == listener;
        if !self.listeners.is_empty() && !self.listeners.iter().any(heard) {
            return Verdict::No;
        }
        let mut ambiguity = None;
        for header in &self.headers {
            match header.holds(input) {
                Some(true) => {}
                Some(false) => return Verdict::No,
                None => {
                    ambiguity.get_or_insert_with(|| Ambiguity::Header(header.name.clone()));
                }
            }
        }
        for query in &self.query {
            match query.holds(input) {
                Some(true) => {}
                Some(false) => return Verdict::No,
                None => {
                    ambiguity.get_or_insert_with(|| Ambiguity::Query(query.name.clone()));
                }
            }
        }
        match (self.methods.is_empty() || self.methods.contains(input.method), ambiguity) {
            (true, None) => Verdict::Match,
            (true, Some(ambiguity)) => Verdict::Ambiguous(ambiguity),
            (false, None) => Verdict::WrongMethod,
            (false, Some(_)) => Verdict::No,
        }
    }
}

impl Rule {
    /// The names for whose values this rule asks, and the values, always in the same order.
    pub(super) fn asked_values(&self) -> Vec<(Name<'_>, &[u8])> {
        let headers = self.headers.iter().filter_map(|header| match &header.value {
            ValueMatch::Exact(value) => Some((Name::Header(&header.name), value.as_bytes())),
            ValueMatch::Present => None,
        });
        let query = self.query.iter().filter_map(|query| match &query.value {
            ValueMatch::Exact(value) => Some((Name::Query(&query.name), value.as_bytes())),
            ValueMatch::Present => None,
        });
        let mut values: Vec<_> = headers.chain(query).collect();
        values.sort_by(|(a, _), (b, _)| a.order().cmp(&b.order()));
        values
    }

    pub(super) fn asked_names(&self) -> Vec<Name<'_>> {
        self.asked_values().into_iter().map(|(name, _)| name).collect()
    }

    /// The value asked for under a name.
    pub(super) fn asked_value(&self, name: Name<'_>) -> Option<&[u8]> {
        self.asked_values().into_iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

impl HeaderMatch {
    /// `None`: cannot be told.
    fn holds(&self, input: &Input<'_>) -> Option<bool> {
        let mut values = input.headers.get_all(&self.name).iter();
        match (values.next(), values.next(), &self.value) {
            (None, _, _) => Some(false),
            (Some(_), _, ValueMatch::Present) => Some(true),
            (Some(_), Some(_), ValueMatch::Exact(_)) => None,
            (Some(sent), None, ValueMatch::Exact(value)) => Some(sent == value),
        }
    }
}

impl QueryMatch {
    /// `None`: cannot be told.
    fn holds(&self, input: &Input<'_>) -> Option<bool> {
        match (lookup(input.target.query(), &self.name), &self.value) {
            (Lookup::Absent, _) => Some(false),
            (Lookup::Repeated, _) => None,
            (Lookup::Once(_), ValueMatch::Present) => Some(true),
            (Lookup::Once(sent), ValueMatch::Exact(value)) => Some(decodes_to(sent, value)),
        }
    }
}
