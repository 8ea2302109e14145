//! The whole chain between a provider's twin and an institution.

use serde_json::{Value, json};

use super::stage::{example, keep_plugins, owners, parsed, written};
use crate::{sandbox::Sandbox, support::*};

/// The example between a twin and an institution. Notifications go to a post box, and from there to
/// the gateway when the test says so.
pub struct Party {
    kind: &'static str,
    gateway: Gateway,
    pub twin: Sandbox,
    post: Provider,
    institution: Provider,
}

impl Party {
    /// With WeChat Pay.
    pub async fn wechat_pay() -> Self {
        let settings = |twin: &Sandbox| {
            let serial = twin.page.split_once("(serial_no)").unwrap().1;
            json!({
                "merchant_id": "1900000109",
                "certificate_serial": serial.split_whitespace().next().unwrap(),
                "private_key": { "file": "twin/apiclient_key.pem" },
                "api_v3_key": { "file": "twin/api_v3_key" },
                "platform_keys": { "public_keys": [
                    { "id": twin.folder.read("pub_key_id").trim(), "key": "twin/pub_key.pem" }
                ] },
            })
        };
        let files = ["apiclient_key.pem", "api_v3_key", "pub_key.pem"];
        Self::new("wechat_pay", &files, |twin, _| settings(twin)).await
    }

    /// With Alipay.
    pub async fn alipay() -> Self {
        let settings = |twin: &Sandbox| {
            json!({
                "protocol": "v3",
                "app_id": twin.folder.read("app_id").trim(),
                "seller_id": twin.folder.read("seller_id").trim(),
                "private_key": { "file": "twin/app_private_key.pem" },
                "alipay_public_key": "twin/alipay_public_key.pem",
                "encryption_key": { "file": "twin/encrypt_key" },
            })
        };
        let files = ["app_private_key.pem", "alipay_public_key.pem", "encrypt_key"];
        Self::new("alipay", &files, |twin, _| settings(twin)).await
    }

    /// With Stripe.
    pub async fn stripe() -> Self {
        let settings = |_: &Sandbox, section: &str| {
            if section == "routes" {
                let secret = json!({ "file": "twin/webhook_secret" });
                return json!({ "webhook_secrets": [secret], "livemode": false });
            }
            json!({
                "secret_key": { "file": "twin/secret_key" },
                "version": "2025-09-30.clover",
                "idempotency_key": { "scope": "shared" },
            })
        };
        Self::new("stripe", &["secret_key", "webhook_secret"], settings).await
    }

    async fn new(
        kind: &'static str,
        files: &[&str],
        settings: impl Fn(&Sandbox, &str) -> Value,
    ) -> Self {
        let post = Provider::http1(move |_| {
            // Acknowledged in either one's words.
            Reply::new(200, if kind == "alipay" { "success" } else { "" })
        })
        .await;
        let institution = Provider::http1(|_| Reply::new(204, "")).await;
        let notify = format!("{}/notify/{kind}", post.url());
        let twin = Sandbox::start(kind, &["--notify", &notify]).await;
        let mut all = example();
        for section in ["routes", "upstreams"] {
            let settings = settings(&twin, section);
            for owner in owners(&mut all, section) {
                keep_plugins(owner, &["map", kind]);
                let plugins = owner.get_mut("plugins").and_then(Value::as_array_mut);
                for plugin in plugins.into_iter().flatten() {
                    if let Some(own) = plugin.get_mut(kind) {
                        *own = settings.clone();
                    }
                }
            }
        }
        for upstream in owners(&mut all, "upstreams") {
            upstream["endpoints"] = json!([twin.url]);
            upstream["tls"] = json!({ "trust": "twin/ca.pem" });
        }
        all["upstreams"]["institution"] = json!({ "endpoints": [institution.url()] });
        let mut recipe = Recipe::new(written(&all)).file("twin/ca.pem", twin.folder.read("ca.pem"));
        for name in files {
            recipe = recipe.file(&format!("twin/{name}"), twin.folder.read(name));
        }
        Self { kind, gateway: recipe.start(), twin, post, institution }
    }

    /// Calls the payments API.
    pub async fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let json = [("content-type", "application/json")];
        let fields = if body.is_empty() { &json[..0] } else { &json[..] };
        let mut caller = Http1::connect(self.gateway.address("applications")).await;
        caller.call(method, path, fields, body.as_bytes(), None).await
    }

    /// An operation that succeeds.
    pub async fn done(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.call(method, path, body).await;
        let refusals = self.twin.watch("/_refusals").await;
        assert_eq!(answer.status, 200, "{method} {path}: {} {refusals:#}", answer.text());
        parsed(&answer)
    }

    /// Brings the notification of this number to the gateway, as it came.
    pub async fn deliver(&self, number: usize) -> Answer {
        self.post
            .until("a notification", |requests| {
                requests.iter().filter(|request| request.complete).count() >= number
            })
            .await;
        self.hand_on(&self.post.requests()[number - 1]).await
    }

    /// The same for the first notification whose body holds this text: some come in any order.
    pub async fn deliver_of(&self, kind: &str) -> Answer {
        let holds = |request: &Received| {
            request.complete && String::from_utf8_lossy(&request.body).contains(kind)
        };
        self.post.until(kind, |requests| requests.iter().any(holds)).await;
        let all = self.post.requests();
        self.hand_on(all.iter().find(|request| holds(request)).expect("it came")).await
    }

    async fn hand_on(&self, notice: &Received) -> Answer {
        let mut fields = vec![("host", "notify.example")];
        for (name, value) in &notice.headers {
            let proves = name.starts_with("wechatpay-") || name == "stripe-signature";
            if proves || name == "content-type" {
                fields.push((name.as_str(), value.as_str()));
            }
        }
        let mut caller = Http1::connect(self.gateway.address("providers")).await;
        let path = format!("/notify/{}", self.kind);
        caller.call("POST", &path, &fields, &notice.body, None).await
    }

    /// The event of this number that the institution received.
    pub fn event(&self, number: usize) -> Value {
        let requests = self.institution.requests();
        serde_json::from_slice(&requests[number - 1].body).unwrap()
    }
}

/// An order of 10.50 yuan.
pub fn payment(channel: &str) -> Value {
    json!({ "channel": channel, "order_id": "order_0001", "amount": "10.50", "currency": "CNY",
        "description": "Tea" })
}
