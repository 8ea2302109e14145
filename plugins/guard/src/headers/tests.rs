use http::StatusCode;
use serde_json::{Map, Value, json};
use tollgate_api::{
    Answer, BodyNeed, Exchange, Identity, Settings as _,
    testing::{
        Bench, answer_with_body, exchange_with, exchange_with_body, request, respond, verdict,
    },
};

use super::Headers;

fn all<'e>(headers: &'e http::HeaderMap, name: &str) -> Vec<&'e [u8]> {
    headers.get_all(name).iter().map(http::HeaderValue::as_bytes).collect()
}

async fn changed(settings: Value, mut exchange: Exchange) -> (Exchange, &'static str) {
    let plugin = Bench::new().plugin::<Headers>(settings);
    let verdict = verdict(&request(&*plugin, &mut exchange).await);
    (exchange, verdict)
}

fn identified(mut exchange: Exchange) -> Exchange {
    exchange.identity = Some(Identity {
        subject: Some("user-1".to_owned()),
        client_id: None,
        scopes: vec![],
        claims: std::sync::Arc::new(Map::new()),
        proven_by: "jwt",
    });
    exchange
}

#[tokio::test]
async fn fields_are_removed_then_set_then_added() {
    let settings = json!({"request": {
        "remove": ["Cookie", "X-Absent"],
        "set": {"X-Env": "live"},
        "add": {"Via-Us": "yes", "X-New": "1"},
    }});
    let before = exchange_with(&[
        ("cookie", "a"),
        ("cookie", "b"),
        ("x-env", "test"),
        ("x-env", "debug"),
        ("via-us", "no"),
        ("accept", "*/*"),
    ]);
    let (exchange, verdict) = changed(settings, before).await;
    let headers = &exchange.request.headers;
    assert_eq!(verdict, "ok", "nothing can fail");
    assert!(!headers.contains_key("cookie"), "every field of the name is removed");
    assert_eq!(all(headers, "x-env"), [b"live"], "set replaces every field of the name");
    assert_eq!(all(headers, "via-us"), [&b"no"[..], b"yes"], "add keeps what is there");
    assert_eq!(all(headers, "x-new"), [b"1"], "add adds what is not there");
    assert_eq!(all(headers, "accept"), [b"*/*"], "others are untouched");
}

#[tokio::test]
async fn answers_are_changed_too_whoever_made_them() {
    let settings = json!({"response": {"set": {"X-Frame-Options": "DENY"}, "remove": ["Server"]}});
    let plugin = Bench::upstream().plugin::<Headers>(settings);
    assert!(!plugin.hooks().request, "the request is none of its business");
    let mut provider = answer_with_body("{}");
    provider.headers.insert("server", "acquirer/1.0".parse().unwrap());
    let ours = Answer::new(StatusCode::UNAUTHORIZED, "text/plain", "no".into());
    for answer in [provider, ours] {
        let mut exchange = exchange_with(&[]);
        respond(&*plugin, &mut exchange, answer).await.expect("cannot fail");
        let headers = exchange.answer.expect("still there").headers;
        assert!(!headers.contains_key("server"), "removed");
        assert_eq!(all(&headers, "x-frame-options"), [b"DENY"], "set");
    }
}

#[tokio::test]
async fn values_come_from_the_identity_and_a_missing_one_refuses_the_request() {
    let settings = json!({"request": {"set": {"X-Subject": {"expression": "identity.subject"}}}});
    let spoofed = || exchange_with(&[("x-subject", "admin")]);
    let (exchange, verdict) = changed(settings.clone(), identified(spoofed())).await;
    assert_eq!(verdict, "ok", "there is an identity");
    assert_eq!(all(&exchange.request.headers, "x-subject"), [b"user-1"], "ours alone");
    let (_, verdict) = changed(settings, spoofed()).await;
    assert_eq!(verdict, "expression_failed", "without an identity the request does not pass");
}

