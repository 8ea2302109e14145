//! A bench with the keys of the vectors, and WeChat Pay's side of a message, made by hand.

use std::{
    env, fs,
    path::PathBuf,
    sync::{Arc, LazyLock},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tollgate_api::{
    Answer, Body, Clock as _, Entropy, Exchange, FetchError, Fetched, Origin, Plugin,
    testing::{self, Bench, FakeCaller, NOW},
};
use tollgate_crypto::{AesGcmKey, Algorithm, PrivateKey, SigningKey, base64_encode};

use crate::wechat_pay::WechatPay;

/// The vectors of the project.
pub static VECTORS: LazyLock<Value> = LazyLock::new(|| generated("wechatpay.json"));

pub const FIRST_CERTIFICATE: &str = include_str!("materials/first.pem");
pub const SECOND_CERTIFICATE: &str = include_str!("materials/second.pem");
pub const ATTACKER_CERTIFICATE: &str = include_str!("materials/attacker.pem");
pub const FIRST_SERIAL: &str = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1";
pub const SECOND_SERIAL: &str = "1DDE55AD98ED71D6EDD4A4A16996DE7B47773A8C";
pub const ATTACKER_SERIAL: &str = "66666666FDC096DE15EBE81A47057A7232F1B8E1";
pub const PUBLIC_KEY_ID: &str = "PUB_KEY_ID_0119000001092025010100382700009999";
pub const MERCHANT: &str = "1900000109";

/// The key of the vectors, which the first certificate has too.
pub static PLATFORM: LazyLock<SigningKey> =
    LazyLock::new(|| signing_key(text(&VECTORS["platform_private_key_pem"])));
pub static SECOND: LazyLock<SigningKey> =
    LazyLock::new(|| signing_key(include_str!("materials/second.key")));
pub static ATTACKER: LazyLock<SigningKey> =
    LazyLock::new(|| signing_key(include_str!("materials/attacker.key")));

pub fn generated(name: &str) -> Value {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/generated");
    serde_json::from_slice(&fs::read(root.join(name)).unwrap()).unwrap()
}

/// Other people's vectors, read where they are. Absent, the test says so and is skipped, except in CI.
pub fn foreign(name: &str) -> Option<Value> {
    let root = env::var_os("TOLLGATE_VECTORS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors")),
        PathBuf::from,
    );
    let path = root.join(name);
    if let Ok(text) = fs::read(&path) {
        return Some(serde_json::from_slice(&text).unwrap());
    }
    assert!(env::var_os("CI").is_none(), "vectors are required in CI: {}", path.display());
    eprintln!("SKIPPED: no vectors at {}; set TOLLGATE_VECTORS", path.display());
    None
}

pub fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

fn signing_key(pem: &str) -> SigningKey {
    SigningKey::new(PrivateKey::from_pem(pem).unwrap(), Algorithm::Rs256, None).unwrap()
}

/// Settings with one public key, as `example.yaml` has them.
pub fn settings() -> Value {
    json!({
        "merchant_id": MERCHANT,
        "certificate_serial": VECTORS["merchant_serial"],
        "private_key": { "file": "secrets/apiclient_key.pem" },
        "api_v3_key": { "env": "WECHAT_API_V3_KEY" },
        "platform_keys": { "public_keys": [{ "id": PUBLIC_KEY_ID, "key": "keys/wechat_pay.pem" }] },
    })
}

/// The same with other members.
pub fn settings_with(changes: &Value) -> Value {
    let mut settings = settings();
    for (name, value) in changes.as_object().unwrap() {
        settings[name] = value.clone();
    }
    settings
}

/// A bench with everything that settings may refer to.
pub fn furnished(mut bench: Bench) -> Bench {
    let sources = &mut bench.sources;
    let merchant = text(&VECTORS["merchant_private_key_pem"]).to_owned();
    sources.put_file("secrets/apiclient_key.pem", merchant);
    sources.put_variable("WECHAT_API_V3_KEY", text(&VECTORS["api_v3_key"]).to_owned());
    let public = text(&VECTORS["platform_public_key_pem"]).to_owned();
    sources.put_file("keys/wechat_pay.pem", public);
    for (name, content) in [
        ("keys/first.pem", FIRST_CERTIFICATE),
        ("keys/second.pem", SECOND_CERTIFICATE),
        ("keys/attacker.pem", ATTACKER_CERTIFICATE),
    ] {
        sources.put_file(name, content);
    }
    bench
}

/// A bench for an upstream.
pub fn upstream() -> Bench {
    furnished(Bench::upstream())
}

/// A bench for a route.
pub fn route() -> Bench {
    furnished(Bench::new())
}

