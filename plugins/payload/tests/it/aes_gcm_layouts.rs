//! What one gateway encrypts another decrypts, in every layout; and what it looks like on the wire.

use http::HeaderValue;
use serde_json::{Value, json};
use tollgate_api::{Exchange, Side, testing};
use tollgate_crypto::{AesGcmKey, base64_decode, base64url_decode, from_hex};
use tollgate_payload::aes_gcm::AesGcm;

use crate::support::{Pair, bench, bytes, code, env, merged, request, sent, text};

const BODY: &str = "{ \"amount\":10.50, \"merchant\":\"m1\",\"card\":{\"number\" : \"4111111111111111\",\"cvc\":737},\"l\":[{\"p\":\"a\"},{\"p\":\"b\"}] }";

pub fn settings(more: &Value) -> Value {
    let base = json!({
        "key_format": "hex",
        "encrypt_with": env("SHARED_32"), "decrypt_with": env("SHARED_32"),
    });
    merged(base, more)
}

fn pair(more: &Value) -> Pair {
    Pair::of::<AesGcm>(settings(more), settings(more))
}

fn layouts() -> Vec<Value> {
    let mut all = Vec::new();
    for encoding in ["base64", "base64url", "hex"] {
        for tag in ["suffix", "prefix"] {
            for scope in [
                json!("body"),
                json!({ "envelope": "data" }),
                json!({ "fields": ["card.number", "l[*].p"] }),
                json!({ "fields": { "required": ["card"], "optional": ["absent"] } }),
            ] {
                all.push(json!({ "encoding": encoding, "tag": tag, "scope": scope }));
            }
        }
        all.push(json!({
            "encoding": encoding, "nonce": { "header": "x-nonce" }, "tag": { "header": "x-tag" },
        }));
        all.push(json!({
            "encoding": encoding, "nonce": { "header": "x-nonce" }, "tag": "prefix",
            "scope": { "envelope": "data" },
        }));
        all.push(json!({
            "encoding": encoding, "nonce": { "member": "iv" }, "tag": { "member": "tag" },
            "scope": { "envelope": "data" },
        }));
    }
    all.push(json!({ "encoding": "raw" }));
    all.push(json!({ "encoding": "raw", "tag": "prefix", "nonce": { "header": "x-nonce" } }));
    all.push(json!({ "scope": "body", "answer_scope": { "envelope": "data" } }));
    all
}

#[tokio::test]
async fn every_layout_carries_requests_and_answers_byte_for_byte_with_either_key_length() {
    for layout in layouts() {
        for key in ["SHARED_16", "SHARED_32"] {
            let keys = json!({ "encrypt_with": env(key), "decrypt_with": env(key) });
            let pair = pair(&merged(layout.clone(), &keys));
            let (received, wire) = pair.request(BODY.as_bytes()).await;
            let received = received.unwrap_or_else(|fault| panic!("{layout}: {fault}"));
            assert_eq!(text(&received.request.body), BODY, "{layout}: the request arrives");
            let seen = String::from_utf8_lossy(&bytes(&wire.request.body)).into_owned();
            assert!(!seen.contains("4111"), "{layout}: not in the clear");
            for name in ["x-nonce", "x-tag"] {
                let headers = &received.request.headers;
                assert!(!headers.contains_key(name), "{layout}: `{name}` is not passed on");
            }
            assert_eq!(received.request.headers["content-type"], "application/json", "{layout}");
            let (received, _) = pair.answer(BODY.as_bytes()).await;
            assert_eq!(text(&received.unwrap().body), BODY, "{layout}: the answer arrives");
        }
    }
}

fn cipher() -> AesGcmKey {
    AesGcmKey::new(&(0..32).collect::<Vec<u8>>()).unwrap()
}

fn wire(exchange: &Exchange) -> Value {
    serde_json::from_slice(&bytes(&exchange.request.body)).unwrap()
}

#[tokio::test]
async fn a_partner_with_the_key_reads_the_default_layout() {
    let plugin = bench(Side::Upstream).plugin::<AesGcm>(settings(&json!({})));
    let piece = base64_decode(&text(&sent(&*plugin, b"{}").await.unwrap().request.body)).unwrap();
    let (nonce, rest) = piece.split_first_chunk().unwrap();
    assert_eq!(cipher().open(nonce, b"", rest).unwrap(), b"{}", "nonce, ciphertext, tag");
}

#[tokio::test]
async fn a_partner_with_the_key_reads_tags_before_the_ciphertext_and_hexadecimal() {
    let layout = json!({ "encoding": "hex", "tag": "prefix" });
    let plugin = bench(Side::Upstream).plugin::<AesGcm>(settings(&layout));
    let piece = from_hex(&text(&sent(&*plugin, b"{}").await.unwrap().request.body)).unwrap();
    let rest = [&piece[28..], &piece[12..28]].concat();
    let nonce = piece[..12].try_into().unwrap();
    assert_eq!(cipher().open(&nonce, b"", &rest).unwrap(), b"{}", "nonce, tag, ciphertext");
}

#[tokio::test]
async fn a_partner_with_the_key_reads_an_envelope_with_members_and_the_name_of_the_key() {
    let layout = json!({
        "encoding": "base64url", "scope": { "envelope": "data" }, "nonce": { "member": "iv" },
        "tag": { "member": "tag" }, "key_id_in": { "member": "kid" }, "encrypt_key_id": "k1",
        "decrypt_with": { "key": env("SHARED_32"), "id": "k1" },
    });
    let plugin = bench(Side::Upstream).plugin::<AesGcm>(settings(&layout));
    let envelope = wire(&sent(&*plugin, b"{\"a\":1}").await.unwrap());
    let part = |name: &str| base64url_decode(envelope[name].as_str().unwrap()).unwrap();
    let nonce = part("iv").try_into().unwrap();
    let sealed = [part("data"), part("tag")].concat();
    assert_eq!(cipher().open(&nonce, b"", &sealed).unwrap(), b"{\"a\":1}", "from three members");
    assert_eq!(envelope["kid"], "k1", "and the key by name");
    assert_eq!(envelope.as_object().unwrap().len(), 4, "nothing else");
}

