//! What expressions mean, what they refuse when loaded, and how they fail when run.

use std::{borrow::Cow, cell::RefCell};

use bytes::Bytes;
use http::HeaderMap;
use serde_json::json;

use super::*;
use crate::json::{Document, Limits};

struct World {
    body: Option<Document>,
    headers: HeaderMap,
    claims: serde_json::Value,
    asked: RefCell<Vec<Variable>>,
}

impl World {
    fn new(body: &str) -> Self {
        let mut headers = HeaderMap::new();
        headers.append("x-tier", "gold".parse().unwrap());
        headers.append("accept", "a".parse().unwrap());
        headers.append("accept", "b".parse().unwrap());
        let body = Bytes::copy_from_slice(body.as_bytes());
        Self {
            body: Document::parse(&body, Limits::default()).ok(),
            headers,
            claims: json!({"tenant": "t1", "limits": {"max": 10.5}, "roles": ["a", "b"]}),
            asked: RefCell::default(),
        }
    }
}

impl Variables for World {
    fn resolve(&self, variable: Variable) -> Option<Data<'_>> {
        self.asked.borrow_mut().push(variable);
        Some(match variable {
            Variable::Method => Data::text("POST"),
            Variable::Path => Data::text("/v1/payments"),
            Variable::Query => Data::query("a=1&b=x%20y+z&a=2&c"),
            Variable::Headers => Data::Headers(&self.headers),
            Variable::Params => Data::Map(vec![(Cow::Borrowed("id"), Data::text("42"))]),
            Variable::Body => Data::Json(self.body.as_ref()?.root()),
            Variable::Subject => Data::text("alice"),
            Variable::Scopes => Data::List(vec![Data::text("read"), Data::text("write")]),
            Variable::Claims => Data::Claims(self.claims.as_object()?),
            Variable::Address => Data::text("10.1.2.3"),
            Variable::Route => Data::text("create-payment"),
            _ => return None,
        })
    }
}

const PAYMENT: &str = r#"{"channel":"wechat_pay","amount":99.95,"units":10.0,"big":12345678901234567890,
    "count":3,"value":"10.00","name":"J\u00fcrgen","none":null,"ok":true,
    "payer":{"card":{"number":"4111111111111111"}},"items":[{"sku":"a","tags":["x","y"]},{"sku":"b","tags":[]}],
    "odd key":1,"exact":0.1}"#;

fn holds(text: &str) -> Result<bool, EvalError> {
    Expression::compile(text).unwrap().evaluate_bool(&World::new(PAYMENT))
}

fn failure(text: &str) -> EvalErrorKind {
    match holds(text) {
        Ok(value) => panic!("`{text}` must fail, not yield {value}"),
        Err(error) => error.kind,
    }
}

fn refusal(text: &str) -> ExpressionError {
    match Expression::compile(text) {
        Ok(_) => panic!("`{text}` must be refused"),
        Err(error) => error,
    }
}

