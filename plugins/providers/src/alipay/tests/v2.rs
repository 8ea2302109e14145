//! v2 against the official SDKs' messages, and what the vectors do not show.

use http::HeaderValue;
use tollgate_api::Flow;

use super::*;

/// A call with these parameters.
pub(super) fn call(parameters: &Value) -> Exchange {
    exchange_with_body(parameters.to_string())
}

fn form(body: &str) -> Exchange {
    let mut exchange = exchange_with_body(body.to_owned());
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
    exchange.request.headers.insert("content-type", kind);
    exchange
}

/// An answer to this method that Alipay signs.
pub(super) fn signed(member: &str, content: &str) -> Answer {
    let signature = alipay_signs(content.as_bytes());
    answer_with_body(format!("{{\"{member}\":{content},\"sign\":\"{signature}\"}}"))
}

async fn answer_to_query(settings: Value, answer: Answer) -> Result<String, &'static str> {
    let plugin = plugin(Side::Upstream, settings);
    let query = json!({ "method": "alipay.trade.query", "biz_content": {} });
    let mut exchange = called(&*plugin, call(&query)).await.unwrap();
    answered(&*plugin, &mut exchange, answer).await
}

#[tokio::test]
async fn calls_and_answers_are_those_of_the_official_sdk() {
    let vectors = generated("alipay.json");
    let plaintexts = [None, None, Some("{\"out_trade_no\":\"enc-1\"}")];
    for (case, plaintext) in vectors["v2"].as_array().unwrap().iter().zip(plaintexts) {
        let settings = if plaintext.is_some() { encrypting("v2") } else { settings("v2") };
        let plugin = plugin(Side::Upstream, settings);
        let mut given = json!({ "method": case["method"] });
        let content = plaintext.map_or(case["form_params"]["biz_content"].clone(), Value::from);
        given["biz_content"] = content;
        if let Some(url) = case["url_params"].get("notify_url") {
            given["notify_url"] = url.clone();
        }
        let mut exchange = called(&*plugin, call(&given)).await.unwrap();
        let request = &exchange.request;
        assert_eq!(request.path, "/gateway.do", "{case}");
        let found = json!(decoded(request.query.as_deref().unwrap()));
        assert_eq!(found, case["url_params"], "the query: {case}");
        assert_eq!(json!(decoded(&body_of(&request.body))), case["form_params"], "the form");
        let answer = answer_with_body(text(&case["response_raw"]).to_owned());
        let plain = answered(&*plugin, &mut exchange, answer).await;
        assert_eq!(plain.as_deref(), Ok(text(&case["response_plain"])), "{case}");
    }
}

#[tokio::test]
async fn forms_objects_and_queries_say_the_same() {
    let plugin = plugin(Side::Upstream, settings("v2"));
    let content = "{\"a\": 1.50,\"b\":\"中 &%+\"}";
    let mut by_query =
        form("biz_content=%7B%22a%22%3A+1.50%2C%22b%22%3A%22%E4%B8%AD+%26%25%2B%22%7D");
    by_query.request.query = Some("method=alipay.trade.query".into());
    let mut seen = std::collections::BTreeSet::new();
    for exchange in [
        exchange_with_body(format!(
            "{{\"method\":\"alipay.trade.query\",\"biz_content\":{content}}}"
        )),
        call(
            &json!({ "method": "alipay.trade.query", "biz_content": content, "notify_url": null }),
        ),
        call(&json!({ "method": "alipay.trade.query", "biz_content": content, "notify_url": "" })),
        form(
            "method=alipay.trade.query&biz_content=%7B%22a%22%3A%201.50%2C%22b%22%3A%22%E4%B8%AD%20%26%25%2B%22%7D",
        ),
        by_query,
    ] {
        let request = called(&*plugin, exchange).await.unwrap().request;
        assert_eq!(decoded(&body_of(&request.body))["biz_content"], content, "as it was written");
        seen.insert((request.query, body_of(&request.body)));
    }
    assert_eq!(seen.len(), 1, "one call: {seen:?}");
}

