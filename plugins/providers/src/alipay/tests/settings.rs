//! What is refused before anything runs, and where it says so.

use super::*;

/// Pointers and texts of everything that is wrong.
fn errors(side: Side, settings: Value) -> Vec<(String, String)> {
    let errors = bench(side).errors::<Alipay>(settings);
    errors.into_iter().map(|error| (error.pointer, error.expected)).collect()
}

fn without(mut settings: Value, name: &str) -> Value {
    settings.as_object_mut().unwrap().remove(name);
    settings
}

fn antom() -> Value {
    let settings = with(without(settings("antom"), "app_id"), "client_id", json!("5X"));
    assert!(bench(Side::Upstream).build::<Alipay>(settings.clone()).is_ok(), "sound");
    settings
}

#[test]
fn each_side_asks_for_what_it_needs_and_no_more() {
    for protocol in ["v2", "v3"] {
        let keyless = without(settings(protocol), "private_key");
        assert!(bench(Side::Route).build::<Alipay>(keyless.clone()).is_ok(), "{protocol}: a route");
        let found = errors(Side::Upstream, keyless);
        assert_eq!(found, [(String::new(), "expected a key to sign calls with".to_owned())]);
    }
    let keyless = without(antom(), "private_key");
    assert!(bench(Side::Route).build::<Alipay>(keyless.clone()).is_ok(), "antom: a route");
    assert_eq!(errors(Side::Upstream, keyless).len(), 1, "antom: an upstream");
    let default = without(settings("v3"), "protocol");
    assert!(bench(Side::Upstream).build::<Alipay>(default).is_ok(), "v3 unless it is said");
}

#[test]
fn what_does_not_fit_is_refused_where_it_stands() {
    let upstream = Side::Upstream;
    let file = json!({ "file": "content.key" });
    for (side, settings, pointer, expected) in [
        (upstream, without(settings("v3"), "app_id"), "", "an identifier"),
        (upstream, without(antom(), "client_id"), "", "an identifier"),
        (upstream, with(settings("v3"), "client_id", json!("5X")), "/client_id", "`app_id`"),
        (upstream, with(antom(), "app_id", json!("1")), "/app_id", "`client_id`"),
        (upstream, with(settings("v3"), "app_id", json!("")), "/app_id", "1 to 64"),
        (upstream, with(settings("v3"), "app_id", json!("1,sign=x")), "/app_id", "1 to 64"),
        (upstream, with(antom(), "client_id", json!("a\nb")), "/client_id", "1 to 64"),
        (Side::Route, with(settings("v2"), "app_id", json!("1&2")), "/app_id", "1 to 64"),
        (upstream, without(settings("v3"), "alipay_public_key"), "", "Alipay's key"),
        (
            upstream,
            with(antom(), "encryption_key", file.clone()),
            "/encryption_key",
            "nothing here",
        ),
        (
            upstream,
            with(antom(), "app_auth_token", file.clone()),
            "/app_auth_token",
            "nothing here",
        ),
        (upstream, with(antom(), "caller_tokens", json!("pass")), "/caller_tokens", "nothing here"),
        (
            Side::Route,
            with(antom(), "notification_age", json!("2h")),
            "/notification_age",
            "nothing here",
        ),
        (
            Side::Route,
            with(settings("v3"), "notification_age", json!("72h")),
            "/notification_age",
            "`71h`",
        ),
        (
            Side::Route,
            with(settings("v2"), "notification_age", json!("59s")),
            "/notification_age",
            "`1m`",
        ),
        (Side::Route, with(antom(), "seller_id", json!("1")), "/seller_id", "nothing here"),
        (upstream, with(settings("v3"), "key_version", json!(1)), "/key_version", "nothing here"),
        (upstream, with(antom(), "key_version", json!(0)), "/key_version", "from 1"),
        (Side::Route, with(settings("v3"), "seller_id", json!("")), "/seller_id", "a seller"),
        (upstream, with(settings("v3"), "window", json!("25h")), "/window", "`24h`"),
        (upstream, with(settings("v3"), "window", json!("999ms")), "/window", "`1s`"),
        (
            upstream,
            with(settings("v2"), "signed_orders", json!(["a&b"])),
            "/signed_orders/0",
            "method",
        ),
        (
            upstream,
            with(settings("v3"), "alipay_public_key", json!("content.key")),
            "/alipay_public_key",
            "expected",
        ),
        (
            upstream,
            with(settings("v3"), "alipay_public_key", json!("none.pem")),
            "/alipay_public_key",
            "cannot be read",
        ),
        (
            upstream,
            with(settings("v3"), "private_key", json!({ "file": "alipay.pem" })),
            "/private_key",
            "`PRIVATE KEY`",
        ),
        (
            upstream,
            with(settings("v3"), "encryption_key", json!({ "file": "app.key" })),
            "/encryption_key",
            "base64",
        ),
        (Side::Route, with(settings("v3"), "private_key", file), "/private_key", "expected"),
    ] {
        let found = errors(side, settings.clone());
        let [(at, text)] = found.as_slice() else { panic!("{settings}: {found:?}") };
        assert_eq!(at, pointer, "{settings}");
        assert!(text.contains(expected), "{settings}: {text}");
    }
}

