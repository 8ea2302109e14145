//! Which request is which.

use http::StatusCode;

use super::{
    super::{Answer, Desk},
    WechatPay,
    fields::Fields,
    refunds,
    refused::Refused,
};
use crate::sandbox::{Request, http::form_decoded};

impl WechatPay {
    pub(super) fn route(&self, request: &Request, desk: &Desk) -> Result<Answer, Refused> {
        let segments: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
        match (request.method.as_str(), segments.as_slice()) {
            ("POST", ["v3", "pay", "transactions", kind @ ("native" | "jsapi" | "app" | "h5")]) => {
                self.order(kind, request, desk)
            }
            ("GET", ["v3", "pay", "transactions", "out-trade-no", order]) => {
                self.query(&decoded(order)?, request, desk)
            }
            ("GET", ["v3", "pay", "transactions", "id", id]) => {
                self.query_by_id(&decoded(id)?, request, desk)
            }
            ("POST", ["v3", "pay", "transactions", "out-trade-no", order, "close"]) => {
                self.close(&decoded(order)?, request, desk)
            }
            ("POST", ["v3", "refund", "domestic", "refunds"]) => refunds::refund(request, desk),
            ("GET", ["v3", "refund", "domestic", "refunds", number]) => {
                refunds::query(&decoded(number)?, desk)
            }
            ("GET", ["v3", "bill", "tradebill"]) => self.trade_bill(request, desk),
            ("GET", ["v3", "billdownload", "file"]) => self.download(request, desk),
            ("GET", ["v3", "certificates"]) => {
                let shown = self.platform.certificates(&self.api_v3_key, || desk.nonce(12));
                Ok(Answer::json(StatusCode::OK, &shown))
            }
            ("POST", ["v3", "profitsharing", "receivers", "add"]) => self.add_receiver(request),
            _ => {
                let why = "the twin has nothing at this path, or not for this method";
                Err(Refused::new(StatusCode::NOT_FOUND, "NOT_FOUND", "请求的资源不存在", why))
            }
        }
    }

    /// Whose `name`, if there is one, is encrypted for a key of the platform's.
    fn add_receiver(&self, request: &Request) -> Result<Answer, Refused> {
        let fields = Fields::read(request)?;
        fields.text("/appid", 1, 32)?;
        let (kind, account) = (fields.text("/type", 1, 32)?, fields.text("/account", 1, 64)?);
        let relation = fields.text("/relation_type", 1, 32)?;
        if !matches!(kind, "MERCHANT_ID" | "PERSONAL_OPENID") {
            let issue = "expected `MERCHANT_ID` or `PERSONAL_OPENID`";
            return Err(Refused::parameter("body", "/type", issue));
        }
        let mut receiver = serde_json::json!({
            "type": kind,
            "account": account,
            "relation_type": relation,
        });
        match fields.optional("/name", 1024)? {
            Some(name) => {
                self.decrypted("/name", name, request)?;
                if let Some(members) = receiver.as_object_mut() {
                    members.insert("name".to_owned(), name.into());
                }
            }
            None if kind == "MERCHANT_ID" => {
                return Err(Refused::parameter("body", "/name", "a merchant has a name"));
            }
            None => {}
        }
        Ok(Answer::json(StatusCode::OK, &receiver))
    }

    /// A field that was encrypted for the key that the request names.
    fn decrypted(&self, pointer: &str, field: &str, request: &Request) -> Result<String, Refused> {
        let Some(serial) = request.only_header("wechatpay-serial") else {
            let issue = "names the key that fields are encrypted for";
            return Err(Refused::parameter("header", "Wechatpay-Serial", issue));
        };
        if !self.platform.knows(serial) {
            let issue = "平台证书序列号Wechatpay-Serial错误";
            return Err(Refused::parameter("header", "Wechatpay-Serial", issue));
        }
        self.platform.decrypt(serial, field).ok_or_else(|| {
            let issue = "not encrypted for the key in Wechatpay-Serial (RSA-OAEP, SHA-1, base64)";
            Refused::parameter("body", pointer, issue)
        })
    }
}

/// A segment of a path as it is meant.
fn decoded(segment: &str) -> Result<String, Refused> {
    let literal = segment.replace('+', "%2B");
    form_decoded(&literal).ok_or_else(|| Refused::parameter("url", segment, "not percent-encoded"))
}