#[tokio::test]
async fn what_belongs_to_the_gateway_is_not_the_callers_to_say() {
    let plugin = plugin(Side::Upstream, settings("v2"));
    let given = json!({
        "method": "alipay.trade.query", "app_id": "other", "sign": "x", "sign_type": "RSA",
        "timestamp": "1999-01-01 00:00:00", "version": "9", "charset": "UTF-8", "format": "xml",
        "app_cert_sn": "x", "alipay_root_cert_sn": "x", "encrypt_type": "AES",
    });
    let exchange = called(&*plugin, call(&given)).await.unwrap();
    let mut query = decoded(exchange.request.query.as_deref().unwrap());
    assert_ne!(query.remove("sign").as_deref(), Some("x"), "a signature of its own");
    let expected = json!({
        "method": "alipay.trade.query", "app_id": APP_ID, "sign_type": "RSA2", "format": "json",
        "timestamp": "2026-01-01 08:00:00", "version": "1.0", "charset": "utf-8",
    });
    assert_eq!(json!(query), expected, "the gateway's words");
    assert_eq!(body_of(&exchange.request.body), "", "and nothing in the form");
}

#[tokio::test]
async fn a_call_that_can_be_read_in_two_ways_is_refused_before_it_is_signed() {
    let plugin = plugin(Side::Upstream, settings("v2"));
    let mut twice = form("method=alipay.trade.query");
    twice.request.query = Some("method=alipay.trade.pay".into());
    let mut unknown = call(&json!({ "method": "alipay.trade.query" }));
    unknown.request.headers.insert("content-type", HeaderValue::from_static("text/xml"));
    for (exchange, code) in [
        (twice, "ambiguous_request"),
        (form("method=a.b&method=a.b"), "ambiguous_request"),
        (form("method=%zz"), "field_invalid"),
        (form("method"), "field_invalid"),
        (form("biz_content=1"), "field_invalid"),
        (form("method="), "field_invalid"),
        (form("method=a%26b"), "field_invalid"),
        (form("method=a.b&charset=gbk"), "field_invalid"),
        (exchange_with_body("{\"method\":\"a.b\",\"method\":\"a.b\"}"), "invalid_json"),
        (exchange_with_body("[]"), "field_invalid"),
        (exchange_with_body("{"), "invalid_json"),
        (unknown, "unsupported_media_type"),
    ] {
        let shown = body_of(&exchange.request.body);
        let refused = called(&*plugin, exchange).await.unwrap_err();
        assert_eq!(refused.code().name, code, "`{shown}`");
    }
}

#[tokio::test]
async fn the_signed_slice_is_found_by_the_parser_and_handed_on_as_it_stands() {
    let content = "{ \"code\":\"10000\", \"sign\":\"x\",\"a\":\"\\u4e2d\\/}\\\"\", \"alipay_trade_query_response\":{} }";
    let signature = alipay_signs(content.as_bytes());
    for raw in [
        format!("{{\"alipay_trade_query_response\":{content},\"sign\":\"{signature}\"}}"),
        format!(
            "{{ \"sign\" : \"{signature}\" ,\n \"alipay_trade_query_response\"\n:\n{content} }}"
        ),
        format!("{{\"error_response\":{content},\"sign\":\"{signature}\",\"other\":[1]}}"),
        format!("{{\"\\u0065rror_response\":{content},\"sign\":\"{signature}\"}}"),
    ] {
        let found = answer_to_query(settings("v2"), answer_with_body(raw.clone())).await;
        assert_eq!(found.as_deref(), Ok(content), "{raw}");
    }
}

