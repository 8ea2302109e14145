//! Alipay: v3 signs answers over time, nonce and body, and requests over credentials, method, target,
//! body and the token of the application; v2 signs the object of an answer, and all parameters of a
//! request; notifications are signed forms.

use serde_json::json;

use super::*;
use crate::providers::{message::*, twin::Stand};

pub const V3: &str = "/v3/alipay/trade/precreate";
pub const V2: &str = "/gateway.do";

pub struct Scene {
    stand: Stand,
    relay: Relay,
    post: Provider,
    institution: Provider,
    gateway: Gateway,
}

impl Scene {
    pub async fn new(protocol: &str) -> Self {
        let post = Provider::http1(|_| Reply::new(200, "success")).await;
        let institution = Provider::http1(|_| Reply::new(204, "")).await;
        let stand = Stand::new("alipay", &format!("{}/told", post.url()));
        let relay = Relay::before(&stand.address).await;
        let yaml = format!(
            "listeners: {{ plain: {{ address: '127.0.0.1:0' }} }}
routes:
  calls:
    unauthenticated: true
    send_to: [{{ upstream: provider }}]
  events:
    match: {{ path: /told, methods: [POST] }}
    plugins:
      - alipay: {{ app_id: '2021001122334455', alipay_public_key: twin/alipay_public_key.pem }}
    send_to: [{{ upstream: institution }}]
upstreams:
  provider:
    endpoints: ['{}']
    plugins:
      - alipay:
          protocol: {protocol}
          app_id: '2021001122334455'
          private_key: {{ file: twin/app_private_key.pem }}
          certificates:
            app: twin/appCertPublicKey.crt
            alipay: twin/alipayCertPublicKey_RSA2.crt
            root: twin/alipayRootCert.crt
  institution: {{ endpoints: ['{}'] }}
",
            relay.server.url(),
            institution.url(),
        );
        let gateway = stand.recipe(yaml).start();
        Self { stand, relay, post, institution, gateway }
    }

    async fn order(&self, target: &str, order: &str) -> Answer {
        let body = order_at(target, order);
        Ask { gateway: &self.gateway, method: "POST", target, body: &body }.send().await
    }

    /// A notification as Alipay sends it, caught on its way.
    async fn notification(&self) -> Message {
        let number = self.post.requests().len();
        let order = format!("told-{number}");
        let made = self.order(V3, &order).await;
        assert_eq!(made.status, 200, "ordered: {}", made.text());
        self.stand.twin.desk().pay(&order).unwrap();
        self.post
            .until("a notification", |requests| requests.get(number).is_some_and(|it| it.complete))
            .await;
        Message::of_request(&self.post.requests()[number])
    }

    /// Changes requests on their way: the twin refuses each with the code that it has for it, and
    /// books none.
    pub async fn requests(&self, target: &str, changes: Vec<(&str, Change, &str)>) {
        let count = changes.len();
        for (nth, (what, change, code)) in changes.into_iter().enumerate() {
            self.relay.on_requests(change);
            let answer = self.order(target, "order-1").await;
            assert!(!answer.text().contains("qr_code"), "another {what}: {}", answer.text());
            let refusals = self.stand.refusals();
            assert_eq!(
                refusals.len(),
                nth + 1,
                "another {what}: Alipay refused it: {}",
                answer.text()
            );
            assert_eq!(refusals[nth], code, "another {what}");
            assert_eq!(self.stand.orders(), 0, "another {what}: nothing is booked");
        }
        self.relay.on_requests(nothing());
        let answer = self.order(target, "order-1").await;
        assert_eq!(answer.status, 200, "unchanged it is taken: {}", answer.text());
        assert!(answer.text().contains("qr_code"), "unchanged it is taken: {}", answer.text());
        assert_eq!((self.stand.orders(), self.stand.refusals().len()), (1, count), "once");
    }
}

fn order_at(target: &str, order: &str) -> String {
    let content = json!({ "out_trade_no": order, "total_amount": "5.00", "subject": "tea" });
    match target {
        V2 => json!({ "method": "alipay.trade.precreate", "biz_content": content }).to_string(),
        _ => content.to_string(),
    }
}