#[test]
fn a_token_of_the_settings_leaves_none_to_the_callers() {
    let mut bench = bench(Side::Upstream);
    bench.sources.put_file("token", "ours");
    let both = with(settings("v2"), "app_auth_token", json!({ "file": "token" }));
    let found = bench.errors::<Alipay>(with(both, "caller_tokens", json!("pass")));
    let [error] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(error.pointer, "/caller_tokens", "{error:?}");
}

#[test]
fn both_kinds_of_key_at_once_are_one_too_many() {
    let both = with(settings("v3"), "certificates", json!({ "alipay": "alipay.pem" }));
    let found = errors(Side::Route, both);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, "/certificates", "where the second stands");
}

#[test]
fn a_key_of_another_kind_cannot_sign_or_verify() {
    let ec = PrivateKey::generate(tollgate_crypto::KeyKind::P256).unwrap();
    let pem = ec.to_pkcs8_pem().unwrap();
    let mut bench = bench(Side::Upstream);
    bench.sources.put_file("app.key", pem.expose().to_vec());
    let errors = bench.errors::<Alipay>(settings("v3"));
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0].pointer, "/private_key", "{errors:?}");
}

#[test]
fn bare_base64_is_a_key_too() {
    let bare = |pem: &str| {
        pem.lines().filter(|line| !line.starts_with("-----")).collect::<String>() + "\n"
    };
    let vectors = generated("alipay.json");
    let mut bench = bench(Side::Upstream);
    bench.sources.put_file("app.key", bare(text(&vectors["app_private_key_pem"])));
    bench.sources.put_file("alipay.pem", bare(text(&vectors["alipay_public_key_pem"])));
    assert!(bench.build::<Alipay>(settings("v3")).is_ok(), "as Alipay's console shows them");
}

#[test]
fn every_error_is_told_at_once_and_none_shows_a_secret() {
    let mut bench = bench(Side::Upstream);
    bench.sources.put_file("app.key", "Canary-private");
    bench.sources.put_file("content.key", "Canary-content");
    bench.sources.put_file("token", "Canary token");
    let settings = with(encrypting("v3"), "app_auth_token", json!({ "file": "token" }));
    let settings = with(without(settings, "app_id"), "window", json!("48h"));
    let errors = bench.errors::<Alipay>(settings);
    let mut pointers: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
    pointers.sort_unstable();
    let expected = ["", "/app_auth_token", "/encryption_key", "/private_key", "/window"];
    assert_eq!(pointers, expected, "{errors:?}");
    assert!(!format!("{errors:?}").contains("Canary"), "{errors:?}");
}
