//! An application that signs as an SDK does, and holds answers against the keys it was given.

use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicU64, Ordering},
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue};
use reqwest::Url;
use rustls_pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer, pem::PemObject};
use tollgate_api::{Clock, ManualClock, SystemEntropy};

use super::*;
use crate::sandbox::{Reply, Service, twin::Twin};

/// One set of materials for all tests: keys take a moment.
static FILES: LazyLock<Vec<File>> =
    LazyLock::new(|| Alipay::open(&Kept::default(), START, &SystemEntropy).unwrap().files());

/// 2026-01-01T00:00:00Z.
pub const START: Duration = Duration::from_hours(490_896);
pub const NOTIFY: &str = "https://merchant.example/n?a=1&b=2";

/// In which of Alipay's protocols an application speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    V2,
    V3,
}

/// A twin and its application.
pub struct Bench {
    pub twin: Arc<Twin>,
    pub clock: Arc<ManualClock>,
    key: RsaKeyPair,
    /// `app_cert_sn` and `alipay_root_cert_sn`, in certificate mode.
    pub certificates: Option<(String, String)>,
    /// Whether contents are encrypted.
    pub encrypts: bool,
}

/// An answer that came whole.
pub struct Answered {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The content: of v2 the object, of v3 the body, decrypted if it is encrypted.
    pub json: Value,
}

impl Bench {
    pub fn new() -> Self {
        Self::with(Options::default())
    }

    pub fn with(options: Options) -> Self {
        Self::from(options, &FILES)
    }

    /// With these files in the folder of the twin.
    pub fn from(options: Options, files: &[File]) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = std::env::temp_dir().join(format!(
            "tollgate-alipay-{}-{}",
            std::process::id(),
            NUMBER.fetch_add(1, Ordering::Relaxed)
        ));
        super::super::super::write(&folder, files).unwrap();
        let dialect = Alipay::open(&Kept::of(&folder), START, &SystemEntropy).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        let key = PrivatePkcs8KeyDer::from_pem_slice(file("app_private_key.pem").as_bytes());
        let clock = Arc::new(ManualClock::at(START));
        let twin = Twin::new(Box::new(dialect), options, clock.clone(), Arc::new(SystemEntropy));
        Self {
            twin: twin.unwrap(),
            clock,
            key: RsaKeyPair::from_pkcs8(key.unwrap().secret_pkcs8_der()).unwrap(),
            certificates: None,
            encrypts: false,
        }
    }

    /// In certificate mode.
    pub fn certified(mut self) -> Self {
        let facts = self.twin.dialect().facts();
        let fact =
            |part: &str| facts.iter().find(|(name, _)| name.contains(part)).unwrap().1.clone();
        self.certificates = Some((fact("app_cert_sn"), fact("alipay_root_cert_sn")));
        self
    }

    pub fn sign(&self, text: &[u8]) -> String {
        let mut signature = vec![0; 256];
        self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature).unwrap();
        STANDARD.encode(signature)
    }

    /// A request of v3, signed.
    pub fn v3(&self, method: &Method, target: &str, body: &str) -> Request {
        let time = self.clock.unix().as_millis();
        let number = self.certificates.as_ref();
        let number = number.map_or_else(String::new, |(app, _)| format!(",app_cert_sn={app}"));
        let nonce = self.twin.desk().nonce(32);
        let text = format!("app_id={APP}{number},nonce={nonce},timestamp={time}");
        let encrypts = self.encrypts && !body.is_empty();
        let body = if encrypts { content_key().encrypt(body.as_bytes()) } else { body.to_owned() };
        let signature = self.sign(format!("{text}\n{method}\n{target}\n{body}\n").as_bytes());
        let authorization = format!("ALIPAY-SHA256withRSA {text},sign={signature}");
        let mut headers = HeaderMap::new();
        let media = if encrypts { "text/plain" } else { "application/json" };
        let mut fields = vec![("content-type", media), ("authorization", &authorization)];
        if encrypts {
            fields.extend([("alipay-encrypt-type", "AES"), ("alipay-encryption-algm", "AES")]);
        }
        fields.extend(
            self.certificates.as_ref().map(|(_, root)| ("alipay-root-cert-sn", root.as_str())),
        );
        for (name, value) in fields {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        Request::new(method.clone(), target, headers, Bytes::from(body))
    }

    /// The parameters of a request of v2, without `sign`.
    pub fn parameters(&self, method: &str, content: &Value) -> Vec<(String, String)> {
        let time = super::super::super::Moment::of(self.clock.unix(), CHINA).plain();
        let mut parameters: Vec<(String, String)> = [
            ("app_id", APP),
            ("method", method),
            ("charset", "utf-8"),
            ("sign_type", "RSA2"),
            ("timestamp", &time),
            ("version", "1.0"),
            ("notify_url", NOTIFY),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let mut add = |name: &str, value: String| parameters.push((name.to_owned(), value));
        if let Some((app, root)) = &self.certificates {
            add("app_cert_sn", app.clone());
            add("alipay_root_cert_sn", root.clone());
        }
        if self.encrypts {
            add("encrypt_type", "AES".to_owned());
            add("biz_content", content_key().encrypt(content.to_string().as_bytes()));
        } else {
            add("biz_content", content.to_string());
        }
        parameters
    }

    /// These parameters as a request, with this signature or a good one.
    pub fn v2(&self, parameters: &[(String, String)], signature: Option<&str>) -> Request {
        let mut sorted: Vec<String> =
            parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        sorted.sort();
        let made = self.sign(sorted.join("&").as_bytes());
        let mut url = Url::parse("http://twin/gateway.do").unwrap();
        let mut form = Url::parse("http://twin/").unwrap();
        for (name, value) in parameters {
            let to = if name == "biz_content" { &mut form } else { &mut url };
            to.query_pairs_mut().append_pair(name, value);
        }
        url.query_pairs_mut().append_pair("sign", signature.unwrap_or(&made));
        let target = format!("/gateway.do?{}", url.query().unwrap());
        let mut headers = HeaderMap::new();
        let media = "application/x-www-form-urlencoded;charset=utf-8";
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(media));
        let body = Bytes::from(form.query().unwrap_or_default().to_owned());
        Request::new(Method::POST, &target, headers, body)
    }

    pub async fn reply(&self, request: Request) -> Reply {
        self.twin.answer(request).await
    }

    /// A call of the same meaning in either protocol.
    pub async fn call(&self, protocol: Protocol, method: &str, content: &Value) -> Answered {
        let request = match protocol {
            Protocol::V2 => self.v2(&self.parameters(method, content), None),
            Protocol::V3 => {
                let mut content = content.clone();
                content["notify_url"] = NOTIFY.into();
                let target = format!("/v3/{}", method.replace('.', "/"));
                self.v3(&Method::POST, &target, &content.to_string())
            }
        };
        answered(self.reply(request).await)
    }

    /// An order that a buyer has yet to pay.
    pub async fn order(&self, order: &str, amount: &str) -> Answered {
        let content = creation(order, amount);
        self.call(Protocol::V3, "alipay.trade.create", &content).await
    }

    /// Whether the answer carries a signature of Alipay's key that fits it, in its protocol.
    pub fn is_proven(&self, answer: &Answered) -> bool {
        let field = |name: &str| answer.headers.get(name)?.to_str().ok();
        if let (Some(time), Some(nonce), Some(signature)) =
            (field("alipay-timestamp"), field("alipay-nonce"), field("alipay-signature"))
        {
            let head = format!("{time}\n{nonce}\n");
            return self.fits(&[head.as_bytes(), &answer.body, b"\n"].concat(), signature);
        }
        let Ok(text) = str::from_utf8(&answer.body) else { return false };
        let whole: Value = serde_json::from_str(text).unwrap_or_default();
        let Some(signature) = whole["sign"].as_str() else { return false };
        let begin = text.find("response\":").unwrap() + "response\":".len();
        let end = text.find(",\"alipay_cert_sn\"").or(text.find(",\"sign\"")).unwrap();
        self.fits(&text.as_bytes()[begin..end], signature)
    }

    /// Whether it is a signature of the text by a key that the twin publishes.
    pub fn fits(&self, text: &[u8], signature: &str) -> bool {
        let keys = self.twin.dialect().keys();
        let signature = STANDARD.decode(signature).unwrap_or_default();
        keys["keys"].as_array().unwrap().iter().any(|key| {
            let pem = key["public_key"].as_str().unwrap().as_bytes();
            let key = SubjectPublicKeyInfoDer::from_pem_slice(pem).unwrap().to_vec();
            UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
                .verify(text, &signature)
                .is_ok()
        })
    }
}

