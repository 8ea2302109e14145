//! Settings of `map` that are refused when loaded, and where.

use serde_json::{Value, json};
use tollgate_api::testing::Bench;
use tollgate_payload::map::Map;

fn errors(settings: Value) -> Vec<(String, String)> {
    let errors = Bench::upstream().errors::<Map>(settings);
    errors
        .into_iter()
        .map(|error| (error.pointer, error.expected + &error.hint.unwrap_or_default()))
        .collect()
}

/// The errors of one operation with this request.
fn request(request: &Value) -> Vec<(String, String)> {
    errors(json!({ "operations": [{ "request": request }] }))
}

fn with_body(body: &Value) -> Value {
    json!({ "method": "POST", "path": "/", "body": body })
}

#[test]
fn mistakes_in_requests_are_refused_where_they_stand() {
    for (settings, pointer, says) in [
        (json!({ "method": "GET", "path": "v1" }), "/path", "begins with `/`"),
        (json!({ "method": "GET", "path": "/a//b" }), "/path", "without empty"),
        (json!({ "method": "GET", "path": "/a/../b" }), "/path", "without empty"),
        (json!({ "method": "GET", "path": "/a?b=c" }), "/path", "belongs in `query`"),
        (json!({ "method": "GET", "path": "/a%2Fb" }), "/path", "expected a path of letters"),
        (json!({ "method": "GET", "path": "/a/{body.x" }), "/path", "a `}` for every `{`"),
        (json!({ "method": "GET", "path": "/a/{bdy.x}" }), "/path", "`bdy` at character 5"),
        (json!({ "method": "GET", "path": "/a/{}" }), "/path", "expected an expression"),
        (
            json!({ "method": "GET", "path": "/", "body": { "json": 1 } }),
            "/body",
            "expected no body with GET",
        ),
        (
            json!({ "method": "POST", "path": "/", "headers": { "Host": "'a'" } }),
            "/headers/Host",
            "follows from the upstream",
        ),
        (
            json!({ "method": "POST", "path": "/", "headers": { "a b": "'a'" } }),
            "/headers/a b",
            "expected a header name",
        ),
        (
            json!({ "method": "POST", "path": "/", "headers": { "X-A": "'a'", "x-a": "'b'" } }),
            "/headers/x-a",
            "once, in any case",
        ),
        (with_body(&json!({ "json": { "a": "bdy" } })), "/body/json/a", "unknown variable `bdy`"),
        (with_body(&json!({ "json": [{ "a": "1 +" }] })), "/body/json/0/a", "syntax error"),
        (with_body(&json!({ "json": { "a": 1.5 } })), "/body/json/a", "expected an expression"),
        (with_body(&json!({ "json": { "a": null } })), "/body/json/a", "expected an expression"),
        (
            with_body(&json!({ "json": { "a": "minor_units(body.a, 'XYZ')" } })),
            "/body/json/a",
            "not the code of an active currency at character 21",
        ),
        (
            with_body(&json!({ "json": { "a": "answer.status" } })),
            "/body/json/a",
            "there is no `answer` yet",
        ),
        (with_body(&json!({ "json": { "$when": 1 } })), "/body/json/$when", "an expression"),
        (with_body(&json!({ "json": { "$other": 1 } })), "/body/json/$other", "`$$` for a name"),
        (with_body(&json!({ "json": { "$json": 1, "a": 1 } })), "/body/json/$json", "alone"),
        (with_body(&json!({ "form": { "a": { "b": 1 } } })), "/body/form/a", "one value"),
        (with_body(&json!({ "form": { "a/b": ["1"] } })), "/body/form/a~1b", "one value"),
    ] {
        let found = request(&settings);
        assert_eq!(found.len(), 1, "{settings}: {found:?}");
        assert_eq!(found[0].0, format!("/operations/0/request{pointer}"), "{settings}");
        assert!(found[0].1.contains(says), "{settings}: {found:?}");
    }
}

#[test]
fn mistakes_in_operations_and_answers_are_refused_where_they_stand() {
    let get = json!({ "method": "GET", "path": "/" });
    for (operations, pointer, says) in [
        (json!([]), "", "at least one operation"),
        (json!([{}]), "/0", "expected a `request`"),
        (json!([{ "request": get, "unsupported": "No." }]), "/0/unsupported", "not both"),
        (json!([{ "unsupported": "No.\nNo." }]), "/0/unsupported", "without line breaks"),
        (json!([{ "unsupported": "No.", "answers": [{}] }]), "/0/answers", "nothing is asked"),
        (json!([{ "request": get }, { "unsupported": "No." }]), "/1", "without `when`"),
        (
            json!([{ "when": "1 == 1", "request": get }, { "when": "1 == 1", "request": get }]),
            "/1/when",
            "the same `when`",
        ),
        (json!([{ "request": get, "answers": [{}, {}] }]), "/0/answers/1", "without `when`"),
        (
            json!([{ "request": get, "answers": [{ "status": 204, "body": { "json": 1 } }] }]),
            "/0/answers/0/status",
            "can have a body",
        ),
        (
            json!([{ "request": get, "answers": [{ "status": 101 }] }]),
            "/0/answers/0/status",
            "a final status",
        ),
        (
            json!([{ "request": get, "answers": [{ "headers": { "Tollgate-Error": "'a'" } }] }]),
            "/0/answers/0/headers/Tollgate-Error",
            "the gateway's own",
        ),
        (
            json!([{ "request": get, "answers": [{ "body": { "json": "answer.code" } }] }]),
            "/0/answers/0/body/json",
            "`answer` has no field `code`",
        ),
    ] {
        let found = errors(json!({ "operations": operations }));
        assert_eq!(found.len(), 1, "{operations}: {found:?}");
        assert_eq!(found[0].0, format!("/operations{pointer}"), "{operations}");
        assert!(found[0].1.contains(says), "{operations}: {found:?}");
    }
}

#[test]
fn fields_that_speak_of_the_old_body_cannot_be_kept() {
    for (name, says) in [
        ("content-type", "stays behind"),
        ("content-digest", "stays behind"),
        ("transfer-encoding", "frames messages"),
        ("host", "follows from"),
    ] {
        let found = errors(json!({
            "keep_headers": [name],
            "operations": [{ "unsupported": "No." }]
        }));
        assert_eq!(found[0].0, "/keep_headers/0", "`{name}`");
        assert!(found[0].1.contains(says), "`{name}`: {found:?}");
    }
}

#[test]
fn everything_that_is_wrong_is_reported_at_once() {
    let found = request(&json!({
        "method": "POST",
        "path": "x",
        "headers": { "Host": "'a'" },
        "body": { "json": { "a": "bdy", "b": { "c": "answer" } } }
    }));
    let pointers: Vec<&str> = found.iter().map(|(pointer, _)| &pointer[21..]).collect();
    assert_eq!(pointers, ["/path", "/headers/Host", "/body/json/a", "/body/json/b/c"], "{found:?}");
}
