//! WeChat Pay: answers and notifications are signed over time, nonce and body; requests over method,
//! target, time, nonce and body.

use serde_json::json;

use super::*;
use crate::providers::{message::*, twin::Stand};

const REPLAYED: Option<&str> = Some("upstream_signature_replayed");
const ORDERS: &str = "/v3/pay/transactions/native";
const QUERY: &str = "/v3/pay/transactions/out-trade-no/order-1?mchid=1900000109";

struct Scene {
    stand: Stand,
    relay: Relay,
    post: Provider,
    institution: Provider,
    gateway: Gateway,
}

impl Scene {
    async fn new() -> Self {
        let post = Provider::http1(|_| Reply::new(200, "")).await;
        let institution = Provider::http1(|_| Reply::new(204, "")).await;
        let stand = Stand::new("wechat_pay", &format!("{}/told", post.url()));
        let relay = Relay::before(&stand.address).await;
        // Public keys alone: nothing is downloaded that could be met by a change.
        let common = format!(
            "merchant_id: '1900000109', api_v3_key: {{ file: twin/api_v3_key }}, \
             platform_keys: {{ public_keys: [{{ id: {}, key: twin/pub_key.pem }}] }}",
            stand.file("pub_key_id").trim()
        );
        let yaml = format!(
            "listeners: {{ plain: {{ address: '127.0.0.1:0' }} }}
routes:
  calls:
    match: {{ path_prefix: /v3 }}
    unauthenticated: true
    send_to: [{{ upstream: provider }}]
  events:
    match: {{ path: /told, methods: [POST] }}
    plugins: [{{ wechat_pay: {{ {common} }} }}]
    send_to: [{{ upstream: institution }}]
upstreams:
  provider:
    endpoints: ['{}']
    plugins:
      - wechat_pay: {{ {common}, certificate_serial: '{}', private_key: {{ file: twin/apiclient_key.pem }} }}
  institution: {{ endpoints: ['{}'] }}
",
            relay.server.url(),
            stand.fact("serial_no"),
            institution.url(),
        );
        let gateway = stand.recipe(yaml).start();
        Self { stand, relay, post, institution, gateway }
    }

    /// An order that is made, as far as nobody keeps it from the twin.
    async fn order(&self, order: &str) -> Answer {
        let body = json!({
            "appid": "wxd678efh567hg6787",
            "mchid": "1900000109",
            "description": "tea",
            "out_trade_no": order,
            "notify_url": "https://merchant.example/told",
            "amount": { "total": 500 },
        });
        let body = body.to_string();
        Ask { gateway: &self.gateway, method: "POST", target: ORDERS, body: &body }.send().await
    }

    /// A notification as WeChat Pay sends it, caught on its way.
    async fn notification(&self) -> Message {
        let number = self.post.requests().len();
        let order = format!("told-{number}");
        let made = self.order(&order).await;
        assert_eq!(made.status, 200, "ordered: {}", made.text());
        self.stand.twin.desk().pay(&order).unwrap();
        self.post
            .until("a notification", |requests| requests.get(number).is_some_and(|it| it.complete))
            .await;
        Message::of_request(&self.post.requests()[number])
    }
}

