//! What the other party receives of a request that `map` makes.

use std::sync::Arc;

use http::HeaderValue;
use serde_json::{Value, json};
use tollgate_api::{
    Body, Fault, FieldPlace, Plugin, Request,
    testing::{self, Bench, request, verdict},
};
use tollgate_payload::map::Map;

fn plugin(settings: Value) -> Arc<dyn Plugin> {
    Bench::upstream().plugin::<Map>(settings)
}

/// One operation for everything.
pub fn mapper(operation: &Value) -> Arc<dyn Plugin> {
    plugin(json!({ "operations": [operation] }))
}

/// A mapper that writes this JSON.
fn writer(tree: &Value) -> Arc<dyn Plugin> {
    mapper(&json!({ "request": { "method": "POST", "path": "/v1", "body": { "json": tree } } }))
}

async fn mapped(plugin: &dyn Plugin, body: &str) -> Result<Request, Fault> {
    let mut exchange = testing::exchange_with_body(body.to_owned());
    request(plugin, &mut exchange).await.map(|()| exchange.request)
}

pub fn text(body: &Body) -> String {
    String::from_utf8(body.whole().unwrap().to_vec()).unwrap()
}

/// The fields that a refusal names, and what is wrong with them.
fn fields(fault: &Fault) -> Vec<(String, &'static str)> {
    fault
        .fields()
        .iter()
        .map(|error| match &error.place {
            FieldPlace::Body(pointer) => (pointer.clone(), error.detail),
            FieldPlace::Parameter(name) => (format!("?{name}"), error.detail),
            FieldPlace::Header(name) => (format!("{name}:"), error.detail),
        })
        .collect()
}

#[tokio::test]
async fn the_request_is_built_anew_from_what_the_expressions_say() {
    let plugin = plugin(json!({
        "keep_headers": ["x-tenant"],
        "operations": [{
            "request": {
                "method": "PUT",
                "path": "/v3/orders/no-{body.order_id}/lines",
                "query": { "mchid": "'1900'", "note": "body.?note", "c": "body.channel" },
                "headers": { "Idempotency-Key": "body.channel", "X-None": "body.?note" },
                "body": { "json": {
                    "$$ref": 7,
                    "amount": { "total": "minor_units(body.amount, 'CNY')", "currency": "'CNY'" },
                    "copy": "body.meta",
                    "live": true,
                    "list": ["body.?note", "body.channel", { "$when": "has(body.note)", "x": 1 }],
                    "note": "body.?note",
                    "payer": { "$when": "has(body.payer)", "id": "body.payer.id" },
                    "text": { "$json": { "order": "body.order_id" } }
                } }
            }
        }]
    }));
    let body =
        r#"{"order_id":"a/b ü","amount":10.50,"channel":"x&y","meta":{"b": 1.00, "a": [ ]}}"#;
    let mut exchange = testing::exchange_with_body(body);
    for (name, value) in [
        ("authorization", "Bearer secret"),
        ("cookie", "a=b"),
        ("traceparent", "00-1-2-01"),
        ("x-request-id", "r-1"),
        ("x-tenant", "t-1"),
        ("x-other", "o"),
    ] {
        exchange.request.headers.insert(name, HeaderValue::from_static(value));
    }
    request(&*plugin, &mut exchange).await.unwrap();
    let sent = exchange.request;
    assert_eq!(sent.method, "PUT", "the method");
    assert_eq!(
        sent.target(),
        "/v3/orders/no-a%2Fb%20%C3%BC/lines?c=x%26y&mchid=1900",
        "an expression is one segment, whatever is in it"
    );
    assert_eq!(
        text(&sent.body),
        r#"{"$ref":7,"amount":{"currency":"CNY","total":1050},"copy":{"b": 1.00, "a": [ ]},"list":["x&y"],"live":true,"text":"{\"order\":\"a/b ü\"}"}"#,
        "the body, without what is not there"
    );
    let mut names: Vec<String> = sent.headers.keys().map(ToString::to_string).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["content-type", "idempotency-key", "traceparent", "x-request-id", "x-tenant"],
        "nothing of the caller's goes on that is not named"
    );
    assert_eq!(sent.headers["content-type"], "application/json", "it says what it is");
}

