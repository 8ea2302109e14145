//! Orders: by code, by buyer, and with the payer's code; closing and cancelling.

use serde_json::{Map, Value, json};

use super::{
    super::{
        super::{CHINA, Desk, Entry, Event, Moment, Payment, PaymentState},
        fields::Fields,
        refused::Refused,
    },
    Operation, Told, refund, shown, wrong_state,
};

/// `alipay.trade.precreate` and `alipay.trade.create`.
pub(super) fn order(
    operation: Operation,
    fields: &Fields,
    notify: Option<&str>,
    desk: &Desk,
) -> Result<Told, Refused> {
    let buyer = match operation {
        Operation::Create => {
            let buyer = fields.optional("buyer_id", 28)?;
            let buyer = buyer.or(fields.optional("buyer_open_id", 128)?);
            let missing = || Refused::field("buyer_id", "expected it or `buyer_open_id`");
            Some(buyer.ok_or_else(missing)?)
        }
        _ => None,
    };
    let (payment, new) = entered(operation, fields, buyer, notify, desk)?;
    if new {
        desk.expect_payment(&payment.order);
    }
    let told = match operation {
        Operation::Create => json!({ "out_trade_no": payment.order, "trade_no": payment.id }),
        _ => {
            json!({ "out_trade_no": payment.order, "qr_code": payment.details.get("qr_code") })
        }
    };
    Ok(Told::about(&payment.order, told).acting())
}

/// `alipay.trade.pay`: the payer shows a code, and most often has paid with that.
pub(super) fn pay(fields: &Fields, notify: Option<&str>, desk: &Desk) -> Result<Told, Refused> {
    let scene = fields.text("scene", 32)?;
    if !matches!(scene, "bar_code" | "wave_code" | "security_code") {
        return Err(Refused::field("scene", "expected `bar_code` or `security_code`"));
    }
    let code = fields.text("auth_code", 64)?;
    if code.ends_with("0002") {
        let why = "a code that ends with 0002 is no code any more";
        let code = "ACQ.PAYMENT_AUTH_CODE_INVALID";
        return Err(Refused::business(
            code,
            "支付失败，获取顾客账户信息失败，请顾客刷新付款码后重新收款",
            why,
        ));
    }
    let (payment, new) = entered(Operation::Pay, fields, None, notify, desk)?;
    let order = payment.order.as_str();
    if code.ends_with("0001") {
        let why = "a payer whose code ends with 0001 has no money";
        let refused = Refused::business("ACQ.BUYER_BALANCE_NOT_ENOUGH", "买家余额不足", why);
        return Err(refused.about(order));
    }
    if code.ends_with("0003") {
        if new {
            desk.expect_payment(order);
        }
        let told = Told::about(order, shown::trade(&payment)).acting();
        return Ok(Told { waits: true, ..told });
    }
    let payment = desk.pay(order).map_err(|error| {
        Refused::business("ACQ.TRADE_HAS_SUCCESS", "交易已被支付", error.to_string()).about(order)
    })?;
    let mut told = Told::about(order, shown::trade(&payment)).acting();
    let paid = payment.paid.map(|paid| Moment::of(paid, CHINA).plain());
    told.body.insert("gmt_payment".to_owned(), paid.into());
    Ok(told)
}

/// The order in the book, and whether it was entered just now.
fn entered(
    operation: Operation,
    fields: &Fields,
    buyer: Option<&str>,
    notify: Option<&str>,
    desk: &Desk,
) -> Result<(Payment, bool), Refused> {
    let missing = || Refused::field("out_trade_no", "expected 1 to 64 characters");
    let order = fields.number("out_trade_no")?.ok_or_else(missing)?;
    let payment = asked(operation, order, fields, buyer, notify, desk);
    let entry = desk.book().enter(payment.map_err(|refused| refused.about(order))?);
    match entry {
        Entry::New(payment) => Ok((payment, true)),
        Entry::Repeated(payment) => match payment.state {
            PaymentState::Pending => Ok((payment, false)),
            PaymentState::Closed => {
                let why = "the order is closed; take another `out_trade_no`";
                Err(Refused::business("ACQ.TRADE_HAS_CLOSE", "交易已经关闭", why).about(order))
            }
            _ => {
                let why = "the order is paid already";
                Err(Refused::business("ACQ.TRADE_HAS_SUCCESS", "交易已被支付", why).about(order))
            }
        },
        Entry::Conflict(before) => {
            let why = format!(
                "`out_trade_no` was used before with other words; it stands for {} fen and {}",
                before.amount, before.terms
            );
            let code = "ACQ.CONTEXT_INCONSISTENT";
            Err(Refused::business(code, "交易信息被篡改", why).about(order))
        }
    }
}

