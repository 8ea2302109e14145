//! Two routes that one request could match equally well: found when the table is built.
//!
//! Exact, not cautious: routes conflict when their listeners and methods overlap and none of their
//! header and query conditions contradict each other. Only routes with the same host pattern, the
//! same path pattern up to the names in it, and the same rank can tie; everything else is ordered.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use super::condition::{RouteMatch, ValueMatch};
use super::leaf::{Leaf, Rule};
use super::table::RouteId;

/// Two routes that cannot stand together, or one that cannot stand at all (both numbers the same).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conflict {
    /// The routes, the smaller number first.
    pub routes: (RouteId, RouteId),
    /// Why, for the operator: host, path and method of a request that both would match.
    pub reason: String,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

/// What is wrong with one route alone: a name with two conditions could never be met, or says the
/// same twice and passes for more specific than it is.
pub(super) fn within(route: RouteId, conditions: &RouteMatch, out: &mut Vec<Conflict>) {
    let mut report = |kind: &str, name: &str| {
        let reason = format!("names the {kind} `{name}` in more than one condition");
        out.push(Conflict { routes: (route, route), reason });
    };
    for (at, header) in conditions.headers.iter().enumerate() {
        if conditions.headers.iter().skip(at + 1).any(|other| other.name == header.name) {
            report("header", header.name.as_str());
        }
    }
    for (at, query) in conditions.query.iter().enumerate() {
        if conditions.query.iter().skip(at + 1).any(|other| other.name == query.name) {
            report("query parameter", &query.name);
        }
    }
}

/// The conflicts of one sorted leaf, at most [`MAX_PER_LEAF`] of them. Routes that name the same
/// headers are told apart by hashing the values, so ten thousand tenants on one path stay cheap.
pub(super) fn among(leaf: &Leaf, host: &dyn fmt::Display, out: &mut Vec<Conflict>) {
    let limit = out.len() + MAX_PER_LEAF;
    for tied in leaf.rules().chunk_by(|a, b| a.rank == b.rank) {
        if tied.len() < 2 {
            continue;
        }
        let mut groups: BTreeMap<Vec<Name<'_>>, Vec<&Arc<Rule>>> = BTreeMap::new();
        for rule in tied {
            groups.entry(rule.names_with_values()).or_default().push(rule);
        }
        let groups: Vec<_> = groups.into_iter().collect();
        for (at, (names, rules)) in groups.iter().enumerate() {
            for (other_names, others) in groups.iter().skip(at) {
                let shared: Vec<_> =
                    names.iter().copied().filter(|name| other_names.contains(name)).collect();
                join(&shared, rules, others, host, limit, out);
            }
        }
    }
}

/// A header or a query parameter for whose value a rule asks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Name<'r> {
    Header(&'r str),
    Query(&'r str),
}

impl Rule {
    fn names_with_values(&self) -> Vec<Name<'_>> {
        let headers = self.headers.iter().filter(|header| header.value.is_exact());
        let query = self.query.iter().filter(|query| query.value.is_exact());
        let mut names: Vec<_> = headers
            .map(|header| Name::Header(header.name.as_str()))
            .chain(query.map(|query| Name::Query(&query.name)))
            .collect();
        names.sort_unstable();
        names
    }

    fn value(&self, name: &Name<'_>) -> Option<&[u8]> {
        match name {
            Name::Header(name) => {
                let header = self.headers.iter().find(|header| header.name == *name)?;
                match &header.value {
                    ValueMatch::Exact(value) => Some(value.as_bytes()),
                    ValueMatch::Present => None,
                }
            }
            Name::Query(name) => {
                let query = self.query.iter().find(|query| *query.name == **name)?;
                match &query.value {
                    ValueMatch::Exact(value) => Some(value.as_bytes()),
                    ValueMatch::Present => None,
                }
            }
        }
    }

    /// A method both take, as text; `None` when there is none.
    fn common_method<'r>(&'r self, other: &'r Self) -> Option<&'r str> {
        if self.methods.is_empty() {
            return Some(other.methods.first().map_or("any method", |method| method.as_str()));
        }
        let taken =
            |method: &&http::Method| other.methods.is_empty() || other.methods.contains(*method);
        self.methods.iter().find(taken).map(http::Method::as_str)
    }

    fn shares_listener(&self, other: &Self) -> bool {
        self.listeners.is_empty()
            || other.listeners.is_empty()
            || self.listeners.iter().any(|listener| other.listeners.contains(listener))
    }
}

/// Reports the pairs of two groups that agree on the shared values and overlap otherwise.
fn join(
    shared: &[Name<'_>],
    rules: &[&Arc<Rule>],
    others: &[&Arc<Rule>],
    host: &dyn fmt::Display,
    limit: usize,
    out: &mut Vec<Conflict>,
) {
    let key = |rule: &'_ Arc<Rule>| -> Vec<Vec<u8>> {
        shared.iter().filter_map(|name| rule.value(name)).map(<[u8]>::to_vec).collect()
    };
    let mut buckets: HashMap<_, Vec<&Arc<Rule>>> = HashMap::new();
    for other in others {
        buckets.entry(key(other)).or_default().push(other);
    }
    let same_group = std::ptr::eq(rules, others);
    for rule in rules {
        for other in buckets.get(&key(rule)).into_iter().flatten() {
            if out.len() >= limit {
                return;
            }
            // Within a group every pair comes up twice, and every rule meets itself.
            if same_group && rule.route >= other.route || !rule.shares_listener(other) {
                continue;
            }
            let Some(method) = rule.common_method(other) else { continue };
            let routes = (rule.route.min(other.route), rule.route.max(other.route));
            let reason = format!(
                "one request could match both equally well: host `{host}`, path `{}`, {method}",
                rule.path
            );
            out.push(Conflict { routes, reason });
        }
    }
}

/// Enough to see the pattern of a mistake; bounds the report when every route is a copy.
const MAX_PER_LEAF: usize = 1_000;
