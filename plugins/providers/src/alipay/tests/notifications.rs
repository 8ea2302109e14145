//! Notifications of v2 and v3: real ones, both families, and what is not one.

use http::{HeaderValue, StatusCode};
use tollgate_api::{Flow, Origin, Outcome, codes};

use super::*;

/// A notification with these parameters, signed as `sign` says.
pub(super) fn notification(form: &str) -> Exchange {
    let mut exchange = exchange_with_body(form.to_owned());
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
    exchange.request.headers.insert("content-type", kind);
    exchange
}

/// Encodes by another way than the plugin's: everything but letters and digits.
pub(super) fn encoded(parameters: &[(String, String)]) -> String {
    let value = |text: &str| {
        let bytes = text.bytes().map(|byte| {
            let plain = byte.is_ascii_alphanumeric();
            if plain { char::from(byte).to_string() } else { format!("%{byte:02x}") }
        });
        bytes.collect::<String>()
    };
    let pairs: Vec<_> =
        parameters.iter().map(|(n, v)| format!("{}={}", value(n), value(v))).collect();
    pairs.join("&")
}

fn pairs(object: &Value) -> Vec<(String, String)> {
    let object = object.as_object().unwrap();
    object.iter().map(|(name, value)| (name.clone(), text(value).to_owned())).collect()
}

/// Signs what the rule takes of the parameters, in sorted order, and adds the signature.
fn sign(mut parameters: Vec<(String, String)>, take: impl Fn(&str, &str) -> bool) -> String {
    parameters.sort();
    let signed: Vec<_> = parameters
        .iter()
        .filter(|(name, value)| take(name, value))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let signature = alipay_signs(signed.join("&").as_bytes());
    parameters.push(("sign".to_owned(), signature));
    encoded(&parameters)
}

/// Parameters of a notification, with some changed or added.
pub(super) fn parameters(changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut all = std::collections::BTreeMap::from([
        ("app_id", APP_ID),
        ("notify_id", "n-1"),
        ("notify_time", "2026-01-01 08:00:00"),
        ("notify_type", "trade_status_sync"),
        ("out_trade_no", "o-1"),
        ("seller_id", "2088"),
        ("sign_type", "RSA2"),
        ("total_amount", "2.00"),
        ("trade_status", "TRADE_SUCCESS"),
    ]);
    all.extend(changes.iter().copied());
    all.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

pub(super) fn payment(changes: &[(&str, &str)]) -> String {
    sign(parameters(changes), |name, _| name != "sign_type")
}

pub(super) async fn taken(plugin: &dyn Plugin, form: &str) -> Result<Value, &'static str> {
    match called(plugin, notification(form)).await {
        Ok(exchange) => Ok(serde_json::from_str(&body_of(&exchange.request.body)).unwrap()),
        Err(fault) => Err(fault.code().name),
    }
}

#[tokio::test]
async fn the_official_sdks_notification_becomes_an_object_of_texts() {
    let case = &generated("alipay.json")["notify"];
    for protocol in ["v2", "v3"] {
        let plugin = bench_at(Side::Route, SENT).plugin::<Alipay>(settings(protocol));
        let exchange = called(&*plugin, notification(text(&case["form_body"]))).await.unwrap();
        let mut expected = case["form_params"].clone();
        expected.as_object_mut().unwrap().retain(|name, _| name != "sign" && name != "sign_type");
        let event: Value = serde_json::from_str(&body_of(&exchange.request.body)).unwrap();
        assert_eq!(event, expected, "without the signature, decoded once");
        assert_eq!(
            header(&exchange.request.headers, "content-type"),
            Some("application/json"),
            "JSON"
        );
        let identity = exchange.identity.unwrap();
        assert_eq!(identity.client(), Some(APP_ID), "who it is for");
        assert_eq!(identity.proven_by, "alipay", "and who proved it");
    }
}

#[tokio::test]
async fn the_vectors_that_must_be_refused_are() {
    let vectors = generated("alipay.json");
    let plugin = bench_at(Side::Route, SENT).plugin::<Alipay>(settings("v3"));
    for case in vectors["notify_negative"].as_array().unwrap() {
        let form = encoded(&pairs(&case["form_params"]));
        assert_eq!(taken(&*plugin, &form).await, Err("signature_invalid"), "{}", case["why"]);
    }
    let form = encoded(&pairs(&vectors["notify"]["form_params"]));
    assert!(taken(&*plugin, &form).await.is_ok(), "the same by this encoder, unchanged");
}

