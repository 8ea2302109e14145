//! Whether a request comes from the merchant: its signature, its time, and that it came once.
//!
//! `WECHATPAY2-SHA256-RSA2048` (API v3, "signature generation"): RSA PKCS#1 v1.5 with SHA-256 over
//! `METHOD\nTARGET\nTIMESTAMP\nNONCE\nBODY\n`, each line ended, the target as it was sent.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::StatusCode;
use parking_lot::Mutex;
use serde_json::json;

use super::{super::Credentials, refused::Refused};
use crate::sandbox::Request;

/// The merchant as WeChat Pay knows it.
pub(super) struct Merchant {
    pub id: String,
    certificates: Credentials<MerchantCertificate>,
    seen: Mutex<Seen>,
}

/// A certificate of the merchant's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MerchantCertificate {
    /// In upper-case hexadecimal digits.
    pub serial: String,
    /// The public key, DER (`SubjectPublicKeyInfo` or PKCS#1).
    pub key: Vec<u8>,
}

/// Nonces of the last minutes.
#[derive(Default)]
struct Seen {
    nonces: HashSet<String>,
    order: VecDeque<(u64, String)>,
}

/// What stands in `Authorization`.
#[derive(Debug, PartialEq, Eq)]
struct Said<'a> {
    merchant: &'a str,
    nonce: &'a str,
    timestamp: &'a str,
    serial: &'a str,
    signature: &'a str,
}

impl Merchant {
    pub fn new(id: String, certificate: MerchantCertificate) -> Self {
        let certificates = Credentials::new(certificate.serial.clone(), certificate);
        Self { id, certificates, seen: Mutex::default() }
    }

    /// Another certificate, beside those that are good.
    pub fn renew(&self, certificate: MerchantCertificate) {
        self.certificates.renew(certificate.serial.clone(), certificate);
    }

    /// Its certificates.
    pub fn certificates(&self) -> &Credentials<MerchantCertificate> {
        &self.certificates
    }

    /// The serial number of its newest certificate.
    pub fn serial(&self) -> String {
        self.certificates.newest().map(|newest| newest.serial).unwrap_or_default()
    }

    /// Whether it is the merchant's request, at this time since the Unix epoch.
    pub fn check(&self, request: &Request, now: Duration) -> Result<(), Refused> {
        for name in ["accept", "user-agent"] {
            if !request.headers.contains_key(name) {
                let missing = "Http头缺少Accept或User-Agent";
                let why = format!("the request has no `{name}`");
                return Err(Refused::new(StatusCode::BAD_REQUEST, "PARAM_ERROR", missing, why));
            }
        }
        let value = request.only_header("authorization").ok_or_else(|| {
            Refused::sign(FORMAT, "`Authorization` is missing, came twice, or is not text")
        })?;
        let credentials = Said::parse(value)?;
        if credentials.merchant != self.id {
            let why = format!("`mchid` is {}, not {}", credentials.merchant, self.id);
            return Err(Refused::sign("商户号有误", why));
        }
        let certificate = self.certificates.seen(|one| one.serial == credentials.serial);
        let certificate = certificate.ok_or_else(|| {
            let why = format!("`serial_no` is {}, not {}", credentials.serial, self.serial());
            Refused::sign("商户证书序列号有误", why)
        })?;
        let timestamp = seconds(credentials.timestamp)
            .ok_or_else(|| Refused::sign(FORMAT, "`timestamp` is not a number of seconds"))?;
        let age = now.as_secs().abs_diff(timestamp);
        if age >= WINDOW {
            let why = format!("`timestamp` is {age} s away from WeChat Pay's clock");
            return Err(Refused::sign(
                "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟",
                why,
            ));
        }
        verify(request, &credentials, &certificate.key)?;
        let first = self.seen.lock().enter(now.as_secs(), credentials.timestamp, credentials.nonce);
        if first {
            Ok(())
        } else {
            Err(Refused::sign(
                "请求重放",
                "this `nonce_str` was used before: sign every request anew",
            ))
        }
    }
}

