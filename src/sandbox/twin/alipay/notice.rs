//! Notifications: forms, signed over their sorted parameters without `sign` and `sign_type`.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, json};

use super::{
    super::{CHINA, Desk, Envelope, Event, Letter, Moment, Sealing, hex, put},
    Alipay,
    form::Parameters,
    money::yuan,
    trade::{buyer, status},
};

/// One for each event: what became of the trade.
pub(super) fn letters(twin: &Alipay, event: &Event, desk: &Desk) -> Vec<Letter> {
    if let Event::Failed(_) = event {
        return Vec::new();
    }
    let payment = event.payment();
    let time = |since| Moment::of(since, CHINA).plain();
    let refund = if let Event::Refunded(refund, _) = event { Some(refund) } else { None };
    let about = refund.map_or(payment.order.as_str(), |refund| refund.number.as_str());
    let id = hex(&desk.seed().bytes("notify", &format!("{} {about}", status(payment)), 0));
    let id: String = id.chars().take(34).collect();
    let said = |name: &str| payment.terms.get(name).and_then(Value::as_str).unwrap_or_default();
    let (buyer, logon) = buyer(payment);
    let total = yuan(payment.amount);
    let mut form = Parameters::default();
    for (name, value) in [
        ("gmt_create", time(payment.created).as_str()),
        ("charset", "utf-8"),
        ("version", "1.0"),
        ("notify_type", "trade_status_sync"),
        ("notify_id", &id),
        ("app_id", &twin.app.id),
        ("auth_app_id", &twin.app.id),
        ("seller_id", &twin.app.seller),
        ("seller_email", "sandbox@merchant.example"),
        ("buyer_id", buyer),
        ("buyer_logon_id", logon),
        ("trade_no", &payment.id),
        ("out_trade_no", &payment.order),
        ("trade_status", status(payment)),
        ("total_amount", &total),
        ("subject", said("subject")),
        ("body", said("body")),
        ("passback_params", said("passback_params")),
    ] {
        form.set(name, value);
    }
    if let Some(paid) = payment.paid {
        form.set("gmt_payment", &time(paid));
        for name in ["receipt_amount", "invoice_amount", "buyer_pay_amount"] {
            form.set(name, &total);
        }
        form.set("point_amount", "0.00");
        let bills = json!([{ "amount": total, "fundChannel": "ALIPAYACCOUNT" }]);
        form.set("fund_bill_list", &bills.to_string());
    }
    if let Some(closed) = payment.closed {
        form.set("gmt_close", &time(closed));
    }
    if let Some(refund) = refund {
        form.set("refund_fee", &yuan(payment.refunded));
        form.set(
            "gmt_refund",
            &format!("{}.000", time(refund.completed.unwrap_or(refund.created))),
        );
        let number = refund.details.get("out_request_no").and_then(Value::as_str);
        form.set("out_biz_no", number.unwrap_or_default());
    }
    vec![Letter {
        id,
        kind: status(payment).to_owned(),
        subject: about.to_owned(),
        to: payment.notify.clone(),
        key: None,
        body: Bytes::from(form.encoded()),
    }]
}

/// The form with the time of this attempt, signed.
pub(super) fn seal(twin: &Alipay, letter: &Letter, how: &Sealing) -> Envelope {
    let text = str::from_utf8(&letter.body).unwrap_or_default();
    let mut form = Parameters::parse(text).unwrap_or_default();
    form.set("notify_time", &Moment::of(how.now, CHINA).plain());
    let (signature, _) = twin.platform.sign(form.text_to_sign(&[]).as_bytes(), how);
    form.set("sign_type", "RSA2");
    form.set("sign", &signature);
    let mut headers = HeaderMap::new();
    put(&mut headers, "content-type", "application/x-www-form-urlencoded; charset=utf-8");
    Envelope { headers, body: Bytes::from(form.encoded()) }
}
