//! Notifications, read and held against the published key by code that knows only their description.

use std::collections::BTreeMap;

use reqwest::Url;

use super::{
    super::super::{Sealing, Signature},
    *,
};
use app::NOTIFY;

/// A form, decoded by another library.
fn read(body: &[u8]) -> BTreeMap<String, String> {
    let mut url = Url::parse("http://twin/").unwrap();
    url.set_query(Some(str::from_utf8(body).unwrap()));
    url.query_pairs().into_owned().collect()
}

/// Whether a form is signed by Alipay.
fn is_proven(bench: &Bench, form: &BTreeMap<String, String>) -> bool {
    let signed = form.iter().filter(|(name, _)| !matches!(name.as_str(), "sign" | "sign_type"));
    let text: Vec<String> = signed.map(|(name, value)| format!("{name}={value}")).collect();
    bench.fits(text.join("&").as_bytes(), &form["sign"])
}

fn seal(bench: &Bench, event: &Event, how: &Sealing) -> (Letter, BTreeMap<String, String>) {
    let (dialect, desk) = (bench.twin.dialect(), bench.twin.desk());
    let letter = dialect.letters(event, desk).pop().unwrap();
    let envelope = dialect.seal_letter(&letter, how, desk);
    let media = envelope.headers["content-type"].to_str().unwrap().to_owned();
    assert_eq!(media, "application/x-www-form-urlencoded; charset=utf-8", "a form");
    (letter, read(&envelope.body))
}

const RIGHT: Sealing = Sealing { signature: Signature::Right, now: START };

#[tokio::test]
async fn a_payment_is_told_in_a_signed_form() {
    for protocol in [Protocol::V2, Protocol::V3] {
        let bench = Bench::new();
        let order = app::creation("order-1", "9.00");
        bench.call(protocol, "alipay.trade.create", &order).await;
        let payment = bench.twin.desk().pay("order-1").unwrap();
        let (letter, form) = seal(&bench, &Event::Paid(payment.clone()), &RIGHT);
        assert_eq!(letter.to.as_deref(), Some(NOTIFY), "where the merchant wants it");
        assert!(is_proven(&bench, &form), "signed: {form:?}");
        for (name, value) in [
            ("notify_type", "trade_status_sync"),
            ("notify_time", "2026-01-01 08:00:00"),
            ("notify_id", &letter.id),
            ("sign_type", "RSA2"),
            ("app_id", app::APP),
            ("seller_id", "2088102116773037"),
            ("trade_status", "TRADE_SUCCESS"),
            ("out_trade_no", "order-1"),
            ("trade_no", &payment.id),
            ("total_amount", "9.00"),
            ("subject", "大乐透 & 50% \"off\""),
            ("passback_params", "a%3D1"),
            ("gmt_payment", "2026-01-01 08:00:00"),
            ("fund_bill_list", r#"[{"amount":"9.00","fundChannel":"ALIPAYACCOUNT"}]"#),
        ] {
            assert_eq!(form[name], value, "{name}");
        }
        for name in form.keys().filter(|name| !matches!(name.as_str(), "sign" | "sign_type")) {
            let mut changed = form.clone();
            changed.insert(name.clone(), "1".to_owned());
            assert!(!is_proven(&bench, &changed), "`{name}` cannot be changed");
        }
        let later = Sealing { now: START + Duration::from_mins(4), ..RIGHT };
        let again = bench.twin.dialect().seal_letter(&letter, &later, bench.twin.desk());
        let again = read(&again.body);
        assert_eq!(again["notify_time"], "2026-01-01 08:04:00", "each attempt says its time");
        assert_eq!(again["notify_id"], form["notify_id"], "and is the same notification");
        assert!(is_proven(&bench, &again), "signed anew");
        let wrong = Sealing { signature: Signature::Wrong, ..RIGHT };
        let (_, form) = seal(&bench, &Event::Paid(payment), &wrong);
        assert!(!is_proven(&bench, &form), "or wrongly, when that is wanted");
    }
}

#[tokio::test]
async fn refunds_and_closed_orders_are_told_too() {
    let bench = Bench::new();
    for order in ["order-1", "order-2"] {
        bench.order(order, "9.00").await;
    }
    bench.twin.desk().pay("order-1").unwrap();
    let mut ids = Vec::new();
    for (number, amount, status, sum) in
        [("r1", "3.00", "TRADE_SUCCESS", "3.00"), ("r2", "6.00", "TRADE_CLOSED", "9.00")]
    {
        let content =
            json!({ "out_trade_no": "order-1", "refund_amount": amount, "out_request_no": number });
        bench.call(Protocol::V3, "alipay.trade.refund", &content).await;
        let (refund, payment) = {
            let book = bench.twin.desk().book();
            (book.refunded(number).unwrap().clone(), book.payment("order-1").unwrap().clone())
        };
        let (letter, form) = seal(&bench, &Event::Refunded(refund, Box::new(payment)), &RIGHT);
        assert!(is_proven(&bench, &form), "signed");
        assert_eq!(
            (form["trade_status"].as_str(), form["refund_fee"].as_str()),
            (status, sum),
            "{number}"
        );
        assert_eq!(form["out_biz_no"], number, "which refund it is");
        assert_eq!(form["gmt_refund"], "2026-01-01 08:00:00.000", "when");
        ids.push(letter.id);
    }
    bench.call(Protocol::V3, "alipay.trade.close", &json!({ "out_trade_no": "order-2" })).await;
    let closed = bench.twin.desk().book().payment("order-2").unwrap().clone();
    let (letter, form) = seal(&bench, &Event::Closed(closed), &RIGHT);
    assert_eq!(
        (form["trade_status"].as_str(), form["gmt_close"].as_str()),
        ("TRADE_CLOSED", "2026-01-01 08:00:00"),
        "closed"
    );
    assert!(!form.contains_key("gmt_payment"), "nobody has paid");
    ids.push(letter.id);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3, "each has a number of its own");
}

#[tokio::test]
async fn a_notification_is_acknowledged_by_one_word_alone() {
    let bench = Bench::new();
    let dialect = bench.twin.dialect();
    for (status, body, expected) in [
        (200, "success", true),
        (200, "success\n", false),
        (200, "SUCCESS", false),
        (200, "", false),
        (200, "fail", false),
        (500, "success", false),
        (204, "success", false),
    ] {
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(dialect.acknowledged(status, body.as_bytes()), expected, "{status} {body:?}");
    }
    assert_eq!(dialect.ladder().len(), 7, "eight attempts in all");
    assert_eq!(dialect.ladder().iter().sum::<Duration>(), Duration::from_mins(1_464), "in a day");
}
