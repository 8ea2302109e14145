//! What the caller receives of an answer that `map` shapes.

use std::sync::Arc;

use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};
use tollgate_api::{
    Answer, Exchange, Plugin,
    testing::{self, Bench, request, respond, verdict},
};
use tollgate_payload::map::Map;

use crate::map::{mapper, text};

/// A mapper of answers, after it has seen a request.
async fn asked(answers: Value) -> (Arc<dyn Plugin>, Exchange) {
    let plugin = mapper(&json!({
        "request": { "method": "GET", "path": "/v1/{body.order_id}" },
        "answers": answers
    }));
    let mut exchange = testing::exchange_with_body(r#"{"order_id":"o-1","currency":"CNY"}"#);
    exchange.params.push(("id".into(), "7".to_owned()));
    request(&*plugin, &mut exchange).await.unwrap();
    (plugin, exchange)
}

fn answer(status: u16, body: &str) -> Answer {
    let mut answer = testing::answer_with_body(body.to_owned());
    answer.status = StatusCode::from_u16(status).unwrap();
    answer.headers.insert("server", HeaderValue::from_static("provider"));
    answer.headers.insert("request-id", HeaderValue::from_static("p-7"));
    answer
}

#[tokio::test]
async fn answers_come_back_in_one_shape() {
    let answers = json!([
        { "when": "answer.status == 200", "status": 201,
          "headers": { "X-Provider-Request": "answer.headers['request-id']" },
          "body": { "json": {
              "order_id": "body.order_id",
              "path": "request.path",
              "param": "request.params.id",
              "status": "{'SUCCESS': 'paid', 'NOTPAY': 'pending'}[answer.body.trade_state]",
              "amount": "major_units(answer.body.amount.total, body.currency)",
              "payer": "answer.body.?payer.?openid",
              "raw": "answer.body.amount"
          } } },
        { "when": "answer.status == 204", "body": { "json": { "closed": true } } },
        { "when": "has(answer.body.code)", "body": { "json": { "error": "answer.body.code" } } }
    ]);
    let (plugin, mut exchange) = asked(answers.clone()).await;
    assert_eq!(exchange.request.headers["accept"], "application/json", "JSON is asked for");
    let provider = answer(200, r#"{"trade_state":"SUCCESS","amount":{"total":1050 ,"x":1.00}}"#);
    respond(&*plugin, &mut exchange, provider).await.unwrap();
    let shaped = exchange.answer.unwrap();
    assert_eq!(shaped.status, 201, "the status that the rule says");
    assert_eq!(
        text(&shaped.body),
        r#"{"amount":"10.50","order_id":"o-1","param":"7","path":"/v1/payments","raw":{"total":1050 ,"x":1.00},"status":"paid"}"#,
        "of the answer and of the request as it came in"
    );
    assert!(shaped.origin.is_provider(), "it is still the provider's");
    let mut names: Vec<&str> = shaped.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["content-type", "x-provider-request"], "no other field of the provider's");

    let (plugin, mut exchange) = asked(answers.clone()).await;
    respond(&*plugin, &mut exchange, answer(204, "")).await.unwrap();
    let shaped = exchange.answer.unwrap();
    assert_eq!((shaped.status.as_u16(), text(&shaped.body).as_str()), (200, r#"{"closed":true}"#));

    let (plugin, mut exchange) = asked(answers).await;
    respond(&*plugin, &mut exchange, answer(403, r#"{"code":"NO_AUTH"}"#)).await.unwrap();
    let shaped = exchange.answer.unwrap();
    assert_eq!(
        (shaped.status.as_u16(), text(&shaped.body).as_str()),
        (403, r#"{"error":"NO_AUTH"}"#)
    );
}

#[tokio::test]
async fn an_answer_that_lacks_something_is_never_passed_on_in_part() {
    let answers = json!([
        { "when": "answer.status == 200", "body": { "json": {
            "state": "{'SUCCESS': 'paid'}[answer.body.state]",
            "amount": "major_units(answer.body.total, 'CNY')",
            "id": "answer.body.id"
        } } },
        { "when": "answer.body.code + 1 == 2", "body": { "json": 1 } }
    ]);
    for (status, body, media) in [
        (200, "{}", "application/json"),
        (200, "", "application/json"),
        (200, r#"{"state":"SUCCESS","total":1}"#, "application/json"),
        (200, r#"{"state":"SUCCESS","id":"x"}"#, "application/json"),
        (200, r#"{"state":"NEW","total":1,"id":"x"}"#, "application/json"),
        (200, r#"{"state":"SUCCESS","total":"1.00","id":"x"}"#, "application/json"),
        (200, r#"{"state":"SUCCESS","total":-1,"id":"x"}"#, "application/json"),
        (200, r#"{"state":"SUCCESS","state":"SUCCESS","total":1,"id":"x"}"#, "application/json"),
        (200, r#"{"state":"SUCCESS","total":1,"id":"x"}"#, "text/html"),
        (200, r#"{"state":"SUCCESS","total":1,"id":"x""#, "application/json"),
        (500, "{}", "application/json"),
        (500, r#"{"code":"text"}"#, "application/json"),
        (502, "<html>", "text/html"),
    ] {
        let (plugin, mut exchange) = asked(answers.clone()).await;
        let mut provider = answer(status, body);
        provider.headers.insert("content-type", HeaderValue::from_static(media));
        let result = respond(&*plugin, &mut exchange, provider).await;
        assert_eq!(verdict(&result), "upstream_invalid_answer", "{status} `{body}` as {media}");
        let fault = result.unwrap_err();
        let cause = fault.cause().map(ToString::to_string).unwrap_or_default();
        assert!(!cause.is_empty(), "{status} `{body}`: the log says why");
        assert!(fault.fields().is_empty(), "it is not the caller's request that is wrong");
    }
    let (plugin, mut exchange) = asked(answers).await;
    let good = answer(200, r#"{"state":"SUCCESS","total":1,"id":"x"}"#);
    respond(&*plugin, &mut exchange, good).await.unwrap();
}

#[tokio::test]
async fn rules_for_all_operations_are_tried_after_the_operations_own() {
    let plugin = Bench::upstream().plugin::<Map>(json!({
        "operations": [{
            "when": "body.order_id == 'o-1'",
            "request": { "method": "GET", "path": "/a" },
            "answers": [{ "when": "answer.status == 404", "body": { "json": "'own'" } }]
        }, { "request": { "method": "GET", "path": "/b" } }],
        "answers": [{ "when": "answer.status >= 400", "body": { "json": "answer.body.code" } }]
    }));
    for (order, status, expected) in [
        ("o-1", 404, Some("\"own\"")),
        ("o-1", 409, Some("\"X\"")),
        ("o-2", 404, Some("\"X\"")),
        ("o-2", 200, None),
    ] {
        let mut exchange = testing::exchange_with_body(json!({ "order_id": order }).to_string());
        request(&*plugin, &mut exchange).await.unwrap();
        let result = respond(&*plugin, &mut exchange, answer(status, r#"{"code":"X"}"#)).await;
        match expected {
            Some(expected) => {
                assert_eq!(verdict(&result), "ok", "{order} {status}");
                assert_eq!(text(&exchange.answer.unwrap().body), expected, "{order} {status}");
            }
            None => assert_eq!(verdict(&result), "upstream_invalid_answer", "{order} {status}"),
        }
    }
}

#[tokio::test]
async fn answers_of_the_gateways_own_are_left_alone() {
    let (plugin, mut exchange) = asked(json!([{ "body": { "json": 1 } }])).await;
    let ours = Answer::new(StatusCode::BAD_GATEWAY, "application/problem+json", "{}".into());
    respond(&*plugin, &mut exchange, ours).await.unwrap();
    assert_eq!(text(&exchange.answer.unwrap().body), "{}", "a refusal stays what it is");
    // An operation without rules lets answers pass.
    let plugin = mapper(&json!({ "request": { "method": "GET", "path": "/" } }));
    assert!(!plugin.hooks().response, "nothing to do with answers");
    assert_eq!(plugin.needs().answer, tollgate_api::BodyNeed::Nothing, "nor to hold of them");
}
