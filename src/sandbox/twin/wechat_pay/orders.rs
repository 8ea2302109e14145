//! Orders: native, JSAPI, app and H5; queries; closing.

use http::StatusCode;
use serde_json::{Value, json};

use super::{
    super::{Answer, BookError, CHINA, Desk, Entry, Moment, Payment, PaymentState},
    WechatPay,
    fields::Fields,
    refused::Refused,
};
use crate::sandbox::Request;

impl WechatPay {
    /// `POST /v3/pay/transactions/{native,jsapi,app,h5}`.
    pub(super) fn order(
        &self,
        kind: &str,
        request: &Request,
        desk: &Desk,
    ) -> Result<Answer, Refused> {
        let fields = Fields::read(request)?;
        let order = fields.number("/out_trade_no", 6, 32)?;
        let payment = self.payment(kind, order, &fields, request, desk);
        let payment = payment.map_err(|refused| refused.about(order))?;
        let entry = desk.book().enter(payment);
        let payment = match entry {
            Entry::New(payment) => {
                desk.expect_payment(order);
                payment
            }
            Entry::Repeated(payment) => match payment.state {
                PaymentState::Pending => payment,
                PaymentState::Closed => return Err(closed(order)),
                _ => return Err(paid(order)),
            },
            Entry::Conflict(before) => {
                let why = format!(
                    "`out_trade_no` was used before with other words; it stands for {}",
                    before.terms
                );
                let refused =
                    Refused::new(StatusCode::FORBIDDEN, "OUT_TRADE_NO_USED", "商户订单号重复", why);
                return Err(refused.about(order));
            }
        };
        let prepaid = text(&payment, "prepay_id");
        let said = match kind {
            "native" => {
                json!({ "code_url": format!("weixin://wxpay/bizpayurl?pr={}", text(&payment, "code")) })
            }
            "h5" => json!({ "h5_url": format!(
                "https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id={prepaid}&package={}",
                text(&payment, "code"),
            ) }),
            _ => json!({ "prepay_id": prepaid }),
        };
        Ok(Answer::json(StatusCode::OK, &said).about(order).acting())
    }

    fn payment(
        &self,
        kind: &str,
        order: &str,
        fields: &Fields,
        request: &Request,
        desk: &Desk,
    ) -> Result<Payment, Refused> {
        fields.text("/appid", 1, 32)?;
        self.is_ours(fields)?;
        fields.text("/description", 1, 127)?;
        fields.optional("/attach", 128)?;
        let notify = fields.address("/notify_url")?;
        let amount = fields.amount("/amount/total")?;
        fields.currency("/amount/currency")?;
        match kind {
            "jsapi" => {
                fields.text("/payer/openid", 1, 128)?;
            }
            "h5" => {
                fields.text("/scene_info/payer_client_ip", 1, 45)?;
                fields.text("/scene_info/h5_info/type", 1, 32)?;
            }
            _ => {}
        }
        let (seed, now) = (desk.seed(), desk.now());
        let date = Moment::of(now, CHINA).compact_date();
        let letters =
            |purpose, count, alphabet: &[u8]| seed.letters(purpose, order, count, alphabet);
        let details = json!({
            "trade_type": if kind == "h5" { "MWEB".to_owned() } else { kind.to_uppercase() },
            "prepay_id": format!("wx{date}{}", letters("prepay", 26, b"0123456789abcdef")),
            "code": letters("code", 9, b"0123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz"),
            "openid": fields.whole().pointer("/payer/openid").cloned().unwrap_or_else(|| {
                format!("o{}", letters("openid", 27, b"0123456789ABCDEFabcdef_-")).into()
            }),
            "wechatpay_serial": request.only_header("wechatpay-serial"),
        });
        Ok(Payment {
            order: order.to_owned(),
            id: format!("4200{}", seed.digits("transaction", order, 24)),
            amount,
            currency: "CNY".to_owned(),
            state: PaymentState::Pending,
            refunded: 0,
            created: now,
            paid: None,
            closed: None,
            requests: 1,
            notify: Some(notify.to_owned()),
            terms: json!({ "kind": kind, "body": fields.whole() }),
            details: details.as_object().cloned().unwrap_or_default(),
            settled: None,
        })
    }

