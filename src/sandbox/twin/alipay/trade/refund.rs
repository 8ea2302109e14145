//! Refunds, whose money arrives at once.

use serde_json::{Map, json};

use super::{
    super::{
        super::{BookError, CHINA, Desk, Entry, Moment, Payment, Refund, RefundState},
        fields::Fields,
        money::yuan,
        refused::Refused,
    },
    Told, buyer, wrong_state,
};

/// `alipay.trade.refund`. Asked for again, nothing more is given back (`fund_change: N`).
pub(super) fn refund(payment: &Payment, fields: &Fields, desk: &Desk) -> Result<Told, Refused> {
    let order = payment.order.as_str();
    let about = |refused: Refused| refused.about(order);
    let amount = fields.amount("refund_amount").map_err(about)?;
    let number = fields.number("out_request_no").map_err(about)?;
    if number.is_none() && amount != payment.amount {
        return Err(about(Refused::field("out_request_no", "a part is refunded under a number")));
    }
    let reason = fields.optional("refund_reason", 256).map_err(about)?;
    let (refund, new) = entered(payment, number.unwrap_or(order), amount, reason, desk)?;
    let found = desk.book().payment(order).cloned();
    let payment = found.ok_or_else(|| super::unknown(order))?;
    let (id, logon) = buyer(&payment);
    let told = json!({
        "trade_no": payment.id,
        "out_trade_no": payment.order,
        "buyer_logon_id": logon,
        "buyer_user_id": id,
        "fund_change": if new { "Y" } else { "N" },
        "refund_fee": yuan(payment.refunded),
        "send_back_fee": yuan(if new { refund.amount } else { 0 }),
        "gmt_refund_pay": refund.completed.map(|time| Moment::of(time, CHINA).plain()),
        "refund_detail_item_list":
            [{ "fund_channel": "ALIPAYACCOUNT", "amount": yuan(refund.amount) }],
    });
    Ok(Told::about(order, told).acting())
}

/// `alipay.trade.fastpay.refund.query`. What was never refunded is told without `refund_status`.
pub(super) fn query(payment: &Payment, fields: &Fields, desk: &Desk) -> Result<Told, Refused> {
    let missing = || Refused::field("out_request_no", "expected 1 to 64 characters");
    let number = fields.number("out_request_no")?.ok_or_else(missing)?;
    let found = {
        let book = desk.book();
        book.refunded(&key(&book, &payment.order, number)).cloned()
    };
    let mut told = json!({ "trade_no": payment.id, "out_trade_no": payment.order });
    let refund = found.filter(|refund| refund.order == payment.order);
    if let (Some(refund), Some(members)) = (refund, told.as_object_mut()) {
        for (name, value) in [
            ("out_request_no", json!(number)),
            ("total_amount", json!(yuan(payment.amount))),
            ("refund_amount", json!(yuan(refund.amount))),
            ("refund_status", json!("REFUND_SUCCESS")),
            ("gmt_refund_pay", json!(refund.completed.map(|at| Moment::of(at, CHINA).plain()))),
        ] {
            members.insert(name.to_owned(), value);
        }
    }
    Ok(Told::about(&payment.order, told))
}

/// Gives back whatever is left.
pub(super) fn rest(payment: &Payment, desk: &Desk) -> Result<(), Refused> {
    let left = payment.amount.saturating_sub(payment.refunded);
    entered(payment, &format!("cancel-{}", payment.order), left, None, desk).map(|_| ())
}

/// The refund in the book, and whether it was entered just now.
fn entered(
    payment: &Payment,
    number: &str,
    amount: u64,
    reason: Option<&str>,
    desk: &Desk,
) -> Result<(Refund, bool), Refused> {
    let (order, now, seed) = (payment.order.as_str(), desk.now(), desk.seed());
    let entry = {
        let mut book = desk.book();
        let key = key(&book, order, number);
        let mut details = Map::new();
        details.insert("out_request_no".to_owned(), number.into());
        details.insert("refund_reason".to_owned(), reason.into());
        book.refund(Refund {
            id: format!("20{}", seed.digits("refund", &key, 26)),
            number: key,
            order: order.to_owned(),
            amount,
            currency: payment.currency.clone(),
            state: RefundState::Processing,
            created: now,
            completed: None,
            requests: 1,
            notify: payment.notify.clone(),
            terms: serde_json::Value::Null,
            details,
            settled: None,
        })
    };
    match entry {
        Ok(Entry::New(refund)) => {
            let completed = desk.complete_refund(&refund.number);
            completed.map(|refund| (refund, true)).map_err(|_| wrong_state(payment))
        }
        Ok(Entry::Repeated(refund)) => Ok((refund, false)),
        Ok(Entry::Conflict(before)) => {
            let why = format!("`out_request_no` was used before for {} fen", before.amount);
            let code = "ACQ.DISCORDANT_REPEAT_REQUEST";
            Err(Refused::business(code, "不一致的请求", why).about(order))
        }
        Err(BookError::TooMuch { left }) => {
            let why = format!("only {left} fen of the order are left to be refunded");
            let code = "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL";
            Err(Refused::business(code, "退款金额超限", why).about(order))
        }
        Err(_) => Err(wrong_state(payment)),
    }
}

/// What a refund is called in the book: `out_request_no` is unique among the refunds of one order, so
/// where two orders use the same one, the order stands before it.
fn key(book: &super::super::super::Book, order: &str, number: &str) -> String {
    match book.refunded(number) {
        Some(other) if other.order != order => format!("{order}/{number}"),
        _ => number.to_owned(),
    }
}
