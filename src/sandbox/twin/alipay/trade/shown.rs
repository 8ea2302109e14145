//! Trades as they are told.

use serde_json::{Value, json};

use super::super::{
    super::{CHINA, Moment, Payment, PaymentState},
    money::yuan,
};

/// `trade_status`.
pub(in super::super) fn status(payment: &Payment) -> &'static str {
    match payment.state {
        PaymentState::Pending => "WAIT_BUYER_PAY",
        PaymentState::Paid | PaymentState::PartlyRefunded => "TRADE_SUCCESS",
        PaymentState::Refunded | PaymentState::Closed => "TRADE_CLOSED",
    }
}

/// The payer's number, and how the payer logs on.
pub(in super::super) fn buyer(payment: &Payment) -> (&str, &'static str) {
    let id = payment.details.get("buyer_id").and_then(Value::as_str);
    (id.unwrap_or_default(), "159****5620")
}

/// A trade, for a query and for whoever has just paid.
pub(super) fn trade(payment: &Payment) -> Value {
    let (id, logon) = buyer(payment);
    let total = yuan(payment.amount);
    let mut told = json!({
        "trade_no": payment.id,
        "out_trade_no": payment.order,
        "buyer_logon_id": logon,
        "buyer_user_id": id,
        "trade_status": status(payment),
        "total_amount": total,
        "point_amount": "0.00",
        "invoice_amount": "0.00",
        "receipt_amount": "0.00",
        "buyer_pay_amount": "0.00",
    });
    if let (Some(members), Some(paid)) = (told.as_object_mut(), payment.paid) {
        let time = Moment::of(paid, CHINA).plain();
        for name in ["invoice_amount", "receipt_amount", "buyer_pay_amount"] {
            members.insert(name.to_owned(), total.clone().into());
        }
        members.insert("send_pay_date".to_owned(), time.into());
        let bills = json!([{ "fund_channel": "ALIPAYACCOUNT", "amount": total }]);
        members.insert("fund_bill_list".to_owned(), bills);
    }
    told
}
