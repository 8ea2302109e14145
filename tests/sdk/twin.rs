//! The twins of `tollgate sandbox` against the SDKs: what a twin accepts, signs and tells is what the
//! SDK sends, verifies and reads.

use std::sync::Arc;

use serde_json::{Value, json};
use tollgate::sandbox::{
    Server,
    twin::{Fault, File, Kept, Options, PROVIDERS, Plan, Twin, tls},
};
use tollgate_api::{Clock, SystemClock, SystemEntropy};

use crate::{
    party::STRANGER,
    script::Script,
    support::{Provider, Reply, prepare},
};

const ORDER: &str = "/v3/pay/transactions/out-trade-no/order-1";

/// A twin that is served, and what its merchant has in files.
struct Served {
    twin: Arc<Twin>,
    server: Server<Twin>,
    files: Vec<File>,
}

impl Served {
    /// Over TLS, or not: not every SDK can be told whom to trust.
    fn new(provider: &str, over_tls: bool, options: Options) -> Self {
        prepare();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let (kept, now) = (Kept::default(), clock.unix());
        let (_, open) = PROVIDERS.iter().find(|(name, _)| *name == provider).unwrap();
        let dialect = open(&kept, now, &SystemEntropy).unwrap();
        let mut files = dialect.files();
        let (pair, more) = tls(&kept, &["localhost", "127.0.0.1"], now).unwrap();
        files.extend(more);
        let entropy = Arc::new(SystemEntropy);
        let twin = Twin::new(dialect, options, clock.clone(), entropy).unwrap();
        let address = ([127, 0, 0, 1], 0).into();
        let server =
            Server::start_at(address, provider, twin.clone(), over_tls.then_some(&pair), clock);
        let server = server.unwrap();
        Self { twin, server, files }
    }

    fn file(&self, name: &str) -> &str {
        self.files.iter().find(|file| file.name == name).unwrap().text.trim_end()
    }

    /// WeChat Pay's SDK, with this private key.
    async fn wechat_pay(&self, private_key: &str) -> Script {
        let mut client = Script::node("wechat_pay.js");
        let facts = self.twin.dialect().facts();
        let serial = facts.iter().find(|(name, _)| name.contains("serial_no")).unwrap();
        let keys = self.twin.dialect().keys();
        let certificate = &keys["certificates"][0];
        let settings = json!({
            "base": format!("https://localhost:{}/", self.server.address().port()),
            "trust": self.file("ca.pem"),
            "merchant_id": self.file("merchant_id"),
            "serial": serial.1,
            "private_key": private_key,
            "platform": { certificate["serial"].as_str().unwrap(): certificate["certificate"] },
        });
        client.ask("connect", settings).await;
        client
    }

