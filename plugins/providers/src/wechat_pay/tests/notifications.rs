//! Notifications: verified, decrypted, handed on once.

use std::collections::HashMap;

use serde_json::{Value, json};
use tollgate_api::{
    Body, Exchange, Flow, Outcome,
    testing::{self, FakeReplaySets, request, verdict},
};
use tollgate_crypto::{Certificate, base64_decode};

use super::support::*;
use crate::wechat_pay::{Variant, presented::presented, resource::ResourceKey};

fn exchange(vector: &Value) -> Exchange {
    let mut exchange = testing::exchange();
    exchange.request.body = Body::Held(text(&vector["body"]).to_owned().into());
    let fields = vector["headers"].as_object().unwrap();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (&**name, text(value))).collect();
    exchange.request.headers = testing::header_map(&fields);
    exchange
}

/// A notification, as it is when nobody has touched it.
fn sound() -> Exchange {
    wechat_pay().notification(notification_of("EV-1", &json!({ "mchid": MERCHANT }).to_string()))
}

#[tokio::test]
async fn the_vector_becomes_a_clean_event() {
    let vector = &VECTORS["webhook"];
    let mut bench = route();
    at(&bench, vector["now_unix"].as_u64().unwrap());
    let plugin = plugin(&mut bench, &json!({}));
    let mut exchange = exchange(vector);
    assert_eq!(verdict(&request(&*plugin, &mut exchange).await), "ok", "it is WeChat Pay's");
    let body = exchange.request.body.whole().unwrap();
    let expected = format!(
        "{{\"id\":\"EV-2018022511223320873\",\"event_type\":\"TRANSACTION.SUCCESS\",\
         \"create_time\":\"2025-05-20T13:29:35+08:00\",\"resource_type\":\"encrypt-resource\",\
         \"summary\":\"支付成功\",\"resource\":{}}}",
        text(&vector["plaintext"])
    );
    assert_eq!(String::from_utf8_lossy(&body), expected, "the event, its resource verbatim");
    let headers = &exchange.request.headers;
    let left = headers.keys().filter(|name| name.as_str().starts_with("wechatpay-")).count();
    assert_eq!(left, 0, "nothing of the signature is left: {headers:?}");
    assert_eq!(headers["content-type"], "application/json", "its type");
    let identity = exchange.identity.unwrap();
    assert_eq!(identity.client(), Some("wechat_pay"), "who called is known");
}

#[tokio::test]
async fn the_negative_vectors_are_refused_each_with_its_code() {
    let codes = HashMap::from([
        ("timestamp 300 s old", "signature_expired"),
        ("timestamp 300 s in the future", "signature_expired"),
        ("body re-serialised (space added)", "signature_invalid"),
        ("unknown serial", "signature_key_unknown"),
        ("probe traffic", "signature_invalid"),
        ("unsupported Signature-Type", "signature_algorithm_refused"),
        ("missing nonce header", "signature_missing"),
    ]);
    let vectors = VECTORS["negative"].as_array().unwrap();
    assert_eq!(vectors.len(), codes.len(), "every vector has its code");
    for vector in vectors {
        let mut bench = route();
        let now = vector["now_unix"].as_u64().unwrap();
        // The bench's clock only goes forward.
        let clock = tollgate_api::ManualClock::at(std::time::Duration::from_secs(now));
        bench.clock = std::sync::Arc::new(clock);
        let plugin = plugin(&mut bench, &json!({}));
        let refused = request(&*plugin, &mut exchange(vector)).await;
        let why = text(&vector["why"]);
        assert_eq!(verdict(&refused), codes[why], "{why}");
    }
}

#[tokio::test]
async fn each_way_to_tamper_with_a_notification_has_its_code() {
    for (what, change, code) in tampered() {
        let mut bench = route();
        let plugin = plugin(&mut bench, &json!({}));
        let mut exchange = sound();
        change(&mut exchange.request.headers, &mut exchange.request.body);
        assert_eq!(verdict(&request(&*plugin, &mut exchange).await), code, "{what}");
    }
}

