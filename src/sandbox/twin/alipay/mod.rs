//! Alipay's twin: the REST interface (`/v3/…`) and the gateway before it (`/gateway.do`), as their
//! documentation has them.
//!
//! Requests of v3 carry `Authorization: ALIPAY-SHA256withRSA …`, a signature of the application's over
//! those credentials, method, target and body; answers carry `alipay-signature`. Requests of v2 are
//! parameters, signed in sorted order; answers are an object named after the method, with `sign`
//! beside it. Both may be encrypted (AES), and both work with bare keys as well as with certificates:
//! who names a certificate is answered with the name of one. Notifications are signed forms.
//!
//! Orders by code (`precreate`), by buyer (`create`) and by the payer's code (`pay`), queries, refunds,
//! closing, cancelling, the trade bill and Alipay's certificates. As with Alipay itself, a precreated
//! order is not found until somebody pays it. A payer's code that ends with `0001` has no money, with
//! `0002` is no code any more, with `0003` waits for the payer; any other pays. Errors of v2 come with
//! status 200. Not here: SHA-1 signatures, GBK, expiry of orders, agreements, transfers.

mod app;
mod bill;
mod certificate;
mod cipher;
mod fields;
mod form;
mod keys;
mod materials;
mod money;
mod notice;
mod platform;
mod refused;
mod trade;
mod v2;
mod v3;
mod zip;

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use parking_lot::Mutex;
use serde_json::Value;

use super::{
    Answer, CHINA, Desk, Dialect, Envelope, Event, Fault, File, Letter, Place, Sealing, Settlement,
};
use crate::sandbox::{MakeError, Request};
use app::App;
use bill::Bills;
use cipher::ContentKey;
use platform::Platform;

/// Alipay.
pub struct Alipay {
    app: App,
    platform: Platform,
    content: ContentKey,
    materials: Mutex<materials::Materials>,
    url: Mutex<Option<String>>,
    bills: Bills,
}

impl Dialect for Alipay {
    fn name(&self) -> &'static str {
        "alipay"
    }

    fn offset(&self) -> i64 {
        CHINA
    }

    fn hosts(&self) -> &'static [&'static str] {
        &["openapi.alipay.com", "openapi-sandbox.dl.alipaydev.com"]
    }

    fn served_at(&self, url: &str) {
        *self.url.lock() = Some(url.to_owned());
    }

    fn serve(&self, request: &Request, desk: &Desk) -> Answer {
        let path = request.path.as_str();
        let answered = match path {
            v2::PATH => self.serve_v2(request, desk),
            bill::PATH => self.download(request, desk),
            _ => self.serve_v3(request, desk),
        };
        answered.unwrap_or_else(|refused| {
            desk.refuse(request, refused.code, &refused.why, refused.expected.as_deref());
            match path {
                v2::PATH => v2::refusal(request, &refused),
                bill::PATH => v3::refusal(&refused).unsigned(),
                _ => v3::refusal(&refused),
            }
        })
    }

    fn failure(&self, request: &Request) -> Answer {
        match request.path.as_str() {
            v2::PATH => v2::failure(),
            _ => v3::failure(),
        }
    }

    /// Answers of v2 carry no time.
    fn shows(&self, fault: Fault, request: Option<&Request>) -> bool {
        fault != Fault::ClockSkew || request.is_none_or(|request| request.path != v2::PATH)
    }

    fn seal(&self, request: &Request, answer: &mut Answer, how: &Sealing, desk: &Desk) {
        match request.path.as_str() {
            v2::PATH => self.seal_v2(request, answer, how),
            _ => self.seal_v3(request, answer, how, desk),
        }
    }

    fn letters(&self, event: &Event, desk: &Desk) -> Vec<Letter> {
        notice::letters(self, event, desk)
    }

    fn seal_letter(&self, letter: &Letter, how: &Sealing, _: &Desk) -> Envelope {
        notice::seal(self, letter, how)
    }

    fn acknowledged(&self, status: StatusCode, body: &[u8]) -> bool {
        status == StatusCode::OK && body == b"success"
    }

    fn ladder(&self) -> &'static [Duration] {
        LADDER
    }

    fn announce(&self, now: Duration) -> Result<(), MakeError> {
        self.platform.announce(now)
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
        self.app.keys.revoke();
    }

    fn credentials(&self) -> Value {
        self.app.keys.shown()
    }

    fn statement(&self, settlement: &Settlement) -> Bytes {
        bill::text(settlement, &self.app.seller).into()
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

/// How long Alipay waits after each attempt: seven more within twenty-five hours.
const LADDER: &[Duration] = &[
    Duration::from_mins(4),
    Duration::from_mins(10),
    Duration::from_mins(10),
    Duration::from_hours(1),
    Duration::from_hours(2),
    Duration::from_hours(6),
    Duration::from_hours(15),
];

#[cfg(test)]
mod tests;
