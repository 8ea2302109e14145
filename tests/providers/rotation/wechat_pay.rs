//! WeChat Pay: its platform certificate, and the merchant's own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use tollgate_api::{Clock, SystemClock, Tick};
use tollgate_crypto::{Algorithm, PrivateKey, SigningKey, base64_encode};

use super::*;

/// The time, or later: both parties go by it.
struct Later {
    clock: SystemClock,
    by: AtomicU64,
}

impl Later {
    fn by(&self) -> Duration {
        Duration::from_secs(self.by.load(Ordering::SeqCst))
    }
}

impl Clock for Later {
    fn unix(&self) -> Duration {
        self.clock.unix() + self.by()
    }

    fn tick(&self) -> Tick {
        self.clock.tick().after(self.by())
    }
}

struct Scene {
    stand: Stand,
    /// Between the gateway and WeChat Pay.
    relay: Relay,
    /// Between WeChat Pay and the gateway's route for notifications.
    post: Relay,
    institution: Provider,
    clock: Arc<Later>,
}

impl Scene {
    async fn new() -> Self {
        let clock = Arc::new(Later { clock: SystemClock::new(), by: AtomicU64::new(0) });
        let institution = Provider::http1(|_| Reply::new(204, "")).await;
        let post = Relay::new().await;
        let told = format!("{}/told", post.server.url());
        let stand = Stand::at(clock.clone(), "wechat_pay", &told);
        let relay = Relay::before(&stand.address).await;
        Self { stand, relay, post, institution, clock }
    }

    fn recipe(&self, upstream_keys: &str, route_keys: &str) -> Recipe {
        let common = "merchant_id: '1900000109', api_v3_key: { file: twin/api_v3_key }";
        let serial = self.stand.fact("serial_no");
        let merchant = format!(
            "certificate_serial: '{serial}', private_key: {{ file: twin/apiclient_key.pem }}"
        );
        self.stand.recipe(format!(
            "listeners: {{ plain: {{ address: '127.0.0.1:0' }} }}
routes:
  calls:
    match: {{ path_prefix: /v3 }}
    unauthenticated: true
    send_to: [{{ upstream: provider }}]
  events:
    match: {{ path: /told, methods: [POST] }}
    plugins: [{{ wechat_pay: {{ {common}, {merchant}, platform_keys: {{ {route_keys} }} }} }}]
    send_to: [{{ upstream: institution }}]
upstreams:
  provider:
    endpoints: ['{}']
    plugins: [{{ wechat_pay: {{ {common}, {merchant}, platform_keys: {{ {upstream_keys} }} }} }}]
  institution: {{ endpoints: ['{}'] }}
",
            self.relay.server.url(),
            self.institution.url()
        ))
    }

    /// The serial number of the newest platform certificate, and its key.
    fn platform(&self) -> (String, SigningKey) {
        let keys = self.stand.twin.dialect().keys();
        let newest = keys["certificates"].as_array().unwrap().last().unwrap();
        let key =
            PrivateKey::from_pem(&self.stand.file("provider/wechatpay_cert_key.pem")).unwrap();
        let key = SigningKey::new(key, Algorithm::Rs256, None).unwrap();
        (newest["serial"].as_str().unwrap().to_owned(), key)
    }

    /// Signs a message of WeChat Pay's anew, with this key.
    fn signed(&self, message: &mut Message, (serial, key): &(String, SigningKey)) {
        let time = self.clock.unix().as_secs().to_string();
        let nonce = format!("nonce-{}", self.clock.tick().0);
        let body = String::from_utf8(message.body.clone()).unwrap();
        let signature = key.sign(format!("{time}\n{nonce}\n{body}\n").as_bytes()).unwrap();
        message.headers.retain(|(name, _)| !name.starts_with("wechatpay-"));
        for (name, value) in [
            ("wechatpay-timestamp", time),
            ("wechatpay-nonce", nonce),
            ("wechatpay-serial", serial.clone()),
            ("wechatpay-signature", base64_encode(&signature)),
        ] {
            message.headers.push((name.to_owned(), value));
        }
    }

    /// Brings the first notification once more, signed with this key.
    async fn tell_again(&self, gateway: &Gateway, key: &(String, SigningKey)) -> Answer {
        let mut message = Message::of_request(&self.post.server.requests()[0]);
        self.signed(&mut message, key);
        message.send(&mut gateway.http1().await).await
    }

    /// Which key the gateway named last.
    fn named(&self) -> String {
        let wire = self.stand.twin.wire();
        let fields = wire["request"]["headers"].as_array().unwrap();
        let serial = fields.iter().find(|field| field[0] == "wechatpay-serial").unwrap();
        serial[1].as_str().unwrap().to_owned()
    }
}

