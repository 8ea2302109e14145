//! Properties of the path normaliser, over inputs made of what confuses servers.

use proptest::prelude::*;

use crate::routing::{Found, Input, PathPattern, RouteId, RouteMatch, Table, Target};

/// One percent-decoding; what is no encoding stands for itself.
fn decoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let digits = text.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        let value = digits
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match value {
            Some(value) if text[at] == b'%' => {
                out.push(value);
                at += 3;
            }
            _ => {
                out.push(text[at]);
                at += 1;
            }
        }
    }
    out
}

/// Every spelling of a byte as a percent-encoding, and the byte itself.
fn spelling(byte: u8, choice: u8) -> Vec<u8> {
    let raw_allowed = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@/".contains(&byte);
    match choice % 3 {
        _ if byte == b'/' => vec![byte],
        0 if raw_allowed => vec![byte],
        1 => format!("%{byte:02x}").into_bytes(),
        _ => format!("%{byte:02X}").into_bytes(),
    }
}

fn respelled(path: &[u8], choices: &[u8]) -> Vec<u8> {
    let choices = choices.iter().copied().chain(std::iter::repeat(0));
    path.iter().zip(choices).flat_map(|(byte, choice)| spelling(*byte, choice)).collect()
}

fn confusing_path() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        4 => proptest::sample::select(vec![
            "/", ".", "..", "%2e", "%2E", "%2f", "%5c", "\\", "%25", "%", "25", "2e", "2", "e", "f",
            "%32", "%65", "%46", ";", "%3b", "%00", "%c3%a9", "%C0%AE", "%3a", ":", "%20", " ", "é",
            "#", "~", "%7e", "*", "%2a", "http:", "%252f", "%252e",
        ]).prop_map(|token| token.as_bytes().to_vec()),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
        1 => any::<u8>().prop_map(|byte| format!("%{byte:02x}").into_bytes()),
    ];
    proptest::collection::vec(token, 0..10).prop_map(|tokens| {
        let mut path = b"/".to_vec();
        path.extend(tokens.concat());
        path
    })
}

/// A path that is accepted in some spelling: its segments, decoded.
fn plain_path() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec("[a-z.:@+é{} ]{1,4}", 1..4)
        .prop_map(|segments| format!("/{}", segments.join("/")).into_bytes())
        .prop_filter("no dot segments", |path| Target::parse(respelled(path, &[])).is_ok())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn parsing_twice_changes_nothing(mut raw in confusing_path(), query in "(\\?[!-~]{0,8})?") {
        raw.extend(query.as_bytes());
        if let Ok(target) = Target::parse(&raw) {
            let again = Target::parse(target.path_and_query());
            prop_assert_eq!(again.as_ref(), Ok(&target), "canonical text is canonical");
        }
    }

    #[test]
    fn an_accepted_path_has_no_segment_that_moves_however_often_it_is_decoded(raw in confusing_path()) {
        let path = raw.split(|byte| *byte == b'?').next().unwrap();
        if let Ok(target) = Target::parse(path) {
            let slashes = |text: &[u8]| text.split(|byte| *byte == b'/').count();
            let mut text = target.path().as_bytes().to_vec();
            let expected = slashes(path);
            for _ in 0..4 {
                let segments: Vec<_> = text.split(|byte| *byte == b'/').skip(1).collect();
                let (last, before) = segments.split_last().unwrap();
                prop_assert!(before.iter().all(|segment| !segment.is_empty()), "empty segment");
                let dots = |segment: &&[u8]| *segment == b"." || *segment == b"..";
                prop_assert!(!before.iter().any(dots) && !dots(last), "dot segment");
                prop_assert_eq!(slashes(&text), expected, "a slash appeared");
                let harmless = |byte: &u8| !byte.is_ascii_control() && !b"\\;".contains(byte);
                prop_assert!(text.iter().all(harmless), "a dangerous byte appeared");
                text = decoded(&text);
            }
        }
    }

    #[test]
    fn canonicalisation_changes_the_spelling_and_never_the_meaning(raw in confusing_path()) {
        if !raw.contains(&b'?') && let Ok(target) = Target::parse(&raw) {
            prop_assert_eq!(decoded(target.path().as_bytes()), decoded(&raw), "forwarded");
            prop_assert_eq!(decoded(target.match_path().as_bytes()), decoded(&raw), "matched");
        }
    }

    #[test]
    fn all_spellings_of_a_path_match_alike(
        path in plain_path(),
        one in proptest::collection::vec(any::<u8>(), 24),
        other in proptest::collection::vec(any::<u8>(), 24),
    ) {
        let one = Target::parse(respelled(&path, &one));
        let other = Target::parse(respelled(&path, &other));
        let (Ok(one), Ok(other)) = (one, other) else {
            return Err(TestCaseError::fail("every spelling of an accepted path is accepted"));
        };
        prop_assert_eq!(one.match_path(), other.match_path(), "one matching form");
        let route = RouteMatch::new(PathPattern::exact(one.path()).or_else(|_| PathPattern::parse("/*"))?);
        let general = RouteMatch::new(PathPattern::template("/{*rest}")?);
        let table = Table::build(vec![(RouteId(0), route), (RouteId(1), general)]).unwrap();
        prop_assert_eq!(find(&table, &one), find(&table, &other), "one route");
    }

    #[test]
    fn different_paths_have_different_matching_forms(one in confusing_path(), other in confusing_path()) {
        let (Ok(one), Ok(other)) = (Target::parse(one), Target::parse(other)) else { return Ok(()) };
        let same = decoded(one.path().as_bytes()) == decoded(other.path().as_bytes());
        prop_assert_eq!(one.match_path() == other.match_path(), same, "equal only when equal decoded");
    }
}

fn find(table: &Table, target: &Target) -> Found {
    table.find(&Input {
        listener: "public",
        host: &crate::routing::Host::parse("pay.example").unwrap(),
        target,
        method: &http::Method::GET,
        headers: &http::HeaderMap::new(),
    })
}