/// The plugin on a bench, with other members in its settings.
pub fn plugin(bench: &mut Bench, changes: &Value) -> Arc<dyn Plugin> {
    bench.plugin::<WechatPay>(settings_with(changes))
}

/// Who signs a message, and when.
#[derive(Clone)]
pub struct Signer<'a> {
    pub key: &'a SigningKey,
    pub serial: &'a str,
    pub time: u64,
    pub nonce: &'a str,
}

/// WeChat Pay with its public key, at the bench's time.
pub fn wechat_pay() -> Signer<'static> {
    Signer { key: &PLATFORM, serial: PUBLIC_KEY_ID, time: NOW, nonce: "n-1" }
}

impl Signer<'_> {
    /// The header fields of a message with this body, written by hand.
    pub fn headers(&self, body: &[u8]) -> HeaderMap {
        let mut message = format!("{}\n{}\n", self.time, self.nonce).into_bytes();
        message.extend_from_slice(body);
        message.push(b'\n');
        let signature = base64_encode(&self.key.sign(&message).unwrap());
        testing::header_map(&[
            ("content-type", "application/json"),
            ("request-id", "R-1"),
            ("wechatpay-timestamp", &self.time.to_string()),
            ("wechatpay-nonce", self.nonce),
            ("wechatpay-signature", &signature),
            ("wechatpay-serial", self.serial),
            ("wechatpay-signature-type", "WECHATPAY2-SHA256-RSA2048"),
        ])
    }

    /// An answer of this status with this body.
    pub fn answer(&self, status: u16, body: impl Into<Bytes>) -> Answer {
        let body = body.into();
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: self.headers(&body),
            body: if body.is_empty() { Body::Empty } else { Body::Held(body) },
            origin: Origin::Provider,
        }
    }

    /// A notification with this body.
    pub fn notification(&self, body: impl Into<Bytes>) -> Exchange {
        let body = body.into();
        let mut exchange = testing::exchange_with_body(body.clone());
        exchange.request.headers = self.headers(&body);
        exchange
    }

    /// What a download of certificates is answered with.
    pub fn fetched(&self, status: u16, body: impl Into<Bytes>) -> Fetched {
        let body = body.into();
        let status = StatusCode::from_u16(status).unwrap();
        Fetched { status, headers: self.headers(&body), body }
    }
}

/// A resource encrypted under this key, as WeChat Pay writes it.
pub fn sealed(key: &[u8], associated: &str, plain: &str) -> Value {
    let nonce = b"0123456789ab";
    let key = AesGcmKey::new(key).unwrap();
    let ciphertext = key.seal(nonce, associated.as_bytes(), plain.as_bytes()).unwrap();
    json!({
        "algorithm": "AEAD_AES_256_GCM",
        "nonce": "0123456789ab",
        "associated_data": associated,
        "ciphertext": base64_encode(&ciphertext),
    })
}

/// A notification's body with this resource, encrypted.
pub fn notification_of(id: &str, resource: &str) -> String {
    let mut sealed = sealed(text(&VECTORS["api_v3_key"]).as_bytes(), "transaction", resource);
    sealed["original_type"] = "transaction".into();
    json!({
        "id": id,
        "create_time": "2026-01-01T08:00:00+08:00",
        "resource_type": "encrypt-resource",
        "event_type": "TRANSACTION.SUCCESS",
        "summary": "支付成功",
        "resource": sealed,
    })
    .to_string()
}

/// The body of `GET /v3/certificates` with these certificates, encrypted under this key.
pub fn certificates(key: &[u8], list: &[(&str, &str)]) -> String {
    let entry = |(serial, pem): &(&str, &str)| {
        json!({
            "serial_no": serial,
            "effective_time": "2021-01-10T08:00:00+08:00",
            "expire_time": "2026-01-10T08:00:00+08:00",
            "encrypt_certificate": sealed(key, "certificate", pem),
        })
    };
    json!({ "data": list.iter().map(entry).collect::<Vec<_>>() }).to_string()
}

/// The key that resources are encrypted under.
pub fn api_v3_key() -> &'static [u8] {
    text(&VECTORS["api_v3_key"]).as_bytes()
}

/// From now on WeChat Pay answers downloads like this.
pub fn serves(
    bench: &Bench,
    answer: impl Fn() -> Result<Fetched, FetchError> + Send + Sync + 'static,
) -> Arc<FakeCaller> {
    bench.callers.upstream("own", move |_| answer())
}

/// Entropy that yields exactly this nonce, over and over.
pub struct Scripted(pub String);

impl Entropy for Scripted {
    fn fill(&self, buffer: &mut [u8]) {
        let alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let characters = self.0.chars().cycle();
        for (byte, character) in buffer.iter_mut().zip(characters) {
            *byte = u8::try_from(alphabet.find(character).unwrap()).unwrap();
        }
    }
}

