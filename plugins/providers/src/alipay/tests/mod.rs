//! What the tests of `alipay` share: the vectors, plugins with their keys, and somebody who signs as
//! Alipay does, by other means than the plugin.

mod antom;
mod borders;
mod certificates;
mod keys;
mod notifications;
mod properties;
mod settings;
mod tampering;
mod v2;
mod v3;

use std::{collections::BTreeMap, env, fs, path::PathBuf, sync::Arc};

use serde_json::{Value, json};
use tollgate_api::{
    Answer, Exchange, Fault, Plugin, Side,
    testing::{Bench, answer_with_body, exchange_with_body, request, respond, verdict},
};
use tollgate_crypto::{Algorithm, PrivateKey, SigningKey, base64_encode};

use super::Alipay;

/// Vectors that belong to the project.
fn generated(name: &str) -> Value {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/generated").join(name);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Other people's vectors, read where they are. Absent, the test says so and is skipped, except in CI.
fn foreign(name: &str) -> Option<Value> {
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

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

const APP_ID: &str = "2021001122334455";

/// A bench with the keys of `alipay.json` where [`settings`] look for them.
fn bench(side: Side) -> Bench {
    let vectors = generated("alipay.json");
    let mut bench = Bench { side, ..Bench::new() };
    for (file, member) in [
        ("app.key", "app_private_key_pem"),
        ("alipay.pem", "alipay_public_key_pem"),
        ("content.key", "aes_key_b64"),
    ] {
        bench.sources.put_file(file, text(&vectors[member]).to_owned());
    }
    bench
}

/// The same at another time, in seconds since the epoch.
fn bench_at(side: Side, seconds: u64) -> Bench {
    let mut bench = bench(side);
    let time = std::time::Duration::from_secs(seconds);
    bench.clock = Arc::new(tollgate_api::ManualClock::at(time));
    bench.stores.replay_sets =
        Arc::new(tollgate_api::testing::FakeReplaySets::new(bench.clock.clone()));
    bench
}

/// When the notification of `alipay.json` says that it was sent.
const SENT: u64 = 1_735_660_801;

fn settings(protocol: &str) -> Value {
    json!({
        "protocol": protocol,
        "app_id": APP_ID,
        "private_key": { "file": "app.key" },
        "alipay_public_key": "alipay.pem",
    })
}

fn with(mut settings: Value, name: &str, value: Value) -> Value {
    settings.as_object_mut().unwrap().insert(name.to_owned(), value);
    settings
}

/// The same with the content key.
fn encrypting(protocol: &str) -> Value {
    with(settings(protocol), "encryption_key", json!({ "file": "content.key" }))
}

fn plugin(side: Side, settings: Value) -> Arc<dyn Plugin> {
    bench(side).plugin::<Alipay>(settings)
}

fn header<'a>(headers: &'a http::HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}

fn body_of(body: &tollgate_api::Body) -> String {
    String::from_utf8(body.whole().expect("held").to_vec()).unwrap()
}

/// The parameters of a query or form, by a reader other than the plugin's.
fn decoded(encoded: &str) -> BTreeMap<String, String> {
    let value = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let [first, after @ ..] = rest {
            rest = after;
            if *first == b'%' {
                let (digits, after) = rest.split_at(2);
                bytes.push(u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap());
                rest = after;
            } else {
                bytes.push(if *first == b'+' { b' ' } else { *first });
            }
        }
        String::from_utf8(bytes).unwrap()
    };
    let pairs = encoded.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap()).map(|(n, v)| (value(n), value(v))).collect()
}

fn signs(pem: &str) -> impl Fn(&[u8]) -> String + use<> {
    let key = SigningKey::new(PrivateKey::from_text(pem).unwrap(), Algorithm::Rs256, None).unwrap();
    move |message| base64_encode(&key.sign(message).unwrap())
}

/// Signs as Alipay.
fn alipay_signs(message: &[u8]) -> String {
    signs(text(&generated("alipay.json")["alipay_private_key_pem"]))(message)
}

/// A call through the plugin.
async fn called(plugin: &dyn Plugin, mut exchange: Exchange) -> Result<Exchange, Fault> {
    request(plugin, &mut exchange).await.map(|()| exchange)
}

/// What the caller gets of an answer: its body, or the fault.
async fn answered(
    plugin: &dyn Plugin,
    exchange: &mut Exchange,
    answer: Answer,
) -> Result<String, &'static str> {
    let result = respond(plugin, exchange, answer).await;
    match verdict(&result) {
        "ok" => Ok(body_of(&exchange.answer.as_ref().unwrap().body)),
        code => Err(code),
    }
}
