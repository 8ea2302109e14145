//! WeChat Pay's twin: API v3 of a direct merchant, as its documentation has it.
//!
//! Requests carry `Authorization: WECHATPAY2-SHA256-RSA2048 …`, a signature of the merchant's over
//! method, target, time, nonce and body; answers and notifications carry `Wechatpay-Signature` and
//! name the key in `Wechatpay-Serial`: a platform certificate, or a public key (`PUB_KEY_ID_…`) where
//! the request named one. Notifications and certificates are encrypted with the `APIv3` key
//! (`AEAD_AES_256_GCM`), personal data in requests with a platform key (OAEP, SHA-1).
//!
//! Native, JSAPI, app and H5 orders, queries, closing, refunds, the trade bill, certificates, and
//! receivers of shared profits (because their names are encrypted). Not here: the ShangMi variant,
//! partners' and combined orders, expiry of orders.

mod bill;
mod certificate;
mod check;
mod cipher;
mod fields;
mod keys;
mod materials;
mod notice;
mod orders;
mod platform;
mod refunds;
mod refused;
mod route;

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use bytes::Bytes;
use http::StatusCode;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::{
    Answer, CHINA, Desk, Dialect, Envelope, Event, File, Letter, Place, Sealing, Settlement,
};
use crate::sandbox::{MakeError, Request};
use bill::BillType;
use check::Merchant;
use materials::MerchantTexts;
use platform::Platform;
use refused::Refused;

/// WeChat Pay.
pub struct WechatPay {
    merchant: Merchant,
    platform: Platform,
    merchant_texts: Mutex<MerchantTexts>,
    api_v3_key: String,
    url: Mutex<Option<String>>,
    /// Tokens of bills that were asked for, the oldest first.
    bills: Mutex<VecDeque<(String, String, BillType)>>,
    requests: AtomicU64,
}

impl Dialect for WechatPay {
    fn name(&self) -> &'static str {
        "wechat_pay"
    }

    fn offset(&self) -> i64 {
        CHINA
    }

    fn hosts(&self) -> &'static [&'static str] {
        &["api.mch.weixin.qq.com", "api2.mch.weixin.qq.com"]
    }

    fn served_at(&self, url: &str) {
        *self.url.lock() = Some(url.to_owned());
    }

    fn serve(&self, request: &Request, desk: &Desk) -> Answer {
        let answered =
            self.merchant.check(request, desk.now()).and_then(|()| self.route(request, desk));
        answered.unwrap_or_else(|refused| {
            let Refused { code, why, expected, .. } = &refused;
            desk.refuse(request, code, why, expected.as_deref());
            refused.answer()
        })
    }

    fn failure(&self, _: &Request) -> Answer {
        Answer::json(
            StatusCode::INTERNAL_SERVER_ERROR,
            &json!({ "code": "SYSTEM_ERROR", "message": "系统异常，请稍后重试" }),
        )
    }

    fn seal(&self, request: &Request, answer: &mut Answer, how: &Sealing, desk: &Desk) {
        let named = request.only_header("wechatpay-serial");
        let fields = self.platform.sign(named, &answer.body, how, &desk.nonce(32));
        for (name, value) in fields {
            answer.put(name, &value);
        }
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        answer.put("request-id", &format!("{}{number:08X}", desk.nonce(16).to_uppercase()));
    }

    fn letters(&self, event: &Event, desk: &Desk) -> Vec<Letter> {
        notice::letters(self, event, desk)
    }

    fn seal_letter(&self, letter: &Letter, how: &Sealing, desk: &Desk) -> Envelope {
        let named = letter.key.as_deref();
        let mut headers = http::HeaderMap::new();
        super::put(&mut headers, "content-type", "application/json");
        for (name, value) in self.platform.sign(named, &letter.body, how, &desk.nonce(32)) {
            super::put(&mut headers, name, &value);
        }
        Envelope { headers, body: letter.body.clone() }
    }

    fn acknowledged(&self, status: StatusCode, _: &[u8]) -> bool {
        matches!(status, StatusCode::OK | StatusCode::NO_CONTENT)
    }

    fn ladder(&self) -> &'static [Duration] {
        LADDER
    }

    fn rotate(&self, now: Duration) -> Result<(), MakeError> {
        self.platform.rotate(now)
    }

    fn retire(&self) {
        self.platform.retire();
    }

    fn keys(&self) -> Value {
        self.platform.shown()
    }

    fn renew(&self, now: Duration) -> Result<(), MakeError> {
        materials::renew(self, now)
    }

    fn revoke(&self) {
        self.merchant.certificates().revoke();
    }

    fn credentials(&self) -> Value {
        self.merchant.certificates().shown()
    }

    fn statement(&self, settlement: &Settlement) -> Bytes {
        bill::text(settlement, BillType::All, &self.merchant.id)
    }

    fn files(&self) -> Vec<File> {
        materials::files(self)
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        materials::facts(self)
    }

    fn upstream(&self, at: &Place<'_>) -> String {
        materials::upstream(self, at)
    }
}

/// How long WeChat Pay waits after each attempt: fifteen more within a day.
const LADDER: &[Duration] = &[
    Duration::from_secs(15),
    Duration::from_secs(15),
    Duration::from_secs(30),
    Duration::from_mins(3),
    Duration::from_mins(10),
    Duration::from_mins(20),
    Duration::from_mins(30),
    Duration::from_mins(30),
    Duration::from_mins(30),
    Duration::from_hours(1),
    Duration::from_hours(3),
    Duration::from_hours(3),
    Duration::from_hours(3),
    Duration::from_hours(6),
    Duration::from_hours(6),
];

#[cfg(test)]
mod tests;
