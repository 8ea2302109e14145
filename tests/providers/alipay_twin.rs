//! Alipay's twin behind the gateway: both protocols, bare keys and certificates, plain and encrypted.
//! The twin checks and signs with code of its own.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::{sandbox::Sandbox, support::*};

const APP: &str = "2021001122334455";
const JSON: (&str, &str) = ("content-type", "application/json");
/// The application's files, as the twin made them.
const FILES: [&str; 6] = [
    "app_private_key.pem",
    "alipay_public_key.pem",
    "appCertPublicKey.crt",
    "alipayCertPublicKey_RSA2.crt",
    "alipayRootCert.crt",
    "encrypt_key",
];
/// Names of upstreams, and the settings of each.
const WAYS: [(&str, &str); 8] = [
    ("v3-key", "protocol: v3, alipay_public_key: alipay_public_key.pem"),
    ("v3-certificates", "protocol: v3, certificates: *files"),
    (
        "v3-key-encrypted",
        "protocol: v3, alipay_public_key: alipay_public_key.pem, encryption_key: *aes",
    ),
    ("v3-certificates-encrypted", "protocol: v3, certificates: *files, encryption_key: *aes"),
    ("v2-key", "protocol: v2, alipay_public_key: alipay_public_key.pem"),
    ("v2-certificates", "protocol: v2, certificates: *files"),
    (
        "v2-key-encrypted",
        "protocol: v2, alipay_public_key: alipay_public_key.pem, encryption_key: *aes",
    ),
    ("v2-certificates-encrypted", "protocol: v2, certificates: *files, encryption_key: *aes"),
];

/// A gateway with an upstream for each way, chosen by a header, and a route for notifications.
fn gateway(sandbox: &Sandbox, shop: &Provider) -> Gateway {
    let files = "{ app: appCertPublicKey.crt, alipay: alipayCertPublicKey_RSA2.crt, root: alipayRootCert.crt }";
    let mut yaml = format!(
        "listeners: {{ plain: {{ address: 127.0.0.1:0 }} }}
routes:
  events:
    match: {{ path: /notify }}
    plugins:
      - alipay: {{ app_id: \"{APP}\", alipay_public_key: alipay_public_key.pem, seller_id: \"2088102116773037\" }}
    send_to: [{{ upstream: shop }}]
  calls:
    unauthenticated: true
    send_to:
"
    );
    for (name, _) in WAYS {
        writeln!(
            yaml,
            "      - {{ when: 'request.headers[\"x-way\"] == \"{name}\"', upstream: {name} }}"
        )
        .unwrap();
    }
    write!(yaml, "upstreams:\n  shop: {{ endpoints: [\"{}\"] }}\n", shop.url()).unwrap();
    for (name, settings) in WAYS {
        let settings = settings.replace("*files", files).replace("*aes", "{ file: encrypt_key }");
        write!(
            yaml,
            "  {name}:
    endpoints: [\"{}\"]
    plugins:
      - alipay: {{ app_id: \"{APP}\", private_key: {{ file: app_private_key.pem }}, {settings} }}
",
            sandbox.url
        )
        .unwrap();
    }
    FILES
        .iter()
        .fold(Recipe::new(yaml), |recipe, name| recipe.file(name, sandbox.folder.read(name)))
        .start()
}

/// A call for this method, as the way has it.
async fn call(caller: &mut Http1, way: &str, method: &str, content: &Value) -> (u16, Value) {
    let headers = [LOCAL, JSON, ("x-way", way)];
    let mut content = content.clone();
    let (path, body) = if way.starts_with("v3") {
        (format!("/v3/{}", method.replace('.', "/")), content)
    } else {
        let notify = content.as_object_mut().unwrap().remove("notify_url").unwrap_or_default();
        let call = json!({ "method": method, "notify_url": notify, "biz_content": content });
        ("/gateway.do".to_owned(), call)
    };
    let answer = caller.call("POST", &path, &headers, body.to_string().as_bytes(), None).await;
    let text = answer.text();
    (answer.status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("{way}: {text}")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_made_paid_and_told_whichever_way_alipay_is_called() {
    let shop = Provider::http1(|_| Reply::new(204, "")).await;
    let sandbox = Sandbox::start("alipay", &["--plain"]).await;
    let gateway = gateway(&sandbox, &shop);
    let notify = gateway.url("plain", "/notify").replace("localhost", "127.0.0.1");
    let mut caller = gateway.http1().await;
    for (nth, (way, _)) in WAYS.iter().enumerate() {
        let order = json!({
            "out_trade_no": way, "total_amount": "5.00", "subject": "订单 & 100% +", "notify_url": notify,
        });
        let (status, made) = call(&mut caller, way, "alipay.trade.precreate", &order).await;
        assert_eq!(status, 200, "{way}: {made}");
        assert!(made["qr_code"].is_string(), "{way}: {made}");
        let (status, told) = sandbox.tell("/_pay", &json!({ "order": way })).await;
        assert_eq!(status, 200, "{way} is paid: {told}");
        let query = json!({ "out_trade_no": way });
        let (_, found) = call(&mut caller, way, "alipay.trade.query", &query).await;
        assert_eq!(found["trade_status"], "TRADE_SUCCESS", "{way}: {found}");
        shop.until("the notification", |requests| {
            requests.iter().filter(|request| request.complete).count() > nth
        })
        .await;
        let event: Value = serde_json::from_slice(&shop.requests()[nth].body).unwrap();
        for (name, value) in [
            ("out_trade_no", *way),
            ("total_amount", "5.00"),
            ("trade_status", "TRADE_SUCCESS"),
            ("subject", "订单 & 100% +"),
        ] {
            assert_eq!(event[name], value, "{way}: {event}");
        }
        assert_eq!(event.get("sign"), None, "{way}: {event}");
        let (_, none) =
            call(&mut caller, way, "alipay.trade.query", &json!({ "out_trade_no": "x" })).await;
        let words = none.to_string();
        assert!(words.contains("TRADE_NOT_EXIST"), "{way}: a signed error is handed on: {words}");
    }
    let refusals = sandbox.watch("/_refusals").await;
    let unsigned = refusals.as_array().unwrap().iter().filter(|refusal| {
        let code = refusal["code"].as_str().unwrap_or_default();
        !code.contains("TRADE_NOT_EXIST")
    });
    assert_eq!(unsigned.count(), 0, "the twin found nothing wrong: {refusals:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_under_a_certificate_that_is_not_configured_reaches_nobody() {
    let shop = Provider::http1(|_| Reply::new(204, "")).await;
    let sandbox = Sandbox::start("alipay", &["--plain"]).await;
    let gateway = gateway(&sandbox, &shop);
    let mut caller = gateway.http1().await;
    sandbox.tell("/_rotate", &json!({})).await;
    sandbox.tell("/_retire", &json!({})).await;
    for (way, code) in [
        ("v3-certificates", "upstream_signature_key_unknown"),
        ("v2-certificates", "upstream_signature_key_unknown"),
        ("v3-key", "upstream_signature_invalid"),
        ("v2-key", "upstream_signature_invalid"),
    ] {
        let query = json!({ "out_trade_no": "x" });
        let (status, problem) = call(&mut caller, way, "alipay.trade.query", &query).await;
        assert_eq!((status, problem["code"].as_str()), (502, Some(code)), "{way}: {problem}");
    }
}
