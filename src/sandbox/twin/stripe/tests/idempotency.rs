//! What `Idempotency-Key` means.

use super::*;
use crate::sandbox::Reply;
use merchant::{PAY, answered};

const INTENTS: &str = "/v1/payment_intents";

#[tokio::test]
async fn a_key_charges_once_and_tells_the_same_again() {
    let bench = Bench::new();
    let first = bench.keyed(INTENTS, PAY, "k1").await;
    assert_eq!(first.json["status"], "succeeded", "{}", first.json);
    assert!(!first.headers.contains_key("idempotent-replayed"), "the first");
    let turned = "confirm=true&currency=eur&metadata%5Border_id%5D=order-1&amount=1099&payment_method=pm_card_visa";
    for body in [PAY, turned] {
        let again = bench.keyed(INTENTS, body, "k1").await;
        assert_eq!(again.headers["idempotent-replayed"], "true", "told again");
        assert_eq!((again.status, &again.json), (200, &first.json), "the same");
        assert_eq!(again.headers["idempotency-key"], "k1", "the key is told back");
    }
    let book = bench.twin.book();
    assert_eq!(book["totals"]["EUR"]["paid"], 1_099, "once: {book:#}");
    assert_eq!(book["payments"][0]["requests"], 3, "asked for three times");
    bench.keyed(INTENTS, PAY, "k2").await;
    bench.post(INTENTS, PAY).await;
    assert_eq!(bench.twin.book()["orders"], 3, "another key is another charge, and so is none");
}

#[tokio::test]
async fn a_key_is_refused_for_anything_else() {
    let bench = Bench::new();
    bench.keyed(INTENTS, PAY, "k1").await;
    let other = PAY.replace("1099", "1100");
    for (target, body, what) in [
        (INTENTS, other.as_str(), "another amount"),
        ("/v1/refunds", PAY, "another path"),
        (INTENTS, "", "nothing"),
    ] {
        let refused = bench.keyed(target, body, "k1").await;
        assert_eq!((refused.status, refused.error("type")), (400, "idempotency_error"), "{what}");
    }
    let account = [("idempotency-key", "k1"), ("stripe-account", "acct_1")];
    let request = bench.request(&Method::POST, INTENTS, &other, &account);
    assert_eq!(
        answered(bench.reply(request).await).status,
        200,
        "another account's key is another"
    );
    for key in ["", &"k".repeat(256)] {
        let refused = bench.keyed(INTENTS, PAY, key).await;
        assert_eq!(refused.error("type"), "invalid_request_error", "a key of {}", key.len());
    }
    let get = bench.request(&Method::GET, INTENTS, "", &[("idempotency-key", "k1")]);
    assert_eq!(answered(bench.reply(get).await).status, 200, "keys mean nothing in GET");
    bench.clock.advance(Duration::from_hours(25));
    assert_eq!(bench.keyed(INTENTS, &other, "k1").await.status, 200, "and end after a day");
}

#[tokio::test]
async fn what_never_began_is_not_kept_and_what_failed_is() {
    let bench = Bench::new();
    let refused = bench.keyed(INTENTS, "amount=x&currency=eur", "k1").await;
    assert_eq!(refused.error("code"), "parameter_invalid_integer", "wrong from the beginning");
    assert_eq!(bench.keyed(INTENTS, PAY, "k1").await.status, 200, "so the key is free");

    let declined = PAY.replace("pm_card_visa", "pm_card_chargeDeclined");
    let first = bench.keyed(INTENTS, &declined, "k2").await;
    assert_eq!((first.status, first.error("code")), (402, "card_declined"), "declined");
    let again = bench.keyed(INTENTS, &declined, "k2").await;
    assert_eq!(again.headers["idempotent-replayed"], "true", "that is kept");
    assert_eq!((again.status, &again.json), (402, &first.json), "and told again");

    bench.twin.faults().plan(Fault::ErrorAfterCharge, Plan::times(1));
    for turn in 0..2 {
        let failed = bench.keyed(INTENTS, PAY, "k3").await;
        assert_eq!((failed.status, failed.error("type")), (500, "api_error"), "turn {turn}");
        assert_eq!(failed.headers.contains_key("idempotent-replayed"), turn == 1, "turn {turn}");
    }
    bench.twin.faults().plan(Fault::LostAnswer, Plan::times(1));
    let lost = bench.request(&Method::POST, INTENTS, PAY, &[("idempotency-key", "k4")]);
    assert!(matches!(bench.reply(lost).await, Reply::Hangup), "no answer");
    let found = bench.keyed(INTENTS, PAY, "k4").await;
    assert_eq!(
        (found.status, &found.json["status"]),
        (200, &json!("succeeded")),
        "it had been done"
    );
    assert_eq!(bench.twin.book()["totals"]["EUR"]["paid"], 3_297, "three payments in all");
}

#[tokio::test]
async fn a_key_is_in_use_until_its_answer_is_on_its_way() {
    let bench = Bench::with(Options { slow: Duration::from_mins(10), ..Options::default() });
    bench.twin.faults().plan(Fault::Slow, Plan::times(1));
    let slow = bench.request(&Method::POST, INTENTS, PAY, &[("idempotency-key", "k1")]);
    let twin = bench.twin.clone();
    let answering =
        tokio::spawn(async move { crate::sandbox::Service::answer(&*twin, slow).await });
    while bench.twin.book()["orders"] == 0 {
        tokio::task::yield_now().await;
    }
    let refused = bench.keyed(INTENTS, PAY, "k1").await;
    assert_eq!((refused.status, refused.error("code")), (409, "idempotency_key_in_use"), "in use");
    assert_eq!(refused.error("type"), "idempotency_error", "of that kind");
    answering.abort();
    assert!(answering.await.is_err(), "the caller has gone");
    let again = bench.keyed(INTENTS, PAY, "k1").await;
    assert_eq!(again.headers["idempotent-replayed"], "true", "and the key is free: {}", again.json);
    assert_eq!(bench.twin.book()["orders"], 1, "charged once");
}
