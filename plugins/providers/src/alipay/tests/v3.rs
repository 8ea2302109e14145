//! v3 against the official Node SDK's messages, and what the vectors do not show.

use http::{HeaderValue, Method, StatusCode};
use tollgate_api::{Body, testing::NOW};

use super::*;
use crate::alipay::v3::text_to_sign;

fn answer(body: &str, headers: &Value) -> Answer {
    let mut answer = answer_with_body(body.to_owned());
    for (name, value) in headers.as_object().unwrap() {
        let name = http::HeaderName::try_from(name.as_str()).unwrap();
        answer.headers.insert(name, HeaderValue::from_str(text(value)).unwrap());
    }
    answer
}

/// An answer that Alipay signs now.
pub(super) fn signed(body: &str, nonce: &str) -> Answer {
    let time = (NOW * 1000).to_string();
    let signature = alipay_signs(format!("{time}\n{nonce}\n{body}\n").as_bytes());
    let headers = json!({
        "alipay-timestamp": time, "alipay-nonce": nonce, "alipay-signature": signature,
    });
    answer(body, &headers)
}

#[test]
fn calls_are_signed_as_the_official_sdk_signs_them() {
    let vectors = generated("alipay.json");
    let sign = signs(text(&vectors["app_private_key_pem"]));
    for case in vectors["v3"].as_array().unwrap() {
        let (authorization, target) = (text(&case["auth_string"]), text(&case["request_target"]));
        let method = Method::from_bytes(text(&case["method"]).as_bytes()).unwrap();
        let token = case["headers"]["alipay-app-auth-token"].as_str();
        let body = text(&case["body"]).as_bytes();
        let message = text_to_sign(authorization, &method, target, body, token);
        assert_eq!(message, text(&case["signed_string"]).as_bytes(), "{target}");
        let field = format!("ALIPAY-SHA256withRSA {authorization},sign={}", sign(&message));
        assert_eq!(field, text(&case["headers"]["authorization"]), "{target}");
    }
}

#[tokio::test]
async fn answers_to_the_official_sdk_are_verified_and_decrypted() {
    let vectors = generated("alipay.json");
    for case in vectors["v3"].as_array().unwrap() {
        let encrypted = case["headers"].get("alipay-encrypt-type").is_some();
        let settings = if encrypted { encrypting("v3") } else { settings("v3") };
        let plugin = plugin(Side::Upstream, settings);
        let mut exchange =
            called(&*plugin, exchange_with_body("{\"out_trade_no\":\"1\"}")).await.unwrap();
        let answer = answer(text(&case["response"]["body"]), &case["response"]["headers"]);
        let plain = answered(&*plugin, &mut exchange, answer).await;
        assert_eq!(plain.as_deref(), Ok(text(&case["response_plain"])), "{case}");
        let headers = &exchange.answer.unwrap().headers;
        assert_eq!(header(headers, "content-type"), Some("application/json"), "{case}");
        assert_eq!(header(headers, "alipay-signature"), None, "it is for the gateway alone");
    }
}

#[tokio::test]
async fn a_call_carries_what_alipay_asks_for_and_nothing_that_the_caller_claims() {
    let vectors = generated("alipay.json");
    let plugin = plugin(Side::Upstream, settings("v3"));
    let mut exchange = exchange_with_body("{\"a\":1}");
    exchange.request.path = "/v3/alipay/trade/pay".into();
    exchange.request.query = Some("a=b%20c".into());
    for (name, value) in [
        ("authorization", "Bearer caller"),
        ("alipay-request-id", "caller"),
        ("alipay-root-cert-sn", "caller"),
        ("alipay-encrypt-type", "AES"),
        ("alipay-encryption-algm", "AES"),
    ] {
        exchange.request.headers.insert(name, HeaderValue::from_static(value));
    }
    let exchange = called(&*plugin, exchange).await.unwrap();
    let headers = &exchange.request.headers;
    let field = header(headers, "authorization").unwrap();
    let (said, signature) =
        field.strip_prefix("ALIPAY-SHA256withRSA ").unwrap().split_once(",sign=").unwrap();
    let rest = said.strip_prefix(&format!("app_id={APP_ID},nonce=")).unwrap();
    let (nonce, time) = rest.split_once(",timestamp=").unwrap();
    assert_eq!(time, (NOW * 1000).to_string(), "the gateway's time");
    assert_eq!(header(headers, "alipay-request-id"), Some(nonce.replace('-', "").as_str()), "id");
    let message = format!("{said}\nPOST\n/v3/alipay/trade/pay?a=b%20c\n{{\"a\":1}}\n");
    let sign = signs(text(&vectors["app_private_key_pem"]));
    assert_eq!(signature, sign(message.as_bytes()), "over the target as it is sent");
    assert!(headers["authorization"].is_sensitive(), "not for logs");
    for name in ["alipay-root-cert-sn", "alipay-encrypt-type", "alipay-encryption-algm"] {
        assert_eq!(header(headers, name), None, "{name} is not the caller's to say");
    }
}

