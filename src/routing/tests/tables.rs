//! Specificity, fall-through, refusals and conflicts.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::routing::{
    Ambiguity, Authority, Conflict, Found, HeaderMatch, HostPattern, Input, PathPattern,
    QueryMatch, RouteId, RouteMatch, Table, Target, ValueMatch,
};

/// A route from `[METHOD,METHOD ]host/path[?query][ header...][ @listener...]`; the host may be
/// empty, a condition is `name` or `name=value`.
fn route(text: &str) -> RouteMatch {
    let mut words = text.split(' ').peekable();
    let methods = words.next_if(|word| !word.contains('/'));
    let location = words.next().unwrap();
    let (host, rest) = location.split_at(location.find('/').unwrap());
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut route = RouteMatch::new(PathPattern::parse(path).unwrap());
    if !host.is_empty() {
        route.hosts = host.split(',').map(|host| HostPattern::parse(host).unwrap()).collect();
    }
    for method in methods.into_iter().flat_map(|methods| methods.split(',')) {
        route.methods.push(Method::from_bytes(method.as_bytes()).unwrap());
    }
    for condition in query.split('&').filter(|condition| !condition.is_empty()) {
        let value = condition.split_once('=').map(|(_, value)| Arc::from(value));
        route.query.push(QueryMatch {
            name: condition.split('=').next().unwrap().into(),
            value: value.map_or(ValueMatch::Present, ValueMatch::Exact),
        });
    }
    for word in words {
        if let Some(listener) = word.strip_prefix('@') {
            route.listeners.push(listener.into());
            continue;
        }
        let (name, value) = word.split_once('=').map_or((word, None), |(a, b)| (a, Some(b)));
        let value = value.map(|value| HeaderValue::from_str(value).unwrap());
        route.headers.push(HeaderMatch {
            name: HeaderName::from_bytes(name.as_bytes()).unwrap(),
            value: value.map_or(ValueMatch::Present, ValueMatch::Exact),
        });
    }
    route
}

fn build(routes: &[&str]) -> Result<Table, Vec<Conflict>> {
    let numbered = routes.iter().enumerate().map(|(at, text)| (RouteId(at), route(text)));
    Table::build(numbered.collect())
}

fn table(routes: &[&str]) -> Table {
    build(routes).unwrap()
}

