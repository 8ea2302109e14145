//! Routes: which requests, which plugins, which provider; and what is unsafe by construction.

use std::{collections::BTreeSet, sync::Arc};

use tollgate_api::{
    BodyNeed, Needs, Side,
    expression::{Expression, Root},
};

use super::{Context, Routes, matching, plugin, upstream::Upstreams};
use crate::{
    config::{
        node::join_pointer,
        schema::{self, Config},
    },
    routing::{RouteId, Table},
    snapshot::{Route, Rule},
};

/// All routes and the table that finds them.
pub(super) fn compile(
    context: &mut Context<'_>,
    config: &Config,
    upstreams: &Upstreams,
) -> Option<Routes> {
    let mut table = Vec::new();
    let mut routes = Vec::new();
    let mut complete = true;
    if config.routes.is_empty() && !context.faults.hides_some_of("/routes") {
        context.error_with_hint(
            "/routes",
            "no route is configured",
            "needs at least one",
            "without a route every request is answered 404",
        );
    }
    for (at, (name, route)) in config.routes.iter().enumerate() {
        let pointer = join_pointer("/routes", name);
        let conditions = matching::compile(context, config, &pointer, route);
        let compiled = one(context, config, &pointer, name, route, upstreams);
        let (Some(conditions), Some(compiled)) = (conditions, compiled) else {
            complete = false;
            continue;
        };
        table.push((RouteId(at), conditions));
        routes.push(Arc::new(compiled));
    }
    if !complete {
        return None;
    }
    match Table::build(table) {
        Ok(table) => Some((table, routes)),
        Err(conflicts) => {
            let names: Vec<&String> = config.routes.keys().collect();
            for conflict in conflicts {
                let (RouteId(first), RouteId(second)) = conflict.routes;
                let (Some(first), Some(second)) = (names.get(first), names.get(second)) else {
                    continue;
                };
                context.error_with_hint(
                    &join_pointer("/routes", second),
                    format!(
                        "routes `{first}` and `{second}` take the same requests: {}",
                        conflict.reason
                    ),
                    "neither is more specific",
                    "make one of them more specific, or serve them on different listeners or hosts",
                );
            }
            None
        }
    }
}

fn one(
    context: &mut Context<'_>,
    config: &Config,
    pointer: &str,
    name: &str,
    settings: &schema::Route,
    upstreams: &Upstreams,
) -> Option<Route> {
    let built = plugin::chain(context, pointer, name, Side::Route, upstreams, &settings.plugins);
    let rules = rules(context, pointer, settings, upstreams);
    let (built, rules) = (built?, rules?);
    check_authentication(context, config, pointer, settings, &built);

    let rules_need_body =
        rules.iter().any(|rule| rule.when.as_ref().is_some_and(|when| when.names(Root::Body)));
    let reachable: BTreeSet<usize> =
        rules.iter().flat_map(|rule| rule.shares.iter().map(|(at, _)| *at)).collect();
    let mut needs = built.chain.needs();
    if rules_need_body {
        needs.request = BodyNeed::Whole;
    }
    let mut any_upstream_needs_body = false;
    for name in upstreams.names() {
        if let Some((at, Some(provider))) = upstreams.find(name)
            && reachable.contains(at)
        {
            let theirs = provider.chain.needs();
            any_upstream_needs_body |= theirs.request == BodyNeed::Whole;
            needs = Needs::max(needs, theirs);
        }
    }
    Some(Route {
        name: Arc::from(name),
        chain: built.chain,
        rules,
        rules_need_body: rules_need_body || any_upstream_needs_body,
        needs,
        request_body: settings.limits.request_body.as_usize(),
        response_body: settings.limits.response_body.as_usize(),
        body_timeout: settings.limits.body_timeout.into(),
        unauthenticated: !built.authenticates,
    })
}