    /// Alipay's SDK, with this private key, and with certificates or bare keys.
    async fn alipay(&self, private_key: &str, certificates: bool) -> Script {
        let mut client = Script::node("alipay.js");
        let base = format!("http://{}", self.server.address());
        let mut settings = json!({
            "appId": self.file("app_id"),
            "privateKey": private_key,
            "gateway": format!("{base}/gateway.do"),
            "endpoint": base,
            "encryptKey": self.file("encrypt_key"),
        });
        if certificates {
            settings["appCertContent"] = json!(self.file("appCertPublicKey.crt"));
            settings["alipayPublicCertContent"] = json!(self.file("alipayCertPublicKey_RSA2.crt"));
            settings["alipayRootCertContent"] = json!(self.file("alipayRootCert.crt"));
        } else {
            settings["alipayPublicKey"] = json!(self.file("alipay_public_key.pem"));
        }
        client.ask("connect", settings).await;
        client
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the SDKs: make test-sdk"]
async fn wechat_pays_twin_and_its_sdk_agree() {
    let shop = Provider::http1(|_| Reply::new(204, "")).await;
    let notify = Some(format!("http://{}/notify", shop.address));
    let served = Served::new("wechat_pay", true, Options { notify, ..Options::default() });
    let mut client = served.wechat_pay(served.file("apiclient_key.pem")).await;
    let mchid = served.file("merchant_id").to_owned();
    let order = json!({
        "method": "POST",
        "path": "/v3/pay/transactions/native",
        "body": {
            "appid": "wxd678efh567hg6787", "mchid": mchid, "description": "测试 a+b",
            "out_trade_no": "order-1", "notify_url": "https://merchant.example/notify",
            "amount": { "total": 500, "currency": "CNY" },
        },
    });
    let made = client.ask("call", order).await;
    assert!(made["body"]["code_url"].is_string(), "the SDK's order is taken: {made}");
    served.twin.desk().pay("order-1").unwrap();
    let find = json!({ "method": "GET", "path": ORDER, "query": { "mchid": mchid } });
    let found = client.ask("call", find.clone()).await;
    assert_eq!(found["body"]["trade_state"], "SUCCESS", "and found: {found}");
    let close = json!({
        "method": "POST", "path": format!("{ORDER}/close"), "body": { "mchid": mchid },
    });
    let refused = client.try_ask("call", close).await.expect_err("a paid order is not closed");
    assert_eq!(refused["status"], 400, "it is not: {refused}");

    shop.until("the notification", |requests| requests.iter().any(|one| one.complete)).await;
    let notice = &shop.requests()[0];
    let field = |name: &str| notice.header(name).unwrap();
    let read = json!({
        "timestamp": field("wechatpay-timestamp"),
        "nonce": field("wechatpay-nonce"),
        "signature": field("wechatpay-signature"),
        "body": String::from_utf8(notice.body.clone()).unwrap(),
        "certificate": served.file("wechatpay_cert.pem"),
        "api_v3_key": served.file("api_v3_key"),
    });
    let told = client.ask("read", read).await;
    assert_eq!(told["verified"], true, "the SDK verifies the notification: {told}");
    let told: Value = serde_json::from_str(told["resource"].as_str().unwrap()).unwrap();
    assert_eq!(told["out_trade_no"], "order-1", "and reads it: {told}");

    for fault in [Fault::WrongSignature, Fault::ProbeSignature, Fault::ClockSkew] {
        served.twin.faults().plan(fault, Plan::times(1));
        let refused = client.try_ask("call", find.clone()).await.expect_err(fault.name());
        let code = refused["code"].as_str().unwrap_or_default();
        assert!(code.starts_with("EV3_"), "{} is refused by the SDK: {refused}", fault.name());
    }
    let mut impostor = served.wechat_pay(&STRANGER.private).await;
    let refused = impostor.try_ask("call", find).await.expect_err("an impostor");
    assert_eq!(refused["status"], 401, "a stranger's key is refused: {refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the SDKs: make test-sdk"]
async fn alipays_twin_and_its_sdk_agree() {
    let shop = Provider::http1(|_| Reply::new(200, "success")).await;
    let notify = Some(format!("http://{}/notify", shop.address));
    let served = Served::new("alipay", false, Options { notify, ..Options::default() });
    for (number, certificates) in [false, true].into_iter().enumerate() {
        let mut app = served.alipay(served.file("app_private_key.pem"), certificates).await;
        let order = format!("order-{number}");
        let terms =
            json!({ "out_trade_no": order, "total_amount": "5.00", "subject": "测试 a=b&c%+" });
        let path = "/v3/alipay/trade/precreate";
        let making = json!({ "method": "POST", "path": path, "options": { "body": terms } });
        let made = app.ask("curl", making).await;
        assert!(made["data"]["qr_code"].is_string(), "the SDK's order is taken: {made}");
        served.twin.desk().pay(&order).unwrap();

        let content = json!({ "out_trade_no": order });
        let first = json!({ "bizContent": content });
        let first = json!({ "method": "alipay.trade.query", "params": first });
        let path = "/v3/alipay/trade/query";
        let second = json!({ "method": "POST", "path": path, "options": { "body": content } });
        let secret = json!({ "body": content, "needEncrypt": true });
        let secret = json!({ "method": "POST", "path": path, "options": secret });
        for (action, query) in [("exec", &first), ("curl", &second), ("curl", &secret)] {
            let found = app.ask(action, query.clone()).await.to_string();
            assert!(found.contains("TRADE_SUCCESS"), "it is found by {query}: {found}");
        }

        shop.until("the notification", |requests| {
            requests.iter().filter(|one| one.complete).count() > number
        })
        .await;
        let notice = shop.requests()[number].body.clone();
        let notice = json!({ "body": String::from_utf8(notice).unwrap() });
        let form = app.ask("decode", notice).await;
        assert_eq!(form["out_trade_no"], order, "it is told what became of it: {form}");
        let taken = app.ask("check", json!({ "form": form })).await;
        assert_eq!(taken, true, "and the SDK takes it: {form}");

        for (action, query) in [("exec", &first), ("curl", &second)] {
            served.twin.faults().plan(Fault::WrongSignature, Plan::times(1));
            let refused = app.try_ask(action, query.clone()).await;
            assert!(refused.is_err(), "a wrong signature is refused after {action}: {refused:?}");
        }
        let mut impostor = served.alipay(&STRANGER.private, certificates).await;
        let refused = impostor.try_ask("curl", second).await.expect_err("an impostor");
        assert_eq!(refused["code"], "invalid-signature", "a stranger's key: {refused}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the SDKs: make test-sdk"]
async fn stripes_twin_and_its_sdk_agree() {
    let shop = Provider::http1(|_| Reply::new(200, "{}")).await;
    let notify = Some(format!("http://{}/notify", shop.address));
    let served = Served::new("stripe", false, Options { notify, ..Options::default() });
    let mut app = Script::node("stripe.js");
    let connect =
        |key: &str| json!({ "port": served.server.address().port(), "key": key, "retries": 0 });
    app.ask("connect", connect(served.file("secret_key"))).await;
    let order = |amount: u32, card: &str, key: &str| {
        let terms = json!({
            "amount": amount, "currency": "eur", "payment_method": card, "confirm": true,
            "payment_method_types": ["card"],
        });
        let with = json!([terms, { "idempotencyKey": key }]);
        json!({ "on": "paymentIntents", "method": "create", "with": with })
    };
    let paid = app.ask("call", order(1250, "pm_card_visa", "order-1")).await;
    assert_eq!(paid["result"]["status"], "succeeded", "the SDK's payment is taken: {paid}");
    let again = app.ask("call", order(1250, "pm_card_visa", "order-1")).await;
    assert_eq!(again["result"]["id"], paid["result"]["id"], "once, whoever repeats it: {again}");
    let id = &paid["result"]["id"];
    let refund = json!([{ "payment_intent": id, "amount": 400 }]);
    let refund = json!({ "on": "refunds", "method": "create", "with": refund });
    let refund = app.ask("call", refund).await;
    assert_eq!(refund["result"]["amount"], 400, "and given back in part: {refund}");

    for (asked, kind) in [
        (order(1300, "pm_card_visa", "order-1"), "StripeIdempotencyError"),
        (order(1300, "pm_card_chargeDeclined", "order-2"), "StripeCardError"),
        (order(0, "pm_card_visa", "order-3"), "StripeInvalidRequestError"),
    ] {
        let refused = app.try_ask("call", asked).await.expect_err(kind);
        assert_eq!(refused["type"], kind, "the SDK knows the error: {refused}");
    }

    shop.until("an event", |requests| requests.iter().any(|one| one.complete)).await;
    let notice = &shop.requests()[0];
    let read = json!({
        "payload": String::from_utf8(notice.body.clone()).unwrap(),
        "header": notice.header("stripe-signature").unwrap(),
        "secret": served.file("webhook_secret"),
    });
    let event = app.ask("verify", read).await;
    assert_eq!(event["object"], "event", "the SDK verifies it: {event}");

    app.ask("connect", connect("sk_test_ofSomebodyElse00000000")).await;
    let refused = app.try_ask("call", order(1, "pm_card_visa", "order-4")).await;
    let refused = refused.expect_err("an impostor");
    assert_eq!(refused["type"], "StripeAuthenticationError", "another's key: {refused}");
}
