//! WeChat Pay: calls to its twin and notifications from it, and files from somebody who lies.

use std::sync::Arc;

use serde_json::{Value, json};
use tollgate::sandbox::{
    Server,
    twin::{Dialect, Fault, Kept, On, Options, Place, Plan, Twin, wechat_pay::WechatPay},
};
use tollgate_api::{Clock, SystemClock, SystemEntropy};
use tollgate_crypto::{
    Algorithm, Digest, DigestAlgorithm, PrivateKey, SigningKey, base64_encode, to_hex,
};

use crate::support::*;

/// The twin, served, behind a gateway whose notifications go to an institution.
struct Scene {
    twin: Arc<Twin>,
    _server: Server<Twin>,
    institution: Provider,
    gateway: Gateway,
}

impl Scene {
    /// With these keys to verify with; the default is what the twin itself prints.
    async fn new(keys: Option<&str>) -> Self {
        Self::of(keys, Provider::http1(|_| Reply::new(200, "taken")).await)
    }

    fn of(keys: Option<&str>, institution: Provider) -> Self {
        prepare();
        let clock = Arc::new(SystemClock::new());
        let dialect = WechatPay::open(&Kept::default(), clock.unix(), &SystemEntropy).unwrap();
        let options = Options { ladder_scale: 1_000, ..Options::default() };
        let twin = Twin::new(Box::new(dialect), options, clock.clone(), Arc::new(SystemEntropy));
        let twin = twin.unwrap();
        let here = ([127, 0, 0, 1], 0).into();
        let server = Server::start_at(here, "wechat-pay", twin.clone(), None, clock).unwrap();
        let address = server.address().to_string();
        twin.dialect().served_at(&format!("http://{address}"));
        let gateway = gateway(twin.dialect(), &address, keys, &institution);
        Self { twin, _server: server, institution, gateway }
    }

    /// A call of one of the institution's applications, which signs nothing.
    async fn call(&self, method: &str, target: &str, body: &Value) -> Answer {
        let mut caller = self.gateway.http1().await;
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = [LOCAL, ("content-type", "application/json")];
        caller.call(method, target, &headers, body.as_bytes(), None).await
    }

    /// A native order of five yuan.
    async fn order(&self, order: &str) -> Answer {
        let body = json!({
            "appid": "wxd678efh567hg6787",
            "mchid": "1900000109",
            "description": "tea",
            "out_trade_no": order,
            "notify_url": self.gateway.url("plain", "/notifications/wechat_pay"),
            "amount": { "total": 500 },
        });
        self.call("POST", "/v3/pay/transactions/native", &body).await
    }

    async fn query(&self, order: &str) -> Answer {
        let target = format!("/v3/pay/transactions/out-trade-no/{order}?mchid=1900000109");
        self.call("GET", &target, &Value::Null).await
    }

    fn fault(&self, fault: Fault, on: On) {
        self.twin.faults().plan(fault, Plan { on: Some(on), ..Plan::times(1) });
    }

    /// Waits until the upstream's plugin has certificates.
    async fn downloaded(&self) {
        let labels = [("plugin", UPSTREAM)];
        let has = |metrics: &Metrics| metrics.value("tollgate_provider_keys", &labels) >= 1.0;
        self.gateway.metrics_until("a certificate", has).await;
    }

