//! Antom: calls, answers and notifications are signed over method, target, client, time and body.

use std::sync::Arc;

use tollgate::sandbox::RsaPair;
use tollgate_api::{Clock, SystemClock};
use tollgate_crypto::{Algorithm, PrivateKey, PublicKey, SigningKey, base64_decode, base64_encode};

use super::*;
use crate::providers::message::*;

const CLIENT: &str = "5X";
const PATH: &str = "/ams/api/v1/payments/pay";
const PAID: &str = r#"{"result":{"resultStatus":"S"},"paymentId":"p-1","amount":"500"}"#;

struct Scene {
    relay: Relay,
    antom: Provider,
    institution: Provider,
    gateway: Gateway,
    theirs: SigningKey,
}

impl Scene {
    async fn new() -> Self {
        let (ours, theirs) = (RsaPair::generate().unwrap(), RsaPair::generate().unwrap());
        let sign = signing(&theirs.private);
        let check = PublicKey::from_pem(&ours.public).unwrap();
        let antom = Provider::http1(move |request| {
            let said = |name: &str| request.header(name).unwrap_or_default();
            let (client, time) = (said("client-id"), said("request-time"));
            let signature = said("signature");
            let signature = signature
                .strip_prefix("algorithm=RSA256,keyVersion=1,signature=")
                .map(|text| base64_decode(&unescaped(text)).unwrap_or_default());
            let text = message_of(&request.method, &request.target, &client, &time, &request.body);
            let good = client == CLIENT
                && signature.is_some_and(|signature| {
                    check.verify(Algorithm::Rs256, text.as_bytes(), &signature).is_ok()
                });
            if !good {
                return Reply::new(401, r#"{"result":{"resultStatus":"F"}}"#);
            }
            let text =
                message_of(&request.method, &request.target, &client, &time, PAID.as_bytes());
            Reply::new(200, PAID)
                .with("response-time", &time)
                .with("client-id", &client)
                .with("signature", &signature_of(&sign, &text))
        })
        .await;
        let relay = Relay::before(&antom.address.to_string()).await;
        let institution = Provider::http1(|_| Reply::new(204, "")).await;
        let alipay =
            format!("protocol: antom, client_id: '{CLIENT}', alipay_public_key: antom.pem");
        let gateway = Recipe::new(format!(
            "listeners: {{ plain: {{ address: '127.0.0.1:0' }} }}
routes:
  calls:
    match: {{ path_prefix: /ams }}
    unauthenticated: true
    send_to: [{{ upstream: provider }}]
  events:
    match: {{ path_prefix: /told, methods: [POST, PUT] }}
    plugins: [{{ alipay: {{ {alipay} }} }}]
    send_to: [{{ upstream: institution }}]
upstreams:
  provider:
    endpoints: ['{}']
    plugins: [{{ alipay: {{ {alipay}, private_key: {{ file: client.key }} }} }}]
  institution: {{ endpoints: ['{}'] }}
",
            relay.server.url(),
            institution.url()
        ))
        .file("client.key", &ours.private)
        .file("antom.pem", &theirs.public)
        .start();
        Self { relay, antom, institution, gateway, theirs: signing(&theirs.private) }
    }

    fn ask(&self) -> Ask<'_> {
        Ask { gateway: &self.gateway, method: "POST", target: PATH, body: r#"{"amount":"500"}"# }
    }

    fn notification(&self, number: usize) -> Message {
        let body = format!(r#"{{"notifyType":"PAYMENT_RESULT","paymentId":"p-{number}"}}"#);
        let time = now();
        let text = message_of("POST", "/told?shop=1", CLIENT, &time, body.as_bytes());
        let headers = [
            ("host", "localhost"),
            ("content-type", "application/json"),
            ("client-id", CLIENT),
            ("request-time", &time),
            ("signature", &signature_of(&self.theirs, &text)),
        ];
        Message {
            method: "POST".to_owned(),
            target: "/told?shop=1".to_owned(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            body: body.into_bytes(),
            ..Message::default()
        }
    }
}

fn signing(key: &str) -> SigningKey {
    SigningKey::new(PrivateKey::from_pem(key).unwrap(), Algorithm::Rs256, None).unwrap()
}

fn message_of(method: &str, target: &str, client: &str, time: &str, body: &[u8]) -> String {
    format!("{method} {target}\n{client}.{time}.{}", String::from_utf8_lossy(body))
}

fn signature_of(key: &SigningKey, text: &str) -> String {
    let signature = base64_encode(&key.sign(text.as_bytes()).unwrap());
    let signature = signature.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    format!("algorithm=RSA256,keyVersion=1,signature={signature}")
}

fn unescaped(text: &str) -> String {
    text.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=")
}

fn now() -> String {
    SystemClock::new().unix().as_millis().to_string()
}

/// What can be done to what Antom signs, on the side whose codes begin like this.
fn rows(time: &'static str, prefix: &'static str) -> Vec<Row> {
    let refused = |code: &str| Refused(Box::leak(format!("{prefix}signature_{code}").into()));
    let part = |from: &'static str, to: &'static str| replaced("signature", from, to);
    let mut rows: Vec<Row> = vec![
        ("the time, within the window", later(time, 1), refused("invalid")),
        ("the time, too old", later(time, -660_000), refused("expired")),
        ("the time, too far ahead", later(time, 660_000), refused("expired")),
        ("the time, no moment", says(time, "soon"), refused("malformed")),
        ("the client", says("client-id", "5Y"), refused("invalid")),
        (
            "the signature",
            field("signature", |it| other_at(it, it.find("ture=").unwrap() + 9)),
            refused("invalid"),
        ),
        (
            "the signature, no base64",
            says("signature", "algorithm=RSA256,signature=*"),
            refused("malformed"),
        ),
        (
            "the signature, none",
            says("signature", "algorithm=RSA256,signature="),
            refused("missing"),
        ),
        ("the algorithm", part("RSA256", "RSA512"), refused("algorithm_refused")),
        ("the algorithm, missing", part("algorithm=RSA256,", ""), refused("missing")),
        (
            "the algorithm, twice",
            part("algorithm=RSA256", "algorithm=RSA256,algorithm=RSA256"),
            refused("malformed"),
        ),
        ("the first byte of the body", byte(|_| 0), refused("invalid")),
        ("a byte in the middle of the body", byte(|length| length / 2), refused("invalid")),
        ("the last byte of the body", byte(|length| length - 1), refused("invalid")),
        ("the body, written again", written_again(), refused("invalid")),
        ("the body, shorter", body(|text| text[..text.len() - 1].to_owned()), refused("invalid")),
        ("the body, none", body(|_| String::new()), refused("invalid")),
        // Which version of the key signed is not signed; the key is the configured one.
        ("the version of the key", part("keyVersion=1", "keyVersion=2"), Passes),
    ];
    for name in [time, "signature"] {
        rows.push((name, missing(name), refused("missing")));
        rows.push((name, says(name, ""), refused("missing")));
        rows.push((name, twice(name), refused("malformed")));
    }
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_of_antom_that_was_changed_on_its_way_is_refused_by_what_was_changed() {
    let scene = Scene::new().await;
    let mut rows = rows("response-time", "upstream_");
    rows.push(("the status", status(400), Passes));
    answers(&scene.relay, &scene.ask(), &["p-1", "resultStatus"], rows, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notification_of_antom_that_was_changed_on_its_way_reaches_nobody() {
    let scene = Scene::new().await;
    let mut rows = rows("request-time", "");
    let invalid = || Refused("signature_invalid");
    rows.push(("the path", target(|target| target.replace("/told", "/told/x")), invalid()));
    rows.push(("the query", target(|target| target.replace("shop=1", "shop=2")), invalid()));
    rows.push(("the query, none", target(|target| target.replace("?shop=1", "")), invalid()));
    rows.push(("the method", method("PUT"), invalid()));
    rows.push(("the client, missing", missing("client-id"), Refused("signature_missing")));
    let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let genuine =
        async || scene.notification(count.fetch_add(1, std::sync::atomic::Ordering::SeqCst));
    notifications(&scene.gateway, &scene.institution, genuine, rows).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_to_antom_that_was_changed_on_its_way_is_not_the_gateways_any_more() {
    let scene = Scene::new().await;
    let changes: Vec<(&str, Change)> = vec![
        ("the method", method("PUT")),
        ("the path", target(|target| target.replace("pay", "refund"))),
        ("the query", target(|target| format!("{target}?a=1"))),
        ("the client", says("client-id", "5Y")),
        ("the time", field("request-time", |it| other_at(it, it.len() - 1))),
        ("the signature", field("signature", |it| other_at(it, it.find("ture=").unwrap() + 9))),
        ("the amount", body(|text| text.replace("500", "501"))),
        ("the body, written again", written_again()),
    ];
    for (what, change) in changes {
        scene.relay.on_requests(change);
        let answer = scene.ask().send().await;
        assert_eq!(answer.status, 502, "another {what}: refused without a signature");
        assert_eq!(
            answer.fault().as_deref(),
            Some("upstream_signature_missing"),
            "another {what}: {}",
            answer.text()
        );
    }
    scene.relay.on_requests(nothing());
    assert_eq!(scene.ask().send().await.text(), PAID, "unchanged it is taken");
    assert_eq!(scene.antom.requests().len(), 9, "each came once: none was sent again");
}
