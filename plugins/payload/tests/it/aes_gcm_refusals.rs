//! Tampering, messages of the wrong form, and keys that have been used enough.

use http::HeaderValue;
use serde_json::{Value, json};
use tollgate_api::{Measure, Plugin, Side, testing};
use tollgate_crypto::{SymmetricKey, UseBudget, sha256, to_hex};
use tollgate_payload::aes_gcm::AesGcm;

use crate::{
    aes_gcm_layouts::settings,
    support::{answer, answered, assert_silent, bench, code, env, request, sent, text},
};

fn plugin(side: Side, more: &Value) -> std::sync::Arc<dyn Plugin> {
    bench(side).plugin::<AesGcm>(settings(more))
}

#[tokio::test]
async fn every_changed_byte_is_noticed_on_both_sides_and_nothing_shows() {
    let layout = json!({ "encoding": "hex", "scope": { "envelope": "data" } });
    let (ours, route) = (plugin(Side::Upstream, &layout), plugin(Side::Route, &layout));
    let secret = b"{\"pan\":\"4111111111111111\"}";
    let wire = text(&sent(&*ours, secret).await.unwrap().request.body);
    let (start, end) = ("{\"data\":\"".len(), wire.len() - 2);
    for at in (start..end).step_by(3) {
        let mut tampered = wire.clone();
        let other = if &wire[at..=at] == "0" { "1" } else { "0" };
        tampered.replace_range(at..=at, other);
        let refused =
            testing::request(&*route, &mut request("application/json", tampered.clone())).await;
        assert_eq!(code(&refused), "decryption_failed", "digit {at} of a request");
        assert_silent(&refused, "4111");
        let refused = answered(&*ours, answer(200, "application/json", tampered.as_bytes())).await;
        assert_eq!(code(&refused), "upstream_decryption_failed", "digit {at} of an answer");
        assert_silent(&refused, "4111");
    }
}

#[tokio::test]
async fn a_message_of_the_wrong_form_is_refused_with_the_fault_of_its_sender() {
    let body = json!({});
    let envelope = json!({ "scope": { "envelope": "data" }, "nonce": { "member": "iv" } });
    let fields = json!({ "scope": { "fields": ["pan"] } });
    for (layout, media, text, expected) in [
        (&body, "application/json", "AAAA", "unsupported_media_type"),
        (&body, "application/octet-stream", "AAAA", "decryption_failed"),
        (&body, "application/octet-stream", "not base64", "decryption_failed"),
        (&envelope, "text/plain", "{}", "unsupported_media_type"),
        (&envelope, "application/json", "{\"data\":", "invalid_json"),
        (&envelope, "application/json", "{\"data\":\"AAAA\"}", "field_invalid"),
        (&envelope, "application/json", "{\"data\":\"AAAA\",\"iv\":1}", "field_invalid"),
        (&envelope, "application/json", "{\"data\":\"AA\",\"iv\":\"AA==\"}", "decryption_failed"),
        (&envelope, "application/json", "{\"data\":\"\",\"iv\":\"\",\"x\":1}", "field_invalid"),
        (&envelope, "application/json", "{\"data\":\"\",\"data\":\"\"}", "invalid_json"),
        (&fields, "application/json", "{\"pan\":\"4111111111111111\"}", "decryption_failed"),
        (&fields, "application/json", "{\"pan\":4111111111111111}", "field_invalid"),
        (&fields, "application/json", "{}", "field_invalid"),
        (&fields, "text/xml", "{}", "unsupported_media_type"),
    ] {
        let refused =
            testing::request(&*plugin(Side::Route, layout), &mut request(media, text)).await;
        assert_eq!(code(&refused), expected, "a caller's `{text}`");
        assert_silent(&refused, "4111");
        let of_provider = match expected {
            "decryption_failed" => "upstream_decryption_failed",
            _ => "upstream_invalid_answer",
        };
        let sent = answer(200, Box::leak(media.to_owned().into_boxed_str()), text.as_bytes());
        let refused = answered(&*plugin(Side::Upstream, layout), sent).await;
        assert_eq!(code(&refused), of_provider, "a provider's `{text}`");
    }
}