#[tokio::test]
async fn an_answer_in_another_shape_is_refused() {
    let good = alipay_signs(b"{}");
    let other = alipay_signs(b"{\"a\":1}");
    for (raw, code) in [
        (
            format!("{{\"alipay_trade_pay_response\":{{}},\"sign\":\"{good}\"}}"),
            "upstream_invalid_answer",
        ),
        (
            format!(
                "{{\"alipay_trade_query_response\":{{}},\"error_response\":{{}},\"sign\":\"{good}\"}}"
            ),
            "upstream_invalid_answer",
        ),
        (
            format!(
                "{{\"alipay_trade_query_response\":{{}},\"alipay_trade_query_response\":{{}},\"sign\":\"{good}\"}}"
            ),
            "upstream_invalid_answer",
        ),
        (
            format!(
                "{{\"alipay_trade_query_response\":{{}},\"sign\":\"{good}\",\"sign\":\"{good}\"}}"
            ),
            "upstream_invalid_answer",
        ),
        (
            format!("{{\"alipay_trade_query_response\":[],\"sign\":\"{good}\"}}"),
            "upstream_invalid_answer",
        ),
        (
            format!("{{\"alipay_trade_query_response\":{{}},\"sign\":[\"{good}\"]}}"),
            "upstream_invalid_answer",
        ),
        (
            format!("{{\"x\":{{\"alipay_trade_query_response\":{{}}}},\"sign\":\"{good}\"}}"),
            "upstream_invalid_answer",
        ),
        ("<html>".to_owned(), "upstream_invalid_answer"),
        (String::new(), "upstream_invalid_answer"),
        ("{\"alipay_trade_query_response\":{}}".to_owned(), "upstream_signature_missing"),
        (
            "{\"alipay_trade_query_response\":{},\"sign\":null}".to_owned(),
            "upstream_signature_missing",
        ),
        (
            "{\"alipay_trade_query_response\":{},\"sign\":\"\"}".to_owned(),
            "upstream_signature_missing",
        ),
        (
            "{\"alipay_trade_query_response\":{},\"sign\":\"*\"}".to_owned(),
            "upstream_signature_malformed",
        ),
        (
            "{\"alipay_trade_query_response\":{},\"sign\":\"AAAA\"}".to_owned(),
            "upstream_signature_invalid",
        ),
        (
            format!("{{\"alipay_trade_query_response\":{{ }},\"sign\":\"{good}\"}}"),
            "upstream_signature_invalid",
        ),
        (
            format!("{{\"alipay_trade_query_response\":{{}},\"sign\":\"{other}\"}}"),
            "upstream_signature_invalid",
        ),
    ] {
        let found = answer_to_query(settings("v2"), answer_with_body(raw.clone())).await;
        assert_eq!(found, Err(code), "{raw}");
    }
}

#[tokio::test]
async fn slashes_that_were_escaped_after_signing_are_handed_on_as_they_were_signed() {
    let signature = alipay_signs(b"{\"url\":\"https://a/b\"}");
    let raw = format!(
        "{{\"alipay_trade_query_response\":{{\"url\":\"https:\\/\\/a\\/b\"}},\"sign\":\"{signature}\"}}"
    );
    let found = answer_to_query(settings("v2"), answer_with_body(raw)).await;
    assert_eq!(found.as_deref(), Ok("{\"url\":\"https://a/b\"}"), "the signed text");
}

#[tokio::test]
async fn an_encrypted_answer_is_signed_with_its_quotes() {
    let vectors = generated("alipay.json");
    let raw: Value = serde_json::from_str(text(&vectors["v2"][2]["response_raw"])).unwrap();
    let ciphertext = text(&raw["alipay_trade_query_response"]);
    let plain = text(&vectors["v2"][2]["response_plain"]);
    let quoted = format!("\"{ciphertext}\"");
    let member = "alipay_trade_query_response";
    let found = answer_to_query(encrypting("v2"), signed(member, &quoted)).await;
    assert_eq!(found.as_deref(), Ok(plain), "signed with its quotes");
    let bare = alipay_signs(ciphertext.as_bytes());
    let raw = format!("{{\"{member}\":{quoted},\"sign\":\"{bare}\"}}");
    let found = answer_to_query(encrypting("v2"), answer_with_body(raw)).await;
    assert_eq!(found, Err("upstream_signature_invalid"), "signed without them");
    let raw = format!("{{\"{member}\":{quoted},\"sign\":\"{}\"}}", alipay_signs(plain.as_bytes()));
    let found = answer_to_query(encrypting("v2"), answer_with_body(raw)).await;
    assert_eq!(found, Err("upstream_signature_invalid"), "the plain text signed");
    for content in ["\"AAAA\"", "\"\"", "\"*\""] {
        let found = answer_to_query(encrypting("v2"), signed(member, content)).await;
        assert_eq!(found, Err("upstream_decryption_failed"), "{content}");
    }
    let found = answer_to_query(settings("v2"), signed(member, &quoted)).await;
    assert_eq!(found, Err("upstream_decryption_failed"), "without a key");
    let found = answer_to_query(encrypting("v2"), signed(member, "{\"code\":\"20000\"}")).await;
    assert_eq!(found.as_deref(), Ok("{\"code\":\"20000\"}"), "signed without being encrypted");
}

