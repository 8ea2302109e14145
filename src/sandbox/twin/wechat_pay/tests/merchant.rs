//! A merchant that signs as an SDK does, and holds answers against the keys it was given.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use rustls_pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer, pem::PemObject};

use super::*;
use crate::sandbox::{Reply, Service};

/// One set of materials for all tests: keys take a moment.
static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
    let made = WechatPay::open(&Kept::default(), START, &SystemEntropy).unwrap();
    made.files()
});

/// 2026-01-01T00:00:00Z.
pub const START: Duration = Duration::from_hours(490_896);

/// A twin and its merchant.
pub struct Bench {
    pub twin: Arc<Twin>,
    pub clock: Arc<ManualClock>,
    key: RsaKeyPair,
    serial: String,
    /// Sent as `Wechatpay-Serial`.
    pub names: Option<String>,
}

/// An answer that came whole.
pub struct Answered {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub json: Value,
}

impl Bench {
    pub fn new() -> Self {
        Self::with(Options::default())
    }

    pub fn with(options: Options) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = std::env::temp_dir().join(format!(
            "tollgate-wechat-{}-{}",
            std::process::id(),
            NUMBER.fetch_add(1, Ordering::Relaxed)
        ));
        super::super::super::write(&folder, &FILES).unwrap();
        let dialect = WechatPay::open(&Kept::of(&folder), START, &SystemEntropy).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        let serial = dialect.merchant.serial();
        let key = PrivatePkcs8KeyDer::from_pem_slice(file("apiclient_key.pem").as_bytes()).unwrap();
        let clock = Arc::new(ManualClock::at(START));
        let twin =
            Twin::new(Box::new(dialect), options, clock.clone(), Arc::new(SystemEntropy)).unwrap();
        Self {
            twin,
            clock,
            key: RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).unwrap(),
            serial,
            names: None,
        }
    }

    /// A request, signed.
    pub fn signed(&self, method: &Method, target: &str, body: &str) -> Request {
        let (now, nonce) = (self.clock.unix().as_secs(), self.twin.desk().nonce(32));
        let message = format!("{method}\n{target}\n{now}\n{nonce}\n{body}\n");
        let mut signature = vec![0; 256];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
            .unwrap();
        let authorization = format!(
            "WECHATPAY2-SHA256-RSA2048 mchid=\"1900000109\",nonce_str=\"{nonce}\",\
             timestamp=\"{now}\",serial_no=\"{}\",signature=\"{}\"",
            self.serial,
            STANDARD.encode(signature)
        );
        let mut headers = HeaderMap::new();
        let mut fields = vec![
            ("accept", "application/json"),
            ("user-agent", "test"),
            ("content-type", "application/json"),
            ("authorization", &authorization),
        ];
        fields.extend(self.names.as_deref().map(|names| ("wechatpay-serial", names)));
        for (name, value) in fields {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        Request::new(method.clone(), target, headers, Bytes::from(body.to_owned()))
    }

    pub async fn reply(&self, request: Request) -> Reply {
        self.twin.answer(request).await
    }

    pub async fn get(&self, target: &str) -> Answered {
        answered(self.reply(self.signed(&Method::GET, target, "")).await)
    }

    pub async fn post(&self, target: &str, body: &Value) -> Answered {
        answered(self.reply(self.signed(&Method::POST, target, &body.to_string())).await)
    }

    /// A native order.
    pub async fn order(&self, order: &str, amount: u64) -> Answered {
        self.post("/v3/pay/transactions/native", &native(order, amount)).await
    }

    pub async fn refund(&self, number: &str, order: &str, amount: u64, total: u64) -> Answered {
        let body = json!({
            "out_refund_no": number,
            "out_trade_no": order,
            "amount": { "refund": amount, "total": total, "currency": "CNY" },
        });
        self.post("/v3/refund/domestic/refunds", &body).await
    }

    /// Whether what the headers say is a signature of the body by a key that the twin publishes.
    pub fn is_proven(&self, headers: &HeaderMap, body: &[u8]) -> bool {
        let field = |name: &str| headers[name].to_str().unwrap();
        let serial = field("wechatpay-serial");
        let keys = self.twin.dialect().keys();
        let certificates = keys["certificates"].as_array().unwrap().iter();
        let public_keys = keys["public_keys"].as_array().unwrap().iter();
        let certified = certificates
            .filter(|key| key["serial"] == serial)
            .map(|key| Certificate::read(key["certificate"].as_str().unwrap()).unwrap().key);
        let public = public_keys.filter(|key| key["id"] == serial).map(|key| {
            let pem = key["key"].as_str().unwrap().as_bytes();
            SubjectPublicKeyInfoDer::from_pem_slice(pem).unwrap().to_vec()
        });
        let Some(key) = certified.chain(public).next() else { return false };
        let head = format!("{}\n{}\n", field("wechatpay-timestamp"), field("wechatpay-nonce"));
        let message = [head.as_bytes(), body, b"\n"].concat();
        let signature = STANDARD.decode(field("wechatpay-signature")).unwrap_or_default();
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
            .verify(&message, &signature)
            .is_ok()
    }
}

/// The body of a native order.
pub fn native(order: &str, amount: u64) -> Value {
    json!({
        "appid": "wxd678efh567hg6787",
        "mchid": "1900000109",
        "description": "tea, green",
        "out_trade_no": order,
        "notify_url": "https://merchant.example/notify",
        "amount": { "total": amount, "currency": "CNY" },
    })
}

/// A file of the materials.
pub fn file(name: &str) -> String {
    FILES.iter().find(|file| file.name == name).unwrap().text.clone()
}

pub fn answered(reply: Reply) -> Answered {
    match reply {
        Reply::Answer { status, headers, body } => {
            let json = serde_json::from_slice(&body).unwrap_or_default();
            Answered { status, headers, body, json }
        }
        other => panic!("an answer: {other:?}"),
    }
}

static NUMBER: AtomicU64 = AtomicU64::new(0);
