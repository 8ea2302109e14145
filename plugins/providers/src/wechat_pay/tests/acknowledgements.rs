//! What WeChat Pay is told, whatever happens behind the gateway.

use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};
use tollgate_api::{
    Answer, Body, Exchange, Origin, Plugin, codes,
    testing::{self, request, verdict},
};

use super::support::*;

fn said(exchange: &Exchange) -> (u16, Value) {
    let answer = exchange.answer.as_ref().unwrap();
    let body = answer.body.whole().unwrap();
    assert_eq!(answer.headers["content-type"], "application/json", "the type");
    (answer.status.as_u16(), serde_json::from_slice(&body).unwrap())
}

async fn acknowledged(plugin: &dyn Plugin, answer: Answer) -> Exchange {
    let body = notification_of("EV-1", &json!({ "mchid": MERCHANT }).to_string());
    let mut exchange = wechat_pay().notification(body);
    assert_eq!(verdict(&request(plugin, &mut exchange).await), "ok", "handed on");
    exchange.answer = Some(answer);
    plugin.on_response(&mut exchange).resolve().await.unwrap();
    exchange
}

#[tokio::test]
async fn any_2xx_of_the_institution_is_success_and_its_bytes_stay_inside() {
    for (status, body) in [(200, "internal"), (201, ""), (204, "")] {
        let mut bench = route();
        let plugin = plugin(&mut bench, &json!({}));
        let mut answer =
            Answer::new(StatusCode::from_u16(status).unwrap(), "text/html", body.into());
        answer.origin = Origin::Provider;
        answer.headers.insert("server", HeaderValue::from_static("internal"));
        let exchange = acknowledged(&*plugin, answer).await;
        let expected = (200, json!({ "code": "SUCCESS", "message": "OK" }));
        assert_eq!(said(&exchange), expected, "{status}");
        let headers = &exchange.answer.as_ref().unwrap().headers;
        assert!(!headers.contains_key("server"), "{status}: nothing of it but success");
    }
}

#[tokio::test]
async fn a_streamed_answer_of_the_institution_is_acknowledged_too() {
    let mut bench = route();
    let plugin = plugin(&mut bench, &json!({}));
    let answer = Answer { body: Body::Streamed, ..testing::answer_with_body("x") };
    let exchange = acknowledged(&*plugin, answer).await;
    assert_eq!(said(&exchange).0, 200, "its head is enough");
}

#[tokio::test]
async fn whatever_else_the_institution_says_is_failure() {
    for (status, told) in [(400, 400), (404, 404), (500, 500), (503, 503), (302, 502), (304, 502)] {
        let mut bench = route();
        let plugin = plugin(&mut bench, &json!({}));
        let mut answer = testing::answer_with_body("{\"trace\":\"at Shop.pay(Shop.java:7)\"}");
        answer.status = StatusCode::from_u16(status).unwrap();
        let exchange = acknowledged(&*plugin, answer).await;
        let expected = (told, json!({ "code": "FAIL", "message": "The event was not taken" }));
        assert_eq!(said(&exchange), expected, "{status}");
    }
}

#[tokio::test]
async fn faults_keep_their_status_and_code_and_are_told_in_wechat_pays_form() {
    let mut bench = route();
    let plugin = plugin(&mut bench, &json!({}));
    for code in [
        &codes::SIGNATURE_INVALID,
        &codes::NOTIFICATION_MISDIRECTED,
        &codes::UPSTREAM_TIMEOUT,
        &codes::RATE_LIMITED,
    ] {
        let mut exchange = testing::exchange();
        let mut answer = Answer::new(code.status(), "application/problem+json", "{}".into());
        answer.headers.insert("tollgate-error", HeaderValue::from_static(code.name));
        answer.origin = Origin::Fault(code);
        exchange.answer = Some(answer);
        plugin.on_response(&mut exchange).resolve().await.unwrap();
        let expected = (code.status, json!({ "code": "FAIL", "message": code.title }));
        assert_eq!(said(&exchange), expected, "{}", code.name);
        let answer = exchange.answer.unwrap();
        assert_eq!(answer.headers["tollgate-error"], code.name, "{}: still ours", code.name);
        assert_eq!(answer.origin, Origin::Fault(code), "{}: and known as such", code.name);
    }
}

#[tokio::test]
async fn an_event_that_met_a_fault_may_come_again() {
    let mut bench = route();
    let plugin = plugin(&mut bench, &json!({}));
    for _ in 0..2 {
        let mut answer = Answer::new(StatusCode::BAD_GATEWAY, "text/plain", "x".into());
        answer.origin = Origin::Fault(&codes::UPSTREAM_UNREACHABLE);
        let exchange = acknowledged(&*plugin, answer).await;
        assert_eq!(said(&exchange).1["code"], "FAIL", "it is to be sent again");
    }
}
