//! Which requests a route takes.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method};

use super::Context;
use crate::{
    config::{
        node::join_pointer,
        schema::{self, Config, HeaderCondition, Match, QueryCondition},
    },
    routing::{HeaderMatch, HostPattern, PathPattern, QueryMatch, RouteMatch, ValueMatch},
};

/// The route's conditions; none if any of them is wrong.
pub(super) fn compile(
    context: &mut Context<'_>,
    config: &Config,
    pointer: &str,
    route: &schema::Route,
) -> Option<RouteMatch> {
    let errors = context.findings.errors();
    let settings = &route.matches;
    let base = format!("{pointer}/match");
    let path = path(context, pointer, &base, settings);
    let conditions = RouteMatch {
        listeners: listeners(context, config, pointer, route),
        hosts: hosts(context, &base, settings),
        methods: methods(context, &base, settings),
        headers: headers(context, &base, settings),
        query: query(context, &base, settings),
        ..RouteMatch::new(path?)
    };
    (context.findings.errors() == errors).then_some(conditions)
}

fn path(
    context: &mut Context<'_>,
    pointer: &str,
    base: &str,
    settings: &Match,
) -> Option<PathPattern> {
    match (&settings.path, &settings.path_prefix) {
        (Some(_), Some(_)) => {
            context.error(
                &format!("{base}/path_prefix"),
                "`path` and `path_prefix` exclude each other",
                "name one of them",
            );
            None
        }
        (Some(path), None) => parsed(context, &format!("{base}/path"), PathPattern::parse(path)),
        (None, Some(prefix)) => {
            parsed(context, &format!("{base}/path_prefix"), PathPattern::prefix(prefix))
        }
        (None, None) => parsed(context, pointer, PathPattern::prefix("/")),
    }
}

fn hosts(context: &mut Context<'_>, base: &str, settings: &Match) -> Vec<HostPattern> {
    if settings.host.is_some() && settings.hosts.is_some() {
        context.error(
            &format!("{base}/hosts"),
            "`host` and `hosts` exclude each other",
            "name one of them",
        );
    }
    let one = settings.host.iter().map(|host| (format!("{base}/host"), host));
    let many = settings.hosts.iter().flatten().enumerate();
    let many = many.map(|(at, host)| (format!("{base}/hosts/{at}"), host));
    one.chain(many)
        .filter_map(|(place, host)| parsed(context, &place, HostPattern::parse(host)))
        .collect()
}

fn listeners(
    context: &mut Context<'_>,
    config: &Config,
    pointer: &str,
    route: &schema::Route,
) -> Vec<Arc<str>> {
    let Some(named) = &route.listeners else {
        return config.listeners.keys().map(|name| Arc::from(name.as_str())).collect();
    };
    if named.is_empty() {
        context.error(
            &format!("{pointer}/listeners"),
            "`listeners` is empty, so the route is never reached",
            "is empty",
        );
    }
    let mut listeners = Vec::new();
    for (at, name) in named.iter().enumerate() {
        if config.listeners.contains_key(name) {
            listeners.push(Arc::from(name.as_str()));
            continue;
        }
        if context.faults.is_broken(&join_pointer("/listeners", name)) {
            continue;
        }
        let place = format!("{pointer}/listeners/{at}");
        let message = format!("unknown listener `{name}`");
        let hint = Context::suggest(name, config.listeners.keys());
        context.error_hinted(&place, message, "not configured", hint);
    }
    listeners
}

fn methods(context: &mut Context<'_>, base: &str, settings: &Match) -> Vec<Method> {
    let mut methods = Vec::new();
    for (at, text) in settings.methods.iter().flatten().enumerate() {
        let capitals = text.bytes().all(|byte| !byte.is_ascii_lowercase());
        match Method::from_bytes(text.as_bytes()) {
            Ok(method) if method != Method::CONNECT && capitals => methods.push(method),
            _ => context.error(
                &format!("{base}/methods/{at}"),
                "invalid method: expected one such as `POST`, in capitals; CONNECT is not offered",
                "this method",
            ),
        }
    }
    methods
}

fn headers(context: &mut Context<'_>, base: &str, settings: &Match) -> Vec<HeaderMatch> {
    let mut headers = Vec::new();
    for (name, condition) in &settings.headers {
        let place = join_pointer(&format!("{base}/headers"), name);
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
            context.error(&place, "this is not the name of a header field", "this name");
            continue;
        };
        let value = match condition {
            HeaderCondition::Present(true) => ValueMatch::Present,
            HeaderCondition::Present(false) => {
                only_true(context, &place);
                continue;
            }
            HeaderCondition::Equals(text) => {
                let Ok(value) = HeaderValue::from_str(text) else {
                    context.error(&place, "this value cannot stand in a header", "this value");
                    continue;
                };
                ValueMatch::Exact(value)
            }
        };
        headers.push(HeaderMatch { name, value });
    }
    headers
}

fn query(context: &mut Context<'_>, base: &str, settings: &Match) -> Vec<QueryMatch> {
    let mut query = Vec::new();
    for (name, condition) in &settings.query {
        let value = match condition {
            QueryCondition::Present(true) => ValueMatch::Present,
            QueryCondition::Present(false) => {
                only_true(context, &join_pointer(&format!("{base}/query"), name));
                continue;
            }
            QueryCondition::Equals(text) => ValueMatch::Exact(Arc::from(text.as_str())),
        };
        query.push(QueryMatch { name: Arc::from(name.as_str()), value });
    }
    query
}

fn only_true(context: &mut Context<'_>, place: &str) {
    context.error(place, "`present` can only be `true`", "this value");
}

fn parsed<T, E: std::fmt::Display>(
    context: &mut Context<'_>,
    pointer: &str,
    result: Result<T, E>,
) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            let name = pointer.rsplit('/').next().unwrap_or_default();
            context.error(pointer, format!("invalid `{name}`: {error}"), "this value");
            None
        }
    }
}