#[test]
fn rules_read_what_they_name() {
    for text in [
        r#"body.channel == "wechat_pay""#,
        r#""wechat_pay" == body.channel"#,
        r#"body.payer.card.number.startsWith("4111")"#,
        r#"body["odd key"] == 1 && body.payer["card"].number.size() == 16"#,
        r#"body.name == "Jürgen" && body.none == null && body.ok"#,
        r#"body.items[1].sku == "b" && size(body.items) == 2"#,
        r#"body.items.exists(item, item.sku == "b")"#,
        r#"body.items.all(item, item.tags.all(tag, tag in ["x", "y"]))"#,
        r#"body.items.map(item, item.sku) == ["a", "b"]"#,
        r"body.items.filter(item, size(item.tags) > 0).size() == 1",
        r#"request.method == "POST" && request.path.matches("^/v[0-9]+/payments$")"#,
        r#"request.headers["x-tier"] == "gold" && request.headers.accept == "a, b""#,
        r#"request.query.a == ["1", "2"] && request.query.b == "x y z" && request.query.c == """#,
        r#"request.params.id == "42" && int(request.params.id) < 43"#,
        r#""write" in identity.scopes && identity.subject == "alice""#,
        r#"identity.claims.tenant == "t1" && "a" in identity.claims.roles"#,
        r#"ip_in(client.address, "10.0.0.0/8") && !ip_in(client.address, ["192.168.0.0/16"])"#,
        r#"route == "create-payment" && request.path.split("/")[1] == "v1""#,
        r"has(body.payer.card) && !has(body.payer.bank) && has(identity.subject)",
        r"!has(identity.client_id) && !has(request.host)",
        r#"request.headers[?"x-none"].orValue("none") == "none" && body.?channel.hasValue()"#,
        r#"body.channel.upperAscii() == "WECHAT_PAY" && matches(body.channel, "wechat")"#,
        r#"string(body.amount) == "99.95" && type(body.count) == int"#,
        r"body.missing == 1 || true",
        r"optional.of(body.count).value() == 3",
        r#"size(request.headers) == 2 && "accept" in request.headers"#,
        r#"{"a": 1}["a"] == 1 && (body.ok ? true : false)"#,
    ] {
        assert_eq!(holds(text), Ok(true), "`{text}` holds");
    }
}

#[test]
fn compiled_literals_work_inside_nested_loops() {
    for text in [
        r#"body.items.all(i, i.tags.all(t, t.matches("^[xy]$")) && i.sku.matches("^[ab]$"))"#,
        r#"body.items.exists(i, i.tags.exists(t, t.matches("y")) || i.sku == "c") && body.ok"#,
        r#"body.items.exists_one(i, i.sku.matches("b")) && !body.items.map(i, i.sku == "a", i.sku)
            .exists(s, s.matches("b"))"#,
        r#"body.?name.optMap(n, n.matches("rgen$")).orValue(false)"#,
    ] {
        assert_eq!(holds(text), Ok(true), "`{text}` holds");
    }
}