#[tokio::test]
async fn a_partner_with_the_key_reads_raw_bytes_with_headers_and_associated_data() {
    let layout = json!({
        "encoding": "raw", "nonce": { "header": "x-nonce" }, "media_type": "application/x-sealed",
        "associated_data": {
            "parts": [{ "text": "v1" }, { "header": "x-request-id" }], "separator": "."
        },
    });
    let plugin = bench(Side::Upstream).plugin::<AesGcm>(settings(&layout));
    let mut exchange = testing::exchange_with_body("{}");
    exchange.request.headers.insert("x-request-id", HeaderValue::from_static("r7"));
    testing::request(&*plugin, &mut exchange).await.unwrap();
    let headers = &exchange.request.headers;
    assert_eq!(headers["content-type"], "application/x-sealed", "as configured");
    let nonce = base64_decode(headers["x-nonce"].to_str().unwrap()).unwrap().try_into().unwrap();
    let opened = cipher().open(&nonce, b"v1.r7", &bytes(&exchange.request.body));
    assert_eq!(opened.unwrap(), b"{}", "bound to the request id");
}

#[tokio::test]
async fn fields_are_bound_to_another_field_and_may_be_plain_text() {
    let layout = json!({
        "scope": { "fields": ["card.number"] }, "field_values": "text",
        "associated_data": { "parts": [{ "field": "merchant" }] },
    });
    let plugin = bench(Side::Upstream).plugin::<AesGcm>(settings(&layout));
    let exchange = sent(&*plugin, BODY.as_bytes()).await.unwrap();
    let sealed = wire(&exchange)["card"]["number"].as_str().unwrap().to_owned();
    let piece = base64_decode(&sealed).unwrap();
    let (nonce, rest) = piece.split_first_chunk().unwrap();
    let opened = cipher().open(nonce, b"m1", rest).unwrap();
    assert_eq!(opened, b"4111111111111111", "the text without quotes");
    let (received, _) = pair(&layout).request(BODY.as_bytes()).await;
    assert_eq!(text(&received.unwrap().request.body), BODY, "and it stays a string");
    let moved = text(&exchange.request.body).replace("\"m1\"", "\"m2\"");
    let route = bench(Side::Route).plugin::<AesGcm>(settings(&layout));
    let refused = testing::request(&*route, &mut request("application/json", moved)).await;
    assert_eq!(code(&refused), "decryption_failed", "not for another merchant");
}

#[tokio::test]
async fn no_two_messages_and_no_two_fields_share_a_nonce() {
    let layout = json!({ "scope": { "fields": ["l[*].p"] } });
    let plugin = bench(Side::Upstream).plugin::<AesGcm>(settings(&layout));
    let mut nonces = std::collections::HashSet::new();
    for _ in 0..50 {
        let exchange = sent(&*plugin, BODY.as_bytes()).await.unwrap();
        for index in 0..2 {
            let sealed = wire(&exchange)["l"][index]["p"].as_str().unwrap().to_owned();
            let nonce = base64_decode(&sealed).unwrap()[..12].to_vec();
            assert!(nonces.insert(nonce), "a nonce was used twice");
        }
    }
}

#[tokio::test]
async fn keys_rotate_by_name_or_by_trial() {
    let named = bench(Side::Route).plugin::<AesGcm>(json!({
        "key_format": "hex", "key_id_in": { "header": "x-key" },
        "decrypt_with": [
            { "key": env("SHARED_32"), "id": "old" }, { "key": env("OTHER_32"), "id": "new" },
        ],
    }));
    let tried = bench(Side::Route).plugin::<AesGcm>(json!({
        "key_format": "hex", "decrypt_with": [env("SHARED_32"), env("OTHER_32")],
    }));
    for (id, key, by_name, by_trial) in [
        ("old", "SHARED_32", "ok", "ok"),
        ("new", "OTHER_32", "ok", "ok"),
        ("new", "SHARED_32", "decryption_failed", "ok"),
        ("other", "SHARED_32", "decryption_failed", "ok"),
        ("old", "SHARED_16", "decryption_failed", "decryption_failed"),
    ] {
        let ours = bench(Side::Upstream).plugin::<AesGcm>(json!({
            "key_format": "hex", "key_id_in": { "header": "x-key" },
            "encrypt_with": env(key), "encrypt_key_id": id,
        }));
        let exchange = sent(&*ours, b"{}").await.unwrap();
        for (plugin, expected) in [(&named, by_name), (&tried, by_trial)] {
            let mut received = testing::exchange();
            received.request = exchange.request.clone();
            let result = testing::request(&**plugin, &mut received).await;
            assert_eq!(code(&result), expected, "{id} with {key}");
        }
    }
}

#[tokio::test]
async fn a_large_body_goes_through_a_thread_of_its_own_and_arrives() {
    let pair = pair(&json!({ "encoding": "raw" }));
    let body: Vec<u8> = (0..1024 * 1024).map(|index| u8::try_from(index % 251).unwrap()).collect();
    let (received, wire) = pair.request(&body).await;
    assert_eq!(bytes(&wire.request.body).len(), body.len() + 28, "a nonce and a tag longer");
    assert!(bytes(&received.unwrap().request.body) == body, "one MiB arrives");
}
