//! Nothing of an answer passes before it was verified.

use http::StatusCode;
use serde_json::{Value, json};
use tollgate_api::{
    Answer, AnswerHead, Body, BodyNeed, Origin, Plugin, codes,
    testing::{self, FakeReplaySets, header_map, respond, verdict},
};

use super::support::*;

async fn judged(plugin: &dyn Plugin, answer: Answer) -> &'static str {
    verdict(&respond(plugin, &mut testing::exchange(), answer).await)
}

#[tokio::test]
async fn the_vector_without_a_body_verifies_and_loses_its_signature() {
    let vector = &VECTORS["response_204_empty_body"];
    let mut bench = upstream();
    let plugin = plugin(&mut bench, &json!({}));
    let headers: Vec<(&str, &str)> = vector["headers"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.as_str(), text(value)))
        .collect();
    let mut exchange = testing::exchange();
    let answer = Answer {
        status: StatusCode::NO_CONTENT,
        headers: header_map(&headers),
        body: Body::Empty,
        origin: Origin::Provider,
    };
    assert_eq!(verdict(&respond(&*plugin, &mut exchange, answer).await), "ok", "a lone LF");
    let headers = exchange.answer.unwrap().headers;
    assert!(headers.is_empty(), "what was for the gateway alone is removed: {headers:?}");
}

#[tokio::test]
async fn a_signed_answer_passes_byte_for_byte_whatever_its_status() {
    for status in [200, 202, 400, 404, 500] {
        let mut bench = upstream();
        let plugin = plugin(&mut bench, &json!({}));
        let mut exchange = testing::exchange();
        let body = "{ \"code\" : \"X\", \"n\":1.0 }";
        let answer = wechat_pay().answer(status, body);
        assert_eq!(verdict(&respond(&*plugin, &mut exchange, answer).await), "ok", "{status}");
        let answer = exchange.answer.unwrap();
        assert_eq!(answer.body, Body::Held(body.into()), "{status}: the body");
        assert_eq!(answer.headers["request-id"], "R-1", "{status}: other fields stay");
        assert_eq!(answer.status, status, "{status}: the status");
    }
}

#[tokio::test]
async fn each_way_to_tamper_with_an_answer_has_its_code() {
    let body = "{\"trade_state\":\"SUCCESS\"}";
    for (what, change, code) in tampered() {
        let mut bench = upstream();
        let plugin = plugin(&mut bench, &json!({}));
        let mut answer = wechat_pay().answer(200, body);
        change(&mut answer.headers, &mut answer.body);
        let code = if code == "ok" { code.to_owned() } else { format!("upstream_{code}") };
        assert_eq!(judged(&*plugin, answer).await, code, "{what}");
    }
}

#[tokio::test]
async fn the_window_is_closed_at_300_seconds_on_both_sides() {
    for (offset, expected) in [
        (-299, "ok"),
        (299, "ok"),
        (-300, "upstream_signature_expired"),
        (300, "upstream_signature_expired"),
    ] {
        let mut bench = upstream();
        let plugin = plugin(&mut bench, &json!({}));
        let signer = Signer { time: testing::NOW.saturating_add_signed(offset), ..wechat_pay() };
        let found = judged(&*plugin, signer.answer(200, "{}")).await;
        assert_eq!(found, expected, "{offset} s away");
    }
}

#[tokio::test]
async fn an_answer_passes_once() {
    let mut bench = upstream();
    let sets = FakeReplaySets::new(bench.clock.clone());
    bench.stores.replay_sets = std::sync::Arc::new(sets.clone());
    let plugin = plugin(&mut bench, &json!({}));
    let answer = wechat_pay().answer(200, "{}");
    assert_eq!(judged(&*plugin, answer.clone()).await, "ok", "the first time");
    assert_eq!(judged(&*plugin, answer).await, "upstream_signature_replayed", "and never again");
    sets.fail(true);
    let other = Signer { nonce: "n-2", ..wechat_pay() }.answer(200, "{}");
    assert_eq!(judged(&*plugin, other).await, "upstream_unverifiable", "nobody can tell");
}

#[tokio::test]
async fn what_is_not_the_providers_is_left_alone() {
    let mut bench = upstream();
    let plugin = plugin(&mut bench, &json!({}));
    for origin in [Origin::Gateway, Origin::Fault(&codes::OVERLOADED)] {
        let answer = Answer { origin, ..Answer::new(StatusCode::OK, "text/plain", "x".into()) };
        assert_eq!(judged(&*plugin, answer).await, "ok", "{origin:?}");
    }
}

#[tokio::test]
async fn an_error_without_any_signature_is_refused_or_tells_its_status_and_no_byte() {
    let unsigned = |status: u16| {
        let mut answer = wechat_pay().answer(status, "{\"code\":\"ORDER_NOT_EXIST\"}");
        answer.headers = header_map(&[("content-type", "application/json"), ("retry-after", "9")]);
        answer
    };
    for status in [400, 401, 404, 429, 500, 502] {
        let mut bench = upstream();
        let strict = plugin(&mut bench, &json!({}));
        let code = judged(&*strict, unsigned(status)).await;
        assert_eq!(code, "upstream_signature_missing", "{status} by default");
        let telling = plugin(&mut bench, &json!({ "unsigned_errors": "status" }));
        let mut exchange = testing::exchange();
        let result = respond(&*telling, &mut exchange, unsigned(status)).await;
        if matches!(status, 400 | 404) {
            assert_eq!(
                verdict(&result),
                "upstream_signature_missing",
                "{status} is about a payment"
            );
            continue;
        }
        let answer = exchange.answer.unwrap();
        assert_eq!((verdict(&result), answer.status.as_u16()), ("ok", status), "{status}");
        let body = answer.body.whole().unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["code"], "UNSIGNED_ERROR", "{status}: a body of our own");
        assert_eq!(answer.headers.len(), 1, "{status}: no field either: {:?}", answer.headers);
        // With a signature it must be right.
        let mut forged = wechat_pay().answer(status, "{}");
        forged.body = Body::Held("{\"x\":1}".into());
        assert_eq!(judged(&*telling, forged).await, "upstream_signature_invalid", "{status}");
    }
}

#[test]
fn every_answer_is_held_but_files() {
    let mut bench = upstream();
    let plugin = plugin(&mut bench, &json!({ "unsigned_answers": ["complaint_images"] }));
    let headers = http::HeaderMap::new();
    for (path, status, need) in [
        ("/v3/pay/transactions/native", StatusCode::OK, BodyNeed::Whole),
        ("/v3/billdownload/file", StatusCode::OK, BodyNeed::Observe),
        ("/v3/billdownload/file", StatusCode::BAD_REQUEST, BodyNeed::Whole),
        ("/v3/merchant-service/images/abc", StatusCode::OK, BodyNeed::Observe),
        ("/v3/statements", StatusCode::OK, BodyNeed::Whole),
    ] {
        let mut exchange = testing::exchange();
        exchange.request.method = http::Method::GET;
        exchange.request.path = path.to_owned();
        let found = plugin.needs_answer(&exchange, &AnswerHead { status, headers: &headers });
        assert_eq!(found, need, "{status} of {path}");
    }
}
