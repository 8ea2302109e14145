//! What each text type takes, shows and refuses.

use std::{fmt::Display, str::FromStr};

use proptest::prelude::*;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::*;

fn shown<T: FromStr<Err: Display> + Display>(text: &str) -> Result<String, String> {
    text.parse::<T>().map(|value| value.to_string()).map_err(|error| error.to_string())
}

fn accepts<T: FromStr<Err: Display> + Display>(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(shown::<T>(text).as_deref(), Ok(*expected), "{text:?} is a value");
    }
}

fn refuses<T: FromStr<Err: Display> + Display>(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        match shown::<T>(text) {
            Ok(value) => panic!("{text:?} must be refused, not read as {value}"),
            Err(error) => assert!(error.contains(expected), "{text:?} says {expected:?}: {error}"),
        }
    }
}

#[test]
fn durations_are_one_number_and_one_unit() {
    accepts::<Duration>(&[
        ("250ms", "250ms"),
        ("10s", "10s"),
        ("5m", "5m"),
        ("24h", "1d"),
        ("7d", "7d"),
        ("90s", "90s"),
        ("60000ms", "1m"),
        ("3650d", "3650d"),
    ]);
    refuses::<Duration>(&[
        ("0s", "greater than zero"),
        ("10", "`10s`?"),
        ("10 s", "`10s`?"),
        ("10S", "`10s`?"),
        ("10sec", "`10s`?"),
        ("2minutes", "`2m`?"),
        ("1h30m", "`90s` for"),
        ("-1s", "expected a"),
        ("1.5s", "`90s` for"),
        ("s", "expected a"),
        ("", "expected a"),
        ("3651d", "at most"),
        ("99999999999999999999s", "expected a"),
        ("18446744073709551615d", "at most"),
    ]);
    assert_eq!("5m".parse::<Duration>().unwrap().as_std().as_secs(), 300, "five minutes");
    assert_eq!(Duration::from_secs(90).to_string(), "90s", "a constant shows itself as written");
}

#[test]
fn only_a_delay_may_be_zero() {
    accepts::<Delay>(&[("0s", "0s"), ("0ms", "0s"), ("5s", "5s")]);
    refuses::<Delay>(&[("0", "`0s`?"), ("none", "expected a")]);
}

#[test]
fn sizes_carry_a_unit() {
    accepts::<ByteSize>(&[
        ("0B", "0B"),
        ("512B", "512B"),
        ("64KiB", "64KiB"),
        ("1024KiB", "1MiB"),
        ("1GiB", "1GiB"),
        ("3kB", "3kB"),
        ("5MB", "5MB"),
        ("2GB", "2GB"),
    ]);
    refuses::<ByteSize>(&[
        ("64", "`64B`?"),
        ("64K", "`64KiB`?"),
        ("64kb", "`64KiB`?"),
        ("1 MiB", "`1MiB`?"),
        ("1g", "`1GiB`?"),
        ("1TiB", "expected a size"),
        ("1.5MiB", "expected a size"),
        ("-1B", "expected a size"),
        ("", "expected a size"),
        ("2097152GiB", "at most"),
        ("18446744073709551615GiB", "at most"),
    ]);
    assert_eq!("64KiB".parse::<ByteSize>().unwrap(), ByteSize::kib(64), "binary");
    assert_eq!("1MB".parse::<ByteSize>().unwrap().bytes(), 1_000_000, "decimal");
}

#[test]
fn rates_count_per_period() {
    accepts::<Rate>(&[
        ("200/s", "200/s"),
        ("1000/m", "1000/m"),
        ("5/h", "5/h"),
        ("2/d", "2/d"),
        ("4294967295/s", "4294967295/s"),
    ]);
    refuses::<Rate>(&[
        ("0/s", "greater than zero"),
        ("200", "`200/s`?"),
        ("200/sec", "`200/s`?"),
        ("200/10s", "one of"),
        ("200 / s", "expected a rate"),
        ("-1/s", "expected a rate"),
        ("1.5/s", "expected a rate"),
        ("/s", "expected a rate"),
        ("+1/s", "expected a rate"),
        ("4294967296/s", "at most 4294967295"),
        ("", "expected a rate"),
    ]);
    assert_eq!("5/h".parse::<Rate>().unwrap().period().as_secs(), 3_600, "an hour");
}

