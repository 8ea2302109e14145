//! Where a plugin may stand, and whether it may stand there in shadow.

use tollgate::{config::Style, pipeline::DEFINITIONS};
use tollgate_api::Side;

use super::bench::{Bench, everywhere, sides};

#[test]
fn every_example_loads_wherever_its_plugin_may_stand() {
    for bench in everywhere() {
        let (snapshot, report) = bench
            .compile(bench.example())
            .unwrap_or_else(|report| panic!("{} does not load:\n{report}", bench.name()));
        assert!(report.findings.is_empty(), "{}: {report}", bench.name());
        let chain = match bench.side {
            Side::Route => &snapshot.routes[0].chain,
            Side::Upstream => &snapshot.upstreams[0].chain,
        };
        let kinds: Vec<&str> = chain.entries().map(|entry| entry.kind).collect();
        assert_eq!(kinds, [bench.definition.kind], "the example is one of its own kind");
    }
}

#[test]
fn kinds_are_words_of_their_own() {
    let mut kinds: Vec<&str> = DEFINITIONS.iter().map(|definition| definition.kind).collect();
    for kind in &kinds {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        assert!(kind.bytes().all(plain), "`{kind}` is written in snake case");
        assert!(!["name", "mode"].contains(kind), "`{kind}` is a key of every entry");
    }
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds.len(), DEFINITIONS.len(), "no two plugins have one name");
}

#[test]
fn a_plugin_that_stands_on_the_wrong_side_is_refused_and_told_where_it_belongs() {
    for definition in DEFINITIONS {
        for side in [Side::Route, Side::Upstream] {
            let allowed: Vec<Side> = sides(definition).collect();
            let Some(other) = allowed.iter().find(|_| !allowed.contains(&side)) else { continue };
            let mut bench = Bench::new(definition, *other);
            bench.side = side;
            let Err(report) = bench.compile(definition.example_on(*other)) else {
                panic!("{} was accepted", bench.name());
            };
            let shown = report.render(Style::Plain);
            let belongs = match other {
                Side::Route => "of a route",
                Side::Upstream => "of an upstream",
            };
            assert_eq!(report.findings.errors(), 1, "{}: {shown}", bench.name());
            assert!(shown.contains(belongs), "{} says where it belongs: {shown}", bench.name());
            assert!(shown.contains("hint: "), "{} has a hint: {shown}", bench.name());
        }
    }
}

#[test]
fn only_plugins_that_check_callers_may_run_in_shadow() {
    for bench in everywhere() {
        let entry = format!("{}\nmode: shadow\n", bench.example().trim_end());
        let may = bench.side == Side::Route && bench.definition.role.may_be_shadowed();
        match bench.compile(&entry) {
            Ok(_) => assert!(may, "{} must not run in shadow", bench.name()),
            Err(report) => {
                let shown = report.render(Style::Plain);
                assert!(!may, "{} may run in shadow: {shown}", bench.name());
                assert!(shown.contains("mode: shadow"), "the line is shown: {shown}");
                assert!(shown.contains("hint: "), "{} says why: {shown}", bench.name());
            }
        }
    }
}