#[tokio::test]
async fn a_real_notification_of_alipay_verifies() {
    let Some(vectors) = foreign("alipay/v2-notify-and-response.json") else { return };
    let case = &vectors["notify_payment_rsaCheckV1"];
    let mut bench = bench_at(Side::Route, 1_565_855_785);
    bench.sources.put_file("alipay.pem", text(&case["alipay_public_key_pem"]).to_owned());
    let settings = with(settings("v2"), "app_id", json!("2019073166072302"));
    let settings = with(settings, "seller_id", json!("2088531891668739"));
    let plugin = bench.plugin::<Alipay>(settings);
    let event = taken(&*plugin, &encoded(&pairs(&case["form_params"]))).await.unwrap();
    assert_eq!(event["total_amount"], "0.10", "amounts stay as they are written");
    assert_eq!(event["subject"], "语雀空间 500人规模", "{event}");
}

#[tokio::test]
async fn both_families_are_verified_and_only_what_is_signed_is_handed_on() {
    let plugin = plugin(Side::Route, settings("v3"));
    let event = |id: &str| parameters(&[("notify_id", id), ("body", "")]);
    let object = |id: &str, with_empty: bool| {
        let mut all: std::collections::BTreeMap<_, _> = event(id).into_iter().collect();
        all.retain(|name, value| name != "sign_type" && (with_empty || !value.is_empty()));
        json!(all)
    };
    for (id, form, with_empty) in [
        ("1", sign(event("1"), |name, _| name != "sign_type"), true),
        ("2", sign(event("2"), |_, _| true), true),
        ("3", sign(event("3"), |name, value| name != "sign_type" && !value.is_empty()), false),
        ("4", sign(event("4"), |_, value| !value.is_empty()), false),
    ] {
        assert_eq!(taken(&*plugin, &form).await, Ok(object(id, with_empty)), "family {id}");
    }
    let form = sign(event("5"), |name, _| name != "sign_type" && name != "total_amount");
    assert_eq!(taken(&*plugin, &form).await, Err("signature_invalid"), "no other reading");
}

#[tokio::test]
async fn what_is_not_a_sound_notification_is_refused_with_its_own_code() {
    let plugin = plugin(Side::Route, settings("v3"));
    let good = payment(&[]);
    let mut json_type = notification(&good);
    json_type.request.headers.insert("content-type", HeaderValue::from_static("application/json"));
    let refused = called(&*plugin, json_type).await.unwrap_err();
    assert_eq!(refused.code().name, "unsupported_media_type", "not a form");
    let unsigned = encoded(&parameters(&[]));
    for (form, code) in [
        (format!("{good}&total%5famount=2.00"), "ambiguous_request"),
        (format!("{good}&total_amount=2.00"), "ambiguous_request"),
        (format!("{good}&x=%zz"), "signature_malformed"),
        (format!("{good}&x=%"), "signature_malformed"),
        (format!("{good}&x=%ff"), "signature_malformed"),
        (format!("{good}&x=1"), "signature_invalid"),
        (format!("{good}&x="), "ok"),
        (unsigned.clone(), "signature_missing"),
        (format!("{unsigned}&sign="), "signature_missing"),
        (format!("{unsigned}&sign=*"), "signature_malformed"),
        (format!("{unsigned}&sign=AAAA"), "signature_invalid"),
        (String::new(), "signature_missing"),
        (payment(&[("sign_type", "RSA")]), "signature_algorithm_refused"),
        (payment(&[("sign_type", "SM2")]), "signature_algorithm_refused"),
        (payment(&[("sign_type", "")]), "signature_missing"),
        (payment(&[("charset", "gbk")]), "unsupported_media_type"),
        (payment(&[("charset", "GBK")]), "unsupported_media_type"),
        (payment(&[("charset", "UTF-8"), ("notify_id", "n-2")]), "ok"),
        (payment(&[("app_id", "2021001122334456")]), "notification_misdirected"),
        (payment(&[("app_id", "")]), "notification_misdirected"),
        (payment(&[("notify_id", "")]), "field_invalid"),
    ] {
        let found = taken(&*plugin, &form).await;
        assert_eq!(found.map_or_else(|code| code, |_| "ok"), code, "`{form}`");
    }
}

#[tokio::test]
async fn another_sellers_notification_is_refused_where_the_seller_is_configured() {
    let plugin = plugin(Side::Route, with(settings("v3"), "seller_id", json!("2088")));
    for (id, seller, code) in [
        ("1", "2088", "ok"),
        ("2", "2089", "notification_misdirected"),
        ("3", "", "notification_misdirected"),
    ] {
        let found = taken(&*plugin, &payment(&[("notify_id", id), ("seller_id", seller)])).await;
        assert_eq!(found.map_or_else(|code| code, |_| "ok"), code, "seller `{seller}`");
    }
}

