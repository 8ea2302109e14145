//! The table against an oracle that tries every route, one by one, with rules of its own.

use std::cmp::Reverse;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::routing::{
    Found, HeaderMatch, Host, HostPattern, Input, PathPattern, QueryMatch, RouteId, RouteMatch,
    Table, Target, ValueMatch,
};

/// A route as plain data; a condition is a name and `Some(value)` or mere presence.
#[derive(Clone, Debug)]
struct Model {
    listeners: Vec<&'static str>,
    hosts: Vec<&'static str>,
    segments: Vec<&'static str>,
    /// `""`, `"/"`, `"/*"` or `"/{*rest}"`.
    end: &'static str,
    methods: Vec<&'static str>,
    headers: Vec<Condition>,
    query: Vec<Condition>,
}

type Condition = (&'static str, Option<&'static str>);

#[derive(Clone, Debug)]
struct Request {
    listener: &'static str,
    host: &'static str,
    path: String,
    method: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    query: Vec<(&'static str, &'static str)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Match,
    WrongMethod,
    Ambiguous,
    No,
}

/// Host, path, method, headers, query: greater is more specific.
type Score = ((u8, usize), (u8, Vec<u8>), bool, [usize; 4]);

impl Model {
    fn pattern(&self) -> String {
        let named = self.segments.iter().enumerate().map(|(at, segment)| match *segment {
            "{}" => format!("/{{n{at}}}"),
            literal => format!("/{literal}"),
        });
        let text = named.collect::<Vec<_>>().concat() + self.end;
        if text.is_empty() { "/".to_owned() } else { text }
    }

    fn compiled(&self) -> RouteMatch {
        let mut route = RouteMatch::new(PathPattern::parse(&self.pattern()).unwrap());
        route.listeners = self.listeners.iter().map(|name| (*name).into()).collect();
        route.hosts = self.hosts.iter().map(|host| HostPattern::parse(host).unwrap()).collect();
        route.methods = self.methods.iter().map(|name| name.parse().unwrap()).collect();
        for (name, value) in &self.headers {
            let value = value.map(HeaderValue::from_static);
            route.headers.push(HeaderMatch {
                name: HeaderName::from_static(name),
                value: value.map_or(ValueMatch::Present, ValueMatch::Exact),
            });
        }
        for (name, value) in &self.query {
            let value = value.map_or(ValueMatch::Present, |value| ValueMatch::Exact(value.into()));
            route.query.push(QueryMatch { name: (*name).into(), value });
        }
        route
    }

    fn serves_path(&self, path: &str) -> bool {
        let mut rest = path;
        let whole = if self.segments.is_empty() && self.end.is_empty() { "/" } else { self.end };
        for segment in &self.segments {
            let Some(body) = rest.strip_prefix('/') else { return false };
            let len = body.find('/').unwrap_or(body.len());
            let (sent, after) = body.split_at(len);
            if sent.is_empty() || (*segment != "{}" && *segment != sent) {
                return false;
            }
            rest = after;
        }
        match whole {
            "/*" => rest.is_empty() || rest.starts_with('/'),
            "/{*rest}" => rest.len() > 1,
            exactly => rest == exactly,
        }
    }

    /// The best of this route's hosts that serves a host.
    fn host_score(&self, host: &str) -> Option<(u8, usize)> {
        let any = (self.hosts.is_empty()).then_some((0, 0));
        let named = self.hosts.iter().filter_map(|pattern| match pattern.strip_prefix('*') {
            Some("") => Some((0, 0)),
            Some(suffix) => host.ends_with(suffix).then_some((1, suffix.len())),
            None => (*pattern == host).then_some((2, 0)),
        });
        named.chain(any).max()
    }

    fn score(&self, host: &str) -> Option<Score> {
        let class = match self.end {
            "/*" | "/{*rest}" => 0,
            _ if self.segments.contains(&"{}") => 1,
            _ => 2,
        };
        let mut shape: Vec<u8> =
            self.segments.iter().map(|segment| if *segment == "{}" { 2 } else { 3 }).collect();
        shape.push(u8::from(self.end == "/{*rest}"));
        let valued = |list: &[Condition]| list.iter().filter(|(_, value)| value.is_some()).count();
        let counts =
            [self.headers.len(), valued(&self.headers), self.query.len(), valued(&self.query)];
        Some((self.host_score(host)?, (class, shape), !self.methods.is_empty(), counts))
    }

