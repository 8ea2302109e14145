//! What a provider's dialect costs: each step of a plugin, beside the raw operation that it cannot do
//! without. Run with `cargo bench --bench providers`; the difference between a step and its raw
//! operation is what the plugin adds.
//!
//! Keys and messages are those of `tests/vectors/generated`. Every message is signed anew, outside of
//! what is measured, because none passes twice.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark may fail loudly")]

use std::{
    collections::BTreeMap,
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tollgate::state::MemoryReplaySets;
use tollgate_api::{
    Answer, Clock, Exchange, Outcome, Plugin, Settings, Side,
    testing::{self, Bench},
};
use tollgate_crypto::{
    AesGcmKey, Algorithm, HmacSha256Key, PrivateKey, PublicKey, Secret, SigningKey, base64_encode,
    hmac_sha256, to_hex,
};
use tollgate_providers::{alipay::Alipay, stripe::Stripe, wechat_pay::WechatPay};

/// A plugin on its side, and the time it lives in.
struct Place {
    plugin: Arc<dyn Plugin>,
    clock: Arc<tollgate_api::ManualClock>,
    runtime: Runtime,
    count: AtomicU64,
}

impl Place {
    fn new<S: Settings>(side: Side, settings: Value, files: &[(&str, &str)]) -> Self {
        let mut bench = Bench { side, ..Bench::new() };
        // The store that a gateway has, not the one of tests.
        bench.stores.replay_sets = Arc::new(MemoryReplaySets::new(bench.clock.clone()));
        for (name, content) in files {
            bench.sources.put_file(name, (*content).to_owned());
        }
        let plugin = bench.plugin::<S>(settings);
        let clock = bench.clock.clone();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        Self { plugin, clock, runtime, count: AtomicU64::new(0) }
    }

    /// The time in seconds, after what was received before has been forgotten; and a number that was
    /// never given before.
    fn next(&self) -> (u64, u64) {
        self.clock.advance(Duration::from_mins(10));
        (self.clock.unix().as_secs(), self.count.fetch_add(1, Ordering::Relaxed))
    }

    /// A request through the plugin, which is given up: so the same event may come again.
    fn request(&self, mut exchange: Exchange) -> Exchange {
        self.runtime.block_on(testing::request(&*self.plugin, &mut exchange)).unwrap();
        self.plugin.on_end(&mut exchange, &Outcome { status: None, fault: None, cancelled: true });
        exchange
    }

    /// An answer through the plugin.
    fn answer(&self, answer: Answer) -> Exchange {
        let mut exchange = testing::exchange_with_body(CALL);
        self.runtime.block_on(testing::respond(&*self.plugin, &mut exchange, answer)).unwrap();
        exchange
    }
}

fn stripe(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("stripe");
    let body = format!(r#"{{"id":"evt_1","object":"event","data":"{}"}}"#, "x".repeat(2_000));
    let files = [("key", "sk_test_0Bench"), ("secret", "whsec_0Bench")];
    let settings = json!({ "webhook_secrets": [{ "file": "secret" }] });
    let route = Place::new::<Stripe>(Side::Route, settings, &files);
    let webhook = || {
        let (time, _) = route.next();
        let message = format!("{time}.{body}");
        let code = to_hex(&hmac_sha256(b"whsec_0Bench", message.as_bytes()));
        let mut exchange = testing::exchange_with_body(body.clone());
        let field = format!("t={time},v1={code}").parse().unwrap();
        exchange.request.headers.insert("stripe-signature", field);
        exchange
    };
    group.bench_function("webhook: verify", |bencher| {
        bencher.iter_batched(webhook, |exchange| route.request(exchange), BatchSize::PerIteration);
    });
    let key = HmacSha256Key::new(&Secret::from("whsec_0Bench"));
    group.bench_function("raw HMAC-SHA-256", |bencher| {
        bencher.iter(|| key.sign(&[black_box(body.as_bytes())]));
    });
    let settings = json!({ "secret_key": { "file": "key" } });
    let upstream = Place::new::<Stripe>(Side::Upstream, settings, &files);
    let call = || testing::exchange_with(&[("idempotency-key", "order-1")]);
    group.bench_function("call", |bencher| {
        bencher.iter_batched(call, |exchange| upstream.request(exchange), BatchSize::SmallInput);
    });
    group.finish();
}

fn wechat_pay(criterion: &mut Criterion) {
    let vectors = vectors(include_str!("../tests/vectors/generated/wechatpay.json"));
    let platform = signing_key(text(&vectors["platform_private_key_pem"]));
    let serial = text(&vectors["platform_serial"]);
    let files = [
        ("merchant.key", text(&vectors["merchant_private_key_pem"])),
        ("api_v3.key", text(&vectors["api_v3_key"])),
        ("platform.pem", text(&vectors["platform_public_key_pem"])),
    ];
    let settings = json!({
        "merchant_id": vectors["mchid"],
        "certificate_serial": vectors["merchant_serial"],
        "private_key": { "file": "merchant.key" },
        "api_v3_key": { "file": "api_v3.key" },
        "platform_keys": { "public_keys": [{ "id": serial, "key": "platform.pem" }] },
    });
    let signed = |place: &Place, body: &str| {
        let (time, count) = place.next();
        let nonce = format!("nonce-{count}");
        let signature = platform.sign(format!("{time}\n{nonce}\n{body}\n").as_bytes()).unwrap();
        testing::header_map(&[
            ("content-type", "application/json"),
            ("wechatpay-timestamp", &time.to_string()),
            ("wechatpay-nonce", &nonce),
            ("wechatpay-serial", serial),
            ("wechatpay-signature", &base64_encode(&signature)),
        ])
    };
    let mut group = criterion.benchmark_group("wechat_pay");
    let upstream = Place::new::<WechatPay>(Side::Upstream, settings.clone(), &files);
    group.bench_function("call: sign", |bencher| {
        let call = || testing::exchange_with_body(CALL);
        bencher.iter_batched(call, |exchange| upstream.request(exchange), BatchSize::SmallInput);
    });
    let answer =
        || Answer { headers: signed(&upstream, ANSWER), ..testing::answer_with_body(ANSWER) };
    group.bench_function("answer: verify", |bencher| {
        bencher.iter_batched(answer, |answer| upstream.answer(answer), BatchSize::PerIteration);
    });
    let route = Place::new::<WechatPay>(Side::Route, settings, &files);
    let body = text(&vectors["webhook"]["body"]);
    let notification = || {
        let mut exchange = testing::exchange_with_body(body.to_owned());
        exchange.request.headers = signed(&route, body);
        exchange
    };
    group.bench_function("notification: verify, decrypt", |bencher| {
        let receive = |exchange| route.request(exchange);
        bencher.iter_batched(notification, receive, BatchSize::PerIteration);
    });
    let merchant = signing_key(text(&vectors["merchant_private_key_pem"]));
    raw_rsa(&mut group, &merchant);
    let key = AesGcmKey::new(text(&vectors["api_v3_key"]).as_bytes()).unwrap();
    let sealed = key.seal(b"8181242ad168", b"transaction", &vec![b'x'; 300]).unwrap();
    group.bench_function("raw AES-256-GCM open", |bencher| {
        bencher.iter(|| key.open(b"8181242ad168", b"transaction", black_box(&sealed)).unwrap());
    });
    group.finish();
}

/// A form, all but letters and digits escaped.
fn encoded(form: &BTreeMap<String, String>) -> String {
    let value = |text: &str| {
        let bytes = text.bytes().map(|byte| {
            let plain = byte.is_ascii_alphanumeric();
            if plain { char::from(byte).to_string() } else { format!("%{byte:02X}") }
        });
        bytes.collect::<String>()
    };
    let pairs: Vec<_> = form.iter().map(|(name, text)| format!("{name}={}", value(text))).collect();
    pairs.join("&")
}

fn alipay(criterion: &mut Criterion) {
    let vectors = vectors(include_str!("../tests/vectors/generated/alipay.json"));
    let provider = signing_key(text(&vectors["alipay_private_key_pem"]));
    let files = [
        ("app.key", text(&vectors["app_private_key_pem"])),
        ("alipay.pem", text(&vectors["alipay_public_key_pem"])),
    ];
    let settings = json!({
        "protocol": "v3",
        "app_id": vectors["app_id"],
        "private_key": { "file": "app.key" },
        "alipay_public_key": "alipay.pem",
    });
    let mut group = criterion.benchmark_group("alipay");
    let upstream = Place::new::<Alipay>(Side::Upstream, settings.clone(), &files);
    group.bench_function("call: sign", |bencher| {
        let call = || testing::exchange_with_body(CALL);
        bencher.iter_batched(call, |exchange| upstream.request(exchange), BatchSize::SmallInput);
    });
    let answer = || {
        let (time, count) = upstream.next();
        let (time, nonce) = (format!("{time}000"), format!("nonce-{count}"));
        let signature = provider.sign(format!("{time}\n{nonce}\n{ANSWER}\n").as_bytes()).unwrap();
        let headers = testing::header_map(&[
            ("alipay-timestamp", &time),
            ("alipay-nonce", &nonce),
            ("alipay-signature", &base64_encode(&signature)),
        ]);
        Answer { headers, ..testing::answer_with_body(ANSWER) }
    };
    group.bench_function("answer: verify", |bencher| {
        bencher.iter_batched(answer, |answer| upstream.answer(answer), BatchSize::PerIteration);
    });
    let route = Place::new::<Alipay>(Side::Route, settings, &files);
    let mut recorded: BTreeMap<String, String> =
        serde_json::from_value(vectors["notify"]["form_params"].clone()).unwrap();
    recorded.retain(|name, _| !matches!(name.as_str(), "notify_time" | "sign" | "sign_type"));
    let notification = || {
        let (time, _) = route.next();
        let mut form = recorded.clone();
        form.insert("utc_timestamp".to_owned(), format!("{time}000"));
        let pairs: Vec<_> = form.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let signature = provider.sign(pairs.join("&").as_bytes()).unwrap();
        form.insert("sign".to_owned(), base64_encode(&signature));
        form.insert("sign_type".to_owned(), "RSA2".to_owned());
        let mut exchange = testing::exchange_with_body(encoded(&form));
        let kind = "application/x-www-form-urlencoded".parse().unwrap();
        exchange.request.headers.insert("content-type", kind);
        exchange
    };
    group.bench_function("notification: verify", |bencher| {
        let receive = |exchange| route.request(exchange);
        bencher.iter_batched(notification, receive, BatchSize::PerIteration);
    });
    raw_rsa(&mut group, &signing_key(text(&vectors["app_private_key_pem"])));
    group.finish();
}

/// What no signature and no verification of a provider goes without.
fn raw_rsa(
    group: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>,
    key: &SigningKey,
) {
    let signature = key.sign(CALL.as_bytes()).unwrap();
    let public: PublicKey = key.private_key().public_key().clone();
    group.bench_function("raw RSA-2048 sign", |bencher| {
        bencher.iter(|| key.sign(black_box(CALL.as_bytes())).unwrap());
    });
    group.bench_function("raw RSA-2048 verify", |bencher| {
        bencher.iter(|| {
            public.verify(Algorithm::Rs256, black_box(CALL.as_bytes()), &signature).unwrap()
        });
    });
}

fn vectors(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn signing_key(pem: &str) -> SigningKey {
    SigningKey::new(PrivateKey::from_pem(pem).unwrap(), Algorithm::Rs256, None).unwrap()
}

const CALL: &str =
    r#"{"out_trade_no":"1217752501201407033233368018","amount":{"total":1,"currency":"CNY"}}"#;
const ANSWER: &str = r#"{"code":"10000","trade_no":"2014112611001004680073956707"}"#;

criterion_group!(benches, stripe, wechat_pay, alipay);
criterion_main!(benches);
