//! The whole chain in front of provider twins: what is mapped is signed, and judged by somebody who
//! knows nothing of the gateway; what the twin says is verified, then mapped.

use serde_json::{Value, json};

use super::{
    party::{Party, payment},
    stage::parsed,
};

const PAYMENT: &str = "/v1/payments/order_0001";

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_at_wechat_pay_lives_from_its_code_to_its_refund() {
    let party = Party::wechat_pay().await;
    let query = format!("{PAYMENT}?channel=wechat_pay");
    let made = party.done("POST", "/v1/payments", payment("wechat_pay")).await;
    assert_eq!(made["status"], "requires_action", "made: {made}");
    assert_eq!(made["action"]["type"], "qr_code", "and to be scanned: {made}");
    let found = party.done("GET", &query, Value::Null).await;
    assert_eq!(found["status"], "requires_action", "nobody paid yet: {found}");

    party.twin.tell("/_pay", &json!({ "order": "order_0001" })).await;
    let taken = party.deliver(1).await;
    assert_eq!(taken.status, 200, "WeChat Pay is told: {}", taken.text());
    assert_eq!(parsed(&taken)["code"], "SUCCESS", "in its own words");
    let event = party.event(1);
    assert_eq!(
        (&event["event"], &event["order_id"], &event["amount"], &event["status"]),
        (&json!("payment.paid"), &json!("order_0001"), &json!("10.50"), &json!("paid")),
        "the institution reads one clean event: {event}"
    );
    let found = party.done("GET", &query, Value::Null).await;
    assert_eq!((&found["status"], &found["amount"]), (&json!("paid"), &json!("10.50")), "{found}");
    assert_eq!(found["provider_reference"], event["provider_reference"], "one number for both");
    let cancel = json!({ "channel": "wechat_pay" });
    let refused = party.call("POST", &format!("{PAYMENT}/cancel"), cancel).await;
    assert_eq!(refused.status, 409, "what is paid cannot be cancelled: {}", refused.text());
    assert_eq!(parsed(&refused)["error"]["code"], "conflict", "{}", refused.text());

    let refund = json!({ "channel": "wechat_pay", "refund_id": "refund_0001", "amount": "2.50",
        "payment_amount": "10.50", "currency": "CNY" });
    let made = party.done("POST", &format!("{PAYMENT}/refunds"), refund).await;
    let pair = (&made["refund_id"], &made["amount"]);
    assert_eq!(pair, (&json!("refund_0001"), &json!("2.50")), "a refund: {made}");
    let path = format!("{PAYMENT}/refunds/refund_0001?channel=wechat_pay");
    let found = party.done("GET", &path, Value::Null).await;
    assert_eq!(found["provider_reference"], made["provider_reference"], "the same: {found}");
    let absent = party.call("GET", "/v1/payments/order_0002?channel=wechat_pay", Value::Null).await;
    assert_eq!(absent.status, 404, "another order is not there: {}", absent.text());

    let refused = party.twin.watch("/_refusals").await;
    let signatures = refused.as_array().unwrap().iter().filter(|one| one["code"] == "SIGN_ERROR");
    assert_eq!(signatures.count(), 0, "every request was signed well: {refused:#}");
    let book = party.twin.watch("/_book").await;
    assert_eq!(book["totals"]["CNY"]["paid"], 1050, "to the cent: {book:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_paid_or_refunded_at_wechat_pay_is_a_conflict_and_nothing_to_correct() {
    let party = Party::wechat_pay().await;
    party.done("POST", "/v1/payments", payment("wechat_pay")).await;
    party.twin.tell("/_pay", &json!({ "order": "order_0001" })).await;
    let refunds = format!("{PAYMENT}/refunds");
    let refund = |number: &str, amount: &str| {
        json!({ "channel": "wechat_pay", "refund_id": number, "amount": amount,
            "payment_amount": "10.50", "currency": "CNY" })
    };
    party.done("POST", &refunds, refund("refund_0001", "2.50")).await;
    party.done("POST", &refunds, refund("refund_0002", "8.00")).await;
    for (what, path, body) in [
        ("an order that is paid", "/v1/payments", payment("wechat_pay")),
        ("a refund of another amount", refunds.as_str(), refund("refund_0001", "3.00")),
        ("a refund of what is all refunded", refunds.as_str(), refund("refund_0003", "1.00")),
    ] {
        let refused = party.call("POST", path, body).await;
        let error = &parsed(&refused)["error"];
        assert_eq!(
            (refused.status, &error["code"], &error["provider_code"]),
            (409, &json!("conflict"), &json!("INVALID_REQUEST")),
            "{what}: {error}"
        );
        assert_eq!(refused.fault(), None, "{what}: it is WeChat Pay's word");
    }
    let book = party.twin.watch("/_book").await;
    let totals = &book["totals"]["CNY"];
    assert_eq!((&totals["paid"], &totals["refunded"]), (&json!(1050), &json!(1050)), "{book:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_at_alipay_lives_from_its_code_to_its_refund() {
    let party = Party::alipay().await;
    let query = format!("{PAYMENT}?channel=alipay");
    let made = party.done("POST", "/v1/payments", payment("alipay")).await;
    assert_eq!(made["action"]["type"], "qr_code", "made, and to be scanned: {made}");
    let unseen = party.call("GET", &query, Value::Null).await;
    assert_eq!(unseen.status, 404, "a code that nobody scanned: {}", unseen.text());
    assert_eq!(parsed(&unseen)["error"]["provider_code"], "ACQ.TRADE_NOT_EXIST", "is no trade");

    party.twin.tell("/_pay", &json!({ "order": "order_0001" })).await;
    let taken = party.deliver(1).await;
    assert_eq!((taken.status, taken.text().as_str()), (200, "success"), "Alipay is told");
    let event = party.event(1);
    assert_eq!(
        (&event["event"], &event["order_id"], &event["amount"], &event["status"]),
        (&json!("payment.paid"), &json!("order_0001"), &json!("10.50"), &json!("paid")),
        "the institution reads one clean event: {event}"
    );
    let found = party.done("GET", &query, Value::Null).await;
    assert_eq!((&found["status"], &found["amount"]), (&json!("paid"), &json!("10.50")), "{found}");
    assert_eq!(found["provider_reference"], event["provider_reference"], "one number for both");
    let cancel = json!({ "channel": "alipay" });
    let refused = party.call("POST", &format!("{PAYMENT}/cancel"), cancel).await;
    assert_eq!(refused.status, 409, "what is paid cannot be cancelled: {}", refused.text());

    let refund = json!({ "channel": "alipay", "refund_id": "refund_0001", "amount": "2.50",
        "currency": "CNY" });
    let refunds = format!("{PAYMENT}/refunds");
    let made = party.done("POST", &refunds, refund.clone()).await;
    let pair = (&made["status"], &made["amount"]);
    assert_eq!(pair, (&json!("succeeded"), &json!("2.50")), "a refund: {made}");
    let again = party.done("POST", &refunds, refund).await;
    assert_eq!(again["status"], "pending", "sent again, nothing more moves: {again}");
    let path = format!("{refunds}/refund_0001?channel=alipay");
    let found = party.done("GET", &path, Value::Null).await;
    let pair = (&found["status"], &found["amount"]);
    assert_eq!(pair, (&json!("succeeded"), &json!("2.50")), "and it is there: {found}");
    let absent = format!("{refunds}/refund_0002?channel=alipay");
    let absent = party.call("GET", &absent, Value::Null).await;
    assert_eq!(absent.status, 404, "another refund is not: {}", absent.text());

    let book = party.twin.watch("/_book").await;
    let totals = &book["totals"]["CNY"];
    assert_eq!((&totals["paid"], &totals["refunded"]), (&json!(1050), &json!(250)), "{book:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_whose_answer_was_lost_is_made_once_when_it_is_sent_again() {
    let party = Party::wechat_pay().await;
    party.twin.tell("/_faults", &json!({ "name": "lost_answer", "times": 1 })).await;
    let lost = party.call("POST", "/v1/payments", payment("wechat_pay")).await;
    assert_eq!(lost.fault().as_deref(), Some("upstream_broken"), "unknown: {}", lost.text());
    party.done("POST", "/v1/payments", payment("wechat_pay")).await;
    let book = party.twin.watch("/_book").await;
    assert_eq!(book["orders"], 1, "the same order: {book:#}");
    party.twin.tell("/_faults", &json!({ "name": "wrong_signature", "times": 1 })).await;
    let forged = party.call("POST", "/v1/payments", payment("wechat_pay")).await;
    assert_eq!(forged.status, 502, "an answer that is not WeChat Pay's: {}", forged.text());
    let fault = forged.fault().unwrap_or_default();
    assert!(fault.starts_with("upstream_signature_"), "is not mapped, but refused: {fault}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_at_stripe_whose_answer_was_lost_is_found_refunded_and_made_once() {
    let party = Party::stripe().await;
    let mut card = payment("stripe");
    card["payment_method"] = "pm_card_visa".into();
    party.twin.tell("/_faults", &json!({ "name": "lost_answer", "times": 1 })).await;
    let lost = party.call("POST", "/v1/payments", card.clone()).await;
    assert_eq!(lost.fault().as_deref(), Some("upstream_broken"), "unknown: {}", lost.text());
    let query = format!("{PAYMENT}?channel=stripe");
    let found = party.done("GET", &query, Value::Null).await;
    assert_eq!((&found["status"], &found["amount"]), (&json!("paid"), &json!("10.50")), "{found}");
    let made = party.done("POST", "/v1/payments", card).await;
    assert_eq!(made["provider_reference"], found["provider_reference"], "the same: {made}");

    let taken = party.deliver_of("payment_intent.succeeded").await;
    assert_eq!(taken.status, 200, "Stripe is told: {}", taken.text());
    let event = party.event(1);
    assert_eq!(
        (&event["event"], &event["order_id"], &event["amount"], &event["provider_reference"]),
        (
            &json!("payment.paid"),
            &json!("order_0001"),
            &json!("10.50"),
            &made["provider_reference"]
        ),
        "the institution reads one clean event: {event}"
    );

    let refund = json!({ "channel": "stripe", "refund_id": "refund_0001", "amount": "2.50",
        "currency": "CNY", "reference": made["provider_reference"] });
    let refunded = party.done("POST", &format!("{PAYMENT}/refunds"), refund.clone()).await;
    let pair = (&refunded["status"], &refunded["amount"]);
    assert_eq!(pair, (&json!("succeeded"), &json!("2.50")), "a refund: {refunded}");
    let reference = refunded["provider_reference"].as_str().unwrap();
    let path = format!("{PAYMENT}/refunds/refund_0001?channel=stripe&reference={reference}");
    assert_eq!(party.done("GET", &path, Value::Null).await, refunded, "found again");
    let found = party.done("GET", &query, Value::Null).await;
    assert_eq!(found["status"], "partially_refunded", "by its order: {found}");
    let reference = made["provider_reference"].as_str().unwrap();
    let found = party.done("GET", &format!("{query}&reference={reference}"), Value::Null).await;
    assert_eq!(found["status"], "partially_refunded", "and by its reference: {found}");
    let mut other = refund;
    other["refund_id"] = "refund_0002".into();
    let wrong = party.call("POST", "/v1/payments/order_0002/refunds", other).await;
    let error = &parsed(&wrong)["error"];
    assert_eq!(
        (wrong.status, &error["code"], &error["order_id"]),
        (502, &json!("mismatch"), &json!("order_0001")),
        "under another order it is not told as done: {error}"
    );

    let book = party.twin.watch("/_book").await;
    let totals = &book["totals"]["CNY"];
    assert_eq!((&totals["paid"], &totals["refunded"]), (&json!(1050), &json!(500)), "{book:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_stripe_declines_can_be_found_and_cancelled() {
    let party = Party::stripe().await;
    let mut card = payment("stripe");
    card["payment_method"] = "pm_card_chargeDeclined".into();
    let declined = party.call("POST", "/v1/payments", card.clone()).await;
    let error = parsed(&declined)["error"].clone();
    assert_eq!((declined.status, &error["code"]), (402, &json!("declined")), "{error}");
    let again = party.call("POST", "/v1/payments", card.clone()).await;
    assert_eq!(parsed(&again)["error"], error, "the same again, of the same payment");
    card["payment_method"] = "pm_card_visa".into();
    let other = party.call("POST", "/v1/payments", card).await;
    assert_eq!(parsed(&other)["error"]["code"], "conflict", "another card: {}", other.text());
    let reference = error["provider_reference"].as_str().unwrap();
    let query = format!("{PAYMENT}?channel=stripe&reference={reference}");
    let found = party.done("GET", &query, Value::Null).await;
    assert_eq!(found["status"], "requires_action", "it is there: {found}");

    let cancel = json!({ "channel": "stripe", "reference": reference });
    let path = format!("{PAYMENT}/cancel");
    let cancelled = party.done("POST", &path, cancel.clone()).await;
    assert_eq!(cancelled["status"], "canceled", "cancelled: {cancelled}");
    let again = party.call("POST", &path, cancel).await;
    assert_eq!(again.status, 409, "Stripe looks anew: {}", again.text());
    assert_eq!(parsed(&again)["error"]["code"], "conflict", "and finds it cancelled");
}
