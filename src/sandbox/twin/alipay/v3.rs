//! The REST interface: `ALIPAY-SHA256withRSA` over credentials, method, target and body, each line
//! ended; answers signed over time, nonce and body; errors as `code`, `message` and `links`.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use super::{
    super::{Answer, Desk, Sealing},
    Alipay,
    fields::Fields,
    refused::{Kind, Refused},
    trade::{Operation, Told},
};
use crate::sandbox::Request;

/// What stands in `Authorization`.
#[derive(Debug, PartialEq, Eq)]
struct Credentials<'a> {
    /// Everything that is signed of it.
    text: &'a str,
    app_id: Option<&'a str>,
    certificate: Option<&'a str>,
    nonce: Option<&'a str>,
    timestamp: Option<&'a str>,
    signature: &'a str,
}

impl Alipay {
    pub(super) fn serve_v3(&self, request: &Request, desk: &Desk) -> Result<Answer, Refused> {
        self.check_v3(request, desk.now())?;
        let method = request.path.strip_prefix("/v3/").map(|path| path.replace('/', "."));
        let operation = method.and_then(|method| Operation::named(&method));
        let operation = operation.filter(|operation| operation.takes(&request.method));
        let operation = operation.ok_or_else(|| {
            let why = "the twin has nothing at this path, or not for this method";
            Refused::new(Kind::NotFound, "invalid-method", "不存在的方法名", why)
        })?;
        let fields = self.content_v3(request)?;
        let notify = fields.optional("notify_url", 256)?;
        let told = self.call(operation, &fields, notify, request, desk)?;
        Ok(self.answer_v3(request, told))
    }

    /// Whether it is the application's request, now and once.
    fn check_v3(&self, request: &Request, now: Duration) -> Result<(), Refused> {
        let value = request.only_header("authorization").ok_or_else(|| {
            // As Alipay words it.
            let why = "`Authorization` is missing, came twice, or is not text";
            Refused::new(Kind::Stranger, "missing-timestamp", "缺少时间戳参数", why)
        })?;
        let credentials = Credentials::parse(value)?;
        self.app.is(credentials.app_id)?;
        self.app.names(credentials.certificate, request.only_header("alipay-root-cert-sn"))?;
        let missing = |code, message, what| Refused::new(Kind::Missing, code, message, what);
        let timestamp = credentials.timestamp.ok_or_else(|| {
            missing("missing-timestamp", "缺少时间戳参数", "there is no `timestamp`")
        })?;
        let nonce = credentials
            .nonce
            .ok_or_else(|| missing("missing-nonce", "缺少随机串参数", "there is no `nonce`"))?;
        let invalid = |code, message, why| Refused::new(Kind::Invalid, code, message, why);
        let time = milliseconds(timestamp).ok_or_else(|| {
            let why = "`timestamp` is not a number of milliseconds".to_owned();
            invalid("invalid-timestamp", TIME, why)
        })?;
        let age = now.abs_diff(time);
        if age >= WINDOW {
            let why = format!("`timestamp` is {} s away from Alipay's clock", age.as_secs());
            return Err(invalid("invalid-timestamp", TIME, why));
        }
        let text = text_to_sign(request, &credentials)?;
        self.app.signed(&text, credentials.signature, credentials.certificate)?;
        if self.app.seen.lock().enter(now, WINDOW, format!("{timestamp} {nonce}")) {
            return Ok(());
        }
        let why = "this `nonce` was used before: sign every request anew".to_owned();
        Err(invalid("invalid-nonce", "请求重放", why))
    }

    /// What is asked for.
    fn content_v3(&self, request: &Request) -> Result<Fields, Refused> {
        let wrong = |code, message, why: &str| Refused::new(Kind::Invalid, code, message, why);
        if request.body.is_empty() {
            return Fields::query(request.query.as_deref().unwrap_or_default());
        }
        let Some(kind) = request.only_header("alipay-encrypt-type") else {
            if request.is_of_type("application/json") {
                return Fields::json(&request.body);
            }
            let why = "expected application/json, or text/plain with `alipay-encrypt-type`";
            return Err(wrong("invalid-content-type", "非法的Content-Type", why));
        };
        if kind != "AES" || !request.is_of_type("text/plain") {
            let why = "expected `alipay-encrypt-type: AES` and text/plain";
            return Err(wrong("invalid-encrypt-type", "非法的加密类型", why));
        }
        let text = str::from_utf8(&request.body).ok();
        let clear = text.and_then(|text| self.content.decrypt(text)).ok_or_else(|| {
            wrong("decryption-error", "解密出错", "not encrypted with the application's key")
        })?;
        Fields::json(&clear)
    }

