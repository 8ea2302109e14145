//! The gateway: parameters of query and form together, signed in sorted order; answers as an object
//! named after the method, signed over exactly its bytes.
//!
//! Of an encrypted answer that object is a text, and its quotes are signed with it, as Alipay's SDK
//! for Java reads it. Whatever happens, the status is 200.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::{
    super::{Answer, CHINA, Desk, Moment, Sealing},
    Alipay,
    fields::Fields,
    form::Parameters,
    refused::{Kind, Refused},
    trade::{Operation, Told},
};
use crate::sandbox::Request;

impl Alipay {
    /// The answer is what is signed of it; the rest comes with the signature.
    pub(super) fn serve_v2(&self, request: &Request, desk: &Desk) -> Result<Answer, Refused> {
        let parameters = Parameters::of(request)
            .map_err(|why| Refused::new(Kind::Stranger, "invalid-parameter", "参数有误", why))?;
        if request.method != http::Method::POST {
            let why = "expected POST";
            return Err(Refused::new(Kind::Stranger, "invalid-http-method", "非法的请求方法", why));
        }
        let operation = self.check_v2(&parameters, desk.now())?;
        let encrypted = parameters.get("encrypt_type").is_some();
        let fields = match parameters.get("biz_content") {
            None if encrypted => Err(not_decrypted()),
            None => Ok(Fields::default()),
            Some(content) if encrypted => {
                let clear = self.content.decrypt(content).ok_or_else(not_decrypted)?;
                Fields::json(&clear)
            }
            Some(content) => Fields::json(content.as_bytes()),
        }?;
        let told = self.call(operation, &fields, parameters.get("notify_url"), request, desk)?;
        let Told { body, subject, acts, waits } = told;
        let (code, word) =
            if waits { ("10003", "order success pay inprocess") } else { ("10000", "Success") };
        let mut object = json!({ "code": code, "msg": word });
        if let Some(members) = object.as_object_mut() {
            members.extend(body);
        }
        let mut clear = object.to_string();
        if encrypted {
            clear = Value::from(self.content.encrypt(clear.as_bytes())).to_string();
        }
        Ok(Answer { subject, acts, ..content(clear) })
    }

    /// Whether it is the application's request, and for what.
    fn check_v2(&self, parameters: &Parameters, now: Duration) -> Result<Operation, Refused> {
        self.app.is(parameters.get("app_id"))?;
        let must = |name: &str, code, message| {
            let missing =
                || Refused::new(Kind::Missing, code, message, format!("there is no `{name}`"));
            parameters.get(name).ok_or_else(missing)
        };
        let wrong = |code, message, why: &str| {
            Err(Refused::new(Kind::Invalid, code, message, why.to_owned()))
        };
        let method = must("method", "missing-method", "缺少方法名参数")?;
        let Some(operation) = Operation::named(method) else {
            return wrong("invalid-method", "不存在的方法名", "the twin has no such method");
        };
        if !must("charset", "missing-charset", "缺少字符集参数")?.eq_ignore_ascii_case("utf-8")
        {
            return wrong("invalid-charset", "字符集错误", "the twin reads `utf-8` alone");
        }
        if parameters.get("format").is_some_and(|format| !format.eq_ignore_ascii_case("json")) {
            return wrong("invalid-format", "无效的数据格式", "expected `JSON`");
        }
        if must("sign_type", "missing-signature-type", "缺少签名类型参数")? != "RSA2" {
            let why = "expected `RSA2`: SHA-1 and other types are no proof to the twin";
            return wrong("invalid-signature-type", "无效的签名类型", why);
        }
        if parameters.get("encrypt_type").is_some_and(|kind| kind != "AES") {
            return wrong("invalid-encrypt-type", "无效的加密类型", "expected `AES`");
        }
        must("version", "missing-version", "缺少版本参数")?;
        let signature = must("sign", "missing-signature", "缺少签名参数")?;
        let timestamp = must("timestamp", "missing-timestamp", "缺少时间戳参数")?;
        let time = "非法的时间戳参数";
        match time_of(timestamp) {
            None => return wrong("invalid-timestamp", time, "expected `2026-11-24 20:32:34`"),
            Some(at) if at.abs_diff(now) >= WINDOW => {
                let why = "`timestamp` (UTC+8) is half an hour or more away from Alipay's clock";
                return wrong("invalid-timestamp", time, why);
            }
            Some(_) => {}
        }
        self.app.names(parameters.get("app_cert_sn"), parameters.get("alipay_root_cert_sn"))?;
        let text = parameters.text_to_sign(&["sign"]);
        self.app.signed(text.as_bytes(), signature, parameters.get("app_cert_sn"))?;
        Ok(operation)
    }

