//! Who is blamed for what, and which answers may be plain.

use http::StatusCode;
use serde_json::{Value, json};
use tollgate_api::{Answer, Origin, Plugin, Side, codes, testing};
use tollgate_payload::jwe::Jwe;

use crate::support::{
    answer, answered, assert_silent, bench, code, env, merged, request, sent, text,
};

fn plugin(side: Side, more: &Value) -> std::sync::Arc<dyn Plugin> {
    let settings = json!({
        "algorithm": "A256KW", "encryption": "A256GCM", "key_format": "hex",
        "encrypt_with": env("SHARED_32"), "decrypt_with": env("SHARED_32"),
    });
    bench(side).plugin::<Jwe>(merged(settings, more))
}

#[tokio::test]
async fn a_message_of_the_wrong_form_is_refused_with_the_fault_of_its_sender() {
    let body = json!({});
    let envelope = json!({ "scope": { "envelope": "encData" } });
    let fields = json!({ "scope": { "fields": ["pan"] } });
    for (scope, media, text, expected) in [
        (&body, "application/json", "{}", "unsupported_media_type"),
        (&body, "application/jose", "not a token", "decryption_failed"),
        (&body, "application/jose", "a.b.c.d.e", "decryption_failed"),
        (&envelope, "application/jose", "{}", "unsupported_media_type"),
        (&envelope, "application/json", "{", "invalid_json"),
        (&envelope, "application/json", "{}", "field_invalid"),
        (&envelope, "application/json", "[\"a\"]", "field_invalid"),
        (&envelope, "application/json", "{\"encData\":1}", "field_invalid"),
        (&envelope, "application/json", "{\"encData\":\"a\",\"amount\":1}", "field_invalid"),
        (&envelope, "application/json", "{\"encData\":\"a\",\"encData\":\"a\"}", "invalid_json"),
        (&envelope, "application/json", "{\"encData\":\"a.b.c.d.e\"}", "decryption_failed"),
        (&fields, "text/plain", "{\"pan\":\"a\"}", "unsupported_media_type"),
        (&fields, "application/json", "{}", "field_invalid"),
        (&fields, "application/json", "{\"pan\":{\"a\":1}}", "field_invalid"),
        (&fields, "application/json", "{\"pan\":\"4111111111111111\"}", "decryption_failed"),
        (&fields, "application/json", "{\"pan\":\"a\",\"pan\":\"b\"}", "invalid_json"),
    ] {
        let mut exchange = request(media, text);
        let refused = testing::request(&*plugin(Side::Route, scope), &mut exchange).await;
        assert_eq!(code(&refused), expected, "a caller's `{text}` in {scope}");
        assert_silent(&refused, "4111");
        let status = refused.unwrap_err().code().status;
        assert!((400..500).contains(&status), "the caller is told so");
        let of_provider = match expected {
            "decryption_failed" => "upstream_decryption_failed",
            _ => "upstream_invalid_answer",
        };
        let refused = answered(
            &*plugin(Side::Upstream, scope),
            answer(200, Box::leak(media.to_owned().into_boxed_str()), text.as_bytes()),
        )
        .await;
        assert_eq!(code(&refused), of_provider, "a provider's `{text}` in {scope}");
        assert_silent(&refused, "4111");
        assert_eq!(refused.unwrap_err().code().status, 502, "the provider failed");
    }
}

#[tokio::test]
async fn what_cannot_be_encrypted_is_refused_before_it_leaves() {
    let envelope = json!({ "scope": { "envelope": "encData" } });
    let fields = json!({ "scope": { "fields": ["pan"] } });
    for (scope, media, text, expected) in [
        (&envelope, "text/plain", "{}", "unsupported_media_type"),
        (&envelope, "application/json", "nope", "invalid_json"),
        (&envelope, "application/json", "{\"a\":1,\"\\u0061\":2}", "invalid_json"),
        (&fields, "text/plain", "{\"pan\":1}", "unsupported_media_type"),
        (&fields, "application/json", "{\"pan\":1,\"pan\":2}", "invalid_json"),
        (&fields, "application/json", "{\"Pan\":1}", "field_invalid"),
        (&fields, "application/json", "[]", "field_invalid"),
    ] {
        let mut exchange = request(media, text);
        let refused = testing::request(&*plugin(Side::Upstream, scope), &mut exchange).await;
        assert_eq!(code(&refused), expected, "a caller's `{text}`");
        let media = Box::leak(media.to_owned().into_boxed_str());
        let refused =
            answered(&*plugin(Side::Route, scope), answer(200, media, text.as_bytes())).await;
        assert_eq!(code(&refused), "upstream_invalid_answer", "a provider's `{text}`");
    }
}