    /// `GET /v3/pay/transactions/out-trade-no/{out_trade_no}?mchid=…`.
    pub(super) fn query(
        &self,
        order: &str,
        request: &Request,
        desk: &Desk,
    ) -> Result<Answer, Refused> {
        self.is_our_query(request)?;
        let found = desk.book().payment(order).cloned();
        let payment = found.ok_or_else(|| unknown(order))?;
        Ok(Answer::json(StatusCode::OK, &self.transaction(&payment)).about(order))
    }

    /// `GET /v3/pay/transactions/id/{transaction_id}?mchid=…`, which there is once it is paid.
    pub(super) fn query_by_id(
        &self,
        id: &str,
        request: &Request,
        desk: &Desk,
    ) -> Result<Answer, Refused> {
        self.is_our_query(request)?;
        let found = desk.book().payment_by_id(id).filter(|payment| payment.paid.is_some()).cloned();
        let payment = found.ok_or_else(|| unknown(id))?;
        Ok(Answer::json(StatusCode::OK, &self.transaction(&payment)).about(&payment.order))
    }

    /// `POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close`.
    pub(super) fn close(
        &self,
        order: &str,
        request: &Request,
        desk: &Desk,
    ) -> Result<Answer, Refused> {
        self.is_ours(&Fields::read(request)?)?;
        let closed = desk.book().close(order, desk.now());
        match closed {
            Ok(_) => Ok(Answer::empty(StatusCode::NO_CONTENT).about(order).acting()),
            Err(BookError::Unknown) => Err(unknown(order)),
            Err(_) => Err(paid(order)),
        }
    }

    /// An order as it is told in answers and notifications.
    pub(super) fn transaction(&self, payment: &Payment) -> Value {
        let said = |pointer: &str| payment.terms.pointer(&format!("/body{pointer}")).cloned();
        let (state, words) = match payment.state {
            PaymentState::Pending => ("NOTPAY", "订单未支付"),
            PaymentState::Paid => ("SUCCESS", "支付成功"),
            PaymentState::PartlyRefunded | PaymentState::Refunded => ("REFUND", "订单发生过退款"),
            PaymentState::Closed => ("CLOSED", "订单已关闭"),
        };
        let mut told = json!({
            "appid": said("/appid"),
            "mchid": self.merchant.id,
            "out_trade_no": payment.order,
            "trade_state": state,
            "trade_state_desc": words,
            "attach": said("/attach").unwrap_or_default(),
        });
        if let (Some(members), Some(paid)) = (told.as_object_mut(), payment.paid) {
            for (name, value) in [
                ("transaction_id", json!(payment.id)),
                ("trade_type", json!(text(payment, "trade_type"))),
                ("bank_type", json!("OTHERS")),
                ("success_time", json!(Moment::of(paid, CHINA).rfc3339())),
                ("payer", json!({ "openid": text(payment, "openid") })),
                (
                    "amount",
                    json!({
                        "total": payment.amount,
                        "payer_total": payment.amount,
                        "currency": "CNY",
                        "payer_currency": "CNY",
                    }),
                ),
            ] {
                members.insert(name.to_owned(), value);
            }
        }
        told
    }

    fn is_ours(&self, fields: &Fields) -> Result<(), Refused> {
        if fields.text("/mchid", 1, 32)? == self.merchant.id {
            return Ok(());
        }
        Err(Refused::parameter("body", "/mchid", "not the merchant that signed"))
    }

    fn is_our_query(&self, request: &Request) -> Result<(), Refused> {
        if request.parameter("mchid").as_deref() == Some(self.merchant.id.as_str()) {
            return Ok(());
        }
        Err(Refused::parameter("query", "mchid", "expected the merchant that signed"))
    }
}

/// What the twin keeps beside a payment.
pub(super) fn text<'a>(payment: &'a Payment, name: &str) -> &'a str {
    payment.details.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn unknown(number: &str) -> Refused {
    let why = format!("there is no order `{number}`, or it is not paid where that is asked for");
    Refused::new(StatusCode::NOT_FOUND, "ORDER_NOT_EXIST", "订单不存在", why).about(number)
}

fn closed(order: &str) -> Refused {
    let why = "the order was closed; take another `out_trade_no`";
    Refused::new(StatusCode::BAD_REQUEST, "ORDER_CLOSED", "订单已关闭", why).about(order)
}

fn paid(order: &str) -> Refused {
    let why = "the order is paid already";
    Refused::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST", "该订单已支付", why).about(order)
}