/// What can be done to what WeChat Pay signs, on the side whose codes begin like this.
fn rows(codes: [&'static str; 6]) -> Vec<Row> {
    let [missing_, malformed, algorithm, unknown, expired, invalid] = codes;
    let mut rows: Vec<Row> = vec![
        ("the time, within the window", later("wechatpay-timestamp", 1), Refused(invalid)),
        ("the time, too old", later("wechatpay-timestamp", -301), Refused(expired)),
        ("the time, too far ahead", later("wechatpay-timestamp", 320), Refused(expired)),
        ("the time, no number", says("wechatpay-timestamp", "soon"), Refused(malformed)),
        ("the nonce", letter("wechatpay-nonce"), Refused(invalid)),
        ("the serial", letter("wechatpay-serial"), Refused(unknown)),
        (
            "the serial, of a certificate",
            says("wechatpay-serial", "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"),
            Refused(unknown),
        ),
        ("the signature", letter("wechatpay-signature"), Refused(invalid)),
        ("the signature, no base64", says("wechatpay-signature", "*"), Refused(invalid)),
        (
            "the type",
            says("wechatpay-signature-type", "WECHATPAY2-SM2-WITH-SM3"),
            Refused(algorithm),
        ),
        ("the type, twice", twice("wechatpay-signature-type"), Refused(malformed)),
        ("the first byte of the body", byte(|_| 0), Refused(invalid)),
        ("a byte in the middle of the body", byte(|length| length / 2), Refused(invalid)),
        ("the last byte of the body", byte(|length| length - 1), Refused(invalid)),
        ("the body, written again", written_again(), Refused(invalid)),
        ("the body, longer", body(|text| format!("{text} ")), Refused(invalid)),
        ("the body, shorter", body(|text| text[..text.len() - 1].to_owned()), Refused(invalid)),
        ("the body, none", body(|_| String::new()), Refused(invalid)),
    ];
    for name in
        ["wechatpay-timestamp", "wechatpay-nonce", "wechatpay-serial", "wechatpay-signature"]
    {
        rows.push((name, missing(name), Refused(missing_)));
        rows.push((name, twice(name), Refused(malformed)));
        rows.push((name, says(name, ""), Refused(missing_)));
    }
    // Without a type it is the usual one: WeChat Pay does not always send it, and does not sign it.
    rows.push(("no type", missing("wechatpay-signature-type"), Passes));
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_of_wechat_pay_that_was_changed_on_its_way_is_refused_by_what_was_changed() {
    let scene = Scene::new().await;
    let made = scene.order("order-1").await;
    assert_eq!(made.status, 200, "ordered: {}", made.text());
    let mut rows = rows([
        "upstream_signature_missing",
        "upstream_signature_malformed",
        "upstream_signature_algorithm_refused",
        "upstream_signature_key_unknown",
        "upstream_signature_expired",
        "upstream_signature_invalid",
    ]);
    rows.push(("the status", status(404), Passes));
    let ask = Ask { gateway: &scene.gateway, method: "GET", target: QUERY, body: "" };
    answers(&scene.relay, &ask, &["trade_state", "order-1"], rows, REPLAYED).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notification_of_wechat_pay_that_was_changed_on_its_way_reaches_nobody() {
    let scene = Scene::new().await;
    let mut rows = rows([
        "signature_missing",
        "signature_malformed",
        "signature_algorithm_refused",
        "signature_key_unknown",
        "signature_expired",
        "signature_invalid",
    ]);
    rows.push(("the query", target(|target| format!("{target}?a=1")), Passes));
    rows.push(("the path", target(|target| format!("{target}/x")), Refused("route_not_found")));
    rows.push(("the method", method("PUT"), Refused("method_not_allowed")));
    let genuine = async || scene.notification().await;
    notifications(&scene.gateway, &scene.institution, genuine, rows).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_to_wechat_pay_that_was_changed_on_its_way_is_not_the_gateways_any_more() {
    const SIGN: &str = "SIGN_ERROR";
    let scene = Scene::new().await;
    let field = |from, to| replaced("authorization", from, to);
    let part = |name: &'static str| {
        message::field("authorization", move |value| {
            let start = value.find(&format!("{name}=\"")).expect("a part") + name.len() + 2;
            other_at(value, start + 7)
        })
    };
    let changes: Vec<(&str, Change, &str)> = vec![
        ("the method", method("PUT"), SIGN),
        ("the path", target(|target| target.replace("native", "app")), SIGN),
        ("the query", target(|target| format!("{target}?a=1")), SIGN),
        ("the time", part("timestamp"), SIGN),
        ("the nonce", part("nonce_str"), SIGN),
        ("the serial", part("serial_no"), SIGN),
        ("the signature", part("signature"), SIGN),
        ("the merchant", field("1900000109", "1900000108"), SIGN),
        ("the scheme", field("WECHATPAY2-SHA256-RSA2048", "WECHATPAY2-SM2-WITH-SM3"), SIGN),
        ("the header, missing", missing("authorization"), SIGN),
        ("the header, twice", twice("authorization"), SIGN),
        ("the first byte of the body", byte(|_| 0), SIGN),
        ("the amount", body(|text| text.replace("500", "501")), SIGN),
        ("the last byte of the body", byte(|length| length - 1), SIGN),
        ("the body, written again", written_again(), SIGN),
        ("the body, none", body(|_| String::new()), SIGN),
        ("the user agent", missing("user-agent"), "PARAM_ERROR"),
    ];
    let count = changes.len();
    for (nth, (what, change, code)) in changes.into_iter().enumerate() {
        scene.relay.on_requests(change);
        let answer = scene.order("order-1").await;
        assert_ne!(answer.status, 200, "another {what}: {}", answer.text());
        let refusals = scene.stand.refusals();
        assert_eq!(refusals.len(), nth + 1, "another {what}: the provider refused it");
        assert_eq!(refusals[nth], code, "another {what}");
        assert_eq!(scene.stand.orders(), 0, "another {what}: nothing is booked");
    }
    scene.relay.on_requests(nothing());
    assert_eq!(scene.order("order-1").await.status, 200, "unchanged it is taken");
    assert_eq!((scene.stand.orders(), scene.stand.refusals().len()), (1, count), "once");
}