impl Answered {
    /// What v2 calls `sub_code` and v3 `code`, without what only v2 puts before it.
    pub fn code(&self) -> &str {
        let code = self.json["sub_code"].as_str().or(self.json["code"].as_str());
        let code = code.unwrap_or_default();
        code.strip_prefix("isv.").unwrap_or(code)
    }
}

pub fn creation(order: &str, amount: &str) -> Value {
    json!({
        "out_trade_no": order,
        "total_amount": amount,
        "subject": "大乐透 & 50% \"off\"",
        "passback_params": "a%3D1",
        "buyer_id": "2088102146225135",
    })
}

/// A file of the materials.
pub fn file(name: &str) -> String {
    FILES.iter().find(|file| file.name == name).unwrap().text.clone()
}

pub fn content_key() -> ContentKey {
    ContentKey::read(&file("encrypt_key")).unwrap()
}

pub fn answered(reply: Reply) -> Answered {
    let Reply::Answer { status, headers, body } = reply else { panic!("an answer: {reply:?}") };
    let text = str::from_utf8(&body).unwrap_or_default();
    let json: Value = serde_json::from_str(text).unwrap_or_default();
    let inner = json.as_object().and_then(|members| {
        members.iter().find(|(name, _)| name.ends_with("_response")).map(|(_, value)| value.clone())
    });
    let json = match inner {
        Some(Value::String(sealed)) => opened(&sealed),
        Some(inner) => inner,
        None if json.is_null() && !text.is_empty() => opened(text),
        None => json,
    };
    Answered { status, headers, body, json }
}

fn opened(sealed: &str) -> Value {
    let clear = content_key().decrypt(sealed).unwrap_or_default();
    serde_json::from_slice(&clear).unwrap_or_default()
}

pub const APP: &str = "2021001122334455";
static NUMBER: AtomicU64 = AtomicU64::new(0);
