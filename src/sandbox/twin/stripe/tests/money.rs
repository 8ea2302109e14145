//! Refunds, the balance, and payouts.

use super::*;

#[tokio::test]
async fn refunds_never_exceed_what_was_paid() {
    let bench = Bench::new();
    let id = bench.paid().await;
    let refund = async |amount: &str| {
        bench.post("/v1/refunds", &format!("payment_intent={id}{amount}&reason=duplicate")).await
    };
    let part = refund("&amount=99").await.json;
    assert_eq!((&part["status"], &part["amount"]), (&json!("succeeded"), &json!(99)), "a part");
    let beyond = refund("&amount=1001").await;
    assert_eq!(beyond.error("code"), "charge_exceeds_refundable_amount", "more than is left");
    let rest = refund("").await.json;
    assert_eq!(rest["amount"], 1_000, "the rest, where nothing is said");
    for amount in ["", "&amount=1"] {
        assert_eq!(
            refund(amount).await.error("code"),
            "charge_already_refunded",
            "nothing is left"
        );
    }
    let found = bench.get(&format!("/v1/refunds/{}", part["id"].as_str().unwrap())).await.json;
    assert_eq!(found, part, "found again");
    let listed = bench.get(&format!("/v1/refunds?payment_intent={id}")).await.json;
    assert_eq!(listed["data"].as_array().unwrap().len(), 2, "both");
    let charge = part["charge"].as_str().unwrap();
    let charge = bench.get(&format!("/v1/charges/{charge}")).await.json;
    assert_eq!(
        (&charge["refunded"], &charge["amount_refunded"]),
        (&json!(true), &json!(1_099)),
        "all"
    );
    let book = bench.twin.book();
    assert_eq!(book["totals"]["EUR"], json!({ "paid": 1_099, "refunded": 1_099 }), "{book:#}");

    let open = bench.post("/v1/payment_intents", "amount=5&currency=eur").await.json;
    let early = format!("payment_intent={}", open["id"].as_str().unwrap());
    let early = bench.post("/v1/refunds", &early).await;
    assert_eq!(early.error("code"), "payment_intent_unexpected_state", "nobody has paid");
    for (body, code) in [
        ("amount=1", "parameter_missing"),
        ("payment_intent=pi_none", "resource_missing"),
        ("charge=ch_none", "resource_missing"),
    ] {
        assert_eq!(bench.post("/v1/refunds", body).await.error("code"), code, "{body}");
    }
}

#[tokio::test]
async fn a_key_refunds_once() {
    let bench = Bench::new();
    let body = format!("payment_intent={}&amount=99", bench.paid().await);
    let first = bench.keyed("/v1/refunds", &body, "r1").await.json;
    let again = bench.keyed("/v1/refunds", &body, "r1").await.json;
    assert_eq!(first, again, "the same refund");
    let book = bench.twin.book();
    assert_eq!(book["totals"]["EUR"]["refunded"], 99, "once: {book:#}");
    assert_eq!(book["refunds"][0]["requests"], 2, "asked for twice");
    bench.keyed("/v1/refunds", &body, "r2").await;
    assert_eq!(bench.twin.book()["totals"]["EUR"]["refunded"], 198, "another key is another");
}

#[tokio::test]
async fn the_balance_says_what_a_payout_is_made_of() {
    let bench = Bench::new();
    let id = bench.paid().await;
    bench.clock.advance(Duration::from_secs(1));
    bench.post("/v1/refunds", &format!("payment_intent={id}&amount=99")).await;
    let balance = bench.get("/v1/balance_transactions").await.json["data"].clone();
    assert_eq!(
        (&balance[0]["type"], &balance[0]["net"]),
        (&json!("refund"), &json!(-99)),
        "the newest"
    );
    assert_eq!(
        (&balance[1]["fee"], &balance[1]["net"]),
        (&json!(62), &json!(1_037)),
        "2.9 % and 30"
    );
    assert_eq!(balance[1]["status"], "pending", "before the payout");
    let charge =
        bench.get(&format!("/v1/payment_intents/{id}")).await.json["latest_charge"].clone();
    assert_eq!(balance[1]["source"], charge, "of the charge");
    let none = bench.get("/v1/balance_transactions?payout=po_20260101").await.json;
    assert_eq!(none["data"], json!([]), "nothing is paid out");

    bench.twin.settle(None);
    let out = bench.get("/v1/balance_transactions?payout=po_20260101").await.json["data"].clone();
    assert_eq!(out.as_array().unwrap().len(), 2, "both");
    assert_eq!(out[0]["status"], "available", "after the payout");
    let payouts = bench.get("/v1/payouts").await.json["data"].clone();
    assert_eq!(
        (&payouts[0]["id"], &payouts[0]["amount"]),
        (&json!("po_20260101"), &json!(938)),
        "the sum"
    );
    let one =
        bench.get(&format!("/v1/balance_transactions/{}", out[0]["id"].as_str().unwrap())).await;
    assert_eq!(one.json, out[0], "one of them");
    let settlement = bench.twin.desk().book().settlement("2026-01-01").unwrap().clone();
    let text = String::from_utf8(bench.twin.dialect().statement(&settlement).to_vec()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("automatic_payout_id,"), "a head: {text}");
    assert!(
        lines[1].contains(",charge,eur,1099,62,1037,") && lines[1].ends_with(",order-1"),
        "{text}"
    );
    assert!(lines[2].contains(",refund,eur,-99,0,-99,"), "{text}");
}