    /// Waits until the twin knows this of what became of its notifications.
    async fn told(&self, what: &str, holds: impl Fn(&[Value]) -> bool) {
        within(what, async {
            while !holds(&self.twin.notifications()) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

/// The plugin that signs.
const UPSTREAM: &str = "upstream/wechat-pay/wechat_pay";

/// The configuration that the twin prints, with a route for calls and one for notifications.
fn gateway(
    twin: &dyn Dialect,
    address: &str,
    keys: Option<&str>,
    institution: &Provider,
) -> Gateway {
    let upstream = twin.upstream(&Place { address, folder: "wx", tls: false });
    let (upstream, its_keys) = upstream.split_once("          platform_keys:\n").unwrap();
    let keys = keys.map_or_else(|| its_keys.to_owned(), |keys| format!("            {keys}\n"));
    let plugin = upstream.split_once("      - wechat_pay:\n").unwrap().1;
    let route_keys = keys.replace("download: true", "download: { upstream: wechat-pay }");
    let yaml = format!(
        "listeners: {{ plain: {{ address: '127.0.0.1:0' }} }}
routes:
  calls:
    match: {{ path_prefix: /v3 }}
    unauthenticated: true
    send_to: [{{ upstream: wechat-pay }}]
  events:
    match: {{ path: /notifications/wechat_pay, methods: [POST] }}
    plugins:
      - wechat_pay:
{plugin}          platform_keys:
{route_keys}    send_to: [{{ upstream: institution }}]
{upstream}          encrypt_fields: [name]
          platform_keys:
{keys}
  institution:
    endpoints: ['{}']
",
        institution.url()
    );
    let mut recipe = Recipe::new(yaml);
    for file in twin.files() {
        recipe = recipe.file(&format!("wx/{}", file.name), &file.text);
    }
    recipe.start()
}

fn json_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("JSON: {}", answer.text()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_placed_paid_and_told_exactly_once_although_it_is_notified_twice() {
    let scene = Scene::new(None).await;
    let made = scene.order("order-1").await;
    assert_eq!(made.status, 200, "the twin accepts our signature: {}", made.text());
    assert!(json_of(&made)["code_url"].is_string(), "its answer: {}", made.text());
    assert_eq!(made.header("wechatpay-signature"), None, "the signature ends at the gateway");
    scene.fault(Fault::DuplicateNotification, On::Notification);
    scene.twin.desk().pay("order-1").unwrap();
    scene
        .told("two sendings that are acknowledged", |all| {
            let attempts =
                all.iter().flat_map(|one| one["attempts"].as_array().into_iter().flatten());
            attempts.filter(|attempt| attempt["acknowledged"] == true).count() == 2
        })
        .await;
    let received = scene.institution.requests();
    assert_eq!(received.len(), 1, "delivered once");
    let event: Value = serde_json::from_slice(&received[0].body).unwrap();
    assert_eq!(event["event_type"], "TRANSACTION.SUCCESS", "{event}");
    assert_eq!(event["resource"]["out_trade_no"], "order-1", "decrypted: {event}");
    assert_eq!(event["resource"]["amount"]["total"], 500, "decrypted: {event}");
    assert_eq!(received[0].header("wechatpay-signature"), None, "without the signature");
    let state = scene.query("order-1").await;
    assert_eq!(json_of(&state)["trade_state"], "SUCCESS", "{}", state.text());
    let unknown = scene.query("order-2").await;
    assert_eq!((unknown.status, unknown.fault()), (404, None), "a signed error passes");
    assert_eq!(json_of(&unknown)["code"], "ORDER_NOT_EXIST", "{}", unknown.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_an_answer_that_cannot_be_proved_not_one_byte_passes() {
    let scene = Scene::new(None).await;
    // A fault meets whatever is answered next, and that is not to be the download.
    scene.downloaded().await;
    for (number, (fault, code)) in [
        (Fault::WrongSignature, "upstream_signature_invalid"),
        (Fault::ClockSkew, "upstream_signature_expired"),
        (Fault::ProbeSignature, "upstream_signature_invalid"),
    ]
    .into_iter()
    .enumerate()
    {
        scene.fault(fault, On::Answer);
        let answer = scene.order(&format!("order-{number}")).await;
        assert_eq!(answer.status, 502, "{}: {}", fault.name(), answer.text());
        assert_eq!(answer.fault().as_deref(), Some(code), "{}", fault.name());
        assert!(!answer.text().contains("code_url"), "{}: {}", fault.name(), answer.text());
        assert_eq!(answer.header("request-id"), None, "{}: no field either", fault.name());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notification_that_cannot_be_proved_is_refused_in_wechat_pays_words_and_comes_again() {
    for fault in [Fault::WrongSignature, Fault::ClockSkew, Fault::ProbeSignature] {
        let scene = Scene::new(None).await;
        assert_eq!(scene.order("order-1").await.status, 200, "ordered");
        scene.fault(fault, On::Notification);
        scene.twin.desk().pay("order-1").unwrap();
        scene
            .told("a refusal and an acknowledgement", |all| {
                let attempts = all.first().and_then(|one| one["attempts"].as_array());
                attempts.is_some_and(|all| all.iter().any(|one| one["acknowledged"] == true))
            })
            .await;
        let attempts = scene.twin.notifications()[0]["attempts"].clone();
        assert_eq!(attempts[0]["status"], 401, "{}: {attempts}", fault.name());
        assert_eq!(attempts[1]["status"], 200, "{}: {attempts}", fault.name());
        assert_eq!(scene.institution.requests().len(), 1, "{}: delivered once", fault.name());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_institution_that_fails_is_told_again() {
    let failures = std::sync::atomic::AtomicUsize::new(0);
    let institution = Provider::http1(move |_| {
        let first = failures.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
        if first { Reply::new(500, "at Shop.java:7") } else { Reply::new(204, "") }
    })
    .await;
    let scene = Scene::of(None, institution);
    assert_eq!(scene.order("order-1").await.status, 200, "ordered");
    scene.twin.desk().pay("order-1").unwrap();
    scene
        .told("an acknowledgement", |all| {
            let attempts = all.first().and_then(|one| one["attempts"].as_array());
            attempts.is_some_and(|all| all.iter().any(|one| one["acknowledged"] == true))
        })
        .await;
    let attempts = scene.twin.notifications()[0]["attempts"].clone();
    assert_eq!(attempts[0]["status"], 500, "the failure is passed on: {attempts}");
    assert_eq!(scene.institution.requests().len(), 2, "delivered anew");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_are_downloaded_and_change_while_calls_are_made() {
    let scene = Scene::new(Some("download: true")).await;
    scene.downloaded().await;
    assert_eq!(scene.order("order-1").await.status, 200, "it verifies");
    let old = serial(&scene.twin.dialect().keys(), 0);
    let keys = scene.twin.rotate().await.unwrap();
    let new = serial(&keys, 1);
    assert_ne!(old, new, "there is another");
    // Calls name the old one, so it goes on signing; a notification is signed with the new one.
    assert_eq!(scene.query("order-1").await.status, 200, "the old one still counts");
    let keys = scene.twin.retire();
    assert_eq!(serial(&keys, 0), new, "the old one is gone");
    let found = scene.query("order-1").await;
    assert_eq!(found.status, 200, "the new one is found on demand: {}", found.text());
    let wire = scene.twin.wire();
    assert!(wire.to_string().contains(&new), "and signs: {wire}");
    assert_eq!(scene.query("order-1").await.status, 200, "calls go on");
    let named = scene.twin.wire()["request"].to_string();
    assert!(named.contains(&new) && !named.contains(&old), "and name the new one: {named}");
    let metrics = scene.gateway.metrics().await;
    let labels = [("plugin", UPSTREAM)];
    let left = metrics.value("tollgate_provider_keys", &labels);
    assert!((left - 1.0).abs() < 0.1, "nothing is left of the old one: {left}");
}

/// The serial number of one of the twin's certificates, the oldest first.
fn serial(keys: &Value, at: usize) -> String {
    keys["certificates"][at]["serial"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sensitive_field_leaves_encrypted() {
    let scene = Scene::new(None).await;
    let receiver = json!({
        "appid": "wxd678efh567hg6787",
        "type": "MERCHANT_ID",
        "account": "86693852",
        "name": "示例商户全称",
        "relation_type": "STORE",
    });
    let added = scene.call("POST", "/v3/profitsharing/receivers/add", &receiver).await;
    assert_eq!(added.status, 200, "the twin decrypts it: {}", added.text());
    let wire = scene.twin.wire().to_string();
    assert!(!wire.contains("示例商户全称"), "it was not readable on the way: {wire}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bill_streams_to_whoever_asked_for_its_address_first() {
    let scene = Scene::new(None).await;
    assert_eq!(scene.order("order-1").await.status, 200, "ordered");
    scene.twin.desk().pay("order-1").unwrap();
    scene.twin.settle(Some("2026-01-02"));
    let unknown = scene.call("GET", "/v3/billdownload/file?token=x", &Value::Null).await;
    assert_eq!(unknown.status, 409, "{}", unknown.text());
    assert_eq!(unknown.fault().as_deref(), Some("checksum_unknown"), "it was not announced");
    let target = "/v3/bill/tradebill?bill_date=2026-01-02&bill_type=ALL";
    let announced = json_of(&scene.call("GET", target, &Value::Null).await);
    let url = announced["download_url"].as_str().unwrap();
    let target = &url[url.find("/v3/").unwrap()..];
    let bill = scene.call("GET", target, &Value::Null).await;
    assert_eq!(bill.status, 200, "{}", bill.text());
    assert!(bill.text().contains("`order-1"), "the bill: {}", bill.text());
    let digest = to_hex(&Digest::of(DigestAlgorithm::Sha1, &bill.body));
    assert_eq!(announced["hash_value"], digest, "byte for byte");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bill_that_is_not_the_announced_one_never_ends() {
    let twin = WechatPay::open(&Kept::default(), SystemClock::new().unix(), &SystemEntropy);
    let twin = twin.unwrap();
    let file = |name: &str| twin.files().into_iter().find(|file| file.name == name).unwrap().text;
    let key = PrivateKey::from_pem(&file("provider/pub_key_private.pem")).unwrap();
    let key = SigningKey::new(key, Algorithm::Rs256, None).unwrap();
    let (id, bill) = (file("pub_key_id").trim().to_owned(), pattern(300_000));
    let lie = {
        let mut lie = bill.clone();
        lie[299_999] ^= 1;
        lie
    };
    let announced = json!({
        "hash_type": "SHA1",
        "hash_value": to_hex(&Digest::of(DigestAlgorithm::Sha1, &bill)),
        "download_url": "https://api.mch.weixin.qq.com/v3/billdownload/file?token=abc",
    });
    let announced = announced.to_string();
    let shown = lie.clone();
    let liar = Provider::http1(move |request| {
        if request.target.starts_with("/v3/billdownload/") {
            return Reply::new(200, shown.clone()).in_chunks(10_000);
        }
        let time = SystemClock::new().unix().as_secs().to_string();
        let message = format!("{time}\nnonce\n{announced}\n");
        Reply::new(200, announced.clone())
            .with("wechatpay-timestamp", &time)
            .with("wechatpay-nonce", "nonce")
            .with("wechatpay-serial", &id)
            .with("wechatpay-signature", &base64_encode(&key.sign(message.as_bytes()).unwrap()))
    })
    .await;
    let institution = Provider::http1(|_| Reply::new(204, "")).await;
    let address = liar.address.to_string();
    let id = file("pub_key_id");
    let keys = format!("public_keys: [{{ id: {}, key: wx/pub_key.pem }}]", id.trim());
    let gateway = gateway(&twin, &address, Some(&keys), &institution);
    let mut caller = gateway.http1().await;
    let first = caller.call("GET", "/v3/bill/tradebill?bill_date=2026-01-02", &[LOCAL], b"", None);
    assert_eq!(first.await.status, 200, "announced");
    caller.send("GET /v3/billdownload/file?token=abc HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    let cut = caller.try_answer("GET").await;
    assert!(cut.is_err(), "the last piece is withheld and the answer left incomplete: {cut:?}");
    let labels = [("code", "upstream_checksum_mismatch")];
    let faulty = |metrics: &Metrics| metrics.count("tollgate_faults_total", &labels) == 1;
    gateway.metrics_until("the fault", faulty).await;
    assert_eq!(liar.requests().len(), 2, "nothing was asked for again");
}
