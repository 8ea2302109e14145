//! What one gateway encrypts another decrypts: every algorithm, every scope, rotation, sizes.

use http::HeaderValue;
use serde_json::{Value, json};
use tollgate_api::{Needs, Side, testing};
use tollgate_payload::jwe::Jwe;

use crate::support::{Pair, bench, bytes, code, env, file, merged, sent, text};

const BODY: &str = "{ \"amount\" : 10.50, \"card\":{\"number\": \"4111111111111111\" ,\"cvc\":737},\n \"items\":[{\"pan\":[1, 2],\"q\":1e2},{\"pan\":null}],\"note\":\"\\u00e9\" }";

/// Every algorithm with the keys it takes: for the upstream side, then for the route side.
pub fn algorithms() -> Vec<(Value, Value)> {
    let mut all = Vec::new();
    let encryptions = ["A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512"];
    for encryption in encryptions {
        for (algorithm, folder) in [
            ("RSA-OAEP-256", "rsa"),
            ("ECDH-ES", "p256"),
            ("ECDH-ES", "p384"),
            ("ECDH-ES+A128KW", "p256"),
            ("ECDH-ES+A256KW", "p256"),
            ("ECDH-ES+A256KW", "p384"),
        ] {
            let side = |whose: &str, other: &str| {
                json!({
                    "algorithm": algorithm, "encryption": encryption,
                    "encrypt_to": file(&format!("{folder}/{other}.jwk")),
                    "decrypt_with": file(&format!("{folder}/{whose}.pem")),
                })
            };
            all.push((side("ours", "provider"), side("provider", "ours")));
        }
        for algorithm in ["dir", "A256KW", "A256GCMKW"] {
            let name = match (algorithm, encryption) {
                ("dir", "A128GCM") => "SHARED_16",
                ("dir", "A256CBC-HS512") => "SHARED_64",
                _ => "SHARED_32",
            };
            let side = json!({
                "algorithm": algorithm, "encryption": encryption, "key_format": "hex",
                "encrypt_with": env(name), "decrypt_with": env(name),
            });
            all.push((side.clone(), side));
        }
    }
    all
}

fn scopes() -> Vec<Value> {
    vec![
        json!("body"),
        json!({ "envelope": "encData" }),
        json!({ "fields": ["card", "items[*].pan", "note"] }),
        json!({ "fields": { "required": ["card.number"], "optional": ["card.cvc", "absent.x"] } }),
    ]
}

#[tokio::test]
async fn every_algorithm_carries_requests_and_answers_in_every_scope_byte_for_byte() {
    for (ours, theirs) in algorithms() {
        for scope in scopes() {
            let what = format!("{ours} {scope}");
            let scope = json!({ "scope": scope });
            let pair =
                Pair::of::<Jwe>(merged(ours.clone(), &scope), merged(theirs.clone(), &scope));
            let (received, wire) = pair.request(BODY.as_bytes()).await;
            let received = received.unwrap_or_else(|fault| panic!("{what}: {fault}"));
            assert_eq!(text(&received.request.body), BODY, "{what}: the request arrives");
            assert!(!text(&wire.request.body).contains("4111"), "{what}: not in the clear");
            assert_eq!(
                received.request.headers["content-type"], "application/json",
                "{what}: the media type is restored"
            );
            let (received, wire) = pair.answer(BODY.as_bytes()).await;
            assert_eq!(text(&received.unwrap().body), BODY, "{what}: the answer arrives");
            assert!(!text(&wire.body).contains("4111"), "{what}: not in the clear");
        }
    }
}

fn shared() -> Value {
    json!({
        "algorithm": "A256KW", "encryption": "A256GCM", "key_format": "hex",
        "encrypt_with": env("SHARED_32"), "decrypt_with": env("SHARED_32"),
    })
}

fn shared_pair(more: &Value) -> Pair {
    Pair::of::<Jwe>(merged(shared(), more), merged(shared(), more))
}

#[tokio::test]
async fn a_whole_body_of_any_type_and_size_arrives_with_its_media_type() {
    let pair = shared_pair(&json!({}));
    for (length, media) in [
        (1, "application/json"),
        (65_535, "text/xml; charset=utf-8"),
        (65_536, "application/pdf"),
        (65_537, "application/vnd.example+json"),
        (1024 * 1024, "application/octet-stream"),
    ] {
        let body: Vec<u8> = (0..length).map(|index| u8::try_from(index % 251).unwrap()).collect();
        let mut exchange = crate::support::request(media, body.clone());
        testing::request(&*pair.upstream, &mut exchange).await.unwrap();
        assert_eq!(exchange.request.headers["content-type"], "application/jose", "on the wire");
        testing::request(&*pair.route, &mut exchange).await.unwrap();
        assert_eq!(bytes(&exchange.request.body), body, "{length} bytes arrive");
        assert_eq!(exchange.request.headers["content-type"], media, "{length}: the media type");
    }
}