#[tokio::test]
async fn every_attempt_is_signed_anew() {
    let plugin = plugin(Side::Upstream, settings("v3"));
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..3 {
        let exchange = called(&*plugin, exchange_with_body("{}")).await.unwrap();
        seen.insert(header(&exchange.request.headers, "authorization").unwrap().to_owned());
    }
    assert_eq!(seen.len(), 3, "each has a nonce of its own");
}

#[tokio::test]
async fn a_content_is_encrypted_and_an_empty_one_is_not() {
    let vectors = generated("alipay.json");
    let case = &vectors["v3"][3];
    let plugin = plugin(Side::Upstream, encrypting("v3"));
    let exchange = called(&*plugin, exchange_with_body("{\"out_trade_no\":\"1\"}")).await.unwrap();
    let headers = &exchange.request.headers;
    for name in ["content-type", "alipay-encrypt-type", "alipay-encryption-algm"] {
        assert_eq!(header(headers, name), case["headers"][name].as_str(), "{name}");
    }
    assert!(!body_of(&exchange.request.body).contains("out_trade_no"), "it is encrypted");
    let mut empty = exchange_with_body("");
    empty.request.body = Body::Empty;
    let exchange = called(&*plugin, empty).await.unwrap();
    assert_eq!(exchange.request.body, Body::Empty, "nothing to encrypt");
    assert_eq!(header(&exchange.request.headers, "alipay-encrypt-type"), None, "nor to announce");
}

#[tokio::test]
async fn an_encrypted_call_takes_an_encrypted_answer_or_signed_json_and_nothing_else() {
    let vectors = generated("alipay.json");
    let plugin = plugin(Side::Upstream, encrypting("v3"));
    let ciphertext = text(&vectors["v3"][3]["response"]["body"]);
    let shorter = format!("{}==", &ciphertext[..22]);
    for (nth, (body, expected)) in [
        (ciphertext, Ok("{\"trade_status\":\"TRADE_SUCCESS\",\"x\":\"中\"}")),
        ("{\"code\":\"X\"}", Ok("{\"code\":\"X\"}")),
        ("", Ok("")),
        (shorter.as_str(), Err("upstream_decryption_failed")),
        ("not base64", Err("upstream_decryption_failed")),
    ]
    .into_iter()
    .enumerate()
    {
        let mut exchange = called(&*plugin, exchange_with_body("{}")).await.unwrap();
        let answer = signed(body, &nth.to_string());
        let found = answered(&*plugin, &mut exchange, answer).await;
        assert_eq!(found.as_deref().map_err(|code| *code), expected, "`{body}`");
    }
}

#[tokio::test]
async fn a_form_with_files_is_signed_over_its_data_alone() {
    let vectors = generated("alipay.json");
    let form = "--B\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n{\"t\":1}\r\n--B\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a\"\r\n\r\n\u{1}\r\n--B--\r\n";
    let call = |settings, form: &str| {
        let mut exchange = exchange_with_body(form.to_owned());
        let kind = HeaderValue::from_static("multipart/form-data; boundary=B");
        exchange.request.headers.insert("content-type", kind);
        let plugin = plugin(Side::Upstream, settings);
        async move { called(&*plugin, exchange).await }
    };
    let exchange = call(settings("v3"), form).await.unwrap();
    assert_eq!(body_of(&exchange.request.body), form, "it is sent as it is");
    let field = header(&exchange.request.headers, "authorization").unwrap();
    let (said, signature) =
        field.strip_prefix("ALIPAY-SHA256withRSA ").unwrap().split_once(",sign=").unwrap();
    let message = format!("{said}\nPOST\n/v1/payments\n{{\"t\":1}}\n");
    let sign = signs(text(&vectors["app_private_key_pem"]));
    assert_eq!(signature, sign(message.as_bytes()), "the data part");
    let refused = call(settings("v3"), &form.replace("\"data\"", "\"date\"")).await.unwrap_err();
    assert_eq!(refused.code().name, "field_invalid", "no data part");
    let refused = call(encrypting("v3"), form).await.unwrap_err();
    assert_eq!(refused.code().name, "unsupported_media_type", "it cannot be encrypted");
}

