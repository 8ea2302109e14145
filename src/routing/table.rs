//! The compiled table: built once per configuration, asked once per request.
//!
//! Hosts and exact paths are hashed, templates and prefixes are walked by segment, routes that share
//! both are hashed by the value that tells them apart: the cost of a request does not depend on how
//! many other routes there are. Nothing is allocated but the parameters of a template, the `Allow`
//! list of a refusal, and the value of a deciding query parameter when it is encoded.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use http::{HeaderMap, Method};

use super::condition::RouteMatch;
use super::conflict::{self, Conflict};
use super::host::{Host, HostPattern};
use super::leaf::Leaf;
use super::paths::{Captures, Paths};
use super::rule::{Ambiguity, ListenerIndex, Rank, Rule, Verdict};
use super::target::Target;

/// A route's number, given by whoever builds the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RouteId(pub usize);

/// What is known of a request when its route is chosen.
#[derive(Clone, Copy, Debug)]
pub struct Input<'r> {
    /// The name of the listener that accepted it.
    pub listener: &'r str,
    /// Its host, without the port.
    pub host: &'r Host,
    /// Its path and query.
    pub target: &'r Target,
    /// Its method.
    pub method: &'r Method,
    /// Its headers.
    pub headers: &'r HeaderMap,
}

/// The answer of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The most specific route that matches.
    Route {
        /// Which.
        route: RouteId,
        /// What the names of its template stand for.
        params: Params,
    },
    /// 404.
    NotFound,
    /// 405: routes match but for their methods.
    MethodNotAllowed {
        /// Their methods, sorted, each once: the `Allow` field.
        allow: Vec<Method>,
    },
    /// 400: which route applies hangs on something that was sent more than once.
    Ambiguous(Ambiguity),
}

/// Names of a template and the text each took: as in [`Target::match_path`], still percent-encoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<(Arc<str>, String)>);

impl Params {
    /// The text a name took.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// All of them, in the order of the template.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value.as_str()))
    }

    fn new(rule: &Rule, captures: &Captures<'_>) -> Self {
        let names = rule.path.names.iter().cloned();
        Self(names.zip(captures.iter().map(str::to_owned)).collect())
    }
}

/// Routes, ready to be asked.
#[derive(Debug, Default)]
pub struct Table {
    listeners: HashMap<Arc<str>, ListenerIndex>,
    exact: HashMap<String, Paths>,
    wildcards: HashMap<String, Paths>,
    /// The most labels after `*.`: a caller's long host name costs no more look-ups than that.
    wildcard_labels: usize,
    any: Paths,
}

impl Table {
    /// Builds the table, or returns every conflict (of copies of one route, the first thousand),
    /// sorted by route.
    pub fn build(routes: Vec<(RouteId, RouteMatch)>) -> Result<Self, Vec<Conflict>> {
        let mut table = Self::default();
        let mut conflicts = Vec::new();
        for (route, conditions) in routes {
            conflict::within(route, &conditions, &mut conflicts);
            table.insert(route, conditions);
        }
        table.finish(&mut conflicts);
        if conflicts.is_empty() {
            return Ok(table);
        }
        // A pair that meets on several hosts is one mistake.
        conflicts.sort();
        conflicts.dedup_by(|later, earlier| {
            earlier.routes == later.routes && earlier.routes.0 != earlier.routes.1
        });
        Err(conflicts)
    }

    /// Chooses the route of a request.
    pub fn find(&self, input: &Input<'_>) -> Found {
        let listener = self.listeners.get(input.listener).copied();
        let path = input.target.match_path();
        let mut allow = Vec::new();
        let mut visitor = |leaf: &Leaf, captures: &Captures<'_>| {
            for rule in leaf.candidates(input) {
                match rule.judge(input, listener) {
                    Verdict::No => {}
                    Verdict::WrongMethod => allow.extend_from_slice(&rule.methods),
                    Verdict::Ambiguous(ambiguity) => {
                        return ControlFlow::Break(Found::Ambiguous(ambiguity));
                    }
                    Verdict::Match => {
                        let params = Params::new(rule, captures);
                        return ControlFlow::Break(Found::Route { route: rule.route, params });
                    }
                }
            }
            ControlFlow::Continue(())
        };
        for paths in self.levels(input.host) {
            if let ControlFlow::Break(found) = paths.visit(path, &mut visitor) {
                return found;
            }
        }
        if allow.is_empty() {
            return Found::NotFound;
        }
        allow.sort_unstable_by(|a: &Method, b| a.as_str().cmp(b.as_str()));
        allow.dedup();
        Found::MethodNotAllowed { allow }
    }

    /// What serves a host, most specific first.
    pub(super) fn levels<'t>(&'t self, host: &'t Host) -> impl Iterator<Item = &'t Paths> {
        let dots = host.as_str().bytes().filter(|byte| *byte == b'.').count();
        let parents = host.parents().skip(dots.saturating_sub(self.wildcard_labels));
        let wildcards =
            parents.take(self.wildcard_labels).filter_map(|parent| self.wildcards.get(parent));
        self.exact.get(host.as_str()).into_iter().chain(wildcards).chain([&self.any])
    }

    fn insert(&mut self, route: RouteId, conditions: RouteMatch) {
        let rank = Rank::of(&conditions);
        let mut hosts = conditions.hosts;
        if hosts.is_empty() {
            hosts.push(HostPattern::Any);
        }
        let listeners = conditions.listeners.into_iter().map(|name| self.listener(name)).collect();
        let rule = Arc::new(Rule {
            route,
            rank,
            listeners,
            path: conditions.path,
            methods: conditions.methods,
            headers: conditions.headers,
            query: conditions.query,
        });
        for (at, host) in hosts.iter().enumerate() {
            if !hosts.iter().take(at).any(|earlier| earlier == host) {
                self.paths(host).insert(rule.clone());
            }
        }
    }

    fn listener(&mut self, name: Arc<str>) -> ListenerIndex {
        let next = ListenerIndex(self.listeners.len());
        *self.listeners.entry(name).or_insert(next)
    }

    fn paths(&mut self, host: &HostPattern) -> &mut Paths {
        match host {
            HostPattern::Any => &mut self.any,
            HostPattern::Exact(host) => self.exact.entry(host.as_str().to_owned()).or_default(),
            HostPattern::Wildcard(suffix) => {
                let suffix = suffix.as_str();
                self.wildcard_labels = self.wildcard_labels.max(suffix.split('.').count());
                self.wildcards.entry(suffix.to_owned()).or_default()
            }
        }
    }

    fn finish(&mut self, conflicts: &mut Vec<Conflict>) {
        for (host, paths) in &mut self.exact {
            paths.finish(&mut |leaf| conflict::among(leaf, host, conflicts));
        }
        for (suffix, paths) in &mut self.wildcards {
            paths.finish(&mut |leaf| conflict::among(leaf, &format_args!("*.{suffix}"), conflicts));
        }
        self.any.finish(&mut |leaf| conflict::among(leaf, &"*", conflicts));
    }
}