/// Asks with `METHOD host/path[?query][ header=value...][ @listener]`.
fn find(table: &Table, request: &str) -> Found {
    let mut words = request.split(' ');
    let method = Method::from_bytes(words.next().unwrap().as_bytes()).unwrap();
    let location = words.next().unwrap();
    let (host, target) = location.split_at(location.find('/').unwrap());
    let mut headers = HeaderMap::new();
    let mut listener = "public";
    for word in words {
        if let Some(name) = word.strip_prefix('@') {
            listener = name;
            continue;
        }
        let (name, value) = word.split_once('=').unwrap();
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    table.find(&Input {
        listener,
        host: &Authority::parse(host).unwrap().host,
        target: &Target::parse(target).unwrap(),
        method: &method,
        headers: &headers,
    })
}

fn chosen(table: &Table, request: &str) -> Option<usize> {
    match find(table, request) {
        Found::Route { route, .. } => Some(route.0),
        _ => None,
    }
}

/// The pairs in conflict.
fn pairs(routes: &[&str]) -> Vec<(usize, usize)> {
    let conflicts = build(routes).err().unwrap_or_default();
    conflicts.iter().map(|conflict| (conflict.routes.0.0, conflict.routes.1.0)).collect()
}

#[test]
fn each_kind_of_path_matches_what_it_says() {
    for (pattern, path, expected) in [
        ("/pay", "/pay", true),
        ("/pay", "/pay/", false),
        ("/pay", "/Pay", false),
        ("/pay", "/%70ay", true),
        ("/a:b", "/a%3ab", true),
        ("/a%3ab", "/a:b", true),
        ("/v1/*", "/v1", true),
        ("/v1/*", "/v1/", true),
        ("/v1/*", "/v1/a/b", true),
        ("/v1/*", "/v10", false),
        ("/v1/*", "/", false),
        ("/*", "/", true),
        ("/*", "/a/b", true),
        ("/p/{id}", "/p/1", true),
        ("/p/{id}", "/p/", false),
        ("/p/{id}", "/p", false),
        ("/p/{id}", "/p/1/", false),
        ("/p/{id}", "/p/1/2", false),
        ("/p/{id}/", "/p/1/", true),
        ("/p/{id}/x", "/p/1/x", true),
        ("/p/{id}/x", "/p/1/y", false),
        ("/p/{*rest}", "/p/1", true),
        ("/p/{*rest}", "/p/1/2/", true),
        ("/p/{*rest}", "/p/", false),
        ("/p/{*rest}", "/p", false),
        ("/{*rest}", "/", false),
        ("/{*rest}", "/a", true),
    ] {
        let found = chosen(&table(&[pattern]), &format!("GET pay.example{path}"));
        assert_eq!(found.is_some(), expected, "pattern {pattern}, path {path}");
    }
}

#[test]
fn the_most_specific_route_wins_whatever_the_order_of_the_configuration() {
    // Each list from the most specific to the least; the request matches all of them.
    for (request, ordered) in [
        (
            "GET a.pay.example/v1/p",
            &["a.pay.example/*", "*.pay.example/v1/p", "*.example/v1/p", "/v1/p"][..],
        ),
        (
            "GET h/v1/pay/7",
            &[
                "/v1/pay/7",
                "/v1/pay/{id}",
                "/v1/{x}/7",
                "/{x}/pay/7",
                "/v1/pay/{*rest}",
                "/v1/pay/*",
                "/v1/{*rest}",
                "/v1/*",
                "/{x}/pay/{*rest}",
                "/{x}/{*rest}",
                "/{*rest}",
                "/*",
            ],
        ),
        (
            "POST h/p?q=1 a=1 b=2",
            &[
                "POST /p a=1 b=2",
                "POST /p a=1",
                "POST /p a",
                "POST /p?q=1",
                "POST /p?q",
                "POST /p",
                "/p a=1 b",
                "/p a=1",
                "/p a",
                "/p?q=1",
                "/p?q",
                "/p",
            ],
        ),
        ("GET a.b/p x=", &["a.b/*", "*.b/p x", "*.b/p"]),
    ] {
        for from in 0..ordered.len() {
            let mut routes = ordered[from..].to_vec();
            assert_eq!(chosen(&table(&routes), request), Some(0), "{request} among {routes:?}");
            routes.reverse();
            let last = routes.len() - 1;
            assert_eq!(chosen(&table(&routes), request), Some(last), "{request} among {routes:?}");
        }
    }
}

#[test]
fn a_host_without_the_path_falls_through_to_the_next_host() {
    let table = table(&["pay.example/a", "*.example/b", "/c", "/a"]);
    for (path, expected) in [("/a", Some(0)), ("/b", Some(1)), ("/c", Some(2)), ("/d", None)] {
        assert_eq!(chosen(&table, &format!("GET pay.example{path}")), expected, "path {path}");
    }
    assert_eq!(chosen(&table, "GET other.test/a"), Some(3), "another host has the general route");
}

#[test]
fn a_method_or_condition_that_fails_falls_through_to_the_less_specific_route() {
    let table = table(&["POST h/p", "/p x=1", "/{any}", "/*"]);
    assert_eq!(chosen(&table, "POST h/p"), Some(0), "the named method");
    assert_eq!(chosen(&table, "GET h/p x=1"), Some(1), "another method, with the header");
    assert_eq!(chosen(&table, "GET h/p x=2"), Some(2), "without it, the template");
    assert_eq!(chosen(&table, "GET h/p/q"), Some(3), "deeper, the prefix");
}

#[test]
fn only_methods_apart_is_405_with_every_method_that_would_do() {
    let table = table(&[
        "POST,PUT h/p",
        "DELETE /p",
        "PATCH /*",
        "GET /q",
        "POST /p x=1",
        "LOCK /p @other",
    ]);
    let methods =
        ["DELETE", "PATCH", "POST", "PUT"].map(|name| Method::from_bytes(name.as_bytes()).unwrap());
    assert_eq!(
        find(&table, "GET h/p"),
        Found::MethodNotAllowed { allow: methods.to_vec() },
        "sorted, each once, from every host level; not from other listeners or unmet conditions"
    );
    assert_eq!(chosen(&table, "DELETE h/p"), Some(1), "a lower level that allows it is taken");
    assert_eq!(
        find(&table, "HEAD h/q"),
        Found::MethodNotAllowed { allow: vec![Method::GET, Method::PATCH] },
        "HEAD is not implied"
    );
}

#[test]
fn nothing_that_matches_is_404() {
    let table = table(&["h/p", "g/q"]);
    for request in ["GET h/q", "GET x/p", "GET h/"] {
        assert_eq!(find(&table, request), Found::NotFound, "{request}");
    }
    assert_eq!(find(&Table::default(), "GET h/p"), Found::NotFound, "an empty table");
}

#[test]
fn a_route_is_reached_through_its_listeners_only() {
    let table = table(&["/p @public", "/p @partners @internal", "/q"]);
    for (listener, expected) in
        [("public", Some(0)), ("partners", Some(1)), ("internal", Some(1)), ("unknown", None)]
    {
        assert_eq!(chosen(&table, &format!("GET h/p @{listener}")), expected, "on {listener}");
        assert_eq!(chosen(&table, &format!("GET h/q @{listener}")), Some(2), "on {listener}");
    }
}

#[test]
fn the_names_of_a_template_take_their_segments() {
    let table = table(&["/v1/{user}/pay/{id}", "POST /v1/{who}/pay/{what}", "/f/{dir}/{*rest}"]);
    let params = |request: &str| match find(&table, request) {
        Found::Route { params, .. } => {
            params.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
        }
        other => panic!("{request}: {other:?}"),
    };
    assert_eq!(params("GET h/v1/%61nn/pay/a%20b"), ["user=ann", "id=a%20b"], "in canonical form");
    assert_eq!(params("POST h/v1/a%40b/pay/7"), ["who=a@b", "what=7"], "each route has its names");
    assert_eq!(params("GET h/f/x/y/z/"), ["dir=x", "rest=y/z/"], "the rest keeps its slashes");
}

#[test]
fn a_value_taken_on_the_way_to_a_dead_end_is_dropped() {
    let table = table(&["/{a}/x/{b}/end", "/{c}/{d}/y/stop"]);
    let Found::Route { route, params } = find(&table, "GET h/1/x/y/stop") else {
        panic!("the second route matches");
    };
    assert_eq!(route, RouteId(1), "the first is a dead end");
    assert_eq!(params.value("c"), Some("1"), "first value");
    assert_eq!(params.value("d"), Some("x"), "second value");
    assert_eq!(params.value("a"), None, "nothing of the dead end");
}

#[test]
fn queries_are_decoded_once_as_forms_are() {
    let table = table(&["/p?type=a%20b", "/p?tag", "/c?caf\u{e9}"]);
    let spaced = {
        let mut spaced = route("/s");
        spaced
            .query
            .push(QueryMatch { name: "ty pe".into(), value: ValueMatch::Exact("a b".into()) });
        Table::build(vec![(RouteId(0), spaced)]).unwrap()
    };
    for request in ["GET h/s?ty+pe=a+b", "GET h/s?ty%20pe=a%20b", "GET h/s?x&%74y+pe=%61+b&y"] {
        assert_eq!(chosen(&spaced, request), Some(0), "{request}");
    }
    for request in ["GET h/s?ty%2Bpe=a+b", "GET h/s?ty+pe=a%2520b", "GET h/s?ty+pe=a+b;", "GET h/s"]
    {
        assert_eq!(chosen(&spaced, request), None, "{request}");
    }
    assert_eq!(chosen(&table, "GET h/p?type=a%2520b"), Some(0), "the condition's text is decoded");
    assert_eq!(chosen(&table, "GET h/p?tag"), Some(1), "present without a value");
    assert_eq!(chosen(&table, "GET h/p?tag="), Some(1), "present and empty");
    assert_eq!(chosen(&table, "GET h/c?caf%C3%A9=1"), Some(2), "UTF-8");
    assert_eq!(chosen(&table, "GET h/p?type=a%zz"), None, "an invalid encoding is itself");
}

#[test]
fn a_repeated_parameter_that_decides_is_ambiguous() {
    let table = table(&["/p?tenant=a", "/p?tenant=b", "/*"]);
    assert_eq!(chosen(&table, "GET h/p?%74enant=%62"), Some(1), "decoded where one value decides");
    assert_eq!(chosen(&table, "GET h/p?tenant=c"), Some(2), "another value decides nothing");
    let ambiguous = Found::Ambiguous(Ambiguity::Query("tenant".into()));
    for query in ["tenant=a&tenant=b", "tenant=a&tenant=a", "tenant=c&%74enant=d", "tenant&tenant"]
    {
        assert_eq!(find(&table, &format!("GET h/p?{query}")), ambiguous, "{query}");
    }
    assert_eq!(chosen(&table, "GET h/p?x=1&x=2&tenant=a"), Some(0), "others may repeat");
    assert_eq!(
        chosen(&table, "GET h/q?tenant=a&tenant=b"),
        Some(2),
        "where nothing asks, nothing is decided"
    );
}

#[test]
fn a_repeated_header_that_decides_is_ambiguous() {
    let table = table(&["/p tenant=vip", "POST /m tenant=vip", "/e tenant", "/*"]);
    let ambiguous = Found::Ambiguous(Ambiguity::Header(HeaderName::from_static("tenant")));
    assert_eq!(find(&table, "GET h/p tenant=x tenant=vip"), ambiguous, "whatever the order");
    assert_eq!(find(&table, "GET h/p tenant=vip tenant=vip"), ambiguous, "even the same twice");
    assert_eq!(chosen(&table, "GET h/e tenant=a tenant=b"), Some(2), "present is present");
    assert_eq!(
        chosen(&table, "GET h/m tenant=a tenant=b"),
        Some(3),
        "the method rules it out anyway"
    );
    assert_eq!(chosen(&table, "GET h/p tenant=VIP"), Some(3), "values are compared by byte");
}

#[test]
fn routes_that_match_equally_well_are_all_reported() {
    assert_eq!(
        pairs(&["/a", "h/b", "/a", "/{x}/b", "h/b x=1", "/{y}/b", "/v/*", "/v/*", "/a"]),
        [(0, 2), (0, 8), (2, 8), (3, 5), (6, 7)],
        "every pair, sorted"
    );
    assert_eq!(pairs(&["/%61", "/a"]), [(0, 1)], "two spellings of a path");
    assert_eq!(pairs(&["H.example/a", "h.example./a"]), [(0, 1)], "two spellings of a host");
    assert_eq!(pairs(&["a,b/p", "b,c/p", "c,a/p"]), [(0, 1), (0, 2), (1, 2)], "one shared host");
    assert_eq!(pairs(&["a,b/p", "a,b/p"]), [(0, 1)], "two shared hosts are one mistake");
    assert_eq!(pairs(&["GET,POST /p", "POST,PUT /p"]), [(0, 1)], "one shared method");
    assert_eq!(pairs(&["/p x=1", "/p y=1"]), [(0, 1)], "a request may have both headers");
    assert_eq!(pairs(&["/p x=1 y=1", "/p y=1 z=1"]), [(0, 1)], "agreeing on the shared one");
    assert_eq!(pairs(&["/p?a=1", "/p?b"]), [], "a value is more specific than a presence");
    assert_eq!(pairs(&["/p?a", "/p?b"]), [(0, 1)], "a request may have both parameters");
    assert_eq!(pairs(&["/p @a", "/p"]), [(0, 1)], "the listener adds no specificity");
    assert_eq!(pairs(&["/p @a @b", "/p @b @c"]), [(0, 1)], "one shared listener");
}

#[test]
fn routes_that_no_request_can_match_together_do_not_conflict() {
    for routes in [
        &["GET /p", "POST /p", "/p"][..],
        &["/p @a", "/p @b"],
        &["/p x=1", "/p x=2", "/p x"],
        &["/p x=1 y=1", "/p x=2 z=1"],
        &["/p?a=1", "/p?a=2", "/p?a"],
        &["/p x=1", "/p?a=1"],
        &["a/p", "b/p", "*.b/p", "/p"],
        &["/a/{x}", "/{x}/a", "/a/*", "/a/{*r}"],
        &["h,h/p"],
        &["/p", "/p/"],
    ] {
        assert_eq!(pairs(routes), [], "{routes:?}");
    }
}

#[test]
fn a_name_with_two_conditions_in_one_route_is_reported() {
    assert_eq!(pairs(&["/p x=1 X=2"]), [(0, 0)], "header names have no case");
    assert_eq!(pairs(&["/p?a=1&a=1&b=1&b"]), [(0, 0), (0, 0)], "each name");
}

#[test]
fn a_conflict_names_a_request_that_both_would_match() {
    let conflicts =
        build(&["GET,PUT *.pay.example/v1/{id}", "PUT *.pay.example/v1/{x}"]).unwrap_err();
    let [conflict] = &conflicts[..] else { panic!("one conflict: {conflicts:?}") };
    assert_eq!(
        conflict.to_string(),
        "one request could match both equally well: host `*.pay.example`, path `/v1/{id}`, PUT",
        "host, path and method"
    );
}

#[test]
fn a_report_of_many_copies_is_bounded_and_the_same_every_time() {
    let copies = vec!["/p"; 2_000];
    let first = build(&copies).unwrap_err();
    assert_eq!(first.len(), 1_000, "enough to see the mistake");
    assert_eq!(build(&copies).unwrap_err(), first, "deterministic");
}
