//! Every class of byte that a signature covers, changed by one byte.

use http::HeaderValue;
use tollgate_api::Body;

use super::*;

/// Another letter or digit.
fn other(byte: u8) -> u8 {
    match byte {
        b'0'..=b'8' | b'a'..=b'y' | b'A'..=b'Y' => byte + 1,
        b'9' => b'0',
        _ => byte ^ 1,
    }
}

fn changed(text: &str, at: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    bytes[at] = other(bytes[at]);
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn a_v3_answer_with_any_byte_changed_is_refused() {
    let plugin = plugin(Side::Upstream, settings("v3"));
    let good = super::v3::signed("{\"amount\":\"1.00\"}", "nonce");
    for (name, code) in [
        ("alipay-timestamp", "upstream_signature_invalid"),
        ("alipay-nonce", "upstream_signature_invalid"),
        ("alipay-signature", "upstream_signature_invalid"),
    ] {
        let value = header(&good.headers, name).unwrap().to_owned();
        let mut exchange = called(&*plugin, exchange_with_body("{}")).await.unwrap();
        let mut answer = good.clone();
        // The last digits of the time, so that it stays within the window.
        let at = if name == "alipay-signature" { 7 } else { value.len() - 1 };
        answer.headers.insert(name, HeaderValue::from_str(&changed(&value, at)).unwrap());
        assert_eq!(answered(&*plugin, &mut exchange, answer).await, Err(code), "{name} changed");
        let mut answer = good.clone();
        answer.headers.remove(name);
        let mut exchange = called(&*plugin, exchange_with_body("{}")).await.unwrap();
        let found = answered(&*plugin, &mut exchange, answer).await;
        assert_eq!(found, Err("upstream_signature_missing"), "{name} removed");
        let mut answer = good.clone();
        answer.headers.append(name, HeaderValue::from_str(&value).unwrap());
        let mut exchange = called(&*plugin, exchange_with_body("{}")).await.unwrap();
        let found = answered(&*plugin, &mut exchange, answer).await;
        assert_eq!(found, Err("upstream_signature_malformed"), "{name} twice");
    }
    for (name, value, code) in [
        ("alipay-timestamp", "1767225600.0", "upstream_signature_malformed"),
        ("alipay-timestamp", "+1767225600000", "upstream_signature_malformed"),
        ("alipay-timestamp", "1767225600", "upstream_signature_expired"),
        ("alipay-timestamp", "1767226200000", "upstream_signature_expired"),
        ("alipay-signature", "*", "upstream_signature_malformed"),
    ] {
        let mut answer = good.clone();
        answer.headers.insert(name, HeaderValue::from_static(value));
        let mut exchange = called(&*plugin, exchange_with_body("{}")).await.unwrap();
        assert_eq!(answered(&*plugin, &mut exchange, answer).await, Err(code), "{name}: {value}");
    }
    let body = body_of(&good.body);
    for at in 0..body.len() {
        let mut answer = good.clone();
        answer.body = Body::Held(changed(&body, at).into());
        let mut exchange = called(&*plugin, exchange_with_body("{}")).await.unwrap();
        let found = answered(&*plugin, &mut exchange, answer).await;
        assert_eq!(found, Err("upstream_signature_invalid"), "byte {at} of the body");
    }
    let mut exchange = called(&*plugin, exchange_with_body("{}")).await.unwrap();
    assert!(answered(&*plugin, &mut exchange, good).await.is_ok(), "unchanged, it passes");
}

#[tokio::test]
async fn a_v2_answer_with_any_byte_of_its_content_changed_is_refused() {
    let plugin = plugin(Side::Upstream, settings("v2"));
    let good = super::v2::signed("a_b_response", "{\"amount\":\"1.00\",\"note\":\"x y\"}");
    let body = body_of(&good.body);
    let mut passed = 0;
    for at in 0..body.len() {
        let mut answer = good.clone();
        answer.body = Body::Held(changed(&body, at).into());
        let call = super::v2::call(&json!({ "method": "a.b" }));
        let mut exchange = called(&*plugin, call).await.unwrap();
        match answered(&*plugin, &mut exchange, answer).await {
            Err(code) => assert!(
                code.starts_with("upstream_signature_") || code == "upstream_invalid_answer",
                "byte {at}: {code}"
            ),
            Ok(_) => passed += 1,
        }
    }
    assert_eq!(passed, 0, "whatever is changed, also the name of a member");
}

#[tokio::test]
async fn a_notification_with_any_parameter_changed_is_refused() {
    let plugin = bench_at(Side::Route, SENT).plugin::<Alipay>(settings("v3"));
    let params = generated("alipay.json")["notify"]["form_params"].clone();
    let all: Vec<(String, String)> = params
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.clone(), text(value).to_owned()))
        .collect();
    for at in 0..all.len() {
        let name = all[at].0.clone();
        let verdict_with = |change: fn(&mut Vec<(String, String)>, usize)| {
            let mut changed = all.clone();
            change(&mut changed, at);
            let form = super::notifications::encoded(&changed);
            let plugin = plugin.clone();
            async move {
                let found = called(&*plugin, super::notifications::notification(&form)).await;
                found.map_or_else(|fault| fault.code().name, |_| "ok")
            }
        };
        let value = verdict_with(|all, at| all[at].1.push('1')).await;
        let expected = match name.as_str() {
            "sign" | "notify_time" => "signature_malformed",
            "sign_type" => "signature_algorithm_refused",
            "charset" => "unsupported_media_type",
            _ => "signature_invalid",
        };
        assert_eq!(value, expected, "the value of `{name}`");
        let removed = verdict_with(|all, at| drop(all.remove(at))).await;
        let expected = match name.as_str() {
            "sign" | "sign_type" | "notify_time" => "signature_missing",
            _ => "signature_invalid",
        };
        assert_eq!(removed, expected, "`{name}` removed");
        let renamed = verdict_with(|all, at| all[at].0.push('x')).await;
        let expected = match name.as_str() {
            "sign" | "sign_type" | "notify_time" => "signature_missing",
            _ => "signature_invalid",
        };
        assert_eq!(renamed, expected, "`{name}` renamed");
    }
}
