//! What a call looks like when it leaves.

use http::Method;
use tollgate_api::{
    BodyNeed,
    testing::{answer_with_body, exchange_with, header_map, respond, verdict},
};

use super::*;

async fn leaves(plugin: &dyn Plugin, headers: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut exchange = exchange_with(headers);
    request(plugin, &mut exchange).await.unwrap();
    let fields = exchange.request.headers.iter();
    let mut fields: Vec<_> = fields
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    fields.sort();
    fields
}

fn expected(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn a_call_leaves_with_our_credentials_and_version_whatever_the_caller_sent() {
    let ours = expected(&[
        ("authorization", "Bearer sk_test_0Canary"),
        ("idempotency-key", "k1"),
        ("stripe-version", "2025-09-30.clover"),
        ("x-other", "stays"),
    ]);
    let plugin = caller(&json!({}));
    let plain = [("idempotency-key", "k1"), ("x-other", "stays")];
    assert_eq!(leaves(&*plugin, &plain).await, ours, "nothing sent");
    let own = [
        ("authorization", "Bearer sk_live_theirs"),
        ("authorization", "Basic c2s6"),
        ("stripe-version", "2020-08-27"),
        ("stripe-version", "2019-01-01"),
    ];
    let sent: Vec<_> = own.into_iter().chain(plain).collect();
    assert_eq!(leaves(&*plugin, &sent).await, ours, "all of it replaced");
}

#[tokio::test]
async fn without_a_version_the_callers_is_removed() {
    let mut bench = furnished(Bench::upstream());
    let plugin = bench.plugin::<Stripe>(json!({ "secret_key": { "env": "KEY" } }));
    let sent = [("stripe-version", "2020-08-27"), ("idempotency-key", "k1")];
    let left = leaves(&*plugin, &sent).await;
    let ours = [("authorization", "Bearer sk_test_0Canary"), ("idempotency-key", "k1")];
    assert_eq!(left, expected(&ours), "the account's own version holds");
}

#[tokio::test]
async fn the_secret_key_is_seen_in_no_debug_output() {
    let mut exchange = exchange_with(&[("idempotency-key", "k1")]);
    request(&*caller(&json!({})), &mut exchange).await.unwrap();
    assert!(!format!("{exchange:?}").contains("0Canary"), "the field is marked sensitive");
}

#[tokio::test]
async fn every_attempt_carries_the_same_key() {
    let plugin = caller(&json!({}));
    let mut first = exchange_with(&[("idempotency-key", "order-1")]);
    first.identity = Some(client("shop"));
    let mut second = first.view();
    for exchange in [&mut first, &mut second] {
        request(&*plugin, exchange).await.unwrap();
    }
    let key = |exchange: &Exchange| exchange.request.headers["idempotency-key"].clone();
    assert_eq!(key(&first), key(&second), "the copy of a second attempt");
}

#[tokio::test]
async fn only_a_post_needs_a_key_and_whoever_sends_one_sends_a_valid_one() {
    let plugin = caller(&json!({}));
    let optional = caller(&json!({ "idempotency_key": { "required": false } }));
    for (method, headers, strict, lax) in [
        (Method::POST, vec![], "idempotency_key_invalid", "ok"),
        (Method::GET, vec![], "ok", "ok"),
        (Method::DELETE, vec![], "ok", "ok"),
        (Method::DELETE, vec!["k1"], "ok", "ok"),
        (Method::POST, vec!["k1"], "ok", "ok"),
        (Method::POST, vec!["k1", "k1"], "idempotency_key_invalid", "idempotency_key_invalid"),
        (Method::POST, vec![""], "idempotency_key_invalid", "idempotency_key_invalid"),
        (Method::DELETE, vec!["a b"], "idempotency_key_invalid", "idempotency_key_invalid"),
    ] {
        for (plugin, expected) in [(&plugin, strict), (&optional, lax)] {
            let fields: Vec<_> = headers.iter().map(|key| ("idempotency-key", *key)).collect();
            let mut exchange = exchange_with(&fields);
            exchange.request.method = method.clone();
            let result = request(&**plugin, &mut exchange).await;
            assert_eq!(verdict(&result), expected, "{method} with {headers:?}");
        }
    }
}

#[tokio::test]
async fn answers_pass_as_they_are() {
    let plugin = caller(&json!({}));
    assert_eq!(plugin.needs().request, BodyNeed::Nothing, "calls stream");
    assert_eq!(plugin.needs().answer, BodyNeed::Nothing, "answers stream");
    let mut exchange = exchange_with(&[("idempotency-key", "k1")]);
    request(&*plugin, &mut exchange).await.unwrap();
    let mut answer = answer_with_body("{}");
    answer.headers = header_map(&[
        ("request-id", "req_1"),
        ("idempotent-replayed", "true"),
        ("stripe-should-retry", "false"),
    ]);
    respond(&*plugin, &mut exchange, answer.clone()).await.unwrap();
    let passed = exchange.answer.unwrap();
    assert_eq!(passed.headers, answer.headers, "what tells a caller whether to repeat stays");
    assert_eq!(passed.body, answer.body, "and so does the body");
}
