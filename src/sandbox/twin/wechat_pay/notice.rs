//! Notifications: what they say, encrypted with the `APIv3` key.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    super::{CHINA, Desk, Event, Letter, Moment},
    WechatPay, cipher, refunds,
};

pub(super) fn letters(twin: &WechatPay, event: &Event, desk: &Desk) -> Vec<Letter> {
    let serial = |details: &serde_json::Map<String, Value>| {
        details.get("wechatpay_serial").and_then(Value::as_str).map(str::to_owned)
    };
    let (kind, what, summary, subject, told, to, key) = match event {
        Event::Paid(payment) => (
            "TRANSACTION.SUCCESS",
            "transaction",
            "支付成功",
            &payment.order,
            twin.transaction(payment),
            payment.notify.clone(),
            serial(&payment.details),
        ),
        Event::Refunded(refund, payment) => (
            "REFUND.SUCCESS",
            "refund",
            "退款成功",
            &refund.number,
            refunds::notice(&twin.merchant.id, refund, payment),
            refund.notify.clone(),
            serial(&refund.details),
        ),
        // WeChat Pay says nothing about orders that were closed, or not paid.
        Event::Closed(_) | Event::Failed(_) => return Vec::new(),
    };
    let now = Moment::of(desk.now(), CHINA);
    let nonce = desk.nonce(12);
    let Some(ciphertext) = cipher::seal(&twin.api_v3_key, &nonce, what, &told.to_string()) else {
        return Vec::new();
    };
    let id = format!("EV-{}{}", now.compact_date(), desk.seed().digits(kind, subject, 12));
    let body = json!({
        "id": id,
        "create_time": now.rfc3339(),
        "event_type": kind,
        "resource_type": "encrypt-resource",
        "summary": summary,
        "resource": {
            "original_type": what,
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": ciphertext,
            "associated_data": what,
            "nonce": nonce,
        },
    });
    vec![Letter {
        id,
        kind: kind.to_owned(),
        subject: subject.clone(),
        to,
        key,
        body: Bytes::from(body.to_string()),
    }]
}
