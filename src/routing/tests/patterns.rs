//! Path patterns as configuration writes them.

use crate::routing::{PathPattern, PatternError, TargetError};

#[test]
fn a_pattern_is_shown_in_matching_form() {
    for (text, shown) in [
        ("/", "/"),
        ("/pay", "/pay"),
        ("/pay/", "/pay/"),
        ("/%70ay/a%3ab", "/pay/a:b"),
        ("/v1/*", "/v1/*"),
        ("/*", "/*"),
        ("/v1/{id}", "/v1/{id}"),
        ("/v1/{id}/", "/v1/{id}/"),
        ("/v1/{id}/files/{*rest}", "/v1/{id}/files/{*rest}"),
        ("/{*all}", "/{*all}"),
    ] {
        assert_eq!(PathPattern::parse(text).unwrap().to_string(), shown, "reading {text}");
    }
    assert_eq!(PathPattern::prefix("/v1/").unwrap().to_string(), "/v1/*", "one slash at the end");
    assert_eq!(PathPattern::prefix("/").unwrap().to_string(), "/*", "the prefix of all");
}

#[test]
fn a_pattern_that_cannot_mean_what_it_says_is_refused() {
    use PatternError as E;
    for (text, error) in [
        ("", E::NotAbsolute),
        ("pay", E::NotAbsolute),
        ("{id}", E::NotAbsolute),
        ("/a/../b", E::Target(TargetError::DotSegment)),
        ("/a/%2e/{id}", E::Target(TargetError::DotSegment)),
        ("/a//b", E::Target(TargetError::EmptySegment)),
        ("//{id}", E::Target(TargetError::EmptySegment)),
        ("/a%2Fb", E::Target(TargetError::EncodedSlash)),
        ("/a;b", E::Target(TargetError::PathParameter)),
        ("/a#b", E::Target(TargetError::Fragment)),
        ("/é", E::Target(TargetError::InvalidCharacter)),
        ("/a?b=c", E::Query),
        ("/{id}?b=c", E::PartialSegment),
        ("/a*", E::Star),
        ("/a/*/b", E::Star),
        ("/{id}/*", E::Star),
        ("/{id}.pdf", E::PartialSegment),
        ("/x{id}", E::PartialSegment),
        ("/{id", E::PartialSegment),
        ("/{a}{b}", E::InvalidName),
        ("/{}", E::InvalidName),
        ("/{*}", E::InvalidName),
        ("/{1a}", E::InvalidName),
        ("/{a-b}", E::InvalidName),
        ("/{*rest}/a", E::RestNotLast),
        ("/{a}/{a}", E::DuplicateName),
        ("/{a}/{*a}", E::DuplicateName),
    ] {
        assert_eq!(PathPattern::parse(text).unwrap_err(), error, "{text:?} must be refused");
    }
}

#[test]
fn a_pattern_is_bounded() {
    let names: Vec<_> = (0..=PathPattern::MAX_NAMES).map(|at| format!("/{{n{at}}}")).collect();
    let names = names.concat();
    assert_eq!(PathPattern::parse(&names), Err(PatternError::TooManyNames), "names");
    for text in
        ["/a".repeat(65), format!("{}/*", "/a".repeat(65)), format!("/{{a}}{}", "/a".repeat(64))]
    {
        assert_eq!(PathPattern::parse(&text), Err(PatternError::TooManySegments), "{text}");
    }
    assert!(PathPattern::parse(&"/a".repeat(64)).is_ok(), "the most segments are accepted");
}