#[tokio::test]
async fn a_merchants_token_is_signed_and_the_settings_come_first() {
    let vectors = generated("alipay.json");
    let sign = signs(text(&vectors["app_private_key_pem"]));
    let mut configured = bench(Side::Upstream);
    configured.sources.put_file("token", "ours\n");
    let configured = configured.plugin::<Alipay>(with(
        settings("v3"),
        "app_auth_token",
        json!({ "file": "token" }),
    ));
    let closed = plugin(Side::Upstream, settings("v3"));
    let open = plugin(Side::Upstream, with(settings("v3"), "caller_tokens", json!("pass")));
    for (plugin, given, token) in [
        (&closed, None, None),
        (&open, None, None),
        (&open, Some("caller"), Some("caller")),
        (&configured, None, Some("ours")),
        (&configured, Some("caller"), Some("ours")),
    ] {
        let mut exchange = exchange_with_body("{}");
        if let Some(given) = given {
            let given = HeaderValue::from_static(given);
            exchange.request.headers.insert("alipay-app-auth-token", given);
        }
        let exchange = called(&**plugin, exchange).await.unwrap();
        let headers = &exchange.request.headers;
        assert_eq!(header(headers, "alipay-app-auth-token"), token, "{given:?}");
        let field = header(headers, "authorization").unwrap();
        let (said, signature) =
            field.strip_prefix("ALIPAY-SHA256withRSA ").unwrap().split_once(",sign=").unwrap();
        let last = token.map(|token| format!("{token}\n")).unwrap_or_default();
        let message = format!("{said}\nPOST\n/v1/payments\n{{}}\n{last}");
        assert_eq!(signature, sign(message.as_bytes()), "{given:?}");
    }
    let mut twice = exchange_with_body("{}");
    for token in ["a", "b"] {
        twice.request.headers.append("alipay-app-auth-token", HeaderValue::from_static(token));
    }
    let refused = called(&*open, twice).await.unwrap_err();
    assert_eq!(refused.code().name, "ambiguous_request", "two tokens");
    let mut strange = exchange_with_body("{}");
    let token = HeaderValue::from_static("caller");
    strange.request.headers.insert("alipay-app-auth-token", token);
    let refused = called(&*closed, strange).await.unwrap_err();
    assert_eq!(refused.code().name, "account_denied", "unless the settings allow it");
}

#[tokio::test]
async fn an_error_without_a_signature_is_refused_unless_the_settings_let_it_pass() {
    let passing = with(settings("v3"), "unsigned_errors", json!("pass"));
    let error = "{\"code\":\"INVALID_PARAMETER\",\"message\":\"m\"}";
    for (settings, status, signature, expected) in [
        (settings("v3"), 400, None, Err("upstream_signature_missing")),
        (settings("v3"), 500, None, Err("upstream_signature_missing")),
        (passing.clone(), 400, None, Ok(error)),
        (passing.clone(), 503, None, Ok(error)),
        (passing.clone(), 200, None, Err("upstream_signature_missing")),
        (passing.clone(), 302, None, Err("upstream_signature_missing")),
        (passing.clone(), 400, Some("AAAA"), Err("upstream_signature_missing")),
    ] {
        let plugin = plugin(Side::Upstream, settings);
        let mut exchange = called(&*plugin, exchange_with_body("{}")).await.unwrap();
        let mut answer = answer_with_body(error);
        answer.status = StatusCode::from_u16(status).unwrap();
        if let Some(signature) = signature {
            answer.headers.insert("alipay-signature", HeaderValue::from_static(signature));
        }
        let found = answered(&*plugin, &mut exchange, answer).await;
        assert_eq!(found.as_deref().map_err(|code| *code), expected, "{status}, {signature:?}");
    }
    let plugin = plugin(Side::Upstream, settings("v3"));
    let mut exchange = called(&*plugin, exchange_with_body("{}")).await.unwrap();
    let mut answer = signed(error, "n");
    answer.status = StatusCode::BAD_REQUEST;
    let found = answered(&*plugin, &mut exchange, answer).await;
    assert_eq!(found.as_deref(), Ok(error), "a signed error is like any answer");
}

#[tokio::test]
async fn with_a_bare_key_it_does_not_matter_which_certificate_an_answer_names() {
    let plugin = plugin(Side::Upstream, settings("v3"));
    for number in ["", "00"] {
        let mut exchange = called(&*plugin, exchange_with_body("{}")).await.unwrap();
        let mut answer = signed("{}", &format!("n{number}"));
        answer.headers.insert("alipay-sn", HeaderValue::from_static(number));
        let found = answered(&*plugin, &mut exchange, answer).await;
        assert_eq!(found.as_deref(), Ok("{}"), "`{number}`");
        assert_eq!(header(&exchange.answer.unwrap().headers, "alipay-sn"), None, "`{number}`");
    }
}

#[tokio::test]
async fn an_answer_counts_once_and_for_ten_minutes() {
    let mut bench = bench(Side::Upstream);
    let plugin = bench.plugin::<Alipay>(settings("v3"));
    let answer = signed("{}", "n1");
    for expected in [Ok("{}"), Err("upstream_signature_replayed")] {
        let mut exchange = called(&*plugin, exchange_with_body("{}")).await.unwrap();
        let found = answered(&*plugin, &mut exchange, answer.clone()).await;
        assert_eq!(found.as_deref().map_err(|code| *code), expected, "the same answer");
    }
    bench.clock.advance(std::time::Duration::from_mins(10));
    let mut exchange = called(&*plugin, exchange_with_body("{}")).await.unwrap();
    let found = answered(&*plugin, &mut exchange, signed("{}", "n2")).await;
    assert_eq!(found, Err("upstream_signature_expired"), "an old answer");
}
