//! Two routes that one request could match equally well: found when the table is built.
//!
//! Exact, not cautious: routes conflict when their listeners and methods overlap and none of their
//! header and query conditions contradict each other. Only routes with the same host pattern, the
//! same path pattern up to the names in it, and the same rank can tie; everything else is ordered.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::condition::RouteMatch;
use super::leaf::Leaf;
use super::rule::{Name, Rule};
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
        let mut groups: Vec<(Vec<Name<'_>>, Vec<&Arc<Rule>>)> = Vec::new();
        let mut known = HashMap::new();
        for rule in tied {
            let names = rule.asked_names();
            let at = *known.entry(names.clone()).or_insert(groups.len());
            match groups.get_mut(at) {
                Some((_, rules)) => rules.push(rule),
                None => groups.push((names, vec![rule])),
            }
        }
        for (at, (names, rules)) in groups.iter().enumerate() {
            for (other_names, others) in groups.iter().skip(at) {
                let shared: Vec<_> =
                    names.iter().copied().filter(|name| other_names.contains(name)).collect();
                join(&shared, rules, others, host, limit, out);
            }
        }
    }
}

impl Rule {
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
        shared.iter().filter_map(|name| rule.asked_value(*name)).map(<[u8]>::to_vec).collect()
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
