//! Antom's protocol against its vectors, and what they do not show.

use http::{HeaderValue, StatusCode};
use tollgate_api::Flow;

use super::*;
use crate::alipay::antom::signature;

const CLIENT: &str = "SANDBOX_5X00000000000000";
type Change<'a> = Box<dyn Fn(&mut Exchange) + 'a>;

/// Of the vectors' answers and notifications.
const THEN: std::time::Duration = std::time::Duration::from_hours(482_144);

fn antom_settings() -> Value {
    json!({
        "protocol": "antom", "client_id": CLIENT,
        "private_key": { "file": "merchant.key" }, "alipay_public_key": "antom.pem",
    })
}

fn antom_bench(side: Side) -> Bench {
    let vectors = generated("antom.json");
    let mut bench = Bench { side, ..Bench::new() };
    let files =
        [("merchant.key", "merchant_private_key_pem"), ("antom.pem", "antom_public_key_pem")];
    for (file, member) in files {
        bench.sources.put_file(file, text(&vectors[member]).to_owned());
    }
    bench
}

/// The same at the time of the vectors' answers.
fn bench_then(side: Side) -> Bench {
    let mut bench = antom_bench(side);
    bench.clock = Arc::new(tollgate_api::ManualClock::at(THEN));
    bench.stores.replay_sets =
        Arc::new(tollgate_api::testing::FakeReplaySets::new(bench.clock.clone()));
    bench
}

fn call(path: &str, body: &str) -> Exchange {
    let mut exchange = exchange_with_body(body.to_owned());
    path.clone_into(&mut exchange.request.path);
    exchange
}

fn antom_signs(message: &str) -> String {
    let key = text(&generated("antom.json")["antom_private_key_pem"]).to_owned();
    let signature = signs(&key)(message.as_bytes());
    let encoded = signature.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    format!("algorithm=RSA256,keyVersion=1,signature={encoded}")
}