/// A route whose only authentication does not count is open, which must be said.
fn check_authentication(
    context: &mut Context<'_>,
    config: &Config,
    pointer: &str,
    settings: &schema::Route,
    built: &plugin::Built,
) {
    if built.authenticates || settings.unauthenticated {
        return;
    }
    if built.shadows_authentication {
        context.error_with_hint(
            &join_pointer(pointer, "plugins"),
            "the only authentication of this route runs in shadow, so everybody may call it",
            "none of these counts",
            "remove `mode: shadow`, or say `unauthenticated: true` on the route",
        );
        return;
    }
    let certificates = config
        .listeners
        .iter()
        .filter(|(name, _)| settings.listeners.as_ref().is_none_or(|served| served.contains(name)))
        .all(|(_, listener)| {
            listener
                .tls
                .as_ref()
                .and_then(|tls| tls.client_certificates.as_ref())
                .is_some_and(|client| client.required)
        });
    if !certificates {
        context.warning(
            pointer,
            "this route does not ask callers who they are",
            "no authentication",
            "add `jwt` to its plugins, or say `unauthenticated: true` if that is meant",
        );
    }
}

fn rules(
    context: &mut Context<'_>,
    pointer: &str,
    settings: &schema::Route,
    upstreams: &Upstreams,
) -> Option<Vec<Rule>> {
    let list = join_pointer(pointer, "send_to");
    if settings.send_to.is_empty() {
        context.error(&list, "`send_to` needs at least one rule", "is empty");
        return None;
    }
    let mut rules = Vec::new();
    let mut complete = true;
    let final_rule = settings.send_to.len() - 1;
    for (at, rule) in settings.send_to.iter().enumerate() {
        let place = join_pointer(&list, &at.to_string());
        let shares = shares(context, &place, rule, upstreams);
        let when = match rule.when.as_deref().map(Expression::compile) {
            None => Some(None),
            Some(Ok(expression)) => Some(Some(expression)),
            Some(Err(error)) => {
                context.error(
                    &join_pointer(&place, "when"),
                    format!("invalid `when`: {error}"),
                    "this expression",
                );
                None
            }
        };
        if at < final_rule && rule.when.is_none() {
            context.error_with_hint(
                &place,
                "this rule always applies, so the rules after it never do",
                "has no `when`",
                "move it to the end, or give it a `when`",
            );
        }
        match (shares, when) {
            (Some(shares), Some(when)) => rules.push(Rule { when, shares }),
            _ => complete = false,
        }
    }
    complete.then_some(rules)
}

fn shares(
    context: &mut Context<'_>,
    place: &str,
    rule: &schema::SendTo,
    upstreams: &Upstreams,
) -> Option<Vec<(usize, u32)>> {
    let named: Vec<(String, &String, u32)> = match (&rule.upstream, &rule.split) {
        (Some(name), None) => vec![(join_pointer(place, "upstream"), name, 1)],
        (None, Some(split)) if split.values().any(|share| *share > 0) => split
            .iter()
            .map(|(name, share)| (join_pointer(&join_pointer(place, "split"), name), name, *share))
            .collect(),
        (None, Some(_)) => {
            context.error(
                &join_pointer(place, "split"),
                "`split` needs at least one share above 0",
                "no share",
            );
            return None;
        }
        (Some(_), Some(_)) => {
            context.error(place, "a rule names `upstream` or `split`, not both", "names both");
            return None;
        }
        (None, None) => {
            context.error(place, "a rule names an `upstream` or a `split`", "names neither");
            return None;
        }
    };
    let mut shares = Vec::new();
    let mut complete = true;
    for (pointer, name, share) in named {
        if let Some((at, _)) = upstreams.find(name) {
            shares.push((*at, share));
        } else {
            complete = false;
            if context.faults.is_broken(&join_pointer("/upstreams", name)) {
                continue;
            }
            let message = format!("unknown upstream `{name}`");
            let hint = Context::suggest(name, upstreams.names());
            if rule.split.is_some() {
                context.error_at_key(&pointer, message, "not configured", hint);
            } else {
                context.error_hinted(&pointer, message, "not configured", hint);
            }
        }
    }
    complete.then_some(shares)
}
