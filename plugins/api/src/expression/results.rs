//! Tests of what expressions yield for messages: money, JSON, texts, answers, and whom a failure
//! names.

use bytes::Bytes;

use super::*;
use crate::{
    Answer,
    form::Form,
    json::{Document, Limits},
    testing,
};

const PAYMENT: &str = r#"{"order_id":"o-1","amount":"10.50","number":10.50,"whole":10.00,"tiny":0.30000000000000004,
    "big":9223372036854775808,"minor":1050,"currency":"USD","yen":"JPY","lower":"usd","none":null,
    "payer":{"b":2.50,"a":[1,"x"]},"items":[{"sku":"a","n":1},{"sku":"b","n":2}],"negative":-1,"state":"NEW"}"#;

fn document(text: &str) -> Document {
    Document::parse(&Bytes::copy_from_slice(text.as_bytes()), Limits::default()).unwrap()
}

fn json(text: &str) -> Result<Option<String>, EvalError> {
    let (exchange, body) = (testing::exchange(), document(PAYMENT));
    let variables = ExchangeVariables::new(&exchange, Some(&body));
    let value = Expression::compile(text).unwrap().evaluate_json(&variables)?;
    Ok(value.map(|value| value.as_str().to_owned()))
}

fn text(text: &str) -> Result<Option<String>, EvalError> {
    let (exchange, body) = (testing::exchange(), document(PAYMENT));
    let variables = ExchangeVariables::new(&exchange, Some(&body));
    Expression::compile(text).unwrap().evaluate_text(&variables)
}

