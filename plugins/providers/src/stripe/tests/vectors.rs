//! Webhooks that Stripe's own library signed and refuses.

use std::time::Duration;

use tollgate_api::testing::verdict;

use super::*;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../../../tests/vectors/generated/stripe.json"))
        .unwrap()
}

async fn verdict_at(vectors: &Value, case: &Value) -> &'static str {
    let mut bench = Bench::new();
    bench.sources.put_variable("SECRET", vectors["secret"].as_str().unwrap().to_owned());
    let now = case["now"].as_u64().unwrap();
    bench.clock = Arc::new(tollgate_api::ManualClock::at(Duration::from_secs(now)));
    let plugin = bench.plugin::<Stripe>(webhooks());
    let payload = vectors["payload"].as_str().unwrap().as_bytes();
    let header = case["header"].as_str().unwrap();
    verdict(&receive(&*plugin, webhook(header, payload)).await)
}

#[tokio::test]
async fn what_stripes_library_accepts_is_accepted() {
    let vectors = vectors();
    let cases = vectors["valid"].as_array().unwrap();
    assert!(cases.len() >= 4, "the vectors are there");
    for case in cases {
        assert_eq!(verdict_at(&vectors, case).await, "ok", "{case}");
    }
}

#[tokio::test]
async fn what_stripes_library_refuses_is_refused_and_named() {
    let vectors = vectors();
    let cases = vectors["invalid"].as_array().unwrap();
    for (case, code) in cases.iter().zip([
        "signature_expired",
        "signature_missing",
        "signature_missing",
        "signature_invalid",
        "signature_missing",
        "signature_malformed",
        "signature_malformed",
    ]) {
        assert_eq!(verdict_at(&vectors, case).await, code, "{case}");
    }
    assert_eq!(cases.len(), 7, "each of them has a code here");
}

#[tokio::test]
async fn a_time_in_the_future_is_refused_although_stripes_library_accepts_it() {
    let vectors = vectors();
    for case in vectors["policy"].as_array().unwrap() {
        assert_eq!(verdict_at(&vectors, case).await, "signature_expired", "{case}");
    }
}

#[test]
fn the_signed_bytes_are_those_of_the_vector() {
    let vectors = vectors();
    let payload = vectors["payload"].as_str().unwrap().as_bytes();
    let signed = signed_message("1767225600", payload);
    assert_eq!(signed, vectors["signed_string"].as_str().unwrap().as_bytes(), "byte for byte");
}