const WORDS: [&str; 2] = ["order-1", "qr_code"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_v3_answer_that_was_changed_on_its_way_is_refused_by_what_was_changed() {
    let scene = Scene::new("v3").await;
    let invalid = || Refused("upstream_signature_invalid");
    let mut rows: Vec<Row> = vec![
        ("the time, within the window", later("alipay-timestamp", 1), invalid()),
        (
            "the time, too old",
            later("alipay-timestamp", -600_001),
            Refused("upstream_signature_expired"),
        ),
        (
            "the time, too far ahead",
            later("alipay-timestamp", 660_000),
            Refused("upstream_signature_expired"),
        ),
        (
            "the time, no number",
            says("alipay-timestamp", "soon"),
            Refused("upstream_signature_malformed"),
        ),
        ("the nonce", letter("alipay-nonce"), invalid()),
        ("the certificate", letter("alipay-sn"), Refused("upstream_signature_key_unknown")),
        ("the signature", letter("alipay-signature"), invalid()),
        (
            "the signature, no base64",
            says("alipay-signature", "*"),
            Refused("upstream_signature_malformed"),
        ),
        ("the first byte of the body", byte(|_| 0), invalid()),
        ("a byte in the middle of the body", byte(|length| length / 2), invalid()),
        ("the last byte of the body", byte(|length| length - 1), invalid()),
        ("the body, written again", written_again(), invalid()),
        ("the body, longer", body(|text| format!("{text} ")), invalid()),
        ("the body, shorter", body(|text| text[..text.len() - 1].to_owned()), invalid()),
        ("the body, none", body(|_| String::new()), invalid()),
        ("the status", status(400), Passes),
    ];
    for name in ["alipay-timestamp", "alipay-nonce", "alipay-sn", "alipay-signature"] {
        rows.push((name, missing(name), Refused("upstream_signature_missing")));
        rows.push((name, says(name, ""), Refused("upstream_signature_missing")));
        rows.push((name, twice(name), Refused("upstream_signature_malformed")));
    }
    let body = order_at(V3, "order-1");
    let ask = Ask { gateway: &scene.gateway, method: "POST", target: V3, body: &body };
    answers(&scene.relay, &ask, &WORDS, rows, Some("upstream_signature_replayed")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_v2_answer_that_was_changed_on_its_way_is_refused_by_what_was_changed() {
    let scene = Scene::new("v2").await;
    let refused = |code: &'static str| Refused(code);
    // `{"alipay_trade_precreate_response":{…},"alipay_cert_sn":"…","sign":"…"}`
    let member = |name: &'static str, change: fn(&str) -> String| {
        body(move |text| {
            let (before, rest) = text.split_once(&format!("\"{name}\":\"")).expect("a member");
            let (value, after) = rest.split_once('"').unwrap();
            format!("{before}\"{name}\":\"{}\"{after}", change(value))
        })
    };
    let without = |name: &'static str| {
        body(move |text| {
            let (before, rest) = text.split_once(&format!(",\"{name}\":\"")).expect("a member");
            let (_, after) = rest.split_once('"').unwrap();
            format!("{before}{after}")
        })
    };
    let again = |name: &'static str| {
        body(move |text| format!("{},\"{name}\":\"x\"}}", &text[..text.len() - 1]))
    };
    let word = |from: &'static str, to: &'static str| {
        body(move |text| {
            assert!(text.contains(from), "`{from}` stands in {text}");
            text.replacen(from, to, 1)
        })
    };
    let middle = |value: &str| other_at(value, value.len() / 2);
    let rows: Vec<Row> = vec![
        ("the object's first letter", word(":{\"", ":{ \""), refused("upstream_signature_invalid")),
        (
            "the object, in its middle",
            word("order-1", "order-2"),
            refused("upstream_signature_invalid"),
        ),
        (
            "the object's last letter",
            word("},\"alipay", " },\"alipay"),
            refused("upstream_signature_invalid"),
        ),
        ("the object's name", word("precreate", "query"), refused("upstream_invalid_answer")),
        (
            "the object, twice",
            word("{\"alipay", "{\"error_response\":{},\"alipay"),
            refused("upstream_invalid_answer"),
        ),
        (
            "the object as a text",
            word("_response\":{", "_response\":\"\",\"x\":{"),
            refused("upstream_signature_invalid"),
        ),
        (
            "the object, written again",
            word("\"code\":", "\"code\": "),
            refused("upstream_signature_invalid"),
        ),
        ("what stands around the object, written again", word("{\"alipay", "{ \"alipay"), Passes),
        (
            "the answer, shorter",
            body(|text| text[..text.len() - 1].to_owned()),
            refused("upstream_invalid_answer"),
        ),
        ("the answer, none", body(|_| String::new()), refused("upstream_invalid_answer")),
        ("the signature", member("sign", middle), refused("upstream_signature_invalid")),
        (
            "the signature, no base64",
            member("sign", |_| "*".to_owned()),
            refused("upstream_signature_malformed"),
        ),
        (
            "the signature, empty",
            member("sign", |_| String::new()),
            refused("upstream_signature_missing"),
        ),
        ("the signature, missing", without("sign"), refused("upstream_signature_missing")),
        ("the signature, twice", again("sign"), refused("upstream_invalid_answer")),
        (
            "the certificate",
            member("alipay_cert_sn", middle),
            refused("upstream_signature_key_unknown"),
        ),
        (
            "the certificate, missing",
            without("alipay_cert_sn"),
            refused("upstream_signature_missing"),
        ),
        ("the certificate, twice", again("alipay_cert_sn"), refused("upstream_invalid_answer")),
        ("the status", status(500), Passes),
        ("another member beside the object", word("{\"alipay", "{\"x\":1,\"alipay"), Passes),
    ];
    let body = order_at(V2, "order-1");
    let ask = Ask { gateway: &scene.gateway, method: "POST", target: V2, body: &body };
    answers(&scene.relay, &ask, &WORDS, rows, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notification_of_alipay_that_was_changed_on_its_way_reaches_nobody() {
    let scene = Scene::new("v3").await;
    let invalid = || Refused("signature_invalid");
    let word = |from: &'static str, to: &'static str| {
        body(move |text| {
            assert!(text.contains(from), "`{from}` stands in {text}");
            text.replacen(from, to, 1)
        })
    };
    let without = |name: &'static str| {
        body(move |text| {
            let kept = text.split('&').filter(|pair| !pair.starts_with(&format!("{name}=")));
            kept.collect::<Vec<_>>().join("&")
        })
    };
    let signature = |change: fn(&str) -> String| {
        body(move |text| {
            let pairs = text.split('&').map(|pair| match pair.strip_prefix("sign=") {
                Some(value) => format!("sign={}", change(value)),
                None => pair.to_owned(),
            });
            pairs.collect::<Vec<_>>().join("&")
        })
    };
    let rows: Vec<Row> = vec![
        ("the amount", word("total_amount=5.00", "total_amount=9.00"), invalid()),
        ("the amount, missing", without("total_amount"), invalid()),
        (
            "the amount, twice",
            body(|text| format!("{text}&total_amount=9.00")),
            Refused("ambiguous_request"),
        ),
        ("the state", word("TRADE_SUCCESS", "TRADE_CLOSED"), invalid()),
        ("the number of the event", word("notify_id=", "notify_id=0"), invalid()),
        (
            "the time of the event",
            word("notify_time=2", "notify_time=3"),
            Refused("signature_expired"),
        ),
        ("the time of the event, missing", without("notify_time"), Refused("signature_missing")),
        ("the application", word("app_id=2021001122334455", "app_id=2021001122334456"), invalid()),
        ("another parameter", body(|text| format!("{text}&x=1")), invalid()),
        (
            "the type",
            word("sign_type=RSA2", "sign_type=RSA"),
            Refused("signature_algorithm_refused"),
        ),
        ("the type, missing", without("sign_type"), Refused("signature_missing")),
        ("the signature, missing", without("sign"), Refused("signature_missing")),
        ("the signature, empty", signature(|_| String::new()), Refused("signature_missing")),
        (
            "the signature, no base64",
            signature(|_| "%2A".to_owned()),
            Refused("signature_malformed"),
        ),
        ("the signature", signature(|value| other_at(value, 5)), invalid()),
        (
            "the character set",
            word("charset=utf-8", "charset=gbk"),
            Refused("unsupported_media_type"),
        ),
        ("the media type", says("content-type", "text/plain"), Refused("unsupported_media_type")),
        ("the body, shorter", body(|text| text[..text.len() - 8].to_owned()), invalid()),
        ("the body, none", body(|_| String::new()), Refused("signature_missing")),
        ("the query", target(|target| format!("{target}?a=1")), Passes),
        (
            "the order of the parameters",
            body(|text| text.split('&').rev().collect::<Vec<_>>().join("&")),
            Passes,
        ),
    ];
    let genuine = async || scene.notification().await;
    notifications(&scene.gateway, &scene.institution, genuine, rows).await;
}