#[tokio::test]
async fn forms_are_read_and_written() {
    let plugin = mapper(&json!({ "request": {
        "method": "POST",
        "path": "/v1/payment_intents",
        "body": { "form": {
            "amount": "minor_units(body.total_amount, 'CNY')",
            "metadata[order_id]": "body.out_trade_no",
            "note": "body.?note",
            "biz_content": { "$json": { "no": "body.out_trade_no" } },
            "confirm": true
        } }
    } }));
    let mut exchange = testing::exchange_with(&[(
        "content-type",
        "application/x-www-form-urlencoded; charset=utf-8",
    )]);
    exchange.request.body = Body::Held("total_amount=0.30&out_trade_no=a%26b+c".into());
    request(&*plugin, &mut exchange).await.unwrap();
    assert_eq!(
        text(&exchange.request.body),
        "amount=30&biz_content=%7B%22no%22%3A%22a%26b%20c%22%7D&confirm=true&metadata%5Border_id%5D=a%26b%20c",
        "every name and value is encoded"
    );
    assert_eq!(
        exchange.request.headers["content-type"], "application/x-www-form-urlencoded",
        "it says what it is"
    );
    for (body, code) in [
        ("a=1&a=2", "invalid_form"),
        ("a=%zz", "invalid_form"),
        ("total_amount=1", "field_invalid"),
    ] {
        exchange
            .request
            .headers
            .insert("content-type", HeaderValue::from_static("application/x-www-form-urlencoded"));
        exchange.request.body = Body::Held(body.into());
        assert_eq!(verdict(&request(&*plugin, &mut exchange).await), code, "`{body}`");
    }
}

