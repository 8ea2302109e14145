//! The one spelling of a request target.

use crate::routing::{Target, TargetError};

#[test]
fn a_canonical_target_is_kept_byte_for_byte() {
    for text in [
        "/",
        "/pay",
        "/pay/",
        "/v1/pay.ments/a-b_c~d",
        "/a:b@c/!$&'()*+,=",
        "/%20/%C3%A9/100%25",
        "/a?",
        "/a?x=1&y=%2e%2e/;[]\\|\"",
        "/...",
        "/.a/..b/c.",
    ] {
        let target = Target::parse(text).unwrap();
        assert_eq!(target.path_and_query(), text, "nothing to canonicalise in {text}");
    }
}

#[test]
fn encoded_unreserved_characters_are_decoded_and_hex_digits_upper_cased() {
    for (sent, path) in [
        ("/%70ay", "/pay"),
        ("/%70%61%79%2d%5f%7E", "/pay-_~"),
        ("/a%20b%c3%a9", "/a%20b%C3%A9"),
        ("/a%2eb", "/a.b"),
        ("/%3a%40", "/%3A%40"),
        ("/100%25", "/100%25"),
        ("/%25%25", "/%25%25"),
        ("/%25g0", "/%25g0"),
    ] {
        assert_eq!(Target::parse(sent).unwrap().path(), path, "canonical form of {sent}");
    }
}

#[test]
fn the_query_is_split_at_the_first_question_mark_and_kept_as_sent() {
    let target = Target::parse("/%70?a=%70?&b=%").unwrap();
    assert_eq!(target.path(), "/p", "the path ends at the question mark");
    assert_eq!(target.query(), Some("a=%70?&b=%"), "the query is not rewritten");
    assert_eq!(target.path_and_query(), "/p?a=%70?&b=%", "both are forwarded");
    assert_eq!(Target::parse("/p").unwrap().query(), None, "no question mark, no query");
    assert_eq!(Target::parse("/p?").unwrap().query(), Some(""), "an empty query stays");
}

#[test]
fn characters_that_may_stand_either_way_match_alike_and_are_forwarded_as_sent() {
    let encoded = Target::parse("/a%3Ab%40%2B/%20").unwrap();
    assert_eq!(encoded.path(), "/a%3Ab%40%2B/%20", "the caller's spelling is forwarded");
    assert_eq!(encoded.match_path(), "/a:b@+/%20", "both spellings meet the same routes");
    let raw = Target::parse("/a:b@+/%20").unwrap();
    assert_eq!(raw.match_path(), encoded.match_path(), "the raw spelling matches alike");
}

#[test]
fn what_servers_read_differently_is_refused_with_its_reason() {
    use TargetError as E;
    for (sent, error) in [
        ("", E::NotOriginForm),
        ("pay", E::NotOriginForm),
        ("?a", E::NotOriginForm),
        ("http://pay.example/a", E::NotOriginForm),
        ("pay.example:443", E::NotOriginForm),
        ("*", E::AsteriskForm),
        ("*/", E::NotOriginForm),
        ("/a#b", E::Fragment),
        ("/a?b#c", E::Fragment),
        ("/a b", E::InvalidCharacter),
        ("/a?b c", E::InvalidCharacter),
        ("/é", E::InvalidCharacter),
        ("/a?é", E::InvalidCharacter),
        ("/{a}", E::InvalidCharacter),
        ("/a|b", E::InvalidCharacter),
        ("/a\"b", E::InvalidCharacter),
        ("/[a]", E::InvalidCharacter),
        ("/%", E::InvalidEncoding),
        ("/%4", E::InvalidEncoding),
        ("/%4g", E::InvalidEncoding),
        ("/%u002e", E::InvalidEncoding),
        ("/%+1", E::InvalidEncoding),
        ("/%C0%AF", E::InvalidUtf8),
        ("/%C0%AE%C0%AE/", E::InvalidUtf8),
        ("/%E2%82", E::InvalidUtf8),
        ("/%E2%82a%AC", E::InvalidUtf8),
        ("/%FF", E::InvalidUtf8),
        ("/%C2%85", E::Control),
        ("/a\0b", E::Control),
        ("/a%00b", E::Control),
        ("/a\rb", E::Control),
        ("/a%0d%0aSet-Cookie:x", E::Control),
        ("/a\x7f", E::Control),
        ("/a%7F", E::Control),
        ("/a?b\tc", E::Control),
        ("/.", E::DotSegment),
        ("/..", E::DotSegment),
        ("/a/../b", E::DotSegment),
        ("/a/./b", E::DotSegment),
        ("/a/%2e%2E/b", E::DotSegment),
        ("/a/.%2e", E::DotSegment),
        ("/%2e/b", E::DotSegment),
        ("//", E::EmptySegment),
        ("//a", E::EmptySegment),
        ("/a//b", E::EmptySegment),
        ("/a//", E::EmptySegment),
        ("/a%2Fb", E::EncodedSlash),
        ("/a%2f..%2fb", E::EncodedSlash),
        ("/a\\b", E::Backslash),
        ("/a%5cb", E::Backslash),
        ("/a;b=c", E::PathParameter),
        ("/..;/a", E::PathParameter),
        ("/a%3Bb", E::PathParameter),
        ("/%252e%252e/a", E::DoubleEncoding),
        ("/a%252Fb", E::DoubleEncoding),
        ("/a%255cb", E::DoubleEncoding),
        ("/a%2500", E::DoubleEncoding),
        ("/%25252e", E::DoubleEncoding),
        ("/%25%32%65", E::DoubleEncoding),
        ("/%252%65", E::DoubleEncoding),
        ("/%2541", E::DoubleEncoding),
    ] {
        assert_eq!(Target::parse(sent).unwrap_err(), error, "{sent:?} must be refused");
    }
}

#[test]
fn bytes_that_are_not_text_are_refused() {
    for raw in [&b"/\xff"[..], b"/a?\xc3\xa9", b"/\x80%70"] {
        let error = Target::parse(raw).unwrap_err();
        assert_eq!(error, TargetError::InvalidCharacter, "{raw:?} must be encoded");
    }
}

#[test]
fn a_target_is_bounded() {
    let longest = format!("/{}", "a".repeat(Target::MAX_LEN - 1));
    assert_eq!(Target::parse(&longest).unwrap().path(), longest, "the longest is accepted");
    let error = Target::parse(format!("{longest}a")).unwrap_err();
    assert_eq!(error, TargetError::TooLong, "one byte more is not");
    assert_eq!(error.code(), "target_too_long", "and has a code of its own");
}

#[test]
fn a_confusing_path_is_told_from_a_malformed_one() {
    let code = |text: &str| Target::parse(text).unwrap_err().code();
    assert_eq!(code("/a/../b"), "ambiguous_path", "two servers would read it differently");
    assert_eq!(code("/%zz"), "malformed_target", "no server should read it");
}

#[test]
fn debug_shows_nothing_of_a_target() {
    let target = Target::parse("/cards/4111111111111111?token=secret").unwrap();
    let shown = format!("{target:?}");
    assert!(!shown.contains("4111") && !shown.contains("secret"), "leaked in {shown}");
}
