//! Whatever JSON a message is: fields come back as they were, and hostile bytes never panic.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};
use tollgate_api::{Settings, Side, Step, testing};
use tollgate_payload::{aes_gcm::AesGcm, jwe::Jwe};

use crate::support::{Pair, bench, env, merged, request, text};

static JWE: LazyLock<Pair> =
    LazyLock::new(|| pair::<Jwe>(&json!({ "algorithm": "A256KW", "encryption": "A128CBC-HS256" })));
static AES_GCM: LazyLock<Pair> = LazyLock::new(|| pair::<AesGcm>(&json!({})));

fn pair<S: Settings>(more: &Value) -> Pair {
    let base = json!({
        "key_format": "hex", "scope": { "fields": { "optional": ["a", "list[*].a", "o.a"] } },
        "encrypt_with": env("SHARED_32"), "decrypt_with": env("SHARED_32"),
    });
    let settings = merged(base, more);
    Pair {
        upstream: bench(Side::Upstream).plugin::<S>(settings.clone()),
        route: bench(Side::Route).plugin::<S>(settings),
    }
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-c]|list|o|.{0,3}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Small messages under shared keys are worked on at once.
fn now<T, E>(step: Step<'_, T, E>) -> Result<T, E> {
    match step {
        Step::Now(result) => result,
        Step::Later(_) => panic!("decided later"),
    }
}

proptest! {
    #[test]
    fn any_document_arrives_byte_for_byte(value in values(), pretty: bool) {
        let body =
            if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        let body = body.unwrap();
        for pair in [&*JWE, &*AES_GCM] {
            let mut exchange = testing::exchange_with_body(body.clone());
            now(pair.upstream.on_request(&mut exchange)).unwrap();
            now(pair.route.on_request(&mut exchange)).unwrap();
            prop_assert_eq!(text(&exchange.request.body), &*body, "the same bytes");
        }
    }

    #[test]
    fn hostile_bodies_are_refused_or_passed_and_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 1..200),
        token in "[A-Za-z0-9_.-]{0,80}",
    ) {
        for body in [bytes, format!("{{\"a\":\"{token}\"}}").into_bytes()] {
            for pair in [&*JWE, &*AES_GCM] {
                let mut exchange = request("application/json", body.clone());
                let _ = now(pair.route.on_request(&mut exchange));
                let mut exchange = request("application/json", body.clone());
                let _ = now(pair.upstream.on_request(&mut exchange));
            }
        }
    }
}