#[test]
fn the_official_vectors_verify_and_decrypt() {
    let Some(vectors) = foreign("wechatpay/wechatpay-go.json") else { return };
    let vector = &vectors["notification"];
    let certificate = Certificate::from_pem(text(&vector["platform_cert_pem"])).unwrap();
    let exchange = exchange(vector);
    let body = exchange.request.body.whole().unwrap();
    let presented = presented(Variant::Rsa, &exchange.request.headers, &body).unwrap();
    assert_eq!(presented.message, text(&vector["signed_string"]).as_bytes(), "the signed text");
    assert_eq!(presented.key_id, certificate.serial_hex_upper(), "the key by its serial number");
    let fits = certificate.public_key().verify(
        tollgate_crypto::Algorithm::Rs256,
        &presented.message,
        &presented.signatures[0],
    );
    assert!(fits.is_ok(), "the signature");
    // The official keys have 16 bytes, which settings refuse.
    let key = ResourceKey::short(text(&vector["api_v3_key"]).as_bytes());
    let document = parsed(text(&vector["body"]));
    let plain = key.open(document.root().get("resource").unwrap()).unwrap();
    assert_eq!(plain, text(&vector["resource_plaintext"]).as_bytes(), "the resource");

    let vector = &vectors["certificates_download"];
    let key = ResourceKey::short(text(&vector["api_v3_key"]).as_bytes());
    let document = parsed(text(&vector["response_body"]));
    let entry = document.root().get("data").unwrap().at(0).unwrap();
    let pem = key.open(entry.get("encrypt_certificate").unwrap()).unwrap();
    assert_eq!(pem, text(&vector["decrypted_cert_pem"]).as_bytes(), "the certificate");
}

#[test]
fn a_resource_opens_only_as_it_was_sealed() {
    let key = tollgate_crypto::Secret::from(text(&VECTORS["api_v3_key"]));
    let key = ResourceKey::new(Variant::Rsa, &key).unwrap();
    let opens = |resource: &Value| key.open(parsed(&resource.to_string()).root()).is_some();
    let good = sealed(api_v3_key(), "transaction", "{}");
    assert!(opens(&good), "untouched");
    let with = |name: &str, value: Value| {
        let mut resource = good.clone();
        resource[name] = value;
        resource
    };
    for (name, value) in [
        ("algorithm", json!("AEAD_AES_128_GCM")),
        ("algorithm", json!("AEAD_SM4_GCM")),
        ("algorithm", Value::Null),
        ("nonce", json!("0123456789a")),
        ("nonce", json!("0123456789abc")),
        ("nonce", json!("0123456789aB")),
        ("nonce", json!(123_456_789_012_u64)),
        ("associated_data", json!("refund")),
        ("associated_data", json!("")),
        ("associated_data", Value::Null),
        ("associated_data", json!(7)),
        ("ciphertext", json!("")),
        ("ciphertext", json!("AAAA")),
        ("ciphertext", json!("!")),
    ] {
        assert!(!opens(&with(name, value.clone())), "`{name}` as {value}");
    }
    for vector in VECTORS["negative_aead"].as_array().unwrap() {
        let resource = json!({
            "algorithm": "AEAD_AES_256_GCM",
            "nonce": vector["nonce"],
            "associated_data": vector["aad"],
            "ciphertext": vector["ciphertext_b64"],
        });
        assert!(!opens(&resource), "{}", vector["why"]);
    }
    let mut without = sealed(api_v3_key(), "", "{}");
    assert!(opens(&without), "empty associated data");
    without.as_object_mut().unwrap().remove("associated_data");
    assert!(opens(&without), "and none at all");
    let ciphertext = base64_decode(text(&good["ciphertext"])).unwrap();
    assert_eq!(ciphertext.len(), 2 + 16, "the tag is part of it");
}

#[tokio::test]
async fn an_event_is_handed_on_once_and_acknowledged_ever_after() {
    let mut bench = route();
    let plugin = plugin(&mut bench, &json!({}));
    let mut first = sound();
    assert_eq!(verdict(&request(&*plugin, &mut first).await), "ok", "handed on");
    let second = request(&*plugin, &mut sound()).await;
    assert_eq!(verdict(&second), "notification_in_progress", "the first is still under way");
    first.answer = Some(tollgate_api::Answer::new(http::StatusCode::OK, "text/plain", "ok".into()));
    plugin.on_response(&mut first).resolve().await.unwrap();
    let mut third = sound();
    let flow = plugin.on_request(&mut third).resolve().await.unwrap();
    let Flow::Respond(answer) = flow else { panic!("it was delivered before") };
    assert_eq!(answer.status, 200, "acknowledged");
    let body: Value = serde_json::from_slice(&answer.body.whole().unwrap()).unwrap();
    assert_eq!(body["code"], "SUCCESS", "in WeChat Pay's words");
}

