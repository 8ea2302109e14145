//! One message made of another, over real sockets: what the provider receives, what the caller gets
//! back, and what is recorded.

use serde_json::{Value, json};

use crate::support::*;

const JSON: (&str, &str) = ("content-type", "application/json");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// An institution's API in front of a provider that speaks forms.
const PAYMENTS: &str = r#"map:
          operations:
            - when: 'request.method == "POST"'
              require: ['body.order_id.matches("^[0-9A-Za-z-]{3,32}$")']
              request:
                method: POST
                path: /v1/orders/{body.order_id}/charges
                headers: { Idempotency-Key: body.order_id }
                body:
                  form:
                    amount: minor_units(body.amount, body.currency)
                    currency: body.currency.lowerAscii()
                    metadata[order_id]: body.order_id
                    memo: body.?memo
              answers:
                - when: answer.status == 200
                  status: 201
                  body:
                    json:
                      order_id: body.order_id
                      status: '{"succeeded": "paid", "processing": "pending"}[answer.body.status]'
                      amount: major_units(answer.body.amount, answer.body.currency.upperAscii())
                      provider_reference: answer.body.id
                - when: answer.status == 402
                  status: 422
                  body: { json: { error: { code: "'declined'", provider_code: answer.body.error.code } } }
            - when: 'request.method == "GET" && request.path == "/search"'
              request: { method: POST, path: /v1/search, body: { json: { id: request.query.id } } }
              answers: [{ body: { json: { found: answer.body.found } } }]
            - when: 'request.method == "DELETE"'
              unsupported: A charge cannot be cancelled once it was made; refund it."#;

async fn answering(status: u16, body: &'static str) -> Provider {
    Provider::http1(move |_| {
        Reply::new(status, body)
            .with("content-type", "application/json")
            .with("server", "provider")
            .with("set-cookie", "session=1")
    })
    .await
}

fn gateway(provider: &Provider) -> Gateway {
    Recipe::to(provider).upstream_plugin(PAYMENTS).start()
}

async fn pay(gateway: &Gateway, body: &str) -> Answer {
    let fields = [JSON, ("authorization", "Bearer token"), ("cookie", "a=b")];
    gateway.http1().await.call("POST", "/v1/payments", &fields, body.as_bytes(), None).await
}