    fn says(&self, request: &Request) -> Says {
        let heard = self.listeners.is_empty() || self.listeners.contains(&request.listener);
        if !heard || self.host_score(request.host).is_none() || !self.serves_path(&request.path) {
            return Says::No;
        }
        let mut unsure = false;
        let lists = [(&self.headers, &request.headers, false), (&self.query, &request.query, true)];
        for (conditions, sent, strict) in lists {
            for (name, value) in conditions {
                let values: Vec<_> =
                    sent.iter().filter(|(sent, _)| sent == name).map(|(_, value)| *value).collect();
                match (values.as_slice(), value) {
                    ([], _) => return Says::No,
                    ([one], Some(value)) if one != value => return Says::No,
                    ([_], _) => {}
                    (_, None) if !strict => {}
                    _ => unsure = true,
                }
            }
        }
        let taken = self.methods.is_empty() || self.methods.contains(&request.method);
        match (taken, unsure) {
            (true, false) => Says::Match,
            (true, true) => Says::Ambiguous,
            (false, false) => Says::WrongMethod,
            (false, true) => Says::No,
        }
    }
}

impl Request {
    fn ask(&self, table: &Table) -> Found {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let query: Vec<_> =
            self.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        table.find(&Input {
            listener: self.listener,
            host: &Host::parse(self.host).unwrap(),
            target: &Target::parse(format!("{}?{}", self.path, query.join("&"))).unwrap(),
            method: &self.method.parse().unwrap(),
            headers: &headers,
        })
    }

    /// A request that both routes of a reported conflict should match.
    fn witness(one: &Model, other: &Model) -> Option<Self> {
        let fits = |host: &&&str| {
            one.host_score(host).is_some() && one.host_score(host) == other.host_score(host)
        };
        let hosts = ["a.x", "b.a.x", "c.b.a.x", "q.x", "z"];
        let host = hosts.iter().find(fits)?;
        let listeners = ["l1", "l2", "l3"];
        let heard = |model: &Model, name: &str| {
            model.listeners.is_empty() || model.listeners.contains(&name)
        };
        let listener = listeners.iter().find(|name| heard(one, name) && heard(other, name))?;
        let taken =
            |model: &Model, name: &str| model.methods.is_empty() || model.methods.contains(&name);
        let method = ["GET", "POST", "PUT"]
            .into_iter()
            .find(|name| taken(one, name) && taken(other, name))?;
        let path = one.pattern().replace("{n", "n").replace("{*", "r").replace(['}', '*'], "");
        let both = |a: &[Condition], b: &[Condition]| {
            let mut all: Vec<_> = a.iter().chain(b).map(|(name, value)| (*name, *value)).collect();
            all.sort_by_key(|(name, value)| (*name, Reverse(*value)));
            all.dedup_by_key(|(name, _)| *name);
            all.into_iter().map(|(name, value)| (name, value.unwrap_or("1"))).collect()
        };
        Some(Self {
            listener,
            host,
            path,
            method,
            headers: both(&one.headers, &other.headers),
            query: both(&one.query, &other.query),
        })
    }
}

fn condition(name: &'static str) -> impl Strategy<Value = Option<Condition>> {
    select(vec![
        None,
        None,
        None,
        Some((name, None)),
        Some((name, Some("1"))),
        Some((name, Some("2"))),
    ])
}

fn model() -> impl Strategy<Value = Model> {
    let place = (
        subsequence(vec!["l1", "l2"], 0..=1),
        subsequence(vec!["a.x", "b.a.x", "*.x", "*.a.x", "*"], 0..=2),
        vec(select(vec!["a", "a", "b", "{}"]), 0..=3),
        select(vec!["", "", "/", "/*", "/{*rest}"]),
        subsequence(vec!["GET", "POST"], 0..=2),
    );
    let conditions = (condition("h1"), condition("h2"), condition("q1"));
    (place, conditions).prop_map(|((listeners, hosts, segments, end, methods), (h1, h2, q1))| {
        // A prefix has no names, and `/` alone is the exact root.
        let named = segments.contains(&"{}");
        let end = match end {
            "/*" if named => "/{*rest}",
            "/" if segments.is_empty() => "",
            end => end,
        };
        let headers = h1.into_iter().chain(h2).collect();
        Model { listeners, hosts, segments, end, methods, headers, query: q1.into_iter().collect() }
    })
}

/// Routes for one host and one path: all depends on methods, headers and query.
fn crowded() -> impl Strategy<Value = Model> {
    let method = subsequence(vec!["GET", "POST"], 0..=1);
    (
        subsequence(vec!["l1", "l2"], 0..=1),
        method,
        condition("h1"),
        condition("h2"),
        condition("q1"),
    )
        .prop_map(|(listeners, methods, h1, h2, q1)| Model {
            listeners,
            hosts: Vec::new(),
            segments: vec!["a"],
            end: "/*",
            methods,
            headers: h1.into_iter().chain(h2).collect(),
            query: q1.into_iter().collect(),
        })
}

fn models() -> impl Strategy<Value = Vec<Model>> {
    prop_oneof![vec(model(), 2..24), vec(crowded(), 2..40)]
}

