//! `alipay-sdk` judges what the gateway signed, and signs what the gateway must verify.

mod calls;
mod notifications;

use serde_json::{Value, json};

use crate::{
    party::{INSTITUTION, PROVIDER, STRANGER},
    script::Script,
};

const APP: &str = "2021001122334455";
const AES_KEY: &str = "DsZBGbfjtTUUeuOd9t1arA==";

/// What can be wrong with an answer, and the SDK refuses in both protocols.
const LIES: [&str; 3] = ["a changed body", "another's key", "no signature"];

/// The parties, and the stand-in for Alipay.
struct Stage {
    certificates: bool,
    provider: Script,
    port: u64,
}

impl Stage {
    /// With bare keys, or with certificates.
    async fn new(certificates: bool) -> Self {
        let mut provider = Script::node("alipay_provider.js");
        let mut settings = json!({
            "app": { "id": APP, "public_key": INSTITUTION.public },
            "alipay": { "private_key": PROVIDER.private },
            "stranger": STRANGER.private,
            "aes_key": AES_KEY,
        });
        if certificates {
            settings["app"]["certificate"] = json!(INSTITUTION.certificate);
            settings["alipay"]["certificate"] = json!(PROVIDER.certificate);
            settings["alipay"]["root"] = json!(PROVIDER.root);
        }
        let port = provider.ask("listen", settings).await.as_u64().expect("a port");
        Self { certificates, provider, port }
    }

    /// The SDK as a client of the stand-in itself, with this private key.
    async fn client(&self, private_key: &str) -> Script {
        let base = format!("http://127.0.0.1:{}", self.port);
        let mut settings = json!({
            "appId": APP,
            "privateKey": private_key,
            "gateway": format!("{base}/gateway.do"),
            "endpoint": base,
            "encryptKey": AES_KEY,
        });
        if self.certificates {
            settings["appCertContent"] = json!(INSTITUTION.certificate);
            settings["alipayPublicCertContent"] = json!(PROVIDER.certificate);
            settings["alipayRootCertContent"] = json!(PROVIDER.root);
        } else {
            settings["alipayPublicKey"] = json!(PROVIDER.public);
        }
        let mut client = Script::node("alipay.js");
        client.ask("connect", settings).await;
        client
    }

    /// What the stand-in found wrong with each request since this was asked last.
    async fn refusals(&mut self) -> Vec<Value> {
        let requests = self.provider.ask("requests", json!({})).await;
        requests.as_array().unwrap().iter().map(|request| request["refused"].clone()).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the SDKs: make test-sdk"]
async fn the_stand_in_and_the_sdks_own_client_agree() {
    for certificates in [false, true] {
        let mut stage = Stage::new(certificates).await;
        let mut app = stage.client(&INSTITUTION.private).await;
        let order = json!({ "out_trade_no": "A1", "subject": "测试 a=b&c%+" });
        let creation =
            json!({ "method": "alipay.trade.create", "params": { "bizContent": order } });
        let made = app.ask("exec", creation).await;
        assert_eq!(made["note"], "a/b 中", "an order of the first protocol is taken: {made}");
        let order = json!({ "out_trade_no": "A1" });
        let first = json!({ "bizContent": order });
        let first = json!({ "method": "alipay.trade.query", "params": first });
        let path = "/v3/alipay/trade/query";
        let second = json!({ "method": "POST", "path": path, "options": { "body": order } });
        let get = json!({ "method": "GET", "path": path, "options": { "query": order } });
        let secret = json!({ "body": order, "needEncrypt": true });
        let secret = json!({ "method": "POST", "path": path, "options": secret });
        for (action, request) in
            [("exec", &first), ("curl", &second), ("curl", &get), ("curl", &secret)]
        {
            let found = app.ask(action, request.clone()).await.to_string();
            assert!(found.contains("WAIT_BUYER_PAY"), "it is found by {request}: {found}");
        }
        let data = json!({ "biz_code": "shop" });
        let file = json!({ "name": "a.png", "text": "中 picture" });
        let upload = json!({ "path": "/v3/alipay/open/file/upload", "data": data, "file": file });
        let uploaded = app.ask("upload", upload).await;
        assert_eq!(uploaded["data"]["file_id"], "shop-11", "a file is taken: {uploaded}");
        assert_eq!(stage.refusals().await, [const { Value::Null }; 6], "all were signed well");

        for lie in LIES {
            for (action, request) in [("exec", &first), ("curl", &second)] {
                stage.provider.ask("misbehave", json!({ "how": lie })).await;
                let answer = app.try_ask(action, request.clone()).await;
                assert!(answer.is_err(), "{lie} is refused after {action}: {answer:?}");
            }
        }
        stage.refusals().await;

        let mut impostor = stage.client(&STRANGER.private).await;
        let answer = impostor.try_ask("exec", first).await;
        let told =
            answer.map_or_else(|error| error["message"].clone(), |told| told["code"].clone());
        assert_eq!(told, "40002", "a stranger's key is refused");
        let answer = impostor.try_ask("curl", second).await;
        assert_eq!(answer.expect_err("an impostor")["status"], 401, "in both protocols");
        assert_eq!(stage.refusals().await, ["sign", "sign"], "for its signature");
    }
}