#[tokio::test]
async fn a_body_of_another_type_is_refused_since_nothing_could_restore_its_type() {
    let ours = plugin(Side::Upstream, &json!({}));
    let refused = testing::request(&*ours, &mut request("text/xml", "<a/>")).await;
    assert_eq!(code(&refused), "unsupported_media_type", "a request");
    let route = plugin(Side::Route, &json!({}));
    let refused = answered(&*route, answer(200, "text/html", b"<a/>")).await;
    assert_eq!(code(&refused), "upstream_invalid_answer", "an answer");
}

#[tokio::test]
async fn a_header_that_is_bound_must_be_there_once_and_unchanged() {
    let layout = json!({
        "associated_data": { "parts": [{ "header": "x-id" }, { "text": "a" }], "separator": "," }
    });
    let (ours, route) = (plugin(Side::Upstream, &layout), plugin(Side::Route, &layout));
    for (values, expected) in [
        (vec!["1"], "ok"),
        (vec![], "field_invalid"),
        (vec!["1", "1"], "field_invalid"),
        (vec!["1,2"], "field_invalid"),
    ] {
        let mut exchange = testing::exchange_with_body("{}");
        for value in &values {
            exchange.request.headers.append("x-id", HeaderValue::from_static(value));
        }
        let result = testing::request(&*ours, &mut exchange).await;
        assert_eq!(code(&result), expected, "sealed with {values:?}");
    }
    for (values, expected) in [
        (vec!["1"], "ok"),
        (vec!["2"], "decryption_failed"),
        (vec![], "decryption_failed"),
        (vec!["1", "1"], "decryption_failed"),
    ] {
        let mut exchange = testing::exchange_with_body("{}");
        exchange.request.headers.insert("x-id", HeaderValue::from_static("1"));
        testing::request(&*ours, &mut exchange).await.unwrap();
        exchange.request.headers.remove("x-id");
        for value in &values {
            exchange.request.headers.append("x-id", HeaderValue::from_static(value));
        }
        let result = testing::request(&*route, &mut exchange).await;
        assert_eq!(code(&result), expected, "opened with {values:?}");
    }
}

#[tokio::test]
async fn a_plain_answer_passes_only_with_a_status_that_is_listed() {
    let ours = plugin(Side::Upstream, &json!({ "plain_statuses": ["5xx"] }));
    let plain = |status| answer(status, "application/json", b"{\"error\":1}");
    assert_eq!(code(&answered(&*ours, plain(500)).await), "ok", "listed");
    let refused = answered(&*ours, plain(200)).await;
    assert_eq!(code(&refused), "upstream_invalid_answer", "not listed");
    let bad = answer(500, "application/octet-stream", b"AAAA");
    let refused = answered(&*ours, bad).await;
    assert_eq!(code(&refused), "upstream_decryption_failed", "of the form and bad");
}

#[tokio::test]
async fn a_key_stops_at_its_limit_also_across_a_reload_and_in_the_middle_of_a_message() {
    let mut bench = bench(Side::Upstream);
    let raw: Vec<u8> = (0..32).collect();
    let key = SymmetricKey::from_hex(&to_hex(&raw)).unwrap();
    let name = format!("payload/key/{}", to_hex(&sha256(key.secret().expose())));
    let kept = bench.state.get_or_create(&name, 0, || UseBudget::with_limit(3));
    let layout = json!({ "key_format": "hex", "encrypt_with": env("SHARED_32"), "scope": { "fields": ["l[*]"] } });
    let before = bench.plugin::<AesGcm>(layout.clone());
    assert_eq!(code(&sent(&*before, b"{\"l\":[1,2]}").await), "ok", "two uses");
    let after = bench.plugin::<AesGcm>(layout);
    let refused = sent(&*after, b"{\"l\":[1,2]}").await;
    assert_eq!(code(&refused), "key_exhausted", "the second field has none left");
    assert_eq!(refused.unwrap_err().code().status, 500, "the operator's to mend");
    assert_eq!(kept.remaining(), 0, "one count for both");
    assert_eq!(bench.figures.of("route/aes_gcm", Measure::KeyUses), Some(3.0), "reported");
}
