//! What holds for every provider alike.

use serde_json::{Value, json};

use super::stage::{Call, Stage, parsed};

const CHANNELS: [&str; 3] = ["wechat_pay", "alipay", "stripe"];

fn payment(channel: &str) -> Value {
    json!({ "channel": channel, "order_id": "order_0001", "amount": "10.50", "currency": "CNY",
        "description": "Tea" })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_is_missing_or_wrong_is_named_by_its_path() {
    let stage = Stage::new().await;
    for channel in CHANNELS {
        for (field, value) in [
            ("amount", Value::Null),
            ("amount", json!("10.505")),
            ("amount", json!("1e3")),
            ("amount", json!("0.00")),
            ("amount", json!("-1.00")),
            ("amount", json!(["1"])),
            ("amount", json!("92233720368547758.08")),
            ("currency", json!("RMB")),
            ("currency", json!("cny")),
            ("order_id", json!("a/../b")),
            ("order_id", json!("12345")),
            ("order_id", json!(123_456)),
            ("description", json!({ "a": 1 })),
        ] {
            let mut wrong = payment(channel);
            wrong[field] = value.clone();
            let is_other_currency = field == "currency" && channel != "stripe";
            // What a provider cannot do is found before what is wrong with the rest; what is taken
            // as JSON is the provider's to judge.
            if is_other_currency || (field == "description" && channel != "stripe") {
                continue;
            }
            let problem = stage.refuses(Call("POST", "/v1/payments", wrong), "field_invalid").await;
            let pointer = format!("/{field}");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{channel}, {field}: {value}");
        }
        for field in ["amount", "currency", "order_id", "description"] {
            let mut without = payment(channel);
            without.as_object_mut().unwrap().remove(field);
            let call = Call("POST", "/v1/payments", without);
            let problem = stage.refuses(call, "field_invalid").await;
            let expected = json!([{ "pointer": format!("/{field}"), "detail": "is missing" }]);
            assert_eq!(problem["errors"], expected, "{channel} needs `{field}`");
        }
    }
    let nobody = json!({ "channel": "cash", "order_id": "order_0001" });
    stage.refuses(Call("POST", "/v1/payments", nobody), "no_upstream").await;
    stage.refuses(Call("POST", "/v1/payments", json!([])), "expression_failed").await;
    for body in ["{", r#"{ "channel": "stripe", "channel": "alipay" }"#] {
        let answer =
            stage.call_text("applications", "pay.example", "POST", "/v1/payments", body).await;
        assert_eq!(answer.fault().as_deref(), Some("invalid_json"), "{body}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_an_answer_is_never_passed_on() {
    let stage = Stage::new().await;
    for channel in CHANNELS {
        for body in ["{}", "[]", "null", r#"{"a":1"#, r#"{"a":1,"a":1}"#] {
            stage.answers_text(200, body);
            let refund = json!({ "channel": channel, "refund_id": "refund_0001", "amount": "1",
                "payment_amount": "2", "currency": "CNY", "reference": "pi_1" });
            let query = format!("/v1/payments/order_0001?channel={channel}&reference=pi_1");
            for call in [
                Call("POST", "/v1/payments", payment(channel)),
                Call("GET", &query, Value::Null),
                Call("POST", "/v1/payments/order_0001/refunds", refund),
            ] {
                let what = format!("{channel}: {} {} with `{body}`", call.0, call.1);
                let answer = stage.call(call).await;
                assert_eq!(answer.status, 502, "{what}: {}", answer.text());
                assert_eq!(
                    answer.fault().as_deref(),
                    Some("upstream_invalid_answer"),
                    "{what}: {}",
                    answer.text()
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_that_a_provider_invents_is_not_taken_for_one_that_is_known() {
    let stage = Stage::new().await;
    for (channel, body) in [
        (
            "wechat_pay",
            json!({ "out_trade_no": "order_0001", "trade_state": "LATER", "amount": { "total": 1 } }),
        ),
        (
            "alipay",
            json!({ "out_trade_no": "order_0001", "trade_no": "1", "trade_status": "TRADE_LATER",
                "total_amount": "1.00" }),
        ),
        (
            "stripe",
            json!({ "id": "pi_1", "status": "later", "amount": 1, "currency": "cny",
                "metadata": { "order_id": "order_0001" } }),
        ),
    ] {
        stage.answers(200, &body);
        let path = format!("/v1/payments/order_0001?channel={channel}&reference=pi_1");
        let answer = stage.call(Call("GET", &path, Value::Null)).await;
        assert_eq!(answer.fault().as_deref(), Some("upstream_invalid_answer"), "{channel}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amounts_arrive_to_the_last_digit() {
    let stage = Stage::new().await;
    for (amount, minor, text) in [
        ("0.3", "30", "0.30"),
        ("1.15", "115", "1.15"),
        (r#""90071992547409.93""#, "9007199254740993", "90071992547409.93"),
        ("92233720368547758.07", "9223372036854775807", "92233720368547758.07"),
    ] {
        for (channel, expected) in [
            ("wechat_pay", format!(r#""total":{minor}}}"#)),
            ("alipay", format!(r#""total_amount":"{text}""#)),
            ("stripe", format!("amount={minor}&")),
        ] {
            let body = format!(
                r#"{{"channel":"{channel}","order_id":"order_0001","amount":{amount},"currency":"CNY","description":"Tea"}}"#
            );
            stage.answers_text(500, "{}");
            stage.call_text("applications", "pay.example", "POST", "/v1/payments", &body).await;
            let sent = String::from_utf8(stage.last().body).unwrap();
            assert!(sent.contains(&expected), "{channel} {amount}: {sent}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn raw_requests_pass_as_they_are() {
    let stage = Stage::new().await;
    let body = r#"{ "a" : 1.00 }"#;
    stage.answers_text(418, r#"{ "b" : 2.00 }"#);
    for (host, path) in [
        ("wechat-pay.raw.example", "/v3/pay/transactions/jsapi?x=1"),
        ("alipay.raw.example", "/v3/alipay/trade/create"),
        ("stripe.raw.example", "/v1/checkout/sessions"),
    ] {
        let answer = stage.call_text("applications", host, "POST", path, body).await;
        assert_eq!((answer.status, answer.text().as_str()), (418, r#"{ "b" : 2.00 }"#), "{host}");
        let sent = stage.last();
        assert_eq!((sent.target.as_str(), sent.body.as_slice()), (path, body.as_bytes()), "{host}");
    }
    stage.answers(200, &json!({}));
    let answer = stage.call(Call("POST", "/v3/pay/transactions/jsapi", json!({}))).await;
    assert_eq!(parsed(&answer)["code"], "route_not_found", "not by the API's own host");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn providers_are_not_told_who_calls() {
    let stage = Stage::new().await;
    stage.answers(500, &json!({}));
    let is_told = || {
        let names = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];
        names.into_iter().filter(|name| stage.last().header(name).is_some()).collect::<Vec<_>>()
    };
    for channel in CHANNELS {
        let path = format!("/v1/payments/order_0001?channel={channel}");
        stage.call(Call("GET", &path, Value::Null)).await;
        assert!(is_told().is_empty(), "{channel}: {:?}", is_told());
    }
    for (host, path) in [
        ("wechat-pay.raw.example", "/v3/certificates"),
        ("alipay.raw.example", "/v3/alipay/trade/query"),
        ("stripe.raw.example", "/v1/balance"),
    ] {
        stage.call_text("applications", host, "GET", path, "").await;
        assert!(is_told().is_empty(), "{host}: {:?}", is_told());
    }
}
