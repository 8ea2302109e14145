//! What applications ask for, whatever the protocol.

mod order;
mod refund;
mod shown;

use http::Method;
use serde_json::{Map, Value, json};

use super::{
    super::{Desk, Payment, PaymentState},
    Alipay,
    fields::Fields,
    refused::Refused,
};
use crate::sandbox::Request;
pub(super) use shown::{buyer, status};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Precreate,
    Create,
    Pay,
    Query,
    Refund,
    RefundQuery,
    Close,
    Cancel,
    Bill,
    Certificate,
}

/// What is answered if nothing is wrong.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub body: Map<String, Value>,
    /// The order it is about.
    pub subject: Option<String>,
    /// Whether money moved or was to move.
    pub acts: bool,
    /// Whether the payer has yet to agree.
    pub waits: bool,
}

impl Operation {
    /// By the name of its method in v2; in v3 that is the path, with slashes for dots.
    pub fn named(method: &str) -> Option<Self> {
        NAMES.iter().find(|(name, _)| *name == method).map(|(_, operation)| *operation)
    }

    /// Whether v3 has it under this method. Queries may be asked for either way.
    pub fn takes(self, method: &Method) -> bool {
        match self {
            Self::Query | Self::RefundQuery => *method == Method::POST || *method == Method::GET,
            Self::Bill | Self::Certificate => *method == Method::GET,
            _ => *method == Method::POST,
        }
    }
}

impl Told {
    /// These members, about this order.
    pub fn about(order: &str, body: Value) -> Self {
        let body = if let Value::Object(members) = body { members } else { Map::new() };
        Self { body, subject: Some(order.to_owned()), ..Self::default() }
    }

    /// Money moved or was to move.
    pub fn acting(self) -> Self {
        Self { acts: true, ..self }
    }
}

impl Alipay {
    /// Does what is asked for.
    pub(super) fn call(
        &self,
        operation: Operation,
        fields: &Fields,
        notify: Option<&str>,
        request: &Request,
        desk: &Desk,
    ) -> Result<Told, Refused> {
        match operation {
            Operation::Precreate | Operation::Create => {
                order::order(operation, fields, notify, desk)
            }
            Operation::Pay => order::pay(fields, notify, desk),
            Operation::Query => {
                let payment = visible(named(fields, desk)?)?;
                Ok(Told::about(&payment.order, shown::trade(&payment)))
            }
            Operation::Close => {
                let payment = visible(named(fields, desk)?)?;
                order::close(&payment, desk)
            }
            Operation::Cancel => order::cancel(fields, desk),
            Operation::Refund => {
                let payment = visible(named(fields, desk)?)?;
                refund::refund(&payment, fields, desk)
            }
            Operation::RefundQuery => {
                let payment = visible(named(fields, desk)?)?;
                refund::query(&payment, fields, desk)
            }
            Operation::Bill => self.bill_url(fields, request, desk),
            Operation::Certificate => {
                let number = fields.text("alipay_cert_sn", 64)?;
                let found = self.platform.certificate(number).ok_or_else(|| {
                    let why = format!("`{number}` is not the number of a good certificate");
                    Refused::business("CERT_NOT_EXIST", "证书不存在", why)
                })?;
                let content = super::materials::encoded(&found);
                Ok(Told::about(number, json!({ "alipay_cert_content": content })))
            }
        }
    }
}

/// The payment that `trade_no` or `out_trade_no` names.
fn named(fields: &Fields, desk: &Desk) -> Result<Payment, Refused> {
    let (id, order) = (fields.optional("trade_no", 64)?, fields.optional("out_trade_no", 64)?);
    let book = desk.book();
    // As with Alipay, its own number counts where both are given.
    let found = match (id, order) {
        (Some(id), _) => book.payment_by_id(id),
        (None, Some(order)) => book.payment(order),
        (None, None) => {
            return Err(Refused::field("out_trade_no", "expected it or `trade_no`"));
        }
    };
    found.cloned().ok_or_else(|| unknown(id.or(order).unwrap_or_default()))
}

/// The payment, unless nobody has looked at it yet.
fn visible(payment: Payment) -> Result<Payment, Refused> {
    let precreated = payment.terms.get("operation") == Some(&"precreate".into());
    if precreated && payment.state == PaymentState::Pending {
        return Err(unknown(&payment.order));
    }
    Ok(payment)
}

fn unknown(number: &str) -> Refused {
    let why = format!("there is no `{number}`, or it is precreated and nobody has paid");
    Refused::business("ACQ.TRADE_NOT_EXIST", "交易不存在", why).about(number)
}

fn wrong_state(payment: &Payment) -> Refused {
    let why = format!("the order is {}", payment.state.name());
    Refused::business("ACQ.TRADE_STATUS_ERROR", "交易状态不合法", why).about(&payment.order)
}

const NAMES: [(&str, Operation); 10] = [
    ("alipay.trade.precreate", Operation::Precreate),
    ("alipay.trade.create", Operation::Create),
    ("alipay.trade.pay", Operation::Pay),
    ("alipay.trade.query", Operation::Query),
    ("alipay.trade.refund", Operation::Refund),
    ("alipay.trade.fastpay.refund.query", Operation::RefundQuery),
    ("alipay.trade.close", Operation::Close),
    ("alipay.trade.cancel", Operation::Cancel),
    ("alipay.data.dataservice.bill.downloadurl.query", Operation::Bill),
    ("alipay.open.app.alipaycert.download", Operation::Certificate),
];
