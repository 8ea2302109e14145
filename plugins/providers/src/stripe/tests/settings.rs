//! Settings that cannot be meant, and what is said of them.

use super::*;

fn refused(bench: Bench, settings: Value) -> Vec<(String, String)> {
    let mut bench = furnished(bench);
    bench.sources.put_variable("PUBLISHABLE", "pk_test_0Canary");
    bench.sources.put_variable("BROKEN", "sk_test_0Can\u{7f}ary");
    bench.sources.put_variable("LINES", "whsec_0\nsecond");
    bench.sources.put_variable("BARE", "whsec_");
    bench.sources.put_variable("ORGANISATION", "sk_org_test_0Canary");
    let errors = bench.errors::<Stripe>(settings);
    errors.into_iter().map(|error| (error.pointer, error.expected)).collect()
}

#[test]
fn what_belongs_to_the_other_side_is_refused_where_it_stands() {
    let everything = with(
        with(calls(), &webhooks()),
        &json!({
            "idempotency_key": {},
            "tolerance": "5m",
            "future_tolerance": "0s",
            "livemode": true,
        }),
    );
    let pointers = |errors: Vec<(String, String)>, expected: &str| -> Vec<String> {
        let misplaced = errors.into_iter().filter(|(_, text)| text == expected);
        misplaced.map(|(pointer, _)| pointer).collect()
    };
    let on_route = refused(Bench::new(), everything.clone());
    assert_eq!(
        pointers(on_route, "expected only on an upstream"),
        ["/secret_key", "/version", "/idempotency_key"],
        "on a route"
    );
    let on_upstream = refused(Bench::upstream(), everything);
    assert_eq!(
        pointers(on_upstream, "expected only on a route"),
        ["/webhook_secrets", "/tolerance", "/future_tolerance", "/livemode"],
        "on an upstream"
    );
}

#[test]
fn each_mistake_is_told_at_its_place() {
    let upstream = || with(calls(), &json!({}));
    for (settings, pointer, expected) in [
        (json!({}), "", "`secret_key`"),
        (
            with(upstream(), &json!({ "secret_key": { "env": "PUBLISHABLE" } })),
            "/secret_key",
            "sk_",
        ),
        (with(upstream(), &json!({ "secret_key": { "env": "BROKEN" } })), "/secret_key", "sk_"),
        (with(upstream(), &json!({ "secret_key": { "env": "SECRET" } })), "/secret_key", "sk_"),
        (with(upstream(), &json!({ "secret_key": { "env": "ABSENT" } })), "/secret_key", "not set"),
        (with(upstream(), &json!({ "version": "latest" })), "/version", "version"),
        (with(upstream(), &json!({ "version": "2025 09" })), "/version", "version"),
        (with(upstream(), &json!({ "account": "acct1" })), "/account", "acct_"),
        (with(upstream(), &json!({ "account": "acct_1\r\nx: y" })), "/account", "acct_"),
        (with(upstream(), &json!({ "account": "acct_1/" })), "/account", "acct_"),
        (with(upstream(), &json!({ "accounts": ["acct_1", "*"] })), "/accounts/1", "acct_"),
        (
            with(upstream(), &json!({ "account": "acct_1", "accounts": ["acct_2"] })),
            "/accounts",
            "either",
        ),
        (json!({ "secret_key": { "env": "ORGANISATION" } }), "", "`version`"),
    ] {
        told(&refused(Bench::upstream(), settings.clone()), &settings, pointer, expected);
    }
    for (settings, pointer, expected) in [
        (json!({}), "", "`webhook_secrets`"),
        (json!({ "webhook_secrets": [] }), "", "`webhook_secrets`"),
        (json!({ "webhook_secrets": [{ "env": "KEY" }] }), "/webhook_secrets/0", "whsec_"),
        (json!({ "webhook_secrets": [{ "env": "LINES" }] }), "/webhook_secrets/0", "whsec_"),
        (
            json!({ "webhook_secrets": [{ "env": "SECRET" }, { "env": "BARE" }] }),
            "/webhook_secrets/1",
            "whsec_",
        ),
        (with(webhooks(), &json!({ "tolerance": "2h" })), "/tolerance", "1h"),
        (with(webhooks(), &json!({ "future_tolerance": "6m" })), "/future_tolerance", "5m"),
        (with(webhooks(), &json!({ "account": "*" })), "/account", "acct_"),
    ] {
        told(&refused(Bench::new(), settings.clone()), &settings, pointer, expected);
    }
}

fn told(errors: &[(String, String)], settings: &Value, pointer: &str, expected: &str) {
    let [(place, text)] = errors else { panic!("{settings}: one error, {errors:?}") };
    assert_eq!(place, pointer, "{settings}: {text}");
    assert!(text.contains(expected), "{settings}: {text}");
    assert!(!text.contains("0Canary"), "{settings}: a secret shows: {text}");
}

#[tokio::test]
async fn a_line_break_at_the_end_of_a_file_is_not_part_of_a_secret() {
    for end in ["", "\n", "\r\n"] {
        let mut bench = Bench::new();
        bench.sources.put_file("secret", format!("{SECRET}{end}"));
        let plugin = bench.plugin::<Stripe>(json!({ "webhook_secrets": [{ "file": "secret" }] }));
        assert!(receive(&*plugin, sound(EVENT)).await.is_ok(), "{end:?}");
        let mut bench = Bench::upstream();
        bench.sources.put_file("key", format!("{KEY}{end}"));
        let plugin = bench.plugin::<Stripe>(json!({ "secret_key": { "file": "key" } }));
        let mut exchange = tollgate_api::testing::exchange_with(&[("idempotency-key", "k")]);
        request(&*plugin, &mut exchange).await.unwrap();
        let sent = &exchange.request.headers["authorization"];
        assert_eq!(sent, &format!("Bearer {KEY}"), "{end:?}");
    }
}
