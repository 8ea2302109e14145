//! Very many routes cost a request no more than ten do.

use std::ops::ControlFlow;

use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::routing::{
    Found, HeaderMatch, Host, HostPattern, Input, PathPattern, RouteId, RouteMatch, Table, Target,
    ValueMatch,
};

const MANY: usize = 20_000;

fn numbered(route: impl Fn(usize) -> RouteMatch) -> Vec<(RouteId, RouteMatch)> {
    (0..MANY).map(|at| (RouteId(at), route(at))).collect()
}

fn find(table: &Table, host: &str, target: &str, headers: &HeaderMap) -> Found {
    table.find(&Input {
        listener: "public",
        host: &Host::parse(host).unwrap(),
        target: &Target::parse(target).unwrap(),
        method: &Method::GET,
        headers,
    })
}

fn chosen(found: &Found) -> Option<usize> {
    match found {
        Found::Route { route, .. } => Some(route.0),
        _ => None,
    }
}

#[test]
fn very_many_hosts_and_paths_are_each_found() {
    let table = Table::build(numbered(|at| {
        let path = match at % 3 {
            0 => format!("/v{at}/pay"),
            1 => format!("/v{at}/{{id}}/refunds"),
            _ => format!("/v{at}/*"),
        };
        let mut route = RouteMatch::new(PathPattern::parse(&path).unwrap());
        if at % 2 == 0 {
            route.hosts = vec![HostPattern::parse(&format!("h{at}.pay.example")).unwrap()];
        }
        route
    }))
    .unwrap();
    for at in (0..MANY).step_by(997) {
        let path = match at % 3 {
            0 => format!("/v{at}/pay"),
            1 => format!("/v{at}/7/refunds"),
            _ => format!("/v{at}/a/b"),
        };
        let found = find(&table, &format!("h{at}.pay.example"), &path, &HeaderMap::new());
        assert_eq!(chosen(&found), Some(at), "route {at}");
    }
}

#[test]
fn a_request_looks_at_as_many_patterns_among_many_routes_as_among_few() {
    let looked_at = |count: usize| {
        let routes = numbered(|at| {
            let path = match at {
                0 => "/a/*".to_owned(),
                1 => "/{x}/v7/{y}".to_owned(),
                _ => format!("/a/v{at}/{{id}}"),
            };
            RouteMatch::new(PathPattern::parse(&path).unwrap())
        });
        let table = Table::build(routes.into_iter().take(count).collect()).unwrap();
        let host = Host::parse("pay.example").unwrap();
        let mut leaves = 0;
        for paths in table.levels(&host) {
            let visited = paths.visit("/a/v7/1", &mut |leaf, _| {
                leaves += leaf.rules().len();
                ControlFlow::<()>::Continue(())
            });
            assert_eq!(visited, ControlFlow::Continue(()), "the visitor never breaks");
        }
        leaves
    };
    assert_eq!(looked_at(10), 3, "the three that overlap here");
    assert_eq!(looked_at(MANY), 3, "and no more");
}

#[test]
fn many_tenants_on_one_path_are_told_apart_by_header_without_comparing_each_with_each() {
    let tenant = HeaderName::from_static("x-tenant");
    let table = Table::build(numbered(|at| {
        let mut route = RouteMatch::new(PathPattern::exact("/pay").unwrap());
        let value = ValueMatch::Exact(HeaderValue::from_str(&format!("t{at}")).unwrap());
        route.headers.push(HeaderMatch { name: tenant.clone(), value });
        route
    }))
    .unwrap();
    let headers = HeaderMap::from_iter([(tenant, HeaderValue::from_static("t19999"))]);
    assert_eq!(chosen(&find(&table, "h", "/pay", &headers)), Some(19_999), "the last tenant");
}