#[tokio::test]
async fn an_empty_result_leaves_the_field_out_and_what_was_there_is_gone() {
    let text = "has(identity.subject) ? identity.subject : ''";
    let settings = json!({"request": {
        "set": {"X-Subject": {"expression": text}},
        "add": {"X-Also": {"expression": text}},
    }});
    let (exchange, verdict) = changed(settings, exchange_with(&[("x-subject", "admin")])).await;
    assert_eq!(verdict, "ok", "the rule allows for it");
    assert!(exchange.request.headers.is_empty(), "neither field is there");
}

#[tokio::test]
async fn a_result_that_no_field_can_carry_refuses_the_request_and_changes_nothing() {
    let settings = json!({"request": {
        "remove": ["X-Old"],
        "set": {"X-Note": {"expression": "request.query.note"}},
    }});
    for query in ["note=a%0d%0aX-Admin:+1", "note=%00", "note=Zo%C3%AB", "other=1"] {
        let mut before = exchange_with(&[("x-old", "1")]);
        before.request.query = Some(query.to_owned());
        let (exchange, verdict) = changed(settings.clone(), before).await;
        assert_eq!(verdict, "expression_failed", "{query}");
        assert!(exchange.request.headers.contains_key("x-old"), "as a whole or not at all");
    }
}

#[tokio::test]
async fn an_answer_is_never_refused_for_a_value_that_cannot_be_computed() {
    let settings = json!({"response": {"set": {
        "X-Subject": {"expression": "identity.subject"},
        "X-Env": "live",
    }}});
    let plugin = Bench::new().plugin::<Headers>(settings);
    let mut exchange = exchange_with(&[]);
    respond(&*plugin, &mut exchange, answer_with_body("{}")).await.expect("never refused");
    let headers = exchange.answer.expect("still there").headers;
    assert!(!headers.contains_key("x-subject"), "left out");
    assert_eq!(all(&headers, "x-env"), [b"live"], "the others are set");
}