fn request() -> impl Strategy<Value = Request> {
    let sent = |name: &'static str| {
        select(vec![vec![], vec!["1"], vec!["2"], vec!["1"], vec!["1", "2"]]).prop_map(
            move |values| values.into_iter().map(|value| (name, value)).collect::<Vec<_>>(),
        )
    };
    let path = (vec(select(vec!["a", "a", "b", "c"]), 0..=4), any::<bool>()).prop_map(
        |(segments, slash)| {
            let slash = if slash || segments.is_empty() { "/" } else { "" };
            segments.iter().map(|segment| format!("/{segment}")).collect::<Vec<_>>().concat()
                + slash
        },
    );
    (
        select(vec!["l1", "l2", "l3"]),
        select(vec!["a.x", "b.a.x", "c.b.a.x", "q.x", "x", "z"]),
        path,
        select(vec!["GET", "POST", "PUT"]),
        (sent("h1"), sent("h2"), sent("q1")),
    )
        .prop_map(|(listener, host, path, method, (h1, h2, query))| {
            let headers = [h1, h2].concat();
            Request { listener, host, path, method, headers, query }
        })
}

/// Every route on its own, the best by score.
fn expected(models: &[Model], request: &Request) -> (Option<(Says, usize)>, Vec<Method>) {
    let mut best: Option<(Score, Says, usize)> = None;
    let mut allow: Vec<&str> = Vec::new();
    for (at, model) in models.iter().enumerate() {
        match model.says(request) {
            Says::No => {}
            Says::WrongMethod => allow.extend(&model.methods),
            says => {
                let score = model.score(request.host).unwrap();
                if best.as_ref().is_none_or(|(known, ..)| *known < score) {
                    best = Some((score, says, at));
                }
            }
        }
    }
    allow.sort_unstable();
    allow.dedup();
    (best.map(|(_, says, at)| (says, at)), allow.iter().map(|name| name.parse().unwrap()).collect())
}

fn numbered(models: &[Model]) -> Vec<(RouteId, RouteMatch)> {
    models.iter().enumerate().map(|(at, model)| (RouteId(at), model.compiled())).collect()
}

/// Routes without conflict: those that conflict with an earlier one are left out.
fn compatible(models: Vec<Model>) -> (Vec<Model>, Table) {
    let mut models = models;
    loop {
        match Table::build(numbered(&models)) {
            Ok(table) => return (models, table),
            Err(conflicts) => {
                models.remove(conflicts.first().unwrap().routes.1.0);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_table_agrees_with_trying_every_route(
        models in models(),
        requests in vec(request(), 24),
    ) {
        let (models, table) = compatible(models);
        for request in &requests {
            let found = request.ask(&table);
            let (best, allow) = expected(&models, request);
            match (best, &found) {
                (Some((Says::Match, at)), Found::Route { route, .. }) => {
                    prop_assert_eq!(route.0, at, "the most specific of {:?} for {:?}", models, request);
                }
                (Some((Says::Ambiguous, _)), Found::Ambiguous(_)) => {}
                (None, Found::MethodNotAllowed { allow: found }) => {
                    prop_assert_eq!(found, &allow, "allowed methods of {:?}", models);
                }
                (None, Found::NotFound) => prop_assert!(allow.is_empty(), "not 404: {:?}", allow),
                _ => prop_assert!(false, "{found:?}, expected {best:?} of {models:?} for {request:?}"),
            }
        }
    }

    #[test]
    fn routes_that_tie_for_a_request_were_reported(
        models in models(),
        requests in vec(request(), 24),
    ) {
        let reported = match Table::build(numbered(&models)) {
            Ok(_) => Vec::new(),
            Err(conflicts) => conflicts.iter().map(|conflict| conflict.routes).collect(),
        };
        for request in &requests {
            let mut matching: Vec<_> = models
                .iter()
                .enumerate()
                .filter(|(_, model)| model.says(request) == Says::Match)
                .map(|(at, model)| (model.score(request.host).unwrap(), RouteId(at)))
                .collect();
            matching.sort();
            for pair in matching.windows(2) {
                let [(score, one), (other_score, other)] = pair else { continue };
                prop_assert!(
                    score != other_score || reported.contains(&(*one, *other)),
                    "{one:?} and {other:?} of {models:?} tie for {request:?}"
                );
            }
        }
    }

    #[test]
    fn a_reported_conflict_has_a_request_that_ties(models in models()) {
        let conflicts = Table::build(numbered(&models)).err().unwrap_or_default();
        for conflict in conflicts {
            let (one, other) = (&models[conflict.routes.0.0], &models[conflict.routes.1.0]);
            let Some(request) = Request::witness(one, other) else {
                return Err(TestCaseError::fail(format!("no witness for {one:?} and {other:?}")));
            };
            prop_assert_eq!(one.says(&request), Says::Match, "{:?} for {:?}", one, request);
            prop_assert_eq!(other.says(&request), Says::Match, "{:?} for {:?}", other, request);
            let scores = (one.score(request.host), other.score(request.host));
            prop_assert_eq!(scores.0, scores.1, "{:?} and {:?}", one, other);
        }
    }
}