/// The clock moved to this time since the epoch.
pub fn at(bench: &Bench, seconds: u64) {
    let now = bench.clock.unix();
    bench.clock.advance(Duration::from_secs(seconds).checked_sub(now).unwrap());
}

/// What somebody does to a signed message.
pub type Change = fn(&mut HeaderMap, &mut Body);

/// Every kind of byte that counts, changed, and the code of the refusal on a route. On an upstream it
/// is the same after `upstream_`.
pub fn tampered() -> Vec<(&'static str, Change, &'static str)> {
    fn set(headers: &mut HeaderMap, name: &'static str, value: &'static str) {
        headers.insert(name, value.parse().unwrap());
    }
    fn twice(headers: &mut HeaderMap, name: &'static str) {
        let value = headers[name].clone();
        headers.append(name, value);
    }
    fn flip(headers: &mut HeaderMap, at: usize) {
        let mut signature = headers["wechatpay-signature"].as_bytes().to_vec();
        signature[at] = if signature[at] == b'A' { b'B' } else { b'A' };
        headers.insert("wechatpay-signature", signature.as_slice().try_into().unwrap());
    }
    vec![
        ("nothing", |_, _| {}, "ok"),
        ("no type", |h, _| drop(h.remove("wechatpay-signature-type")), "ok"),
        (
            "a byte of the body",
            |_, b| *b = Body::Held("{\"trade_state\":\"SUCCESs\"}".into()),
            INVALID,
        ),
        ("no body", |_, b| *b = Body::Empty, INVALID),
        ("another time", |h, _| set(h, "wechatpay-timestamp", "1767225601"), INVALID),
        (
            "a time of another spelling",
            |h, _| set(h, "wechatpay-timestamp", "01767225600"),
            INVALID,
        ),
        ("an old time", |h, _| set(h, "wechatpay-timestamp", "1767225300"), "signature_expired"),
        ("no time", |h, _| drop(h.remove("wechatpay-timestamp")), MISSING),
        ("an empty time", |h, _| set(h, "wechatpay-timestamp", ""), MISSING),
        ("a time that is none", |h, _| set(h, "wechatpay-timestamp", "now"), MALFORMED),
        ("two times", |h, _| twice(h, "wechatpay-timestamp"), MALFORMED),
        ("another nonce", |h, _| set(h, "wechatpay-nonce", "n-2"), INVALID),
        ("no nonce", |h, _| drop(h.remove("wechatpay-nonce")), MISSING),
        ("an empty nonce", |h, _| set(h, "wechatpay-nonce", ""), MISSING),
        ("two nonces", |h, _| twice(h, "wechatpay-nonce"), MALFORMED),
        ("another key", |h, _| set(h, "wechatpay-serial", FIRST_SERIAL), "signature_key_unknown"),
        (
            "a key in other letters",
            |h, _| set(h, "wechatpay-serial", "pub_key_id_0119000001092025010100382700009999"),
            "signature_key_unknown",
        ),
        ("no key", |h, _| drop(h.remove("wechatpay-serial")), MISSING),
        ("an empty key", |h, _| set(h, "wechatpay-serial", ""), MISSING),
        ("two keys", |h, _| twice(h, "wechatpay-serial"), MALFORMED),
        ("the first byte of the signature", |h, _| flip(h, 0), INVALID),
        ("a byte of the signature", |h, _| flip(h, 170), INVALID),
        ("no signature", |h, _| drop(h.remove("wechatpay-signature")), MISSING),
        ("an empty signature", |h, _| set(h, "wechatpay-signature", ""), MISSING),
        ("two signatures", |h, _| twice(h, "wechatpay-signature"), MALFORMED),
        ("a signature that is no base64", |h, _| set(h, "wechatpay-signature", "-_-_"), INVALID),
        ("a short signature", |h, _| set(h, "wechatpay-signature", "AAAA"), INVALID),
        ("a probe", |h, _| set(h, "wechatpay-signature", "WECHATPAY/SIGNTEST/AAAAA"), INVALID),
        (
            "another type",
            |h, _| set(h, "wechatpay-signature-type", "WECHATPAY2-SM2-WITH-SM3"),
            ALGORITHM,
        ),
        ("a type that is none", |h, _| set(h, "wechatpay-signature-type", "none"), ALGORITHM),
        ("an empty type", |h, _| set(h, "wechatpay-signature-type", ""), MISSING),
        ("two types", |h, _| twice(h, "wechatpay-signature-type"), MALFORMED),
    ]
}

const INVALID: &str = "signature_invalid";
const MISSING: &str = "signature_missing";
const MALFORMED: &str = "signature_malformed";
const ALGORITHM: &str = "signature_algorithm_refused";