#[tokio::test]
async fn an_event_whose_delivery_failed_or_was_given_up_is_handed_on_again() {
    let mut bench = route();
    let plugin = plugin(&mut bench, &json!({}));
    let mut exchange = sound();
    assert_eq!(verdict(&request(&*plugin, &mut exchange).await), "ok", "handed on");
    plugin.on_end(&mut exchange, &Outcome { cancelled: true, ..Outcome::default() });
    let mut exchange = sound();
    assert_eq!(verdict(&request(&*plugin, &mut exchange).await), "ok", "nobody told its end");
    let status = http::StatusCode::INTERNAL_SERVER_ERROR;
    exchange.answer = Some(tollgate_api::Answer::new(status, "text/plain", "no".into()));
    plugin.on_response(&mut exchange).resolve().await.unwrap();
    assert_eq!(verdict(&request(&*plugin, &mut sound()).await), "ok", "it was refused");
}

#[tokio::test]
async fn what_is_not_for_this_merchant_is_refused() {
    for (resource, expected) in [
        (json!({ "mchid": MERCHANT }), "ok"),
        (json!({ "sp_mchid": MERCHANT, "sub_mchid": "1" }), "ok"),
        (json!({ "combine_mchid": MERCHANT }), "ok"),
        (json!({ "complaint_id": "200201820200101080076610000" }), "ok"),
        (json!({ "mchid": "1900000108" }), "notification_misdirected"),
        (json!({ "sp_mchid": "1", "sub_mchid": MERCHANT }), "notification_misdirected"),
        (json!({ "mchid": 1_900_000_109 }), "notification_misdirected"),
        (json!({ "mchid": null }), "notification_misdirected"),
    ] {
        let mut bench = route();
        let plugin = plugin(&mut bench, &json!({}));
        let body = notification_of("EV-1", &resource.to_string());
        let mut exchange = wechat_pay().notification(body);
        assert_eq!(verdict(&request(&*plugin, &mut exchange).await), expected, "{resource}");
    }
}

#[tokio::test]
async fn what_is_signed_but_makes_no_sense_is_refused() {
    let odd = |change: &dyn Fn(&mut Value)| {
        let mut body = serde_json::from_str(&notification_of("EV-1", "{}")).unwrap();
        change(&mut body);
        body.to_string()
    };
    let sealed_by = |key: &[u8]| sealed(key, "transaction", "{}");
    for (what, body, code) in [
        ("no JSON", "x".to_owned(), "invalid_json"),
        ("nothing", String::new(), "invalid_json"),
        ("two members of a name", "{\"id\":\"1\",\"id\":\"2\"}".to_owned(), "invalid_json"),
        ("no event", odd(&|body| body["id"] = Value::Null), "field_invalid"),
        ("an empty event", odd(&|body| body["id"] = "".into()), "field_invalid"),
        ("a long event", odd(&|body| body["id"] = "x".repeat(129).into()), "field_invalid"),
        (
            "no resource",
            odd(&|body| drop(body.as_object_mut().unwrap().remove("resource"))),
            "field_invalid",
        ),
        ("another key", odd(&|body| body["resource"] = sealed_by(&[7; 32])), "decryption_failed"),
        ("a plain resource", odd(&|body| body["resource"] = json!({})), "decryption_failed"),
        ("a resource that is no JSON", notification_of("EV-1", "{"), "decryption_failed"),
    ] {
        let mut bench = route();
        let plugin = plugin(&mut bench, &json!({}));
        let mut exchange = wechat_pay().notification(body);
        assert_eq!(verdict(&request(&*plugin, &mut exchange).await), code, "{what}");
        let again = request(&*plugin, &mut exchange).await;
        assert_eq!(verdict(&again), code, "{what}: it left no trace");
    }
}

#[tokio::test]
async fn without_a_store_nothing_is_handed_on() {
    let mut bench = route();
    let sets = FakeReplaySets::new(bench.clock.clone());
    bench.stores.replay_sets = std::sync::Arc::new(sets.clone());
    let plugin = plugin(&mut bench, &json!({}));
    sets.fail(true);
    assert_eq!(verdict(&request(&*plugin, &mut sound()).await), "store_unavailable", "closed");
    sets.fail(false);
    assert_eq!(verdict(&request(&*plugin, &mut sound()).await), "ok", "and later it goes on");
}

fn parsed(text: &str) -> tollgate_api::json::Document {
    let limits = tollgate_api::json::Limits::default();
    tollgate_api::json::Document::parse(&text.to_owned().into(), limits).unwrap()
}
