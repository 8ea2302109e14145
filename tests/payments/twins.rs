//! The whole chain in front of provider twins: what is mapped is signed, and judged by somebody who
//! knows nothing of the gateway; what the twin says is verified, then mapped.

use serde_json::{Value, json};

use super::stage::{example, keep_plugins, owners, parsed, written};
use crate::{sandbox::Sandbox, support::*};

const PAYMENT: &str = "/v1/payments/order_0001";

/// The example between a twin and an institution. Notifications go to a post box, and from there to
/// the gateway when the test says so.
struct Party {
    kind: &'static str,
    gateway: Gateway,
    twin: Sandbox,
    post: Provider,
    institution: Provider,
}

impl Party {
    async fn wechat_pay() -> Self {
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
        Self::new("wechat_pay", &files, settings).await
    }

    async fn alipay() -> Self {
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
        Self::new("alipay", &files, settings).await
    }

    async fn new(
        kind: &'static str,
        files: &[&str],
        settings: impl FnOnce(&Sandbox) -> Value,
    ) -> Self {
        let post = Provider::http1(move |_| {
            // Acknowledged in either one's words.
            Reply::new(200, if kind == "alipay" { "success" } else { "" })
        })
        .await;
        let institution = Provider::http1(|_| Reply::new(204, "")).await;
        let notify = format!("{}/notify/{kind}", post.url());
        let twin = Sandbox::start(kind, &["--notify", &notify]).await;
        let settings = settings(&twin);
        let mut all = example();
        for section in ["routes", "upstreams"] {
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

    async fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let json = [("content-type", "application/json")];
        let fields = if body.is_empty() { &json[..0] } else { &json[..] };
        let mut caller = Http1::connect(self.gateway.address("applications")).await;
        caller.call(method, path, fields, body.as_bytes(), None).await
    }

    /// An operation that succeeds.
    async fn done(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.call(method, path, body).await;
        let refusals = self.twin.watch("/_refusals").await;
        assert_eq!(answer.status, 200, "{method} {path}: {} {refusals:#}", answer.text());
        parsed(&answer)
    }

    /// Brings the notification of this number to the gateway, as it came.
    async fn deliver(&self, number: usize) -> Answer {
        self.post
            .until("a notification", |requests| {
                requests.iter().filter(|request| request.complete).count() >= number
            })
            .await;
        let notice = &self.post.requests()[number - 1];
        let mut fields = vec![("host", "notify.example")];
        for (name, value) in &notice.headers {
            if name.starts_with("wechatpay-") || name == "content-type" {
                fields.push((name.as_str(), value.as_str()));
            }
        }
        let mut caller = Http1::connect(self.gateway.address("providers")).await;
        let path = format!("/notify/{}", self.kind);
        caller.call("POST", &path, &fields, &notice.body, None).await
    }

    fn event(&self, number: usize) -> Value {
        let requests = self.institution.requests();
        serde_json::from_slice(&requests[number - 1].body).unwrap()
    }
}

fn payment(channel: &str) -> Value {
    json!({ "channel": channel, "order_id": "order_0001", "amount": "10.50", "currency": "CNY",
        "description": "Tea" })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_at_wechat_pay_lives_from_its_code_to_its_refund() {
    let party = Party::wechat_pay().await;
    let query = format!("{PAYMENT}?channel=wechat_pay");
    let made = party.done("POST", "/v1/payments", payment("wechat_pay")).await;
    assert_eq!(made["status"], "requires_action", "made: {made}");
    assert_eq!(made["action"]["type"], "qr_code", "and to be scanned: {made}");
    let found = party.done("GET", &query, Value::Null).await;
    assert_eq!(found["status"], "requires_action", "nobody paid yet: {found}");

    party.twin.tell("/_pay", &json!({ "order": "order_0001" })).await;
    let taken = party.deliver(1).await;
    assert_eq!(taken.status, 200, "WeChat Pay is told: {}", taken.text());
    assert_eq!(parsed(&taken)["code"], "SUCCESS", "in its own words");
    let event = party.event(1);
    assert_eq!(
        (&event["event"], &event["order_id"], &event["amount"], &event["status"]),
        (&json!("payment.paid"), &json!("order_0001"), &json!("10.50"), &json!("paid")),
        "the institution reads one clean event: {event}"
    );
    let found = party.done("GET", &query, Value::Null).await;
    assert_eq!((&found["status"], &found["amount"]), (&json!("paid"), &json!("10.50")), "{found}");
    assert_eq!(found["provider_reference"], event["provider_reference"], "one number for both");
    let cancel = json!({ "channel": "wechat_pay" });
    let refused = party.call("POST", &format!("{PAYMENT}/cancel"), cancel).await;
    assert_eq!(refused.status, 409, "what is paid cannot be cancelled: {}", refused.text());
    assert_eq!(parsed(&refused)["error"]["code"], "conflict", "{}", refused.text());

    let refund = json!({ "channel": "wechat_pay", "refund_id": "refund_0001", "amount": "2.50",
        "payment_amount": "10.50", "currency": "CNY" });
    let made = party.done("POST", &format!("{PAYMENT}/refunds"), refund).await;
    let pair = (&made["refund_id"], &made["amount"]);
    assert_eq!(pair, (&json!("refund_0001"), &json!("2.50")), "a refund: {made}");
    let path = format!("{PAYMENT}/refunds/refund_0001?channel=wechat_pay");
    let found = party.done("GET", &path, Value::Null).await;
    assert_eq!(found["provider_reference"], made["provider_reference"], "the same: {found}");
    let absent = party.call("GET", "/v1/payments/order_0002?channel=wechat_pay", Value::Null).await;
    assert_eq!(absent.status, 404, "another order is not there: {}", absent.text());

    let refused = party.twin.watch("/_refusals").await;
    let signatures = refused.as_array().unwrap().iter().filter(|one| one["code"] == "SIGN_ERROR");
    assert_eq!(signatures.count(), 0, "every request was signed well: {refused:#}");
    let book = party.twin.watch("/_book").await;
    assert_eq!(book["totals"]["CNY"]["paid"], 1050, "to the cent: {book:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_at_alipay_lives_from_its_code_to_its_refund() {
    let party = Party::alipay().await;
    let query = format!("{PAYMENT}?channel=alipay");
    let made = party.done("POST", "/v1/payments", payment("alipay")).await;
    assert_eq!(made["action"]["type"], "qr_code", "made, and to be scanned: {made}");
    let unseen = party.call("GET", &query, Value::Null).await;
    assert_eq!(unseen.status, 404, "a code that nobody scanned: {}", unseen.text());
    assert_eq!(parsed(&unseen)["error"]["provider_code"], "ACQ.TRADE_NOT_EXIST", "is no trade");

    party.twin.tell("/_pay", &json!({ "order": "order_0001" })).await;
    let taken = party.deliver(1).await;
    assert_eq!((taken.status, taken.text().as_str()), (200, "success"), "Alipay is told");
    let event = party.event(1);
    assert_eq!(
        (&event["event"], &event["order_id"], &event["amount"], &event["status"]),
        (&json!("payment.paid"), &json!("order_0001"), &json!("10.50"), &json!("paid")),
        "the institution reads one clean event: {event}"
    );
    let found = party.done("GET", &query, Value::Null).await;
    assert_eq!((&found["status"], &found["amount"]), (&json!("paid"), &json!("10.50")), "{found}");
    assert_eq!(found["provider_reference"], event["provider_reference"], "one number for both");
    let cancel = json!({ "channel": "alipay" });
    let refused = party.call("POST", &format!("{PAYMENT}/cancel"), cancel).await;
    assert_eq!(refused.status, 409, "what is paid cannot be cancelled: {}", refused.text());

    let refund = json!({ "channel": "alipay", "refund_id": "refund_0001", "amount": "2.50",
        "currency": "CNY" });
    let refunds = format!("{PAYMENT}/refunds");
    let made = party.done("POST", &refunds, refund.clone()).await;
    let pair = (&made["status"], &made["amount"]);
    assert_eq!(pair, (&json!("succeeded"), &json!("2.50")), "a refund: {made}");
    let again = party.done("POST", &refunds, refund).await;
    assert_eq!(again["status"], "pending", "sent again, nothing more moves: {again}");
    let path = format!("{refunds}/refund_0001?channel=alipay");
    let found = party.done("GET", &path, Value::Null).await;
    let pair = (&found["status"], &found["amount"]);
    assert_eq!(pair, (&json!("succeeded"), &json!("2.50")), "and it is there: {found}");
    let absent = format!("{refunds}/refund_0002?channel=alipay");
    let absent = party.call("GET", &absent, Value::Null).await;
    assert_eq!(absent.status, 404, "another refund is not: {}", absent.text());

    let book = party.twin.watch("/_book").await;
    let totals = &book["totals"]["CNY"];
    assert_eq!((&totals["paid"], &totals["refunded"]), (&json!(1050), &json!(250)), "{book:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_whose_answer_was_lost_is_made_once_when_it_is_sent_again() {
    let party = Party::wechat_pay().await;
    party.twin.tell("/_faults", &json!({ "name": "lost_answer", "times": 1 })).await;
    let lost = party.call("POST", "/v1/payments", payment("wechat_pay")).await;
    assert_eq!(lost.fault().as_deref(), Some("upstream_broken"), "unknown: {}", lost.text());
    party.done("POST", "/v1/payments", payment("wechat_pay")).await;
    let book = party.twin.watch("/_book").await;
    assert_eq!(book["orders"], 1, "the same order: {book:#}");
    party.twin.tell("/_faults", &json!({ "name": "wrong_signature", "times": 1 })).await;
    let forged = party.call("POST", "/v1/payments", payment("wechat_pay")).await;
    assert_eq!(forged.status, 502, "an answer that is not WeChat Pay's: {}", forged.text());
    let fault = forged.fault().unwrap_or_default();
    assert!(fault.starts_with("upstream_signature_"), "is not mapped, but refused: {fault}");
}