fn parsed(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("JSON: {}", answer.text()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_becomes_the_providers_and_its_answer_comes_back_in_our_shape() {
    let provider = answering(
        200,
        r#"{"id":"ch_1","status":"succeeded","amount":9007199254740993,"currency":"usd"}"#,
    )
    .await;
    let gateway = gateway(&provider);
    let body = r#"{"order_id":"ord-1","amount":90071992547409.93,"currency":"USD"}"#;
    let answer = pay(&gateway, body).await;
    assert_eq!(answer.status, 201, "made: {}", answer.text());
    assert_eq!(
        parsed(&answer),
        json!({ "order_id": "ord-1", "status": "paid", "amount": "90071992547409.93",
            "provider_reference": "ch_1" }),
        "in our shape, to the last digit"
    );
    assert_eq!(answer.header("server"), None, "no field of the provider's");
    assert_eq!(answer.header("set-cookie"), None, "least of all its cookies");
    assert_eq!(answer.fault(), None, "it is the provider's answer");
    let request = provider.only_request();
    assert_eq!(request.method, "POST", "its method");
    assert_eq!(request.target, "/v1/orders/ord-1/charges", "its path");
    assert_eq!(
        String::from_utf8(request.body.clone()).unwrap(),
        "amount=9007199254740993&currency=usd&metadata%5Border_id%5D=ord-1",
        "its form, whose amount no double could hold"
    );
    assert_eq!(request.header("content-type").as_deref(), Some(FORM.1), "and says so");
    assert_eq!(request.header("content-length").as_deref(), Some("65"), "with its own length");
    assert_eq!(request.header("idempotency-key").as_deref(), Some("ord-1"), "and its own key");
    for name in ["authorization", "cookie"] {
        assert_eq!(request.header(name), None, "`{name}` is none of the provider's business");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_mapped_is_refused_with_the_fields_path_and_nothing_is_sent() {
    let provider = answering(200, "{}").await;
    let gateway = gateway(&provider);
    for (body, code, errors) in [
        (
            r#"{"order_id":"ord-1","currency":"USD"}"#,
            "field_invalid",
            json!([{ "pointer": "/amount", "detail": "is missing" }]),
        ),
        (
            r#"{"order_id":"ord-1","amount":0.30000000000000004,"currency":"USD"}"#,
            "field_invalid",
            json!([{ "pointer": "/amount", "detail": "is not an amount in its currency" }]),
        ),
        (
            r#"{"order_id":"ord-1","amount":"4111111111111111x","currency":"USD"}"#,
            "field_invalid",
            json!([{ "pointer": "/amount", "detail": "is not an amount in its currency" }]),
        ),
        (
            r#"{"order_id":"ord-1","amount":"1","currency":"usd"}"#,
            "field_invalid",
            json!([{ "pointer": "/currency",
                "detail": "is not the code of a currency (ISO 4217)" }]),
        ),
        (
            r#"{"order_id":"../admin","amount":"1","currency":"USD"}"#,
            "field_invalid",
            json!([{ "pointer": "/order_id", "detail": "is not what is needed here" }]),
        ),
        (r#"{"order_id":"ord-1","amount":"1","amount":"2"}"#, "invalid_json", Value::Null),
    ] {
        let answer = pay(&gateway, body).await;
        assert_eq!(answer.fault().as_deref(), Some(code), "`{body}`: {}", answer.text());
        assert_eq!(answer.status, if code == "field_invalid" { 422 } else { 400 }, "`{body}`");
        assert_eq!(parsed(&answer)["errors"], errors, "`{body}`");
        assert!(!answer.text().contains("4111"), "no value is quoted: {}", answer.text());
    }
    let answer = gateway.http1().await.call("DELETE", "/v1/payments/ord-1", &[], b"", None).await;
    assert_eq!(answer.status, 422, "it cannot be done");
    let problem = parsed(&answer);
    assert_eq!(problem["code"], "operation_unsupported", "{problem}");
    let why = "A charge cannot be cancelled once it was made; refund it.";
    assert_eq!(problem["detail"], why, "and the configuration says why");
    let answer = gateway.http1().await.call("GET", "/v1/payments/ord-1", &[], b"", None).await;
    assert_eq!(answer.fault().as_deref(), Some("operation_unsupported"), "nobody takes it");
    let answer = gateway.http1().await.call("GET", "/search", &[], b"", None).await;
    assert_eq!(
        parsed(&answer)["errors"],
        json!([{ "parameter": "id", "detail": "is missing" }]),
        "a parameter is named too"
    );
    assert_eq!(provider.requests().len(), 0, "the provider heard of none of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_lacks_what_is_promised_is_refused_whole_and_recorded_as_answered() {
    for (status, body) in [
        (200, r#"{"status":"succeeded","amount":1050,"currency":"usd"}"#),
        (200, r#"{"id":"ch_1","status":"new_in_2027","amount":1050,"currency":"usd"}"#),
        (200, r#"{"id":"ch_1","status":"succeeded","amount":"10.50","currency":"usd"}"#),
        (200, r#"{"id":"ch_1""#),
        (500, "{}"),
    ] {
        let provider = answering(status, body).await;
        let program = Recipe::to(&provider).upstream_plugin(PAYMENTS).run().await;
        let payment = r#"{"order_id":"ord-1","amount":"10.50","currency":"USD"}"#;
        let mut caller = program.http1().await;
        let answer = caller.call("POST", "/v1/payments", &[JSON], payment.as_bytes(), None).await;
        assert_eq!(answer.status, 502, "{status} `{body}`: {}", answer.text());
        assert_eq!(answer.fault().as_deref(), Some("upstream_invalid_answer"), "{status} `{body}`");
        assert!(!answer.text().contains("ch_1"), "not one byte of it: {}", answer.text());
        let record = program.record("the payment", |record| record["status"] == 502).await;
        assert_eq!(record["attempts"][0]["outcome"], "answered", "it was made: {record}");
        assert_eq!(record["attempts"][0]["status"], status, "with this status: {record}");
        assert_eq!(provider.requests().len(), 1, "and it is not made again");
    }
    let provider = answering(402, r#"{"error":{"code":"card_declined"}}"#).await;
    let answer =
        pay(&gateway(&provider), r#"{"order_id":"ord-1","amount":"1","currency":"USD"}"#).await;
    assert_eq!(answer.status, 422, "a refusal of the provider's");
    assert_eq!(answer.fault(), None, "is the provider's");
    let expected = json!({ "error": { "code": "declined", "provider_code": "card_declined" } });
    assert_eq!(parsed(&answer), expected, "in our shape");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_that_is_sent_as_a_post_is_taken_for_one_that_does_something() {
    // The provider reads the request, and closes without an answer.
    let provider = Provider::raw(|mut peer| async move {
        peer.request().await;
    })
    .await;
    let program = Recipe::to(&provider).upstream_plugin(PAYMENTS).run().await;
    let answer = program.http1().await.call("GET", "/search?id=7", &[], b"", None).await;
    assert_eq!(answer.status, 502, "nothing came back: {}", answer.text());
    let record = program.record("the question", |record| record["status"] == 502).await;
    assert_eq!(record["attempts"][0]["outcome"], "unknown", "nobody knows: {record}");
    let request = provider.only_request();
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/v1/search"), "sent");
    assert_eq!(request.body, br#"{"id":"7"}"#, "once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notification_in_a_form_becomes_one_event_for_the_application() {
    let application = Provider::http1(|_| Reply::new(204, "")).await;
    let gateway = Recipe::to(&application)
        .plugin(
            r#"map:
          operations:
            - when: body.trade_status == "TRADE_SUCCESS"
              request:
                method: POST
                path: /events
                body:
                  json:
                    event: "'payment.paid'"
                    order_id: body.out_trade_no
                    amount: major_units(minor_units(body.total_amount, "CNY"), "CNY")
                    currency: "'CNY'"
                    provider_reference: body.trade_no
                    note: body.?passback_params"#,
        )
        .start();
    let body = "trade_status=TRADE_SUCCESS&out_trade_no=ord%2D1&total_amount=0.1&trade_no=2026";
    let notify = async |body: &str| {
        gateway.http1().await.call("POST", "/notify/alipay", &[FORM], body.as_bytes(), None).await
    };
    let answer = notify(body).await;
    assert_eq!(answer.status, 204, "the application's answer: {}", answer.text());
    let event = application.only_request();
    assert_eq!(event.target, "/events", "its place");
    assert_eq!(
        serde_json::from_slice::<Value>(&event.body).unwrap(),
        json!({ "event": "payment.paid", "order_id": "ord-1", "amount": "0.10",
            "currency": "CNY", "provider_reference": "2026" }),
        "one event"
    );
    let answer = notify(&format!("{body}&trade_no=2027")).await;
    assert_eq!(answer.fault().as_deref(), Some("invalid_form"), "a field twice is refused");
    let answer = notify("trade_status=TRADE_SUCCESS&out_trade_no=1").await;
    assert_eq!(
        parsed(&answer)["errors"],
        json!([{ "pointer": "/total_amount", "detail": "is missing" }]),
        "half a notification is none"
    );
    assert_eq!(application.requests().len(), 1, "the application heard of one");
}