#[tokio::test]
async fn an_error_without_a_signature_passes_only_where_the_settings_say_so() {
    let pass = with(settings("v2"), "unsigned_errors", json!("pass"));
    let missing = Err("upstream_signature_missing");
    let error = "{\"code\":\"40002\",\"sub_code\":\"isv.invalid-signature\"}";
    for (settings, member, content, expected) in [
        (settings("v2"), "error_response", error, missing),
        (pass.clone(), "error_response", error, Ok(error)),
        (pass.clone(), "alipay_trade_query_response", error, Ok(error)),
        (pass.clone(), "error_response", "{\"code\":\"10000\",\"sub_code\":\"x\"}", missing),
        (pass.clone(), "error_response", "{\"code\":\"10003\",\"sub_code\":\"x\"}", missing),
        (pass.clone(), "error_response", "{\"code\":\"40004\"}", missing),
        (pass.clone(), "error_response", "\"AAAA\"", missing),
    ] {
        let raw = format!("{{\"{member}\":{content}}}");
        let found = answer_to_query(settings, answer_with_body(raw.clone())).await;
        assert_eq!(found.as_deref().map_err(|code| *code), expected, "{raw}");
    }
    let wrong = format!("{{\"error_response\":{error},\"sign\":\"AAAA\"}}");
    let found = answer_to_query(pass, answer_with_body(wrong)).await;
    assert_eq!(found, Err("upstream_signature_invalid"), "a wrong signature is not none");
}

#[tokio::test]
async fn what_a_payers_app_or_page_calls_is_signed_for_the_caller_and_not_sent() {
    let vectors = generated("alipay.json");
    let sign = signs(text(&vectors["app_private_key_pem"]));
    let given = |method| json!({ "method": method, "biz_content": { "subject": "a&b 中" } });
    let default = plugin(Side::Upstream, settings("v2"));
    let chosen = with(settings("v2"), "signed_orders", json!(["alipay.user.agreement.page.sign"]));
    let chosen = plugin(Side::Upstream, chosen);
    for (plugin, method, here) in [
        (&default, "alipay.trade.app.pay", true),
        (&default, "alipay.trade.page.pay", true),
        (&default, "alipay.trade.wap.pay", true),
        (&default, "alipay.trade.pay", false),
        (&chosen, "alipay.user.agreement.page.sign", true),
        (&chosen, "alipay.trade.app.pay", false),
    ] {
        let mut exchange = call(&given(method));
        let flow = plugin.on_request(&mut exchange).resolve().await.unwrap();
        let Flow::Respond(answer) = flow else {
            assert!(!here, "{method} is answered here");
            continue;
        };
        assert!(here, "{method} is sent");
        let body: Value = serde_json::from_str(&body_of(&answer.body)).unwrap();
        let mut order = decoded(text(&body["order_string"]));
        let signature = order.remove("sign").unwrap();
        let pairs: Vec<_> = order.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(signature, sign(pairs.join("&").as_bytes()), "{method}: {order:?}");
        assert_eq!(order["biz_content"], "{\"subject\":\"a&b 中\"}", "{method}");
        exchange.answer = Some(*answer);
        let passed = plugin.on_response(&mut exchange).resolve().await;
        assert!(passed.is_ok(), "{method}: our own answer is not taken for Alipay's");
    }
}

#[tokio::test]
async fn a_real_answer_of_alipay_verifies() {
    let Some(vectors) = foreign("alipay/v2-notify-and-response.json") else { return };
    let case = &vectors["response_signature"];
    let mut bench = bench(Side::Upstream);
    bench.sources.put_file("alipay.pem", text(&case["alipay_public_key_pem"]).to_owned());
    let plugin = bench.plugin::<Alipay>(settings("v2"));
    let given = json!({ "method": "alipay.open.file.upload" });
    let mut exchange = called(&*plugin, call(&given)).await.unwrap();
    let answer = answer_with_body(text(&case["raw_body"]).to_owned());
    let found = answered(&*plugin, &mut exchange, answer).await;
    assert_eq!(found.as_deref(), Ok(text(&case["signed_string"])), "its exact slice");
}
