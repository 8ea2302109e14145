//! Settings that are refused, each at its place; and the example.

use tollgate_api::Settings as _;

use super::*;

#[test]
fn the_example_is_accepted() {
    let entry: Value = serde_saphyr::from_str(Jwt::EXAMPLE).expect("the example is YAML");
    let mut bench = Bench::new();
    let _ = bench.plugin::<Jwt>(entry.get("jwt").expect("an entry `jwt`").clone());
}

#[test]
fn what_is_wrong_is_told_at_its_place() {
    let issuer = Issuer::new("k1");
    let mut bench = bench(&issuer);
    bench.sources.put_file("broken.json", "{}");
    bench.sources.put_file("key.pem", "not a key");
    bench.sources.put_file("ca.pem", "no certificate");
    let both = changed(settings(), "jwks", json!(JWKS));
    let keys = |key: Value| changed(settings_but("jwks_file", json!(null)), "keys", json!([key]));
    for (settings, pointer, says) in [
        (settings_but("jwks_file", json!(null)), "", "exactly one of `jwks`"),
        (both, "/jwks_file", "exactly one of `jwks`"),
        (settings_but("audience", json!(null)), "", "exactly one of `audience`"),
        (settings_but("audiences", json!(["x"])), "/audiences", "exactly one of `audience`"),
        (settings_but("audience", json!("")), "/audience", "not empty"),
        (settings_but("issuer", json!("")), "/issuer", "iss"),
        (settings_but("issuer", json!(null)), "", "issuer"),
        (settings_but("clock_skew", json!("6m")), "/clock_skew", "5m"),
        (settings_but("cooldown", json!("10ms")), "/cooldown", "1s"),
        (settings_but("keep_stale", json!("1m")), "/keep_stale", "refresh"),
        (settings_but("cache", json!(2_000_000)), "/cache", "1000000"),
        (settings_but("cache", json!(-1)), "/cache", "invalid"),
        (settings_but("realm", json!("a\"b")), "/realm", "ASCII"),
        (settings_but("scopes", json!(["a", "b c"])), "/scopes/1", "one scope"),
        (settings_but("algorithms", json!(["HS256"])), "/algorithms/0", "HS256"),
        (settings_but("algorithms", json!(["none"])), "/algorithms/0", "none"),
        (settings_but("algorithms", json!(["PS256"])), "/algorithms", "keys serves"),
        (settings_but("claims", json!({"a/b": 1.5})), "/claims/a~1b", "an integer"),
        (settings_but("trust", json!("ca.pem")), "/trust", "together with `jwks`"),
        (changed(remote_settings(), "trust", json!("ca.pem")), "/trust", "PEM"),
        (changed(remote_settings(), "trust", json!("none")), "/trust", "read"),
        (changed(remote_settings(), "jwks", json!("http://id.example/")), "/jwks", "https"),
        (settings_but("jwks_file", json!("absent.json")), "/jwks_file", "cannot be read"),
        (settings_but("jwks_file", json!("broken.json")), "/jwks_file", "keys"),
        (keys(json!({"file": "key.pem", "algorithm": "ES256"})), "/keys/0/file", "PEM"),
        (keys(json!({"file": "key.pem"})), "/keys/0", "algorithm"),
        // The wrong way round: the caller's own `sub` header would be trusted.
        (
            settings_but("claims_to_headers", json!({"sub": "X-User"})),
            "/claims_to_headers/sub",
            "struct",
        ),
        (
            settings_but("claims_to_headers", json!({"a b": {"claim": "x"}})),
            "/claims_to_headers/a b",
            "name",
        ),
        (
            settings_but("claims_to_headers", json!({"Host": {"claim": "x"}})),
            "/claims_to_headers/Host",
            "Host",
        ),
        (
            settings_but("claims_to_headers", json!({"Tollgate-Id": {"claim": "x"}})),
            "/claims_to_headers/Tollgate-Id",
            "other than",
        ),
        (
            settings_but("claims_to_headers", json!({"authorization": {"claim": "x"}})),
            "/claims_to_headers/authorization",
            "Authorization",
        ),
        (
            settings_but(
                "claims_to_headers",
                json!({"X-A": {"claim": "a"}, "x-a": {"claim": "b"}}),
            ),
            "/claims_to_headers/x-a",
            "once",
        ),
        (settings_but("issuers", json!("x")), "", "issuers"),
    ] {
        let errors = bench.errors::<Jwt>(settings.clone());
        let found = errors
            .iter()
            .any(|error| error.pointer.starts_with(pointer) && error.expected.contains(says));
        assert!(found, "expected `{says}` at `{pointer}`, found {errors:?} for {settings}");
    }
}

#[test]
fn all_errors_are_told_at_once() {
    let issuer = Issuer::new("k1");
    let wrong = changed(settings_but("realm", json!("\"")), "clock_skew", json!("1h"));
    let wrong = changed(wrong, "jwks_file", json!("absent.json"));
    let errors = bench(&issuer).errors::<Jwt>(wrong);
    let pointers: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
    assert_eq!(pointers, ["/clock_skew", "/realm", "/jwks_file"], "one report for all");
}
