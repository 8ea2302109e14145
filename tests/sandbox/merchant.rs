//! A merchant of WeChat Pay's that knows nothing but the twin's folder.

use aws_lc_rs::{
    rand::{SystemRandom, fill},
    signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{Method, StatusCode, header::HeaderMap};
use rustls_pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer, pem::PemObject};
use serde_json::{Value, json};
use tollgate_api::{Clock, SystemClock};

use super::Sandbox;
use crate::support::within;

/// What is signed, to be changed by whoever tampers.
#[derive(Clone)]
pub struct Call {
    pub method: Method,
    pub target: String,
    pub timestamp: u64,
    pub nonce: String,
    pub serial: String,
    pub body: String,
    pub signature: String,
}

/// An answer that came whole.
pub struct Answered {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
    pub json: Value,
}

/// A merchant.
pub struct Merchant<'a> {
    sandbox: &'a Sandbox,
    key: RsaKeyPair,
    serial: String,
    public_key_id: String,
}

impl<'a> Merchant<'a> {
    pub fn of(sandbox: &'a Sandbox) -> Self {
        let key = sandbox.folder.read("apiclient_key.pem");
        let key = PrivatePkcs8KeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let serial = sandbox.page.split_once("(serial_no)").unwrap().1;
        Self {
            sandbox,
            key: RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).unwrap(),
            serial: serial.split_whitespace().next().unwrap().to_owned(),
            public_key_id: sandbox.folder.read("pub_key_id").trim().to_owned(),
        }
    }

    /// A call, signed.
    pub fn sign(&self, method: Method, target: &str, body: &str) -> Call {
        let mut nonce = [0; 16];
        fill(&mut nonce).unwrap();
        let nonce = tollgate::sandbox::twin::hex(&nonce);
        let timestamp = SystemClock::new().unix().as_secs();
        let message = format!("{method}\n{target}\n{timestamp}\n{nonce}\n{body}\n");
        let mut signature = vec![0; 256];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
            .unwrap();
        Call {
            method,
            target: target.to_owned(),
            timestamp,
            nonce,
            serial: self.serial.clone(),
            body: body.to_owned(),
            signature: STANDARD.encode(signature),
        }
    }

    /// Sends a call. `None` if no answer comes, or not all of it.
    pub async fn send(&self, call: &Call) -> Option<Answered> {
        let authorization = format!(
            "WECHATPAY2-SHA256-RSA2048 mchid=\"1900000109\",nonce_str=\"{}\",timestamp=\"{}\",\
             serial_no=\"{}\",signature=\"{}\"",
            call.nonce, call.timestamp, call.serial, call.signature
        );
        let request = self
            .sandbox
            .client
            .request(call.method.clone(), format!("{}{}", self.sandbox.url, call.target))
            .header("accept", "application/json")
            .header("user-agent", "tests")
            .header("content-type", "application/json")
            .header("wechatpay-serial", &self.public_key_id)
            .header("authorization", authorization)
            .body(call.body.clone());
        let answer = within("an answer of the twin", request.send()).await.ok()?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.text().await.ok()?;
        let json = serde_json::from_str(&body).unwrap_or_default();
        Some(Answered { status, headers, body, json })
    }

    pub async fn get(&self, target: &str) -> Option<Answered> {
        self.send(&self.sign(Method::GET, target, "")).await
    }

    pub async fn post(&self, target: &str, body: &Value) -> Option<Answered> {
        self.send(&self.sign(Method::POST, target, &body.to_string())).await
    }

    /// A native order of five yuan.
    pub async fn order(&self, order: &str, notify: &str) -> Option<Answered> {
        let body = json!({
            "appid": "wxd678efh567hg6787",
            "mchid": "1900000109",
            "description": "tea",
            "out_trade_no": order,
            "notify_url": notify,
            "amount": { "total": 500 },
        });
        self.post("/v3/pay/transactions/native", &body).await
    }

    /// Whether these header fields are a signature of the body by WeChat Pay's public key.
    pub fn is_proven(&self, field: impl Fn(&str) -> String, body: &str) -> bool {
        if field("wechatpay-serial") != self.public_key_id {
            return false;
        }
        let pem = self.sandbox.folder.read("pub_key.pem");
        let key = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()).unwrap();
        let (timestamp, nonce) = (field("wechatpay-timestamp"), field("wechatpay-nonce"));
        let message = format!("{timestamp}\n{nonce}\n{body}\n");
        let signature = STANDARD.decode(field("wechatpay-signature")).unwrap_or_default();
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.to_vec())
            .verify(message.as_bytes(), &signature)
            .is_ok()
    }
}

impl Answered {
    /// The value of a header field.
    pub fn field(&self, name: &str) -> String {
        self.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }
}