#[tokio::test]
async fn an_encrypted_content_is_decrypted_after_the_signature_was_verified() {
    let vectors = generated("alipay.json");
    let content = text(&vectors["v2"][2]["form_params"]["biz_content"]);
    let form = |id, kind, content| {
        let changes = [("notify_id", id), ("encrypt_type", kind), ("biz_content", content)];
        sign(parameters(&changes), |_, _| true)
    };
    let encrypting = plugin(Side::Route, encrypting("v3"));
    let event = taken(&*encrypting, &form("1", "AES", content)).await.unwrap();
    assert_eq!(event["biz_content"], "{\"out_trade_no\":\"enc-1\"}", "decrypted");
    assert_eq!(event.get("encrypt_type"), None, "and no longer said to be encrypted");
    let plain = plugin(Side::Route, settings("v3"));
    for (plugin, kind, content) in [
        (&plain, "AES", content),
        (&encrypting, "SM4", content),
        (&encrypting, "AES", "AAAA"),
        (&encrypting, "AES", ""),
    ] {
        let found = taken(&**plugin, &form("2", kind, content)).await;
        assert_eq!(found, Err("decryption_failed"), "{kind} `{content}`");
    }
}

#[tokio::test]
async fn alipay_is_told_success_only_after_the_institution_took_the_event() {
    let plugin = plugin(Side::Route, settings("v3"));
    for (id, status, origin, expected) in [
        ("1", 200, Origin::Provider, (200, "success")),
        ("2", 204, Origin::Provider, (200, "success")),
        ("3", 302, Origin::Provider, (502, "fail")),
        ("4", 404, Origin::Provider, (404, "fail")),
        ("5", 503, Origin::Fault(&codes::UPSTREAM_UNREACHABLE), (503, "fail")),
    ] {
        let form = payment(&[("notify_id", id)]);
        let mut exchange = called(&*plugin, notification(&form)).await.unwrap();
        let mut answer = answer_with_body("{\"secret\":1}");
        answer.status = StatusCode::from_u16(status).unwrap();
        answer.origin = origin;
        answer.headers.insert("x-internal", HeaderValue::from_static("1"));
        let word = answered(&*plugin, &mut exchange, answer).await.unwrap();
        let answer = exchange.answer.as_ref().unwrap();
        assert_eq!((answer.status.as_u16(), word.as_str()), expected, "{status} by {origin:?}");
        let internal = header(&answer.headers, "x-internal").is_some();
        assert_eq!(
            internal,
            matches!(origin, Origin::Fault(_)),
            "only the gateway's own fields stay"
        );
        let again = plugin.on_request(&mut notification(&form)).resolve().await.unwrap();
        match again {
            Flow::Respond(answer) => {
                assert_eq!(expected.1, "success", "acknowledged without delivery: {id}");
                assert_eq!(body_of(&answer.body), "success", "{id}");
            }
            Flow::Continue => assert_eq!(expected.1, "fail", "delivered anew: {id}"),
        }
    }
}

#[tokio::test]
async fn an_event_is_delivered_by_one_exchange_at_a_time() {
    let plugin = plugin(Side::Route, settings("v3"));
    let form = payment(&[]);
    let mut first = called(&*plugin, notification(&form)).await.unwrap();
    assert_eq!(taken(&*plugin, &form).await, Err("notification_in_progress"), "under way");
    plugin.on_end(&mut first, &outcome());
    assert!(taken(&*plugin, &form).await.is_ok(), "the first was cancelled: delivered anew");
}

#[tokio::test]
async fn a_refusal_is_told_in_alipays_form() {
    let plugin = plugin(Side::Route, settings("v3"));
    let mut exchange = notification("sign=x");
    let fault = request(&*plugin, &mut exchange).await.unwrap_err();
    let mut answer = answer_with_body("{\"type\":\"problem\"}");
    answer.status = fault.code().status();
    answer.origin = Origin::Fault(fault.code());
    let word = answered(&*plugin, &mut exchange, answer).await;
    assert_eq!(word.as_deref(), Ok("fail"), "not a problem document");
    assert_eq!(exchange.answer.unwrap().status, 401, "with the status of the fault");
}

fn outcome() -> Outcome {
    Outcome { status: None, fault: None, cancelled: true }
}