fn asked(
    operation: Operation,
    order: &str,
    fields: &Fields,
    buyer: Option<&str>,
    notify: Option<&str>,
    desk: &Desk,
) -> Result<Payment, Refused> {
    fields.text("subject", 256)?;
    let amount = fields.amount("total_amount")?;
    let seed = desk.seed();
    let buyer =
        buyer.map_or_else(|| format!("2088{}", seed.digits("buyer", order, 12)), str::to_owned);
    let code = seed.letters("code", order, 18, b"0123456789abcdefghijklmnopqrstuvwxyz");
    let mut details = Map::new();
    details.insert("buyer_id".to_owned(), buyer.into());
    let mut terms = fields.terms(&TERMS);
    let name = match operation {
        Operation::Precreate => "precreate",
        Operation::Create => "create",
        _ => "pay",
    };
    if name == "precreate" {
        details.insert("qr_code".to_owned(), format!("https://qr.alipay.com/bax{code}").into());
    }
    if let Value::Object(members) = &mut terms {
        members.insert("operation".to_owned(), name.into());
    }
    Ok(Payment {
        order: order.to_owned(),
        id: format!("20{}", seed.digits("trade", order, 26)),
        amount,
        currency: "CNY".to_owned(),
        state: PaymentState::Pending,
        refunded: 0,
        created: desk.now(),
        paid: None,
        closed: None,
        requests: 1,
        notify: notify.map(str::to_owned),
        terms,
        details,
        settled: None,
    })
}

/// `alipay.trade.close`.
pub(super) fn close(payment: &Payment, desk: &Desk) -> Result<Told, Refused> {
    let now = desk.now();
    if payment.state != PaymentState::Pending {
        return Err(wrong_state(payment));
    }
    let closed = desk.book().close(&payment.order, now);
    let payment = closed.map_err(|_| wrong_state(payment))?;
    let told = json!({ "trade_no": payment.id, "out_trade_no": payment.order });
    let told = Told::about(&payment.order, told).acting();
    desk.tell(Event::Closed(payment));
    Ok(told)
}

/// `alipay.trade.cancel`: closes what is not paid, gives back what is. It succeeds where there is
/// nothing to be done too.
pub(super) fn cancel(fields: &Fields, desk: &Desk) -> Result<Told, Refused> {
    let payment = match super::named(fields, desk) {
        Ok(payment) => payment,
        Err(refused) if refused.code == "ACQ.TRADE_NOT_EXIST" => {
            let order = fields.optional("out_trade_no", 64)?.unwrap_or_default();
            let told = json!({ "out_trade_no": order, "retry_flag": "N" });
            return Ok(Told::about(order, told).acting());
        }
        Err(refused) => return Err(refused),
    };
    let action = match payment.state {
        PaymentState::Pending => close(&payment, desk).map(|_| "close")?,
        PaymentState::Closed => "close",
        PaymentState::Paid | PaymentState::PartlyRefunded => {
            refund::rest(&payment, desk)?;
            "refund"
        }
        PaymentState::Refunded => "refund",
    };
    let told = json!({
        "trade_no": payment.id,
        "out_trade_no": payment.order,
        "retry_flag": "N",
        "action": action,
    });
    Ok(Told::about(&payment.order, told).acting())
}

/// What a repetition must say again. A payer's code is another one each time.
const TERMS: [&str; 6] =
    ["subject", "body", "passback_params", "product_code", "seller_id", "timeout_express"];