impl Shop for Scene {
    async fn order(&self, caller: &mut Http1, name: &str) {
        let body = json!({
            "appid": "wxd678efh567hg6787",
            "mchid": "1900000109",
            "description": "tea",
            "out_trade_no": name,
            "notify_url": "https://merchant.example/told",
            "amount": { "total": 500 },
        });
        let fields = [LOCAL, ("content-type", "application/json")];
        let path = "/v3/pay/transactions/native";
        let made = caller.call("POST", path, &fields, body.to_string().as_bytes(), None).await;
        assert_eq!(made.status, 200, "{name} is ordered: {:?} {}", made.fault(), made.text());
        self.stand.twin.desk().pay(name).unwrap();
        let path = format!("/v3/pay/transactions/out-trade-no/{name}?mchid=1900000109");
        let found = caller.call("GET", &path, &fields[..1], b"", None).await;
        assert_eq!(found.status, 200, "{name} is found: {:?} {}", found.fault(), found.text());
        assert!(found.text().contains("\"SUCCESS\""), "{name} is paid: {}", found.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wechat_pay_changes_its_certificate_under_load_and_nothing_is_lost() {
    let scene = Arc::new(Scene::new().await);
    let clock: Arc<dyn Clock> = scene.clock.clone();
    let recipe = scene.recipe("download: true", "download: { upstream: provider }");
    // Without the work that runs beside a gateway: certificates are found by messages alone.
    let gateway = recipe.assemble_at(clock, |_| {});
    let address = gateway.address("plain");
    scene.post.leads_to(address);
    let keys = async |count: i64| {
        let metrics = gateway.metrics().await;
        for plugin in ["upstream/provider/wechat_pay", "route/events/wechat_pay"] {
            let found = metrics.count("tollgate_provider_keys", &[("plugin", plugin)]);
            assert_eq!(found, count, "certificates in force at {plugin}");
        }
    };
    let load = Load::start(&scene, address, "before");
    load.turns(2).await;
    keys(1).await;
    let mut orders = load.end().await;
    let (old, old_key) = scene.platform();
    assert_eq!(scene.named(), old, "calls name the old one");

    // More than a minute later, for so often messages may cause a download.
    scene.clock.by.fetch_add(61, Ordering::SeqCst);
    let load = Load::start(&scene, address, "during");
    load.turns(1).await;
    scene.stand.twin.rotate().await.unwrap();
    load.turns(1).await;
    let new = scene.platform();
    assert_ne!(new.0, old, "there is another one");
    let told = scene.tell_again(&gateway, &new).await;
    assert_eq!(told.status, 200, "the first message under the new one brings it: {}", told.text());
    keys(2).await;
    load.turns(2).await;
    assert_eq!(scene.named(), new.0, "calls name the new one");
    let old = (old, old_key);
    let told = scene.tell_again(&gateway, &old).await;
    assert_eq!(told.status, 200, "the old one counts beside it: {}", told.text());
    scene.stand.twin.retire();
    load.turns(2).await;
    orders += load.end().await;

    // The list is asked for again, and the old one is not on it.
    scene.clock.by.fetch_add(61, Ordering::SeqCst);
    let unknown = ("5157F09EFDC096DE15EBE81A47057A7232F1B8E1".to_owned(), scene.platform().1);
    let told = scene.tell_again(&gateway, &unknown).await;
    assert_eq!(told.fault().as_deref(), Some("signature_key_unknown"), "nobody's key");
    keys(1).await;
    let told = scene.tell_again(&gateway, &old).await;
    assert_eq!(told.fault().as_deref(), Some("signature_key_unknown"), "the old key, in a message");
    let load = Load::start(&scene, address, "after");
    load.turns(1).await;
    orders += load.end().await;
    delivered(&scene.stand, &scene.institution, orders).await;
    assert_eq!(scene.stand.refusals(), [""; 0], "WeChat Pay refused nothing");

    let forger = scene.clone();
    scene.relay.on_answers(Box::new(move |message| forger.signed(message, &old)));
    let mut caller = Http1::connect(address).await;
    let path = "/v3/pay/transactions/out-trade-no/before-0-0?mchid=1900000109";
    let answer = caller.call("GET", path, &[LOCAL], b"", None).await;
    let code = answer.fault();
    assert_eq!(
        code.as_deref(),
        Some("upstream_signature_key_unknown"),
        "the old key, in an answer"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merchant_of_wechat_pay_changes_its_certificate_under_load_and_the_old_one_is_not_seen_again()
 {
    let scene = Arc::new(Scene::new().await);
    let id = scene.stand.file("pub_key_id");
    let keys = format!("public_keys: [{{ id: {}, key: twin/pub_key.pem }}]", id.trim());
    let gateway = scene.recipe(&keys, &keys).start();
    let address = gateway.address("plain");
    scene.post.leads_to(address);
    let old = scene.stand.fact("serial_no");
    let load = Load::start(&scene, address, "order");
    load.turns(2).await;
    scene.stand.twin.renew().await.unwrap();
    let new = scene.stand.fact("serial_no");
    // Under another name, and named together with its serial: key and serial change at once.
    gateway.folder.write("twin/new_key.pem", scene.stand.file("apiclient_key.pem"));
    change(&gateway, &[(&old, &new), ("twin/apiclient_key.pem", "twin/new_key.pem")]).await;
    // What had begun ends with the old one.
    load.turns(1).await;
    let before = seen(&scene.stand);
    load.turns(3).await;
    let after = seen(&scene.stand);
    assert_eq!(after[0], before[0], "the old one is not seen any more");
    assert!(after[1] >= before[1] + 24, "the new one is: {after:?}");
    scene.stand.twin.revoke();
    load.turns(2).await;
    let orders = load.end().await;
    assert_eq!(scene.stand.refusals(), [""; 0], "WeChat Pay refused nothing");
    assert_eq!(seen(&scene.stand)[0], after[0], "and it was not seen after it had ended either");
    delivered(&scene.stand, &scene.institution, orders).await;
}