    pub(super) fn seal_v2(&self, request: &Request, answer: &mut Answer, how: &Sealing) {
        let (signature, number) = self.platform.sign(&answer.body, how);
        let mut beside = vec![("sign", signature)];
        if Parameters::of(request).is_ok_and(|all| all.get("app_cert_sn").is_some()) {
            beside.insert(0, ("alipay_cert_sn", number));
        }
        answer.body = whole(&key(request), &answer.body, &beside);
    }
}

/// A refusal, as an answer: what is signed of it, or all of it if nobody knows who asks.
pub(super) fn refusal(request: &Request, refused: &Refused) -> Answer {
    let mut answer = content(refused.v2().to_string());
    answer.subject.clone_from(&refused.subject);
    if refused.kind == Kind::Stranger {
        answer.body = whole(&key(request), &answer.body, &[]);
        answer.signed = false;
    }
    answer
}

/// Alipay's own error: what happened is not known.
pub(super) fn failure() -> Answer {
    let body = json!({
        "code": "20000",
        "msg": "Service Currently Unavailable",
        "sub_code": "isp.unknow-error",
        "sub_msg": "系统繁忙",
    });
    content(body.to_string())
}

fn not_decrypted() -> Refused {
    let why = "`biz_content` is not encrypted with the application's key";
    Refused::new(Kind::Invalid, "decryption-error", "解密出错", why)
}

fn content(text: String) -> Answer {
    Answer::of(StatusCode::OK, "text/html;charset=utf-8", text)
}

/// What the object is called.
fn key(request: &Request) -> String {
    let parameters = Parameters::of(request).unwrap_or_default();
    match parameters.get("method").filter(|method| Operation::named(method).is_some()) {
        Some(method) => format!("{}_response", method.replace('.', "_")),
        None => "error_response".to_owned(),
    }
}

/// The whole body: the object as it was signed, and what stands beside it.
fn whole(key: &str, object: &[u8], beside: &[(&str, String)]) -> Bytes {
    let mut body = format!("{{\"{key}\":").into_bytes();
    body.extend_from_slice(object);
    for (name, value) in beside {
        body.extend_from_slice(format!(",\"{name}\":{}", Value::from(value.as_str())).as_bytes());
    }
    body.push(b'}');
    body.into()
}

/// The time since the Unix epoch of `2026-11-24 20:32:34` in China.
fn time_of(text: &str) -> Option<Duration> {
    let shape = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        10 => byte == b' ',
        13 | 16 => byte == b':',
        _ => byte.is_ascii_digit(),
    };
    if text.len() != 19 || !text.bytes().enumerate().all(shape) {
        return None;
    }
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let second = part(11, 13)? * 3_600 + part(14, 16)? * 60 + part(17, 19)?;
    // Days are counted in years that begin in March, so that a leap day is the last of its year.
    let (year, month) =
        if month > 2 { (year, month - 3) } else { (year.checked_sub(1)?, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day;
    let seconds = (days.checked_sub(EPOCH + 1)? * 86_400 + second).checked_add_signed(-CHINA)?;
    let time = Duration::from_secs(seconds);
    // What there is on no calendar is written otherwise than it was read.
    (Moment::of(time, CHINA).plain() == text).then_some(time)
}

/// Where the gateway is.
pub(super) const PATH: &str = "/gateway.do";
/// Days from 1 March of the year 0 to 1 January 1970.
const EPOCH: u64 = 719_468;
/// How old a request may be, or early.
const WINDOW: Duration = Duration::from_mins(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_if_there_is_such_a_time() {
        for (text, expected) in [
            ("2026-01-01 08:00:00", Some(1_767_225_600)),
            ("2024-02-29 00:00:00", Some(1_709_136_000)),
            ("1970-01-01 08:00:00", Some(0)),
            ("2026-02-29 00:00:00", None),
            ("0000-03-00 00:00:00", None),
            ("2026-01-00 00:00:00", None),
            ("2026-13-01 00:00:00", None),
            ("2026-01-01 24:00:00", None),
            ("2026-01-01T08:00:00", None),
            ("1970-01-01 07:59:59", None),
            ("2026-1-1 8:0:0", None),
            ("", None),
        ] {
            assert_eq!(time_of(text), expected.map(Duration::from_secs), "`{text}`");
        }
    }
}