    fn answer_v3(&self, request: &Request, told: Told) -> Answer {
        let status = if told.waits { StatusCode::ACCEPTED } else { StatusCode::OK };
        let clear = Value::Object(told.body).to_string();
        let mut answer = if request.headers.contains_key("alipay-encrypt-type") {
            let content = self.content.encrypt(clear.as_bytes());
            let mut answer = Answer::of(status, "text/plain;charset=UTF-8", content);
            answer.put("alipay-encrypt-type", "AES");
            answer
        } else {
            Answer::of(status, MEDIA, clear)
        };
        answer.subject = told.subject;
        answer.acts = told.acts;
        answer
    }

    pub(super) fn seal_v3(
        &self,
        request: &Request,
        answer: &mut Answer,
        how: &Sealing,
        desk: &Desk,
    ) {
        let (time, nonce) = (how.now.as_millis().to_string(), desk.nonce(32));
        let mut text = format!("{time}\n{nonce}\n").into_bytes();
        text.extend_from_slice(&answer.body);
        text.push(b'\n');
        let (signature, number) = self.platform.sign(&text, how);
        answer.put("alipay-timestamp", &time);
        answer.put("alipay-nonce", &nonce);
        answer.put("alipay-signature", &signature);
        answer.put("alipay-trace-id", &desk.nonce(32).to_lowercase());
        let credentials = request.only_header("authorization").map(Credentials::parse);
        if credentials.is_some_and(|found| found.is_ok_and(|found| found.certificate.is_some())) {
            answer.put("alipay-sn", &number);
        }
    }
}

impl<'a> Credentials<'a> {
    /// Every part at most once. Parts that Alipay may come to know are signed like the others.
    fn parse(value: &'a str) -> Result<Self, Refused> {
        let wrong = |why: String| {
            let message = "非法的Authorization参数";
            Refused::new(Kind::Stranger, "invalid-authorization", message, why)
        };
        let rest = value
            .strip_prefix("ALIPAY-SHA256withRSA ")
            .ok_or_else(|| wrong("the scheme is not `ALIPAY-SHA256withRSA`".to_owned()))?;
        let (text, signature) = rest
            .split_once(",sign=")
            .ok_or_else(|| wrong("it does not end with `,sign=…`".to_owned()))?;
        let mut found =
            Self { text, app_id: None, certificate: None, nonce: None, timestamp: None, signature };
        for part in text.split(',') {
            let (name, value) = part
                .split_once('=')
                .filter(|(_, value)| !value.is_empty())
                .ok_or_else(|| wrong(format!("`{part}` is not a name with a value")))?;
            let slot = match name {
                "app_id" => &mut found.app_id,
                "app_cert_sn" => &mut found.certificate,
                "nonce" => &mut found.nonce,
                "timestamp" => &mut found.timestamp,
                _ => continue,
            };
            if slot.replace(value).is_some() {
                return Err(wrong(format!("`{name}` came twice")));
            }
        }
        Ok(found)
    }
}

/// What is signed of a request.
fn text_to_sign(request: &Request, credentials: &Credentials<'_>) -> Result<Vec<u8>, Refused> {
    let Credentials { text, .. } = credentials;
    let mut signed = format!("{text}\n{}\n{}\n", request.method, request.target).into_bytes();
    signed.extend_from_slice(&request.body);
    signed.push(b'\n');
    if request.headers.contains_key(TOKEN) {
        let token = request.only_header(TOKEN).ok_or_else(|| {
            let why = "`alipay-app-auth-token` came twice, or is not text";
            Refused::new(Kind::Invalid, "invalid-app-auth-token", "无效的应用授权令牌", why)
        })?;
        signed.extend_from_slice(token.as_bytes());
        signed.push(b'\n');
    }
    Ok(signed)
}

/// A refusal, as an answer.
pub(super) fn refusal(refused: &Refused) -> Answer {
    let status = match refused.kind {
        Kind::NotFound => StatusCode::NOT_FOUND,
        _ => StatusCode::BAD_REQUEST,
    };
    let mut answer = Answer::of(status, MEDIA, refused.v3().to_string());
    answer.subject.clone_from(&refused.subject);
    answer.signed = refused.kind != Kind::Stranger;
    answer
}

/// Alipay's own error.
pub(super) fn failure() -> Answer {
    let body = json!({ "code": "ACQ.SYSTEM_ERROR", "message": "系统异常", "links": [] });
    Answer::of(StatusCode::INTERNAL_SERVER_ERROR, MEDIA, body.to_string())
}

fn milliseconds(text: &str) -> Option<Duration> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().map(Duration::from_millis)
}

const MEDIA: &str = "application/json;charset=UTF-8";
const TOKEN: &str = "alipay-app-auth-token";
const TIME: &str = "非法的时间戳参数";
/// How old a request may be, or early.
const WINDOW: Duration = Duration::from_mins(10);