#[tokio::test]
async fn amounts_arrive_with_exactly_these_digits() {
    let plugin = writer(&json!({
        "minor": "minor_units(body.amount, body.currency)",
        "major": "major_units(minor_units(body.amount, body.currency), body.currency)",
        "copy": "body.amount"
    }));
    for (amount, currency, expected) in [
        ("0.3", "USD", r#"{"copy":0.3,"major":"0.30","minor":30}"#),
        (r#""0.30""#, "USD", r#"{"copy":"0.30","major":"0.30","minor":30}"#),
        ("1.15", "USD", r#"{"copy":1.15,"major":"1.15","minor":115}"#),
        ("10.00", "EUR", r#"{"copy":10.00,"major":"10.00","minor":1000}"#),
        ("1000", "JPY", r#"{"copy":1000,"major":"1000","minor":1000}"#),
        ("1.001", "KWD", r#"{"copy":1.001,"major":"1.001","minor":1001}"#),
        (
            "92233720368547758.07",
            "USD",
            r#"{"copy":92233720368547758.07,"major":"92233720368547758.07","minor":9223372036854775807}"#,
        ),
        (
            "9223372036854775807",
            "JPY",
            r#"{"copy":9223372036854775807,"major":"9223372036854775807","minor":9223372036854775807}"#,
        ),
    ] {
        let body = format!(r#"{{"amount":{amount},"currency":"{currency}"}}"#);
        let sent = mapped(&*plugin, &body).await.unwrap();
        assert_eq!(text(&sent.body), expected, "{amount} {currency}");
    }
    for (amount, currency, field) in [
        ("0.30000000000000004", "USD", "/amount"),
        ("10.005", "USD", "/amount"),
        ("0.5", "JPY", "/amount"),
        ("-1", "USD", "/amount"),
        (r#""1,00""#, "USD", "/amount"),
        ("92233720368547758.08", "USD", "/amount"),
        ("null", "USD", "/amount"),
        ("1", "usd", "/currency"),
        ("1", "XXX", "/currency"),
    ] {
        let body = format!(r#"{{"amount":{amount},"currency":"{currency}"}}"#);
        let fault = mapped(&*plugin, &body).await.unwrap_err();
        assert_eq!(fault.code().name, "field_invalid", "{amount} {currency}");
        assert_eq!(fields(&fault)[0].0, field, "{amount} {currency}");
    }
}

#[tokio::test]
async fn a_field_that_is_missing_or_wrong_is_named_and_never_quoted() {
    let plugin = mapper(&json!({
        "require": ["body.order_id.matches('^[0-9a-z-]{3,32}$')"],
        "request": {
            "method": "POST",
            "path": "/v1/{body.order_id}/{request.params.id}",
            "query": { "q": "request.query.q" },
            "headers": { "X-A": "request.headers['x-a']", "X-B": "body.b" },
            "body": { "json": { "c": "body.c.d + 'x'", "e": "body['a/b'].c" } }
        }
    }));
    let whole = json!({ "order_id": "ord-1", "b": "b", "c": { "d": "d" }, "a/b": { "c": 1 } });
    let exchange = |body: &Value, query: Option<&str>, header: bool, param: bool| {
        let mut exchange = testing::exchange_with_body(body.to_string());
        exchange.request.query = query.map(str::to_owned);
        if header {
            exchange.request.headers.insert("x-a", HeaderValue::from_static("a"));
        }
        if param {
            exchange.params.push(("id".into(), "7".to_owned()));
        }
        exchange
    };
    let mut good = exchange(&whole, Some("q=1"), true, true);
    request(&*plugin, &mut good).await.unwrap();
    let changed = |pointer: &str, value: Value| {
        let mut body = whole.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let without = |name: &str| {
        let mut body = whole.clone();
        body.as_object_mut().unwrap().remove(name);
        body
    };
    for (mut exchange, place, detail) in [
        (exchange(&without("order_id"), Some("q=1"), true, true), "/order_id", "is missing"),
        (
            exchange(&changed("/order_id", json!("A")), Some("q=1"), true, true),
            "/order_id",
            "is not what is needed here",
        ),
        (
            exchange(&changed("/order_id", json!(7)), Some("q=1"), true, true),
            "/order_id",
            "has the wrong type",
        ),
        (exchange(&without("c"), Some("q=1"), true, true), "/c/d", "is missing"),
        (
            exchange(&changed("/c/d", json!(1)), Some("q=1"), true, true),
            "/c/d",
            "has the wrong type",
        ),
        (exchange(&without("a/b"), Some("q=1"), true, true), "/a~1b/c", "is missing"),
        (exchange(&whole, None, true, true), "?q", "is missing"),
        (exchange(&whole, Some("q=1&q=2"), true, true), "?q", "has the wrong type"),
        (exchange(&whole, Some("q=1"), false, true), "x-a:", "is missing"),
        (exchange(&whole, Some("q=1"), true, false), "?id", "is missing"),
        (
            exchange(&changed("/b", json!("a\r\nX-C: d")), Some("q=1"), true, true),
            "/b",
            "cannot be sent to the provider",
        ),
        (
            exchange(&changed("/b", json!("")), Some("q=1"), true, true),
            "/b",
            "cannot be sent to the provider",
        ),
    ] {
        let fault = request(&*plugin, &mut exchange).await.unwrap_err();
        assert_eq!(fault.code().name, "field_invalid", "{place}");
        assert_eq!(fields(&fault), [(place.to_owned(), detail)], "{place}");
        assert!(fault.cause().is_none_or(|cause| !cause.to_string().contains("X-C")), "no data");
    }
}

#[tokio::test]
async fn no_value_changes_which_path_is_asked_for() {
    let plugin = mapper(&json!({
        "request": { "method": "GET", "path": "/v1/orders/{body.id}/x-{body.id}" }
    }));
    for (id, expected) in [
        ("..", None),
        (".", None),
        ("", None),
        ("../../admin", Some("/v1/orders/..%2F..%2Fadmin/x-..%2F..%2Fadmin")),
        ("a?b=c#d", Some("/v1/orders/a%3Fb%3Dc%23d/x-a%3Fb%3Dc%23d")),
        ("%2e%2e", Some("/v1/orders/%252e%252e/x-%252e%252e")),
        ("...", Some("/v1/orders/.../x-...")),
    ] {
        let sent = mapped(&*plugin, &json!({ "id": id }).to_string()).await;
        match (sent, expected) {
            (Ok(request), Some(path)) => assert_eq!(request.path, path, "`{id}`"),
            (Err(fault), None) => assert_eq!(fields(&fault)[0].0, "/id", "`{id}` is refused"),
            (sent, _) => panic!("`{id}`: {sent:?}"),
        }
    }
    let long = json!({ "id": "a".repeat(9_000) }).to_string();
    let fault = mapped(&*plugin, &long).await.unwrap_err();
    assert_eq!(fault.code().name, "field_invalid", "no server takes so long a path");
}

#[tokio::test]
async fn operations_are_tried_in_order_and_the_rest_is_refused_or_passed() {
    let operations = json!([
        { "when": "body.currency != 'CNY'", "unsupported": "CNY only." },
        { "when": "route == 'create-payment' && body.kind == 'a'",
          "request": { "method": "POST", "path": "/a" } },
        { "when": "body.kind == 'b'", "request": { "method": "POST", "path": "/b" } }
    ]);
    let strict = plugin(json!({ "operations": operations }));
    let open = plugin(json!({ "operations": operations, "otherwise": "pass" }));
    for (body, path) in [(r#"{"kind":"a"}"#, "/a"), (r#"{"kind":"b","currency":"CNY"}"#, "/b")] {
        assert_eq!(mapped(&*strict, body).await.unwrap().path, path, "`{body}`");
    }
    let fault = mapped(&*strict, r#"{"kind":"a","currency":"USD"}"#).await.unwrap_err();
    assert_eq!(fault.code().name, "operation_unsupported", "it cannot be done");
    assert_eq!(fault.detail(), Some("CNY only."), "and the configuration says why");
    let fault = mapped(&*strict, r#"{"kind":"c"}"#).await.unwrap_err();
    assert_eq!(fault.code().name, "operation_unsupported", "nobody takes it");
    let body = r#"{ "kind" : "c" }"#;
    let sent = mapped(&*open, body).await.unwrap();
    assert_eq!(
        (sent.path.as_str(), text(&sent.body).as_str()),
        ("/v1/payments", body),
        "untouched"
    );
    let fault = mapped(&*strict, r#"{"currency":7,"kind":[]}"#).await;
    assert_eq!(fault.map(|_| ()).unwrap_err().code().name, "operation_unsupported", "a comparison");
    let fault = mapped(&*strict, r#"{"kind":"a"#).await.unwrap_err();
    assert_eq!(fault.code().name, "invalid_json", "it cannot be read");
    let mut exchange = testing::exchange_with(&[("content-type", "text/plain")]);
    exchange.request.body = Body::Held("kind=a".into());
    let refused = request(&*strict, &mut exchange).await;
    assert_eq!(verdict(&refused), "unsupported_media_type", "nor guessed");
}

#[tokio::test]
async fn what_is_written_is_bounded() {
    let plugin = plugin(json!({
        "max_body": "1KiB",
        "operations": [{ "request": { "method": "POST", "path": "/", "body": { "json":
            ["body.x", "body.x", "body.x"] } } }]
    }));
    let sent = mapped(&*plugin, &json!({ "x": "a".repeat(300) }).to_string()).await.unwrap();
    assert_eq!(text(&sent.body).len(), 3 * 302 + 4, "within");
    let fault = mapped(&*plugin, &json!({ "x": "a".repeat(400) }).to_string()).await.unwrap_err();
    assert_eq!(fault.code().name, "field_invalid", "beyond");
}
