//! Keys, two gateways facing one another, and messages sent through both.

use std::sync::{Arc, LazyLock};

use http::StatusCode;
use serde_json::{Value, json};
use tollgate_api::{
    Answer, Body, Exchange, Fault, Plugin, Settings, Side,
    testing::{self, Bench},
};
use tollgate_crypto::{KeyKind, PrivateKey, to_hex};

/// The provider's key pair and ours, of one kind.
pub fn key(kind: KeyKind, whose: &str) -> &'static PrivateKey {
    static KEYS: LazyLock<Vec<(KeyKind, &str, PrivateKey)>> = LazyLock::new(|| {
        [KeyKind::Rsa, KeyKind::P256, KeyKind::P384]
            .into_iter()
            .flat_map(|kind| ["provider", "ours"].map(|whose| (kind, whose)))
            .map(|(kind, whose)| (kind, whose, PrivateKey::generate(kind).unwrap()))
            .collect()
    });
    let mut keys = KEYS.iter();
    &keys.find(|(of, name, _)| *of == kind && *name == whose).unwrap().2
}

/// A bench with every key there is: `provider.pem` (private), `provider.jwk` (public), of each
/// kind in its folder, and shared keys of 16 to 64 bytes in hexadecimal.
pub fn bench(side: Side) -> Bench {
    let mut bench = Bench { side, ..Bench::new() };
    for (kind, folder) in [(KeyKind::Rsa, "rsa"), (KeyKind::P256, "p256"), (KeyKind::P384, "p384")]
    {
        for whose in ["provider", "ours"] {
            let key = key(kind, whose);
            let pem = key.to_pkcs8_pem().unwrap().expose().to_vec();
            bench.sources.put_file(&format!("{folder}/{whose}.pem"), pem);
            let jwk = Value::Object(key.public_key().to_jwk()).to_string();
            bench.sources.put_file(&format!("{folder}/{whose}.jwk"), jwk);
        }
    }
    for length in [16, 24, 32, 64_u8] {
        let secret: Vec<u8> = (0..length).collect();
        bench.sources.put_variable(&format!("SHARED_{length}"), format!("{}\n", to_hex(&secret)));
        let other: Vec<u8> = (1..=length).collect();
        bench.sources.put_variable(&format!("OTHER_{length}"), to_hex(&other));
    }
    bench
}

/// Our plugin on an upstream, and the provider's on a route: one encrypts what the other decrypts.
pub struct Pair {
    pub upstream: Arc<dyn Plugin>,
    pub route: Arc<dyn Plugin>,
}

impl Pair {
    pub fn of<S: Settings>(ours: Value, theirs: Value) -> Self {
        Self {
            upstream: bench(Side::Upstream).plugin::<S>(ours),
            route: bench(Side::Route).plugin::<S>(theirs),
        }
    }

    /// What the provider's plugins see of a request, and what went over the wire.
    pub async fn request(&self, body: &[u8]) -> (Result<Exchange, Fault>, Exchange) {
        let wire = sent(&*self.upstream, body).await.unwrap();
        let mut received = testing::exchange();
        received.request = wire.request.clone();
        let result = testing::request(&*self.route, &mut received).await;
        (result.map(|()| received), wire)
    }

    /// What our caller's plugins see of an answer, and what went over the wire.
    pub async fn answer(&self, body: &[u8]) -> (Result<Answer, Fault>, Answer) {
        let mut theirs = testing::exchange();
        let answer = testing::answer_with_body(body.to_vec());
        testing::respond(&*self.route, &mut theirs, answer).await.unwrap();
        let wire = theirs.answer.unwrap();
        (answered(&*self.upstream, wire.clone()).await, wire)
    }
}

/// Sends a JSON request through a plugin.
pub async fn sent(plugin: &dyn Plugin, body: &[u8]) -> Result<Exchange, Fault> {
    let mut exchange = testing::exchange_with_body(body.to_vec());
    testing::request(plugin, &mut exchange).await.map(|()| exchange)
}

/// Sends an answer back through a plugin.
pub async fn answered(plugin: &dyn Plugin, answer: Answer) -> Result<Answer, Fault> {
    let mut exchange = testing::exchange();
    testing::respond(plugin, &mut exchange, answer).await?;
    Ok(exchange.answer.unwrap())
}

/// A provider's answer.
pub fn answer(status: u16, content_type: &'static str, body: &[u8]) -> Answer {
    let mut answer = Answer::new(
        StatusCode::from_u16(status).unwrap(),
        content_type,
        bytes::Bytes::copy_from_slice(body),
    );
    answer.origin = tollgate_api::Origin::Provider;
    answer
}

/// A request of this media type with this body.
pub fn request(content_type: &str, body: impl Into<bytes::Bytes>) -> Exchange {
    let mut exchange = testing::exchange_with(&[("content-type", content_type)]);
    exchange.request.body = Body::Held(body.into());
    exchange
}

pub fn bytes(body: &Body) -> Vec<u8> {
    body.whole().unwrap().to_vec()
}

pub fn text(body: &Body) -> String {
    String::from_utf8(bytes(body)).unwrap()
}

pub fn code<T>(result: &Result<T, Fault>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(fault) => fault.code().name,
    }
}

/// A fault never shows the message: neither in its text nor in its cause.
pub fn assert_silent<T>(result: &Result<T, Fault>, secret: &str) {
    let Err(fault) = result else { return };
    let cause = fault.cause().map(ToString::to_string).unwrap_or_default();
    for said in [format!("{fault:?}"), fault.to_string(), cause] {
        assert!(!said.contains(secret), "`{said}` gives the message away");
    }
    assert!(fault.headers().is_empty(), "nothing is said in headers");
}

/// `rsa/ours.pem` as settings write it.
pub fn file(path: &str) -> Value {
    json!({ "file": path })
}

pub fn env(name: &str) -> Value {
    json!({ "env": name })
}

pub fn merged(mut base: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        base.as_object_mut().unwrap().insert(name.clone(), value.clone());
    }
    base
}