fn verify(request: &Request, credentials: &Said<'_>, key: &[u8]) -> Result<(), Refused> {
    let Said { timestamp, nonce, .. } = credentials;
    let head = format!("{}\n{}\n{timestamp}\n{nonce}\n", request.method, request.target);
    let mut signed = head.clone().into_bytes();
    signed.extend_from_slice(&request.body);
    signed.push(b'\n');
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key);
    let verified = STANDARD
        .decode(credentials.signature)
        .is_ok_and(|signature| key.verify(&signed, &signature).is_ok());
    if verified {
        return Ok(());
    }
    let shown = String::from_utf8_lossy(&signed).into_owned();
    // Like WeChat Pay, which shows the beginning of the body only.
    let truncated: String = shown.chars().take(head.chars().count() + SHOWN_OF_BODY).collect();
    let refused = Refused::sign(
        "错误的签名，验签失败",
        "the signature is not one of `expected` with the merchant's key",
    );
    Err(Refused {
        detail: Some(Box::new(json!({
            "field": "signature",
            "issue": "sign not match",
            "location": "authorization",
            "sign_information": {
                "method": request.method.as_str(),
                "url": request.target,
                "truncated_sign_message": truncated,
                "sign_message_length": signed.len(),
            },
        }))),
        expected: Some(shown),
        ..refused
    })
}

impl<'a> Said<'a> {
    /// The five parts in whatever order, each once, and nothing else.
    fn parse(value: &'a str) -> Result<Self, Refused> {
        let parts = value.strip_prefix("WECHATPAY2-SHA256-RSA2048 ").ok_or_else(|| {
            let why = "the scheme is not `WECHATPAY2-SHA256-RSA2048`";
            Refused::sign("Http头Authorization认证类型不正确", why)
        })?;
        let wrong = |why: String| Refused::sign(FORMAT, why);
        let mut found = [None; 5];
        for part in parts.split(',') {
            let (name, value) = part
                .trim_start()
                .split_once('=')
                .ok_or_else(|| wrong("a part of it has no `=`".to_owned()))?;
            let value = value
                .strip_prefix('"')
                .and_then(|value| value.strip_suffix('"'))
                .filter(|value| !value.is_empty() && !value.contains(['"', '\n']))
                .ok_or_else(|| wrong(format!("`{name}` is not in quotes, or empty")))?;
            let slot = PARTS.iter().position(|part| *part == name);
            let slot = slot.and_then(|slot| found.get_mut(slot));
            match slot {
                Some(slot @ None) => *slot = Some(value),
                Some(_) => return Err(wrong(format!("`{name}` came twice"))),
                None => return Err(wrong(format!("`{name}` is not a part of it"))),
            }
        }
        let [Some(merchant), Some(nonce), Some(timestamp), Some(serial), Some(signature)] = found
        else {
            return Err(wrong(format!("it needs all of {}", PARTS.join(", "))));
        };
        Ok(Self { merchant, nonce, timestamp, serial, signature })
    }
}

impl Seen {
    /// Whether this nonce is new. Nonces are forgotten when their time would refuse them anyway.
    fn enter(&mut self, now: u64, timestamp: &str, nonce: &str) -> bool {
        while self.order.len() >= NONCES
            || self.order.front().is_some_and(|(at, _)| at + 2 * WINDOW < now)
        {
            let Some((_, oldest)) = self.order.pop_front() else { break };
            self.nonces.remove(&oldest);
        }
        let key = format!("{timestamp} {nonce}");
        let new = self.nonces.insert(key.clone());
        if new {
            self.order.push_back((now, key));
        }
        new
    }
}

/// A number in plain decimal digits.
fn seconds(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

const PARTS: [&str; 5] = ["mchid", "nonce_str", "timestamp", "serial_no", "signature"];
const FORMAT: &str = "Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》";
/// Seconds that a request may be old, or early.
const WINDOW: u64 = 300;
const NONCES: usize = 100_000;
const SHOWN_OF_BODY: usize = 64;

#[cfg(test)]
mod tests;
