//! `wechatpay-axios-plugin` judges what the gateway signed, and signs what the gateway must verify.

mod calls;
mod contents;
mod notifications;

use serde_json::{Value, json};

use crate::{
    party::{INSTITUTION, PROVIDER, STRANGER},
    script::Script,
    support::Authority,
};

const MERCHANT: &str = "1900000109";
const API_V3_KEY: &str = "69d6be493a1026c662b88c0e1109e9fc";
const PLATFORM_KEY: &str = "PUB_KEY_ID_0119000001092025010100382700009999";

/// What can be wrong with an answer, and the SDK refuses.
const LIES: [&str; 6] = [
    "a changed body",
    "another's key",
    "an old timestamp",
    "an unknown serial",
    "a probe",
    "no signature",
];

/// The parties, and the stand-in for WeChat Pay.
struct Stage {
    authority: Authority,
    provider: Script,
    port: u64,
}

impl Stage {
    /// With the platform's answers signed by the key of this serial.
    async fn new(serial: &str) -> Self {
        let authority = Authority::new();
        let pair = authority.pair(&["localhost", "127.0.0.1"]);
        let mut provider = Script::node("wechat_pay_provider.js");
        let settings = json!({
            "certificate": pair.chain,
            "key": pair.key,
            "merchant": {
                "id": MERCHANT, "serial": INSTITUTION.serial, "public_key": INSTITUTION.public,
            },
            "platform": {
                "serial": serial,
                "private_key": PROVIDER.private,
                "certificate": PROVIDER.certificate,
                "certificate_serial": PROVIDER.serial,
            },
            "stranger": STRANGER.private,
            "api_v3_key": API_V3_KEY,
        });
        let port = provider.ask("listen", settings).await.as_u64().expect("a port");
        Self { authority, provider, port }
    }

    /// The SDK as a client of the stand-in itself, with this private key.
    async fn client(&self, private_key: &str) -> Script {
        let mut client = Script::node("wechat_pay.js");
        let settings = json!({
            "base": format!("https://localhost:{}/", self.port),
            "trust": self.authority.pem(),
            "merchant_id": MERCHANT,
            "serial": INSTITUTION.serial,
            "private_key": private_key,
            "platform": { PLATFORM_KEY: PROVIDER.public },
        });
        client.ask("connect", settings).await;
        client
    }

    /// What the stand-in found wrong with each request since this was asked last.
    async fn refusals(&mut self) -> Vec<Value> {
        let requests = self.provider.ask("requests", json!({})).await;
        requests.as_array().unwrap().iter().map(|request| request["refused"].clone()).collect()
    }
}

fn order(number: &str) -> Value {
    json!({
        "mchid": MERCHANT, "out_trade_no": number, "description": "测试",
        "amount": { "total": 100, "currency": "CNY" },
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the SDKs: make test-sdk"]
async fn the_stand_in_and_the_sdks_own_client_agree() {
    let mut stage = Stage::new(PLATFORM_KEY).await;
    let mut client = stage.client(&INSTITUTION.private).await;
    let pay = json!({
        "method": "POST", "path": "/v3/pay/transactions/jsapi", "body": order("a b/中"),
    });
    let paid = client.ask("call", pay).await;
    assert_eq!(paid["body"]["prepay_id"], "wxa b/中", "the SDK's order is taken: {paid}");
    let find = json!({
        "method": "GET", "path": "/v3/pay/transactions/out-trade-no/a%20b%2F%E4%B8%AD",
        "query": { "mchid": MERCHANT },
    });
    let found = client.ask("call", find.clone()).await;
    assert_eq!(found["body"]["trade_state"], "NOTPAY", "and found: {found}");
    let file = json!({ "filename": "a.png", "text": "中 picture" });
    let upload = json!({ "path": "/v3/merchant/media/upload", "file": file });
    let uploaded = client.ask("upload", upload).await;
    assert_eq!(uploaded["body"]["media_id"], "a.png-11", "a file is taken: {uploaded}");
    assert_eq!(stage.refusals().await, [const { Value::Null }; 3], "all were signed well");

    for lie in LIES {
        stage.provider.ask("misbehave", json!({ "how": lie })).await;
        let answer = client.try_ask("call", find.clone()).await;
        let error = answer.expect_err(lie);
        assert!(error["code"].as_str().unwrap().starts_with("EV3_"), "{lie} is refused: {error}");
    }
    stage.refusals().await;

    let mut impostor = stage.client(&STRANGER.private).await;
    let answer = impostor.try_ask("call", find).await;
    assert_eq!(answer.expect_err("an impostor")["status"], 401, "a stranger's key is refused");
    assert_eq!(stage.refusals().await, ["signature"], "for its signature");
}
