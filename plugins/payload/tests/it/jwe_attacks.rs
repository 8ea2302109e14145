//! The project's vectors of hostile tokens, and floods, through the plugin on both sides.

use serde_json::{Value, json};
use tollgate_api::{Measure, Side, testing};
use tollgate_crypto::{SymmetricKey, UseBudget, sha256, to_hex};
use tollgate_payload::jwe::Jwe;

use crate::support::{answer, answered, bench, code, env, file, request, sent, text};

fn vectors() -> Value {
    let path =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/generated/jose-attacks.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[tokio::test]
async fn every_hostile_token_is_refused_on_both_sides_in_every_scope() {
    let vectors = vectors();
    let settings = |scope: &Value| {
        json!({
            "algorithm": "dir", "encryption": "A256GCM", "key_format": "hex", "scope": scope,
            "decrypt_with": env("VECTOR"),
        })
    };
    let plugin = |side, scope: &Value| {
        let mut bench = bench(side);
        let key = vectors["dir_key_hex"].as_str().unwrap().to_owned();
        bench.sources.put_variable("VECTOR", key);
        bench.plugin::<Jwe>(settings(scope))
    };
    let forms = [
        (json!("body"), "application/jose", "", ""),
        (json!({ "envelope": "e" }), "application/json", "{\"e\":\"", "\"}"),
        (json!({ "fields": ["e"] }), "application/json", "{\"x\":1,\"e\":\"", "\"}"),
    ];
    for (scope, media, before, after) in &forms {
        let (route, upstream) = (plugin(Side::Route, scope), plugin(Side::Upstream, scope));
        let wrap = |token: &str| format!("{before}{token}{after}");
        if scope == "body" {
            let valid = wrap(vectors["valid_jwe"].as_str().unwrap());
            let mut exchange = request(media, valid);
            testing::request(&*route, &mut exchange).await.unwrap();
            assert!(!text(&exchange.request.body).is_empty(), "the valid token is decrypted");
        }
        let hostile = vectors["invalid_jwe"].as_array().unwrap();
        assert!(hostile.len() >= 5, "the vectors are there");
        for case in hostile {
            let token = wrap(case["jwe"].as_str().unwrap());
            let why = case["why"].as_str().unwrap();
            let mut exchange = request(media, token.clone());
            let refused = testing::request(&*route, &mut exchange).await;
            assert_eq!(code(&refused), "decryption_failed", "a caller: {why}");
            let refused = answered(&*upstream, answer(200, media, token.as_bytes())).await;
            assert_eq!(code(&refused), "upstream_decryption_failed", "a provider: {why}");
        }
    }
}

#[tokio::test]
async fn a_flood_of_encrypted_fields_is_refused_before_the_key_is_used() {
    let plugin = bench(Side::Route).plugin::<Jwe>(json!({
        "algorithm": "RSA-OAEP-256", "encryption": "A256GCM", "max_fields": 3,
        "scope": { "fields": ["l[*]"] }, "decrypt_with": file("rsa/provider.pem"),
    }));
    for (body, expected) in [
        ("{\"l\":[\"a\",\"a\",\"a\"]}", "decryption_failed"),
        ("{\"l\":[1,1,1,1]}", "field_invalid"),
    ] {
        let result = sent(&*plugin, body.as_bytes()).await;
        assert_eq!(code(&result), expected, "{body}");
    }
}

#[tokio::test]
async fn a_key_that_encrypts_itself_stops_at_its_limit_also_across_a_reload() {
    for algorithm in ["dir", "A256GCMKW"] {
        let mut bench = bench(Side::Upstream);
        let raw: Vec<u8> = (0..32).collect();
        let key = SymmetricKey::from_hex(&to_hex(&raw)).unwrap();
        let name = format!("payload/key/{}", to_hex(&sha256(key.secret().expose())));
        let kept = bench.state.get_or_create(&name, 0, || UseBudget::with_limit(2));
        let settings = json!({
            "algorithm": algorithm, "encryption": "A256GCM", "key_format": "hex",
            "encrypt_with": env("SHARED_32"),
        });
        let before = bench.plugin::<Jwe>(settings.clone());
        assert_eq!(code(&sent(&*before, b"{}").await), "ok", "{algorithm}: the first use");
        let after = bench.plugin::<Jwe>(settings);
        assert_eq!(code(&sent(&*after, b"{}").await), "ok", "{algorithm}: the last use");
        for plugin in [&before, &after] {
            let refused = sent(&**plugin, b"{}").await;
            assert_eq!(code(&refused), "key_exhausted", "{algorithm}: no more");
        }
        assert_eq!(kept.remaining(), 0, "{algorithm}: the count is one");
        let counted = bench.figures.of("route/jwe", Measure::KeyUses);
        assert_eq!(counted, Some(2.0), "{algorithm}: and reported");
    }
}