#[test]
fn amounts_are_converted_exactly() {
    for (expression, expected) in [
        ("minor_units(body.amount, body.currency)", "1050"),
        ("minor_units(body.number, body.currency)", "1050"),
        ("minor_units(body.whole, body.currency)", "1000"),
        ("minor_units(body.whole, body.yen)", "10"),
        (r#"minor_units("0.30", "USD")"#, "30"),
        (r#"minor_units("92233720368547758.07", "USD")"#, "9223372036854775807"),
        ("minor_units(body.amount, body.lower.upperAscii())", "1050"),
        ("major_units(body.minor, body.currency)", r#""10.50""#),
        ("major_units(body.minor, body.yen)", r#""1050""#),
        (r#"major_units(body.minor, "KWD")"#, r#""1.050""#),
        (r#"major_units(minor_units(body.amount, "KWD"), "KWD")"#, r#""10.500""#),
    ] {
        assert_eq!(json(expression), Ok(Some(expected.to_owned())), "`{expression}`");
    }
}

#[test]
fn a_failure_names_the_field_it_failed_over() {
    for (expression, kind, places) in [
        ("minor_units(body.tiny, body.currency)", EvalErrorKind::Amount, "body.tiny"),
        ("minor_units(body.big, body.currency)", EvalErrorKind::Amount, "body.big"),
        ("minor_units(body.negative, body.currency)", EvalErrorKind::Amount, "body.negative"),
        ("minor_units(body.order_id, body.currency)", EvalErrorKind::Amount, "body.order_id"),
        ("minor_units(body.none, body.currency)", EvalErrorKind::Amount, "body.none"),
        ("minor_units(body.amount, body.yen)", EvalErrorKind::Amount, "body.amount"),
        ("minor_units(body.amount, body.lower)", EvalErrorKind::Currency, "body.lower"),
        ("minor_units(body.amount, body.minor)", EvalErrorKind::Currency, "body.minor"),
        ("major_units(body.amount, body.currency)", EvalErrorKind::Amount, "body.amount"),
        ("major_units(body.negative, body.currency)", EvalErrorKind::Amount, "body.negative"),
        ("minor_units(body.total, body.currency)", EvalErrorKind::MissingField, "body.total"),
        ("minor_units(body.amount, body.payer.cur)", EvalErrorKind::MissingField, "body.payer.cur"),
        ("body.order_id + body.bank.iban", EvalErrorKind::MissingField, "body.bank.iban"),
        ("request.query.reference", EvalErrorKind::MissingField, "request.query.reference"),
        ("identity.subject", EvalErrorKind::MissingField, "identity.subject"),
        ("body.minor + body.order_id", EvalErrorKind::WrongType, "body.minor or body.order_id"),
        (r#"{"OLD": "a"}[body.state]"#, EvalErrorKind::MissingField, "body.state"),
    ] {
        let error = json(expression).unwrap_err();
        assert_eq!(error.kind, kind, "`{expression}`");
        let shown: Vec<String> = error.places.iter().map(|place| place.field.to_string()).collect();
        assert_eq!(shown.join(" or "), places, "`{expression}`");
        assert!(error.to_string().ends_with(places), "`{expression}` says so: {error}");
        assert!(!format!("{error:?}").contains("10.50"), "no data in it: {error:?}");
    }
    let known = json(r#"{"OLD": "a"}[body.state]"#).unwrap_err();
    assert!(!known.places[0].missing, "the field is there, its value is not known");
    assert!(json("body.total").unwrap_err().places[0].missing, "this one is not there");
}

#[test]
fn values_are_written_as_they_came_or_exactly() {
    for (expression, expected) in [
        ("body.number", Some("10.50")),
        ("body.whole", Some("10.00")),
        ("body.tiny", Some("0.30000000000000004")),
        ("body.big", Some("9223372036854775808")),
        ("body.payer", Some(r#"{"b":2.50,"a":[1,"x"]}"#)),
        (r#"body["payer"].a"#, Some(r#"[1,"x"]"#)),
        ("body.none", Some("null")),
        ("null", Some("null")),
        ("true", Some("true")),
        (r#""a\"b""#, Some(r#""a\"b""#)),
        ("body.items.map(i, i.sku)", Some(r#"["a","b"]"#)),
        (
            r#"body.items.map(i, {"id": i.sku, "count": i.n, "at": body.order_id})"#,
            Some(r#"[{"at":"o-1","count":1,"id":"a"},{"at":"o-1","count":2,"id":"b"}]"#),
        ),
        ("body.?number", Some("10.50")),
        ("body.?total", None),
        ("body.?none", Some("null")),
        ("body.?none.?deeper", None),
        ("body.?bank.?iban", None),
        ("request.?query.?reference", None),
        ("decimal(body.amount)", Some("10.5")),
        ("has(body.total) ? optional.of(body.total) : optional.none()", None),
    ] {
        assert_eq!(json(expression), Ok(expected.map(str::to_owned)), "`{expression}`");
    }
    assert_eq!(json("type(1)").unwrap_err().kind, EvalErrorKind::WrongResult, "a type is no JSON");
    assert_eq!(json(r#"b"a""#).unwrap_err().kind, EvalErrorKind::WrongResult, "nor are bytes");
    assert_eq!(json("{1: 2}").unwrap_err().kind, EvalErrorKind::WrongResult, "names are texts");
}

#[test]
fn texts_are_scalars() {
    for (expression, expected) in [
        ("body.order_id", Some("o-1")),
        ("body.whole", Some("10.00")),
        ("body.minor", Some("1050")),
        ("body.minor + 1", Some("1051")),
        ("true", Some("true")),
        ("body.?note", None),
        ("body.?order_id", Some("o-1")),
    ] {
        assert_eq!(text(expression), Ok(expected.map(str::to_owned)), "`{expression}`");
    }
    for expression in ["body.payer", "body.items", "body.none"] {
        let kind = text(expression).unwrap_err().kind;
        assert_eq!(kind, EvalErrorKind::WrongResult, "`{expression}` is no text");
    }
}

#[test]
fn the_fields_of_a_form_are_texts() {
    let exchange = testing::exchange();
    let form = Form::parse(b"total_amount=10.50&trade_status=TRADE_SUCCESS").unwrap();
    let variables = ExchangeVariables::new(&exchange, None).with_form(&form);
    for (expression, expected) in [
        (r#"minor_units(body.total_amount, "CNY")"#, "1050"),
        ("body.trade_status", r#""TRADE_SUCCESS""#),
        ("body", r#"{"total_amount":"10.50","trade_status":"TRADE_SUCCESS"}"#),
    ] {
        let value = Expression::compile(expression).unwrap().evaluate_json(&variables);
        assert_eq!(value.unwrap().unwrap().as_str(), expected, "`{expression}`");
    }
    let error = Expression::compile("body.trade_no").unwrap().evaluate_json(&variables);
    assert_eq!(error.unwrap_err().to_string(), "a field is missing: body.trade_no", "named too");
}

#[test]
fn an_answer_is_known_only_where_there_is_one() {
    let error = Expression::compile("answer.status == 200").unwrap_err();
    assert_eq!((error.offset, error.message.as_str()), (0, "there is no `answer` yet"), "{error}");
    let error = Expression::compile_in("answer.code == 1", Scope::Answer).unwrap_err();
    assert!(error.hint.unwrap().contains("`status`"), "its fields are named");

    let exchange = testing::exchange();
    let request = document(PAYMENT);
    let mut answer: Answer = testing::answer_with_body(r#"{"id":"p-1","total":1e3}"#);
    answer.headers.insert("request-id", "r-1".parse().unwrap());
    let body = document(r#"{"id":"p-1","total":1e3}"#);
    let variables =
        ExchangeVariables::new(&exchange, Some(&request)).with_answer(&answer, Some(&body));
    for (expression, expected) in [
        ("answer.status == 200", "true"),
        (r#"answer.headers["request-id"]"#, r#""r-1""#),
        ("answer.body", r#"{"id":"p-1","total":1e3}"#),
        ("major_units(answer.body.total, body.currency)", r#""10.00""#),
        ("answer.body.id + body.order_id", r#""p-1o-1""#),
    ] {
        let value = Expression::compile_in(expression, Scope::Answer).unwrap();
        assert_eq!(
            value.evaluate_json(&variables).unwrap().unwrap().as_str(),
            expected,
            "`{expression}`"
        );
    }
    let without = ExchangeVariables::new(&exchange, None).with_answer(&answer, None);
    let code = Expression::compile_in("answer.body.?code", Scope::Answer).unwrap();
    assert_eq!(code.evaluate_json(&without), Ok(None), "a body that is no JSON has no fields");
    let missing = Expression::compile_in("answer.body.code", Scope::Answer).unwrap();
    let kind = missing.evaluate_json(&without).unwrap_err().kind;
    assert_eq!(kind, EvalErrorKind::MissingField, "and one that is needed is missing");
    let error = missing.evaluate_json(&variables).unwrap_err();
    assert_eq!(error.to_string(), "a field is missing: answer.body.code", "named for the log");
}

#[test]
fn mistakes_about_money_are_refused_when_loaded() {
    for (expression, offset, message, hint) in [
        (r#"minor_units(body.a, "XYZ")"#, 20, "not the code of an active currency", "ISO 4217"),
        (r#"minor_units(body.a, "usd")"#, 20, "not the code of an active currency", "`USD`"),
        (r#"major_units(1, "BGN")"#, 15, "not the code of an active currency", "ISO 4217"),
        ("minor_units(body.a)", 0, "takes 2 arguments", ""),
        ("body.a.minor_units(body.b)", 7, "is called as `minor_units(", ""),
        ("minor_unit(body.a, body.b)", 0, "unknown function `minor_unit`", "`minor_units`"),
        ("minor_units(bdy.a, body.b)", 12, "unknown variable `bdy`", "`body`"),
        (r#"minor_units(10.5, "USD")"#, 12, "floating-point", "decimal"),
    ] {
        let error = Expression::compile(expression).unwrap_err();
        assert!(error.message.contains(message), "`{expression}`: {error}");
        assert_eq!(error.offset, offset, "`{expression}`: {error}");
        let hinted = error.hint.clone().unwrap_or_default();
        assert!(hinted.contains(hint), "`{expression}` hints at {hint:?}: {error}");
    }
}