#[tokio::test]
async fn only_an_expression_over_the_body_holds_the_body() {
    let plain = json!({"request": {"set": {"X-Env": "live"}}});
    let plugin = Bench::new().plugin::<Headers>(plain);
    assert_eq!(plugin.needs().request, BodyNeed::Nothing, "a body may stream");
    let reading = json!({"request": {"set": {"X-Channel": {"expression": "body.channel"}}}});
    let plugin = Bench::new().plugin::<Headers>(reading.clone());
    assert_eq!(plugin.needs().request, BodyNeed::Whole, "a body must be held");
    let (exchange, verdict) =
        changed(reading.clone(), exchange_with_body(r#"{"channel":"card"}"#)).await;
    assert_eq!(verdict, "ok", "the member is there");
    assert_eq!(all(&exchange.request.headers, "x-channel"), [b"card"], "taken from the body");
    for body in ["{}", "no json", r#"{"channel":"a","channel":"b"}"#] {
        let (_, verdict) = changed(reading.clone(), exchange_with_body(body)).await;
        assert_eq!(verdict, "expression_failed", "{body}");
    }
}

#[tokio::test]
async fn a_secret_is_sent_without_its_line_break_and_never_shown() {
    let mut bench = Bench::upstream();
    bench.sources.put_file("lf", "s3cr3t-key\n");
    bench.sources.put_file("crlf", "s3cr3t-key\r\n");
    bench.sources.put_variable("KEY", "s3cr3t-key");
    for reference in [json!({"file": "lf"}), json!({"file": "crlf"}), json!({"env": "KEY"})] {
        let settings = json!({"request": {"set": {"X-Api-Key": {"secret": reference}}}});
        let plugin = bench.plugin::<Headers>(settings);
        let mut exchange = exchange_with(&[]);
        request(&*plugin, &mut exchange).await.expect("cannot fail");
        let value = &exchange.request.headers["x-api-key"];
        assert_eq!(value.as_bytes(), b"s3cr3t-key", "{reference}");
        assert!(value.is_sensitive(), "kept out of compression tables");
        assert!(!format!("{exchange:?}").contains("s3cr3t"), "kept out of Debug");
    }
}

#[test]
fn what_is_wrong_is_told_at_its_place_without_any_secret() {
    let mut bench = Bench::new();
    bench.sources.put_file("two", "s3cr3t\nlines\n");
    bench.sources.put_file("empty", "\n");
    bench.sources.put_file("binary", &b"s3cr3t\x01"[..]);
    let set = |name: &str, value: Value| json!({"request": {"set": {name: value}}});
    let secret = |file: &str| set("X-Key", json!({"secret": {"file": file}}));
    for (settings, pointer, says) in [
        (json!({}), "", "at least one change"),
        (set("Content-Length", json!("1")), "/request/set/Content-Length", "may not"),
        (set("transfer-encoding", json!("x")), "/request/set/transfer-encoding", "may not"),
        (set("Connection", json!("close")), "/request/set/Connection", "may not"),
        (set("Host", json!("x")), "/request/set/Host", "may not"),
        (set("Tollgate-Error", json!("x")), "/request/set/Tollgate-Error", "may not"),
        (json!({"response": {"remove": ["X", "TE"]}}), "/response/remove/1", "may not"),
        (json!({"response": {"add": {"Host": "x"}}}), "/response/add/Host", "may not"),
        (set("X Y", json!("x")), "/request/set/X Y", "header name"),
        (set("X", json!("a\nb")), "/request/set/X", "visible ASCII"),
        (set("X", json!(" a")), "/request/set/X", "visible ASCII"),
        (set("X", json!("")), "/request/set/X", "visible ASCII"),
        (set("X", json!(1)), "/request/set/X", "a text in quotes"),
        (set("X", json!({"sekret": {"file": "a"}})), "/request/set/X", "secret"),
        (set("X", json!({"secret": {"file": "a", "env": "b"}})), "/request/set/X", ""),
        (set("X", json!({"expression": "identity.subjct"})), "/request/set/X/expression", ""),
        (set("X", json!({"expression": "1 +"})), "/request/set/X/expression", ""),
        (secret("absent"), "/request/set/X-Key/secret", "cannot be read"),
        (secret("two"), "/request/set/X-Key/secret", "line breaks"),
        (secret("empty"), "/request/set/X-Key/secret", "not empty"),
        (secret("binary"), "/request/set/X-Key/secret", "visible ASCII"),
        (json!({"request": {"set": {"X": "a", "x": "b"}}}), "/request/set/x", "once"),
        (json!({"request": {"set": {"X": "a"}, "remove": ["x"]}}), "/request/set", "`remove`"),
        (json!({"request": {"set": {"X": "a"}, "add": {"x": "b"}}}), "/request/set", "`add`"),
        (json!({"requests": {}}), "", "requests"),
        (json!({"request": {"append": {}}}), "/request", "append"),
    ] {
        let errors = bench.errors::<Headers>(settings.clone());
        let found = errors
            .iter()
            .any(|error| error.pointer.starts_with(pointer) && error.expected.contains(says));
        assert!(found, "expected `{says}` at `{pointer}`, found {errors:?} for {settings}");
        assert!(!format!("{errors:?}").contains("s3cr3t"), "no secret in {errors:?}");
    }
}

#[test]
fn a_reserved_field_is_refused_with_the_reason() {
    let settings = json!({"request": {"set": {"Content-Length": "1"}}});
    let errors = Bench::new().errors::<Headers>(settings);
    let hint = errors.first().and_then(|error| error.hint.as_deref());
    assert!(hint.is_some_and(|hint| hint.contains("frames messages by itself")), "{errors:?}");
}

#[test]
fn the_example_is_accepted_on_both_sides() {
    let entry: Value = serde_saphyr::from_str(Headers::EXAMPLE).expect("the example is YAML");
    for mut bench in [Bench::new(), Bench::upstream()] {
        bench.sources.put_variable("ACQUIRER_API_KEY", "key");
        let _ = bench.plugin::<Headers>(entry["headers"].clone());
    }
}