fn set(headers: &mut http::HeaderMap, fields: &[(&'static str, &str)]) {
    for (name, value) in fields {
        headers.insert(*name, HeaderValue::from_str(value).unwrap());
    }
}

fn notification(case: &Value) -> Exchange {
    let mut exchange = call(text(&case["path"]), text(&case["body"]));
    set(
        &mut exchange.request.headers,
        &[
            ("client-id", CLIENT),
            ("request-time", text(&case["request-time"])),
            ("signature", text(&case["signature_header"])),
        ],
    );
    exchange
}

#[tokio::test]
async fn a_call_is_signed_as_antoms_sdk_signs_it_for_the_sandbox() {
    let vectors = generated("antom.json");
    let case = &vectors["request"];
    let plugin = antom_bench(Side::Upstream).plugin::<Alipay>(antom_settings());
    // The vector is signed over the path before the sandbox's; so is a path that is not rewritten.
    let exchange =
        called(&*plugin, call("/ams/api/v1/payments/pay", text(&case["body"]))).await.unwrap();
    let request = &exchange.request;
    assert_eq!(request.path, "/ams/sandbox/api/v1/payments/pay", "the sandbox");
    let time = text(&case["request-time"]);
    assert_eq!(header(&request.headers, "client-id"), Some(CLIENT), "client");
    assert_eq!(header(&request.headers, "request-time"), Some(time), "milliseconds");
    let message = text(&case["signed_string"]).replace("/ams/api", "/ams/sandbox/api");
    let sign = signs(text(&vectors["merchant_private_key_pem"]));
    let expected = sign(message.as_bytes());
    let field = header(&request.headers, "signature").unwrap();
    assert!(field.starts_with("algorithm=RSA256,keyVersion=1,signature="), "{field}");
    assert_eq!(base64_encode(&signature(field).unwrap()), expected, "over the path that is sent");
    assert!(!field.contains(['+', '/']) && !field.ends_with('='), "percent-encoded: {field}");
}

#[tokio::test]
async fn a_production_client_signs_the_vector_byte_for_byte() {
    let vectors = generated("antom.json");
    let case = &vectors["request"];
    let message = crate::alipay::antom::text_to_sign(
        &http::Method::POST,
        text(&case["path"]),
        CLIENT,
        text(&case["request-time"]),
        text(&case["body"]).as_bytes(),
    );
    assert_eq!(message, text(&case["signed_string"]).as_bytes(), "the text");
    let sign = signs(text(&vectors["merchant_private_key_pem"]));
    assert_eq!(sign(&message), text(&case["signature_b64"]), "the signature");
    let given = base64_encode(&signature(text(&case["signature_header"])).unwrap());
    assert_eq!(given, text(&case["signature_b64"]), "and its field");
    let settings = with(with(antom_settings(), "client_id", json!("5X")), "key_version", json!(3));
    let plugin = antom_bench(Side::Upstream).plugin::<Alipay>(settings);
    let exchange = called(&*plugin, call("/ams/api/v1/payments/pay", "{}")).await.unwrap();
    assert_eq!(exchange.request.path, "/ams/api/v1/payments/pay", "not the sandbox");
    let field = header(&exchange.request.headers, "signature").unwrap();
    assert!(field.contains("keyVersion=3"), "{field}");
    let plugin = antom_bench(Side::Upstream).plugin::<Alipay>(antom_settings());
    let exchange = called(&*plugin, call("/ams/apis", "{}")).await.unwrap();
    assert_eq!(exchange.request.path, "/ams/apis", "another path is not rewritten");
}

#[tokio::test]
async fn an_answer_is_verified_over_the_path_that_was_called() {
    let vectors = generated("antom.json");
    let case = &vectors["response"];
    // The vector's signature is over `/ams/api`, as a client outside of the sandbox calls it.
    let time = text(&case["response-time"]);
    let body = text(&case["body"]);
    let sandbox =
        antom_signs(&format!("POST /ams/sandbox/api/v1/payments/pay\n{CLIENT}.{time}.{body}"));
    let unrewritten = text(&case["signature_header"]);
    for (field, time, expected) in [
        (sandbox.as_str(), time, Ok(body)),
        (unrewritten, time, Err("upstream_signature_invalid")),
        (sandbox.as_str(), "2025-01-01T08:00:00Z", Err("upstream_signature_invalid")),
        (sandbox.as_str(), "2025-01-01T00:00:00", Err("upstream_signature_malformed")),
        (sandbox.as_str(), "2025-01-01T00:10:00-08:00", Err("upstream_signature_expired")),
        (sandbox.as_str(), "2024-12-31T23:50:00-08:00", Err("upstream_signature_expired")),
    ] {
        let plugin = bench_then(Side::Upstream).plugin::<Alipay>(antom_settings());
        let mut exchange = called(&*plugin, call("/ams/api/v1/payments/pay", "{}")).await.unwrap();
        let mut answer = answer_with_body(body.to_owned());
        set(&mut answer.headers, &[("signature", field), ("response-time", time)]);
        let found = answered(&*plugin, &mut exchange, answer).await;
        assert_eq!(found.as_deref().map_err(|code| *code), expected, "{time}");
    }
}

#[tokio::test]
async fn an_answer_without_a_signature_is_refused_unless_it_is_an_error_that_may_pass() {
    let failed = "{\"result\":{\"resultStatus\":\"F\",\"resultCode\":\"INVALID_SIGNATURE\"}}";
    let done = "{\"result\":{\"resultStatus\":\"S\"}}";
    let pass = with(antom_settings(), "unsigned_errors", json!("pass"));
    let missing = Err("upstream_signature_missing");
    for (settings, status, body, expected) in [
        (antom_settings(), 200, failed, missing),
        (antom_settings(), 500, failed, missing),
        (pass.clone(), 200, failed, Ok(failed)),
        (pass.clone(), 500, done, Ok(done)),
        (pass.clone(), 200, done, missing),
        (pass.clone(), 200, "", missing),
    ] {
        let plugin = bench_then(Side::Upstream).plugin::<Alipay>(settings);
        let mut exchange = called(&*plugin, call("/ams/api/v1/x", "{}")).await.unwrap();
        let mut answer = answer_with_body(body.to_owned());
        answer.status = StatusCode::from_u16(status).unwrap();
        let found = answered(&*plugin, &mut exchange, answer).await;
        assert_eq!(found.as_deref().map_err(|code| *code), expected, "{status}: {body}");
    }
}

#[test]
fn a_signature_field_is_read_strictly() {
    for (field, code) in [
        ("algorithm=RSA256,keyVersion=1,signature=AAAA", "ok"),
        ("signature=AAAA, algorithm=RSA256", "ok"),
        ("algorithm=RSA256,signature=AA%2B%2F", "ok"),
        ("algorithm=RSA256,signature=AA+/", "ok"),
        ("algorithm=RSA256,keyVersion=1", "signature_missing"),
        ("algorithm=RSA256,signature=", "signature_missing"),
        ("keyVersion=1,signature=AAAA", "signature_missing"),
        ("algorithm=RSA512,signature=AAAA", "signature_algorithm_refused"),
        ("algorithm=rsa256,signature=AAAA", "signature_algorithm_refused"),
        ("algorithm=RSA256,algorithm=RSA256,signature=AAAA", "signature_malformed"),
        ("algorithm=RSA256,signature=AAAA,signature=AAAA", "signature_malformed"),
        ("algorithm=RSA256,keyVersion=x,signature=AAAA", "signature_malformed"),
        ("algorithm=RSA256,keyVersion=,signature=AAAA", "signature_malformed"),
        ("algorithm=RSA256,signature=AAAA,x=1", "signature_malformed"),
        ("algorithm=RSA256,signature=%zz", "signature_malformed"),
        ("algorithm=RSA256,signature=%252B", "signature_malformed"),
        ("algorithm=RSA256,signature=A", "signature_malformed"),
        ("", "signature_malformed"),
    ] {
        let found =
            signature(field).map_or_else(|refusal| refusal.code(Side::Route).name, |_| "ok");
        assert_eq!(found, code, "`{field}`");
    }
}

#[tokio::test]
async fn a_notification_is_handed_on_as_it_stands_and_acknowledged_as_a_result() {
    let vectors = generated("antom.json");
    let case = &vectors["notify"];
    let plugin = bench_then(Side::Route).plugin::<Alipay>(antom_settings());
    let mut exchange = called(&*plugin, notification(case)).await.unwrap();
    assert_eq!(body_of(&exchange.request.body), text(&case["body"]), "byte for byte");
    for name in ["signature", "client-id", "request-time"] {
        assert_eq!(header(&exchange.request.headers, name), None, "{name} is for the gateway");
    }
    let refused = called(&*plugin, notification(case)).await.unwrap_err();
    assert_eq!(refused.code().name, "notification_in_progress", "while it is delivered");
    let word = answered(&*plugin, &mut exchange, answer_with_body("{}")).await;
    let success = "{\"result\":{\"resultCode\":\"SUCCESS\",\"resultStatus\":\"S\",\"resultMessage\":\"success\"}}";
    assert_eq!(word.as_deref(), Ok(success), "acknowledged");
    // Antom repeats it under another time.
    let mut later = notification(case);
    let (path, body) = (text(&case["path"]), text(&case["body"]));
    let time = "2025-01-01T00:01:00-08:00";
    let field = antom_signs(&format!("POST {path}\n{CLIENT}.{time}.{body}"));
    set(&mut later.request.headers, &[("request-time", time), ("signature", &field)]);
    match plugin.on_request(&mut later).resolve().await.unwrap() {
        Flow::Respond(answer) => assert_eq!(body_of(&answer.body), success, "and not delivered"),
        Flow::Continue => panic!("it was delivered before"),
    }
}

#[tokio::test]
async fn a_changed_or_misdirected_notification_is_refused() {
    let vectors = generated("antom.json");
    let case = &vectors["notify"];
    let plugin = bench_then(Side::Route).plugin::<Alipay>(antom_settings());
    let (path, time) = (text(&case["path"]), text(&case["request-time"]));
    let other = antom_signs(&format!("POST {path}\nother.{time}.{{}}"));
    let no_json = antom_signs(&format!("POST {path}\n{CLIENT}.{time}.x"));
    let changes: [(&str, Change<'_>, &str); 9] = [
        ("path", Box::new(|e| e.request.path.push('x')), "signature_invalid"),
        ("query", Box::new(|e| e.request.query = Some("a=1".into())), "signature_invalid"),
        ("method", Box::new(|e| e.request.method = http::Method::PUT), "signature_invalid"),
        (
            "body",
            Box::new(|e| e.request.body = tollgate_api::Body::Held("{}".into())),
            "signature_invalid",
        ),
        (
            "time",
            Box::new(|e| {
                set(&mut e.request.headers, &[("request-time", "2025-01-01T00:00:01-08:00")]);
            }),
            "signature_invalid",
        ),
        (
            "client",
            Box::new(|e| set(&mut e.request.headers, &[("client-id", "x")])),
            "signature_invalid",
        ),
        (
            "another client's",
            Box::new(|e| {
                e.request.body = tollgate_api::Body::Held("{}".into());
                set(&mut e.request.headers, &[("client-id", "other"), ("signature", &other)]);
            }),
            "notification_misdirected",
        ),
        (
            "not JSON",
            Box::new(|e| {
                e.request.body = tollgate_api::Body::Held("x".into());
                set(&mut e.request.headers, &[("signature", &no_json)]);
            }),
            "invalid_json",
        ),
        (
            "unsigned",
            Box::new(|e| drop(e.request.headers.remove("signature"))),
            "signature_missing",
        ),
    ];
    for (what, change, code) in changes {
        let mut exchange = notification(case);
        change(&mut exchange);
        let refused = called(&*plugin, exchange).await.unwrap_err();
        assert_eq!(refused.code().name, code, "{what}");
    }
}