#[test]
fn networks_have_no_host_bits() {
    accepts::<Cidr>(&[
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.7/32", "192.0.2.7"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("::1", "::1"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ]);
    refuses::<Cidr>(&[
        ("10.0.0.1/8", "`10.0.0.0/8` or `10.0.0.1`?"),
        ("2001:db8::1/32", "`2001:db8::/32`"),
        ("10.0.0.0/33", "expected an address"),
        ("10.0.0", "expected an address"),
        ("localhost", "expected an address"),
        ("", "expected an address"),
        ("::ffff:10.0.0.0/104", "IPv4 network"),
        ("::ffff:192.0.2.7", "IPv4 network"),
        ("010.0.0.1", "expected an address"),
    ]);
    let private: Cidr = "10.0.0.0/8".parse().unwrap();
    assert!(private.contains("10.255.0.1".parse().unwrap()), "inside");
    assert!(private.contains("::ffff:10.0.0.1".parse().unwrap()), "inside, seen over IPv6");
    assert!(!private.contains("11.0.0.1".parse().unwrap()), "outside");
    assert!(!private.contains("::1".parse().unwrap()), "another family");
}

#[test]
fn header_names_are_lower_cased_tokens() {
    accepts::<HeaderName>(&[("x-request-id", "x-request-id"), ("X-Request-Id", "x-request-id")]);
    refuses::<HeaderName>(&[
        ("", "expected a header"),
        ("x y", "expected a header"),
        ("x:", "`x`?"),
        (":path", "expected a header"),
        ("naïve", "expected a header"),
        ("a\r\nb", "expected a"),
    ]);
}

#[test]
fn urls_are_absolute_and_over_tls() {
    accepts::<Url>(&[
        ("https://api.example", "https://api.example/"),
        ("https://api.example:8443/v1?x=1", "https://api.example:8443/v1?x=1"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/"),
        ("http://[::1]/", "http://[::1]/"),
        ("http://localhost/x", "http://localhost/x"),
    ]);
    refuses::<Url>(&[
        ("http://api.example/", "`https`"),
        ("http://127.0.0.1.example/", "`https`"),
        ("http://localhost.example/", "`https`"),
        ("api.example/x", "`https://`"),
        ("api.example", "`https://`"),
        ("/x", "expected a URL"),
        ("", "expected a URL"),
        ("ftp://api.example/", "`https://`"),
        ("https://u:hunter2@api.example/", "without cred"),
        ("https://api.example/#x", "fragment"),
        ("https://api.example:0/", "host and port"),
        ("https://api.example:99999/", "expected a URL"),
        ("https:///x", "expected a URL"),
        ("https://a..b/", "host and port"),
        ("https://a b/", "expected a URL"),
    ]);
    let error = shown::<Url>("https://u:hunter2@api.example/").unwrap_err();
    assert!(!error.contains("hunter2"), "credentials are not quoted: {error}");
    let url: Url = "https://[2001:db8::1]/x".parse().unwrap();
    assert_eq!((url.host(), url.port(), url.is_tls()), ("2001:db8::1", 443, true), "the parts");
}

fn value<T: DeserializeOwned>(json: &str) -> Result<T, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

#[test]
fn values_are_read_from_text_alone() {
    assert!(value::<Duration>("\"10s\"").is_ok(), "text is read");
    let error = value::<Duration>("10").unwrap_err();
    assert!(error.contains("expected a duration such as"), "a number is explained: {error}");
    let error = value::<Cidr>("\"10.0.0.1/8\"").unwrap_err();
    assert!(error.contains("hint: `10.0.0.0/8`"), "the hint is passed on: {error}");
}

#[test]
fn a_secret_is_referred_to_and_never_quoted() {
    let file = value::<SecretRef>(r#"{"file": "keys/a.pem"}"#);
    assert_eq!(file, Ok(SecretRef::File("keys/a.pem".into())), "a file");
    let env = value::<SecretRef>(r#"{"env": "API_KEY_2"}"#);
    assert_eq!(env, Ok(SecretRef::Env("API_KEY_2".to_owned())), "a variable");
    let written = serde_json::to_string(&env.unwrap()).unwrap();
    assert_eq!(written, r#"{"env":"API_KEY_2"}"#, "written as it is read");
    for json in [
        "\"hunter2\"",
        "4111",
        "-4111",
        "4111.5",
        "true",
        "{}",
        r#"{"hunter2": "x"}"#,
        r#"{"env": "hunter2 !"}"#,
        r#"{"env": ""}"#,
        r#"{"env": "4111"}"#,
        r#"{"file": ""}"#,
        r#"{"env": "A", "file": "b"}"#,
        "[\"hunter2\"]",
        "null",
    ] {
        let error = value::<SecretRef>(json).unwrap_err();
        assert!(error.contains("expected"), "{json} is explained: {error}");
        assert!(
            !error.contains("hunter2") && !error.contains("4111"),
            "{json} is not quoted: {error}"
        );
    }
}

#[test]
fn every_format_of_a_schema_has_its_check() {
    fn format_of<T: JsonSchema>() -> String {
        let schema = schemars::schema_for!(T);
        assert_eq!(schema.get("type").unwrap(), "string", "a text type");
        schema.get("format").unwrap().as_str().unwrap().to_owned()
    }
    let known: Vec<&str> = formats().into_iter().map(|(name, _)| name).collect();
    let used = [
        format_of::<Duration>(),
        format_of::<Delay>(),
        format_of::<ByteSize>(),
        format_of::<Rate>(),
        format_of::<Cidr>(),
        format_of::<Url>(),
        format_of::<HeaderName>(),
        format_of::<crate::json::FieldPath>(),
        format_of::<crate::expression::Expression>(),
    ];
    for name in used {
        assert!(known.contains(&name.as_str()), "{name} has a check");
    }
    for (name, check) in formats() {
        assert!(check("\u{0}").is_err(), "{name} refuses nonsense");
    }
}

proptest! {
    #[test]
    fn what_is_shown_is_read_back(millis in 0..=315_360_000_000u64, count in 1..=u32::MAX) {
        let delay = Delay::from_millis(millis);
        prop_assert_eq!(delay.to_string().parse::<Delay>().unwrap(), delay);
        let size = ByteSize::from_bytes(millis);
        prop_assert_eq!(size.to_string().parse::<ByteSize>().unwrap(), size);
        let rate: Rate = format!("{count}/m").parse().unwrap();
        prop_assert_eq!(rate.to_string().parse::<Rate>().unwrap(), rate);
    }

    #[test]
    fn no_text_makes_a_check_panic(text in any::<String>()) {
        for (_, check) in formats() {
            let _ = check(&text);
        }
    }
}
