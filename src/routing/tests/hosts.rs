//! Authorities and host patterns.

use crate::routing::{Authority, Host, HostError, HostPattern};

#[test]
fn a_host_has_one_spelling() {
    for (sent, host, port) in [
        ("Pay.Example", "pay.example", None),
        ("pay.example.", "pay.example", None),
        ("pay.example:8443", "pay.example", Some(8443)),
        ("pay.example.:443", "pay.example", Some(443)),
        ("pay.example:", "pay.example", None),
        ("localhost", "localhost", None),
        ("my_service", "my_service", None),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example", None),
        ("127.0.0.1:80", "127.0.0.1", Some(80)),
        ("1password.example", "1password.example", None),
        ("[::1]", "[::1]", None),
        ("[0:0:0:0:0:0:0:1]:443", "[::1]", Some(443)),
        ("[2001:DB8::A]", "[2001:db8::a]", None),
    ] {
        let authority = Authority::parse(sent).unwrap();
        assert_eq!(authority.host.as_str(), host, "host of {sent}");
        assert_eq!(authority.port, port, "port of {sent}");
    }
}

#[test]
fn a_host_that_is_not_one_is_refused_with_its_reason() {
    use HostError as E;
    let long_label = "a".repeat(64);
    let long_name = ["a".repeat(50).as_str(); 6].join(".");
    for (sent, error) in [
        ("", E::Empty),
        (".", E::Empty),
        (":443", E::Empty),
        ("a..b", E::InvalidLabel),
        (".a", E::InvalidLabel),
        ("a.b..", E::InvalidLabel),
        ("-a.example", E::InvalidLabel),
        ("a-.example", E::InvalidLabel),
        ("xn--.example", E::InvalidLabel),
        ("bücher.example", E::InvalidCharacter),
        ("pay%2eexample", E::InvalidCharacter),
        ("pay.example/", E::InvalidCharacter),
        ("pay example", E::InvalidCharacter),
        ("pay.example,evil.example", E::InvalidCharacter),
        ("pay.example\0", E::InvalidCharacter),
        ("*.example", E::InvalidCharacter),
        ("user@pay.example", E::UserInfo),
        ("user:secret@pay.example", E::UserInfo),
        ("pay.example:0", E::InvalidPort),
        ("pay.example:65536", E::InvalidPort),
        ("pay.example:+80", E::InvalidPort),
        ("pay.example:80:80", E::InvalidPort),
        ("pay.example:8o", E::InvalidPort),
        ("::1", E::InvalidPort),
        ("[::1]80", E::InvalidPort),
        ("[::1", E::InvalidAddress),
        ("[::1%25eth0]", E::InvalidAddress),
        ("[v1.a]", E::InvalidAddress),
        ("[127.0.0.1]", E::InvalidAddress),
        ("127.1", E::InvalidAddress),
        ("127.0.0.01", E::InvalidAddress),
        ("2130706433", E::InvalidAddress),
        ("0x7f.1", E::InvalidAddress),
        ("127.0.0.0x1", E::InvalidAddress),
        ("a.1", E::InvalidAddress),
        (long_label.as_str(), E::TooLong),
        (long_name.as_str(), E::TooLong),
    ] {
        assert_eq!(Authority::parse(sent).unwrap_err(), error, "{sent:?} must be refused");
    }
    let error = Authority::parse(b"pay\xff.example").unwrap_err();
    assert_eq!(error, E::InvalidCharacter, "bytes that are not text");
}

#[test]
fn the_longest_name_is_accepted_with_dot_and_port() {
    let name = format!("{}.{}", ["a".repeat(62).as_str(); 4].join("."), "b");
    assert_eq!(name.len(), 253, "the test's name is the longest there is");
    let authority = Authority::parse(format!("{name}.:65535")).unwrap();
    assert_eq!(authority.host.as_str(), name, "the longest name is a name");
}

#[test]
fn a_wildcard_stands_for_one_label_or_more() {
    let pattern = HostPattern::parse("*.Example.com.").unwrap();
    for (host, expected) in [
        ("a.example.com", true),
        ("a.b.example.com", true),
        ("example.com", false),
        ("aexample.com", false),
        ("example.com.evil", false),
        ("a.example.org", false),
    ] {
        let host = Host::parse(host).unwrap();
        assert_eq!(pattern.matches(&host), expected, "{pattern} and {host}");
    }
}

#[test]
fn an_address_is_matched_exactly_or_by_any_host_only() {
    let address = Host::parse("127.0.0.1").unwrap();
    assert!(HostPattern::parse("*").unwrap().matches(&address), "any host");
    assert!(HostPattern::parse("127.0.0.1").unwrap().matches(&address), "itself");
    for pattern in ["*.0.0.1", "*.1", "*.[::1]", "*.127.0.0.1"] {
        assert!(HostPattern::parse(pattern).is_err(), "{pattern} is no pattern");
    }
}

#[test]
fn a_misplaced_wildcard_is_refused() {
    for pattern in ["a.*.example", "*a.example", "*.*.example", "**", "a*"] {
        assert_eq!(HostPattern::parse(pattern), Err(HostError::Wildcard), "{pattern}");
    }
    for pattern in ["", "*.", "pay.example:443", "bücher.example", "*.example:443"] {
        assert!(HostPattern::parse(pattern).is_err(), "{pattern} is no pattern");
    }
}