#[test]
fn membership_looks_for_one_field() {
    for text in [
        r#""x-tier" in request.headers && !("x-none" in request.headers)"#,
        r#""card" in body.payer && !("bank" in body.payer) && "name" in body"#,
        r#""a" in request.query && "x" in body.items[0].tags && !("z" in body.items[0].tags)"#,
        r#""tenant" in identity.claims && "id" in request.params"#,
        r#"body.items.all(i, "sku" in i)"#,
    ] {
        assert_eq!(holds(text), Ok(true), "`{text}` holds");
    }
    assert_eq!(refusal(r#""X-Tier" in request.headers"#).offset, 0, "lower case here too");
    assert_eq!(failure(r#""x" in body.channel"#), EvalErrorKind::WrongType, "a text has no fields");
}

#[test]
fn what_is_allowed_runs_on_a_small_stack() {
    let texts = [
        format!("{}true{}", "(".repeat(16), ")".repeat(16)),
        format!("size({}1{}) == 1", "[".repeat(15), "]".repeat(15)),
        format!("{}true", "!".repeat(16)),
        format!("{}true", "false ? true : ".repeat(20)),
        format!("0{} == 20", " + 1".repeat(20)),
        format!("{}size(body.items) == 2{}", "(body.ok && ".repeat(14), ")".repeat(14)),
    ];
    let run = move || {
        for text in texts {
            let start: String = text.chars().take(16).collect();
            assert_eq!(holds(&text), Ok(true), "`{start}…` runs");
        }
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn an_expression_is_shared_between_threads() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    shared::<Expression>();
}

#[test]
fn amounts_compare_exactly() {
    for text in [
        r#"decimal(body.amount) <= decimal("99.95")"#,
        r#"decimal(body.amount) == decimal("99.950") && decimal(body.amount) == "99.95""#,
        r"decimal(body.amount) < 100 && 100 > decimal(body.amount) && 99 < decimal(body.amount)",
        r"decimal(body.amount) > decimal(body.count) && decimal(body.count) == 3",
        r#"decimal(body.value) == 10 && 10 == decimal(body.value) && decimal(body.value) == "1e1""#,
        r#"body.units == 10 && body.units == decimal("10") && type(body.units) == int"#,
        r"body.amount < 100 && 99 < body.amount && body.amount != 99",
        r#"decimal(body.exact) == "0.1" && decimal(body.exact) != "0.10000000000000001""#,
        r#"decimal(body.big) > "12345678901234567889" && body.big > 1"#,
        r#"decimal(identity.claims.limits.max) == "10.5""#,
        r#"string(decimal("-0.50")) == "-0.5""#,
        r#"(body.ok ? decimal(body.amount) : decimal("0")) < 100"#,
    ] {
        assert_eq!(holds(text), Ok(true), "`{text}` holds");
    }
    for (text, kind) in [
        ("decimal(body.channel) > 1", EvalErrorKind::Conversion),
        ("decimal(body.none) > 1", EvalErrorKind::WrongType),
        ("decimal(body.items) > 1", EvalErrorKind::WrongType),
        ("body.count < body.amount", EvalErrorKind::WrongType),
        ("body.value < 11", EvalErrorKind::WrongType),
        ("body.amount + 1 == 2", EvalErrorKind::WrongType),
    ] {
        assert_eq!(failure(text), kind, "`{text}` fails");
    }
}

#[test]
fn failures_say_what_kind_they_are_and_never_quote_data() {
    for (text, kind) in [
        ("body.missing == 1", EvalErrorKind::MissingField),
        ("body.payer.bank.iban == \"x\"", EvalErrorKind::MissingField),
        ("body.items[7].sku == \"a\"", EvalErrorKind::MissingField),
        ("identity.client_id == \"x\"", EvalErrorKind::MissingField),
        ("listener == \"x\"", EvalErrorKind::MissingField),
        ("size(body.count) == 3", EvalErrorKind::WrongType),
        ("body.channel.x == 1", EvalErrorKind::WrongType),
        ("body.channel", EvalErrorKind::WrongResult),
        ("int(body.payer.card.number + \"x\") == 1", EvalErrorKind::Conversion),
        ("ip_in(body.channel, \"10.0.0.0/8\")", EvalErrorKind::Conversion),
        ("1 / (body.count - 3) == 1", EvalErrorKind::Arithmetic),
        ("9223372036854775807 + body.count > 0", EvalErrorKind::Arithmetic),
        ("body.ok && body.count", EvalErrorKind::WrongType),
    ] {
        assert_eq!(failure(text), kind, "`{text}` fails");
    }
    let error = holds("body.missing == 1").unwrap_err();
    assert_eq!(error.to_string(), "a field is missing: missing", "a name of the text is shown");
    let error = holds("request.headers[body.payer.card.number] == \"x\"").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("4111"), "a key that is data is not: {error:?}");
}

#[test]
fn without_a_body_its_fields_are_missing() {
    let world = World::new("not json");
    let run = |text: &str| Expression::compile(text).unwrap().evaluate_bool(&world);
    assert_eq!(run("has(body.a)"), Ok(false), "nothing is there");
    assert_eq!(run("body.a == 1").unwrap_err().kind, EvalErrorKind::MissingField, "cannot be read");
    let list = World::new("[1, 2]");
    let first = Expression::compile("body[0] == 1 && size(body) == 2").unwrap();
    assert_eq!(first.evaluate_bool(&list), Ok(true), "a body need not be an object");
}

#[test]
fn keys_are_texts() {
    let key = |text: &str| Expression::compile(text).unwrap().evaluate_string(&World::new(PAYMENT));
    for (text, expected) in [
        ("identity.subject + \"/\" + request.params.id", "alice/42"),
        ("body.count", "3"),
        ("body.amount", "99.95"),
        ("decimal(body.value)", "10"),
        ("body.ok", "true"),
    ] {
        assert_eq!(key(text).as_deref(), Ok(expected), "`{text}` is a key");
    }
    assert_eq!(key("body.items").unwrap_err().kind, EvalErrorKind::WrongResult, "a list is none");
    assert_eq!(key("body.none").unwrap_err().kind, EvalErrorKind::WrongResult, "null is none");
}

#[test]
fn an_expression_knows_what_it_names_and_asks_for_nothing_else() {
    let rule = Expression::compile(r#"request.headers["a"] == "b" || route == "x""#).unwrap();
    assert!(rule.names(Root::Request) && rule.names(Root::Route), "what it names");
    assert!(!rule.names(Root::Body), "no body is needed");
    let world = World::new(PAYMENT);
    rule.evaluate_bool(&world).unwrap_err();
    assert_eq!(*world.asked.borrow(), [Variable::Headers, Variable::Route], "asked once each");
    assert!(Expression::compile("has(body.x)").unwrap().names(Root::Body), "`has` needs it too");
    assert!(
        Expression::compile("[1].exists(x, body == x)").unwrap().names(Root::Body),
        "in a loop"
    );
    let names = Expression::compile("\"body.x\" == route").unwrap();
    assert!(!names.names(Root::Body), "a text that looks like a name is none");
}

#[test]
fn mistakes_are_refused_when_loaded_with_a_hint() {
    for (text, offset, message, hint) in [
        ("bdy.x == 1", 0, "unknown variable `bdy`", "`body`"),
        ("true && requets.path == \"x\"", 8, "unknown variable `requets`", "`request`"),
        ("channel == \"x\"", 0, "unknown variable `channel`", "in quotes"),
        (".body.x == 1", 1, "unknown variable `.body`", "body"),
        ("request.headres.x == \"1\"", 8, "has no field `headres`", "`headers`"),
        ("request[\"pth\"] == \"\"", 8, "has no field `pth`", "`path`"),
        ("identity.email == \"x\"", 9, "has no field `email`", "`subject`"),
        ("request == body", 0, "is a group", "`request.method`"),
        ("size(identity) == 1", 5, "is a group", "`identity.subject`"),
        ("request[body.x] == \"\"", 0, "is a group", "`request.method`"),
        ("route.name == \"x\"", 6, "without fields", ""),
        ("request.headers[\"X-Tier\"] == \"x\"", 16, "lower case", "`x-tier`"),
        ("body.x.startWith(\"a\")", 7, "unknown function `startWith`", "`startsWith`"),
        ("siz(body.x) == 1", 0, "unknown function `siz`", "`size`"),
        ("body.x.exist(y, y)", 7, "unknown function `exist`", "`exists`"),
        ("double(body.x) < 1", 0, "unknown function `double`", "`decimal"),
        ("body.x.replace(\"a\", \"b\") == \"\"", 7, "unknown function", "without bound"),
        ("contains(body.x, \"a\")", 0, "is called as `x.contains", ""),
        ("body.x.decimal() == 1", 7, "is called as `decimal(", ""),
        ("size() == 1", 0, "takes one argument", ""),
        ("body.amount < 99.95", 14, "floating-point", "`decimal(\"99.95\")`"),
        ("decimal(body.amount) < 99.95", 23, "floating-point", "`decimal(\"99.95\")`"),
        ("body.amount in [1.5]", 16, "floating-point", "`decimal(\"1.5\")`"),
        ("decimal(body.x) in [1, 2]", 16, "does not compare decimals", "comparisons out"),
        ("decimal(\"ten\") == 1", 8, "not a decimal number", ""),
        ("body.x.matches(body.y)", 20, "must be a literal", ""),
        ("body.x.matches(\"(\")", 15, "invalid regular expression", ""),
        ("body.x.matches(\"(a{1000}){1000}\")", 15, "too large", ""),
        ("ip_in(client.address, \"10.0.0.1/8\")", 22, "host bits", "10.0.0.0/8"),
        ("ip_in(client.address, body.x)", 27, "a literal text", ""),
        ("body.x.all(body, body)", 7, "`body` is taken", ""),
        ("body.a.all(x, body.b.all(y, y == x))", 21, "loop inside a loop", "`x`"),
        ("[1].all(a, [a].all(b, [b].all(c, [c].all(d, true))))", 37, "at most three loops", ""),
        ("a.b.C{x: 1} == 2", 5, "messages cannot be built", ""),
        ("body.x ==", 9, "syntax error", ""),
        ("body.x = 1", 7, "syntax error", ""),
        ("(body.x", 7, "syntax error", ""),
        ("\"abc", 0, "syntax error", ""),
        ("", 0, "expected an expression", ""),
        ("  ", 0, "expected an expression", ""),
    ] {
        let error = refusal(text);
        assert!(error.message.contains(message), "`{text}` says {message:?}: {error}");
        assert_eq!(error.offset, offset, "`{text}` is wrong there: {error}");
        let hinted = error.hint.clone().unwrap_or_default();
        assert!(hinted.contains(hint), "`{text}` hints at {hint:?}: {error}");
    }
}

#[test]
fn size_and_nesting_are_bounded() {
    let deep = [
        format!("{}1{} == 1", "(".repeat(5_000), ")".repeat(5_000)),
        format!("{}1{} == 1", "(".repeat(40), ")".repeat(40)),
        format!("{}[]", "[".repeat(2_000)),
        format!("{}true", "!".repeat(4_000)),
        format!("{}1 == 1", "- ".repeat(2_000)),
        format!("body{}", ".a".repeat(2_000)),
        format!("body{}", "[0]".repeat(1_000)),
        format!("1{}", " + 1".repeat(1_000)),
        "true ? ".repeat(500),
        format!("body{} == 1", ".size()".repeat(500)),
        format!("body.a == \"{}\"", "x".repeat(5_000)),
    ];
    for text in deep {
        let start: String = text.chars().take(12).collect();
        assert!(Expression::compile(&text).is_err(), "`{start}…` of {} is refused", text.len());
    }
    let wide = format!("route in [{}]", vec!["\"r\""; 500].join(", "));
    assert!(Expression::compile(&wide).is_ok(), "a long list is fine");
    let either = vec!["route == \"r\""; 60].join(" || ");
    assert!(Expression::compile(&either).is_ok(), "many alternatives are fine");
}

#[test]
fn loops_do_not_walk_over_lists_without_end() {
    let long = format!("{{\"a\":[{}],\"b\":[]}}", vec!["1"; 2_000].join(","));
    let world = World::new(&long);
    let run = |text: &str| Expression::compile(text).unwrap().evaluate_bool(&world);
    assert_eq!(run("body.a.all(x, x == 1)"), Ok(true), "a plain loop");
    assert_eq!(
        run("body.a.all(x, x in body.b)").unwrap_err().kind,
        EvalErrorKind::TooLarge,
        "a loop that searches on every turn"
    );
    assert_eq!(run("size(body.a) == 2000"), Ok(true), "no loop, no bound");
}

#[test]
fn every_callable_function_exists() {
    for text in [
        "size(\"a\") == 1 && string(1) == \"1\" && int(\"1\") == 1 && uint(1) == 1u",
        "bool(\"true\") && bytes(\"a\") == b\"a\" && type(1) == int && dyn(1) == 1",
        "optional.none().or(optional.of(1)).value() == optional.ofNonZeroValue(1).orValue(2)",
        "\"abc\".substring(1) == \"bc\" && \"abc\".substring(0, 1) == \"a\" && \"abc\".charAt(1) == \"b\"",
        "\" A \".trim().lowerAscii() == \"a\" && \"a,b\".split(\",\", 1) == [\"a,b\"]",
        "\"abc\".contains(\"b\") && \"abc\".endsWith(\"c\") && \"abc\".matches(\"b\")",
        "string(decimal(1)) == \"1\" && [1].size() == 1 && optional.of(1).hasValue()",
    ] {
        assert_eq!(holds(text), Ok(true), "`{text}` holds");
    }
}