#[tokio::test]
async fn a_tampered_message_is_refused_and_nothing_of_it_shows() {
    let secret = "{\"pan\":\"4111111111111111\"}";
    let ours = plugin(Side::Upstream, &json!({}));
    let token = text(&sent(&*ours, secret.as_bytes()).await.unwrap().request.body);
    for segment in 0..5 {
        let mut segments: Vec<String> = token.split('.').map(str::to_owned).collect();
        let first = if segments[segment].starts_with('A') { "B" } else { "A" };
        segments[segment].replace_range(0..1, first);
        let tampered = segments.join(".");
        let mut exchange = request("application/jose", tampered.clone());
        let refused = testing::request(&*plugin(Side::Route, &json!({})), &mut exchange).await;
        assert_eq!(code(&refused), "decryption_failed", "segment {segment} of a request");
        assert_silent(&refused, "4111");
        let refused = answered(&*ours, answer(200, "application/jose", tampered.as_bytes())).await;
        assert_eq!(code(&refused), "upstream_decryption_failed", "segment {segment} of an answer");
        assert_silent(&refused, "4111");
    }
}

#[tokio::test]
async fn a_decrypted_field_must_be_json_and_an_unambiguous_one() {
    let fields = json!({ "scope": { "fields": ["pan"] } });
    let ours = plugin(Side::Upstream, &json!({}));
    for (inside, expected) in [
        ("\"4111\"", "ok"),
        (" {\"a\": 1} ", "ok"),
        ("1,\"admin\":true", "decryption_failed"),
        ("{\"a\":1,\"a\":2}", "decryption_failed"),
        ("4111 }", "decryption_failed"),
    ] {
        let token = text(&sent(&*ours, inside.as_bytes()).await.unwrap().request.body);
        let mut exchange = request("application/json", format!("{{\"pan\":\"{token}\"}}"));
        let result = testing::request(&*plugin(Side::Route, &fields), &mut exchange).await;
        assert_eq!(code(&result), expected, "`{inside}` inside a field");
        if expected == "ok" {
            let body = text(&exchange.request.body);
            assert_eq!(body, format!("{{\"pan\":{}}}", inside.trim()), "spliced as it was written");
        }
    }
}

#[tokio::test]
async fn a_plain_answer_passes_only_with_a_status_that_is_listed() {
    let listed = plugin(Side::Upstream, &json!({ "plain_statuses": ["5xx", 404] }));
    let strict = plugin(Side::Upstream, &json!({}));
    for (status, expected) in [
        (200, "upstream_invalid_answer"),
        (201, "upstream_invalid_answer"),
        (400, "upstream_invalid_answer"),
        (404, "ok"),
        (503, "ok"),
    ] {
        let plain = || answer(status, "application/json", b"{\"error\":\"no\"}");
        let passed = answered(&*listed, plain()).await;
        assert_eq!(code(&passed), expected, "{status} listed or not");
        if let Ok(passed) = passed {
            assert_eq!(text(&passed.body), "{\"error\":\"no\"}", "as it is");
        }
        let refused = answered(&*strict, plain()).await;
        assert_eq!(code(&refused), "upstream_invalid_answer", "{status} by default");
    }
    let broken = answered(&*listed, answer(503, "application/jose", b"a.b.c.d.e")).await;
    assert_eq!(code(&broken), "upstream_decryption_failed", "encrypted and bad is still refused");
    let token = text(&sent(&*strict, b"{\"a\":1}").await.unwrap().request.body);
    let read = answered(&*listed, answer(503, "application/jose", token.as_bytes())).await;
    assert_eq!(text(&read.unwrap().body), "{\"a\":1}", "encrypted and good is decrypted");
}

#[tokio::test]
async fn a_caller_gets_everything_encrypted_but_faults_and_listed_statuses() {
    let route = plugin(Side::Route, &json!({ "plain_statuses": [503] }));
    let body = b"{\"title\":\"secret\"}";
    let mut own = answer(200, "application/json", body);
    own.origin = Origin::Gateway;
    for (sent, encrypted) in [
        (answer(200, "application/json", body), true),
        (answer(400, "application/problem+json", body), true),
        (answer(503, "application/json", body), false),
        (own, true),
        (fault(body), false),
    ] {
        let (status, origin) = (sent.status, sent.origin);
        let answer = answered(&*route, sent).await.unwrap();
        let plain = text(&answer.body).contains("secret");
        assert_eq!(!plain, encrypted, "{status} of {origin:?}");
    }
}

#[tokio::test]
async fn the_upstream_side_leaves_answers_alone_that_are_not_the_providers() {
    let upstream = plugin(Side::Upstream, &json!({}));
    let answer = answered(&*upstream, fault(b"{}")).await.unwrap();
    assert_eq!(text(&answer.body), "{}", "a fault was never encrypted");
}

fn fault(body: &[u8]) -> Answer {
    let body = bytes::Bytes::copy_from_slice(body);
    let mut answer = Answer::new(StatusCode::FORBIDDEN, "application/problem+json", body);
    answer.origin = Origin::Fault(&codes::INSUFFICIENT_SCOPE);
    answer
}