#[tokio::test]
async fn a_field_is_the_only_thing_that_changes_on_the_wire() {
    let pair = shared_pair(&json!({ "scope": { "fields": ["card.number"] } }));
    let (_, wire) = pair.request(BODY.as_bytes()).await;
    let wire = text(&wire.request.body);
    let (before, rest) = wire.split_once("eyJ").unwrap();
    let (token, after) = rest.split_once('"').unwrap();
    assert_eq!(format!("{before}4111111111111111\"{after}"), BODY, "spliced, not written anew");
    assert_eq!(token.matches('.').count(), 4, "a compact token");
}

#[tokio::test]
async fn an_envelope_is_one_member_and_answers_may_have_a_scope_of_their_own() {
    let pair = shared_pair(&json!({
        "scope": { "envelope": "encData" }, "answer_scope": { "fields": ["card.number"] }
    }));
    let (_, wire) = pair.request(BODY.as_bytes()).await;
    let wire = text(&wire.request.body);
    assert!(wire.starts_with("{\"encData\":\"eyJ") && wire.ends_with("\"}"), "nothing else");
    let (received, wire) = pair.answer(BODY.as_bytes()).await;
    assert!(text(&wire.body).contains("\"amount\" : 10.50"), "the answer's other fields are plain");
    assert_eq!(text(&received.unwrap().body), BODY, "and it is decrypted");
}

#[tokio::test]
async fn keys_rotate_by_kid_and_a_retired_one_no_longer_serves() {
    let encrypt = |kid: &str, secret: &str| {
        bench(Side::Upstream).plugin::<Jwe>(json!({
            "algorithm": "A256KW", "encryption": "A256GCM", "key_format": "hex",
            "encrypt_with": env(secret), "encrypt_kid": kid,
        }))
    };
    let both = bench(Side::Route).plugin::<Jwe>(json!({
        "algorithm": "A256KW", "encryption": "A256GCM",
        "decrypt_with": [
            { "key": env("SHARED_32"), "kid": "2025", "format": "hex" },
            { "key": env("OTHER_32"), "kid": "2026", "format": "hex" },
        ],
    }));
    for (kid, secret, expected) in [
        ("2025", "SHARED_32", "ok"),
        ("2026", "OTHER_32", "ok"),
        ("2026", "SHARED_32", "decryption_failed"),
        ("2024", "SHARED_32", "decryption_failed"),
        ("../2025", "SHARED_32", "decryption_failed"),
    ] {
        let mut exchange = sent(&*encrypt(kid, secret), b"{}").await.unwrap();
        let result = testing::request(&*both, &mut exchange).await;
        assert_eq!(code(&result), expected, "kid {kid} with {secret}");
    }
}

#[tokio::test]
async fn a_key_may_have_an_algorithm_and_encryptions_of_its_own() {
    let theirs = bench(Side::Route).plugin::<Jwe>(json!({
        "algorithm": "RSA-OAEP-256", "encryption": "A256GCM",
        "decrypt_with": [
            { "key": file("rsa/provider.pem"), "kid": "rsa" },
            { "key": file("p256/provider.pem"), "kid": "ec", "algorithm": "ECDH-ES+A256KW",
              "encryptions": ["A128GCM", "A256CBC-HS512"] },
        ],
    }));
    for (kid, folder, algorithm, encryption, expected) in [
        ("rsa", "rsa", "RSA-OAEP-256", "A256GCM", "ok"),
        ("rsa", "rsa", "RSA-OAEP-256", "A128GCM", "decryption_failed"),
        ("ec", "p256", "ECDH-ES+A256KW", "A256CBC-HS512", "ok"),
        ("ec", "p256", "ECDH-ES+A256KW", "A256GCM", "decryption_failed"),
        ("ec", "p256", "ECDH-ES", "A128GCM", "decryption_failed"),
        ("rsa", "p256", "ECDH-ES+A256KW", "A128GCM", "decryption_failed"),
    ] {
        let ours = bench(Side::Upstream).plugin::<Jwe>(json!({
            "algorithm": algorithm, "encryption": encryption, "encrypt_kid": kid,
            "encrypt_to": file(&format!("{folder}/provider.jwk")),
        }));
        let mut exchange = sent(&*ours, b"{}").await.unwrap();
        let result = testing::request(&*theirs, &mut exchange).await;
        assert_eq!(code(&result), expected, "{kid} {algorithm} {encryption}");
    }
}

