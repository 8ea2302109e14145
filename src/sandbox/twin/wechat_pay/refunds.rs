//! Refunds.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{
    super::{Answer, BookError, CHINA, Desk, Entry, Moment, Payment, Refund, RefundState},
    fields::Fields,
    refused::Refused,
};
use crate::sandbox::Request;

/// `POST /v3/refund/domestic/refunds`.
pub(super) fn refund(request: &Request, desk: &Desk) -> Result<Answer, Refused> {
    let fields = Fields::read(request)?;
    let number = fields.number("/out_refund_no", 1, 64)?;
    let refund = asked(number, &fields, desk).map_err(|refused| refused.about(number))?;
    let entered = desk.book().refund(refund);
    let refund = match entered {
        Ok(Entry::New(refund)) => {
            desk.expect_refund(number);
            refund
        }
        Ok(Entry::Repeated(refund)) => refund,
        Ok(Entry::Conflict(before)) => {
            let why = format!("`out_refund_no` was used before; it stands for {}", before.terms);
            return Err(mismatch(why).about(number));
        }
        Err(BookError::TooMuch { left }) => {
            let why = format!("only {left} fen of the order are left to be refunded");
            return Err(invalid("退款金额大于可退金额", why).about(number));
        }
        Err(error) => {
            return Err(invalid("订单状态不支持退款", error.to_string()).about(number));
        }
    };
    let payment = desk.book().payment(&refund.order).cloned();
    let payment = payment.ok_or_else(|| unknown(number))?;
    Ok(Answer::json(StatusCode::OK, &told(&refund, &payment)).about(number).acting())
}

/// `GET /v3/refund/domestic/refunds/{out_refund_no}`.
pub(super) fn query(number: &str, desk: &Desk) -> Result<Answer, Refused> {
    let found = {
        let book = desk.book();
        let refund = book.refunded(number).cloned();
        refund.and_then(|refund| Some((book.payment(&refund.order).cloned()?, refund)))
    };
    let (payment, refund) = found.ok_or_else(|| unknown(number))?;
    Ok(Answer::json(StatusCode::OK, &told(&refund, &payment)).about(number))
}

fn asked(number: &str, fields: &Fields, desk: &Desk) -> Result<Refund, Refused> {
    fields.optional("/reason", 80)?;
    let notify = match fields.whole().get("notify_url") {
        None | Some(Value::Null) => None,
        Some(_) => Some(fields.address("/notify_url")?.to_owned()),
    };
    let amount = fields.amount("/amount/refund")?;
    let total = fields.amount("/amount/total")?;
    fields.text("/amount/currency", 3, 3)?;
    fields.currency("/amount/currency")?;
    let payment = {
        let book = desk.book();
        let named =
            (fields.optional("/transaction_id", 32)?, fields.optional("/out_trade_no", 32)?);
        match named {
            (Some(id), None) => book.payment_by_id(id).cloned(),
            (None, Some(order)) => book.payment(order).cloned(),
            (Some(id), Some(order)) => {
                book.payment_by_id(id).filter(|payment| payment.order == order).cloned()
            }
            (None, None) => {
                let issue = "expected `transaction_id` or `out_trade_no`";
                return Err(Refused::parameter("body", "/out_trade_no", issue));
            }
        }
    };
    let payment = payment.ok_or_else(|| unknown(number))?;
    if total != payment.amount {
        let why = format!("`total` is {total}, but the order is {}", payment.amount);
        return Err(mismatch(why));
    }
    let mut details = Map::new();
    let serial = payment.details.get("wechatpay_serial").cloned().unwrap_or_default();
    details.insert("wechatpay_serial".to_owned(), serial);
    Ok(Refund {
        number: number.to_owned(),
        id: format!("5030{}", desk.seed().digits("refund", number, 25)),
        order: payment.order,
        amount,
        currency: "CNY".to_owned(),
        state: RefundState::Processing,
        created: desk.now(),
        completed: None,
        requests: 1,
        notify,
        terms: fields.whole().clone(),
        details,
        settled: None,
    })
}

/// A refund as it is told in answers.
fn told(refund: &Refund, payment: &Payment) -> Value {
    let mut told = json!({
        "refund_id": refund.id,
        "out_refund_no": refund.number,
        "transaction_id": payment.id,
        "out_trade_no": payment.order,
        "channel": "ORIGINAL",
        "user_received_account": ACCOUNT,
        "create_time": Moment::of(refund.created, CHINA).rfc3339(),
        "status": status(refund),
        "funds_account": "UNSETTLED",
        "amount": {
            "total": payment.amount,
            "refund": refund.amount,
            "payer_total": payment.amount,
            "payer_refund": refund.amount,
            "settlement_total": payment.amount,
            "settlement_refund": refund.amount,
            "discount_refund": 0,
            "currency": "CNY",
        },
    });
    if let (Some(members), Some(completed)) = (told.as_object_mut(), refund.completed) {
        let time = Moment::of(completed, CHINA).rfc3339();
        members.insert("success_time".to_owned(), time.into());
    }
    told
}

/// A refund as it is told in notifications.
pub(super) fn notice(merchant: &str, refund: &Refund, payment: &Payment) -> Value {
    json!({
        "mchid": merchant,
        "out_trade_no": payment.order,
        "transaction_id": payment.id,
        "out_refund_no": refund.number,
        "refund_id": refund.id,
        "refund_status": status(refund),
        "success_time": refund.completed.map(|time| Moment::of(time, CHINA).rfc3339()),
        "user_received_account": ACCOUNT,
        "amount": {
            "total": payment.amount,
            "refund": refund.amount,
            "payer_total": payment.amount,
            "payer_refund": refund.amount,
        },
    })
}

fn status(refund: &Refund) -> &'static str {
    match refund.state {
        RefundState::Processing => "PROCESSING",
        RefundState::Succeeded => "SUCCESS",
    }
}

fn unknown(number: &str) -> Refused {
    let why = format!("`{number}`: there is no such refund, or no order of that number");
    Refused::new(StatusCode::NOT_FOUND, "RESOURCE_NOT_EXISTS", "查询的资源不存在", why)
        .about(number)
}

fn mismatch(why: String) -> Refused {
    invalid("订单金额或退款金额与之前请求不一致，请核实后再试", why)
}

fn invalid(message: &'static str, why: String) -> Refused {
    Refused::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST", message, why)
}

const ACCOUNT: &str = "支付用户零钱";