#[tokio::test]
async fn one_direction_alone_leaves_the_other_untouched_and_asks_for_no_body() {
    let only = |keep: &str, side| {
        let mut settings = shared();
        settings.as_object_mut().unwrap().remove(if keep == "encrypt_with" {
            "decrypt_with"
        } else {
            "encrypt_with"
        });
        bench(side).plugin::<Jwe>(settings)
    };
    for (side, keep, request, answer) in [
        (Side::Upstream, "encrypt_with", true, false),
        (Side::Upstream, "decrypt_with", false, true),
        (Side::Route, "encrypt_with", false, true),
        (Side::Route, "decrypt_with", true, false),
    ] {
        let needs = only(keep, side).needs();
        assert_eq!(needs.request == Needs::WHOLE.request, request, "{side:?} {keep}: requests");
        assert_eq!(needs.answer == Needs::WHOLE.answer, answer, "{side:?} {keep}: answers");
    }
    let encrypts = only("encrypt_with", Side::Upstream);
    let plain = testing::answer_with_body("{}");
    let passed = crate::support::answered(&*encrypts, plain).await.unwrap();
    assert_eq!(text(&passed.body), "{}", "an answer that nobody decrypts passes");
}

#[tokio::test]
async fn what_was_said_about_the_old_bytes_is_gone() {
    let pair = shared_pair(&json!({}));
    let mut exchange = testing::exchange_with_body("{}");
    let stale = ["content-digest", "digest", "content-md5", "repr-digest", "etag", "content-range"];
    let mark = |headers: &mut http::HeaderMap| {
        for name in stale {
            headers.insert(name, HeaderValue::from_static("old"));
        }
        headers.insert("x-request-id", HeaderValue::from_static("kept"));
    };
    mark(&mut exchange.request.headers);
    exchange.request.headers.insert("range", HeaderValue::from_static("bytes=0-1"));
    testing::request(&*pair.upstream, &mut exchange).await.unwrap();
    assert!(!exchange.request.headers.contains_key("range"), "part of a token is no answer");
    let mut theirs = testing::exchange();
    testing::respond(&*pair.route, &mut theirs, testing::answer_with_body("{}")).await.unwrap();
    let mut wire = theirs.answer.unwrap();
    mark(&mut wire.headers);
    let answer = crate::support::answered(&*pair.upstream, wire).await.unwrap();
    for headers in [&exchange.request.headers, &answer.headers] {
        for name in stale {
            assert!(!headers.contains_key(name), "`{name}` spoke of bytes that are gone");
        }
        assert_eq!(headers["x-request-id"], "kept", "others stay");
    }
}

#[tokio::test]
async fn a_message_without_a_body_passes_on_both_sides() {
    let pair = shared_pair(&json!({ "scope": { "fields": ["card.number"] } }));
    for plugin in [&pair.upstream, &pair.route] {
        let mut exchange = testing::exchange();
        testing::request(&**plugin, &mut exchange).await.unwrap();
        assert_eq!(text(&exchange.request.body), "", "no body, nothing to do");
        let answer = crate::support::answer(204, "application/json", b"");
        let answer = crate::support::answered(&**plugin, answer).await.unwrap();
        assert_eq!(text(&answer.body), "", "nor of an answer");
    }
}

/// The plugin's work for a small message without RSA is done at once, without a task of its own.
#[test]
fn small_messages_and_shared_keys_need_no_runtime() {
    let pair = shared_pair(&json!({}));
    let mut exchange = testing::exchange_with_body("{}");
    for plugin in [&pair.upstream, &pair.route] {
        let step = plugin.on_request(&mut exchange);
        assert!(matches!(step, tollgate_api::Step::Now(Ok(_))), "decided at once");
    }
    assert_eq!(text(&exchange.request.body), "{}", "there and back");
}

#[tokio::test]
async fn rsa_decryption_leaves_the_thread_that_serves_the_connection() {
    let route = bench(Side::Route).plugin::<Jwe>(json!({
        "algorithm": "RSA-OAEP-256", "encryption": "A256GCM",
        "decrypt_with": file("rsa/provider.pem"),
    }));
    let mut exchange = crate::support::request("application/jose", "a.b.c.d.e");
    let step = route.on_request(&mut exchange);
    assert!(matches!(step, tollgate_api::Step::Later(_)), "waited for, not done here");
    assert_eq!(code(&step.resolve().await), "decryption_failed", "and decided there");
}
