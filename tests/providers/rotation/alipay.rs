//! Alipay: its key or certificate, and the application's; v3 with bare keys, v2 with certificates.

use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::json;

use super::*;

/// How Alipay is called, and known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// v3, with bare keys.
    Keys,
    /// v2, with certificates.
    Certificates,
}

struct Scene {
    way: Way,
    stand: Stand,
    /// Between the gateway and Alipay.
    relay: Relay,
    /// Between Alipay and the gateway's route for notifications.
    post: Relay,
    institution: Provider,
}

impl Scene {
    async fn new(way: Way) -> (Arc<Self>, Gateway) {
        let institution = Provider::http1(|_| Reply::new(204, "")).await;
        let post = Relay::new().await;
        let stand = Stand::new("alipay", &format!("{}/told", post.server.url()));
        let relay = Relay::before(&stand.address).await;
        let (protocol, theirs) = match way {
            Way::Keys => ("v3", "alipay_public_key: twin/alipay_public_key.pem"),
            Way::Certificates => (
                "v2",
                "certificates: { app: twin/appCertPublicKey.crt, \
                 alipay: twin/alipayCertPublicKey_RSA2.crt, root: twin/alipayRootCert.crt }",
            ),
        };
        let common = format!("protocol: {protocol}, app_id: '2021001122334455', {theirs}");
        let gateway = stand
            .recipe(format!(
                "listeners: {{ plain: {{ address: '127.0.0.1:0' }} }}
routes:
  calls:
    unauthenticated: true
    send_to: [{{ upstream: provider }}]
  events:
    match: {{ path: /told, methods: [POST] }}
    plugins: [{{ alipay: {{ {common} }} }}]
    send_to: [{{ upstream: institution }}]
upstreams:
  provider:
    endpoints: ['{}']
    plugins: [{{ alipay: {{ {common}, private_key: {{ file: twin/app_private_key.pem }} }} }}]
  institution: {{ endpoints: ['{}'] }}
",
                relay.server.url(),
                institution.url()
            ))
            .start();
        post.leads_to(gateway.address("plain"));
        (Arc::new(Self { way, stand, relay, post, institution }), gateway)
    }

    async fn call(&self, caller: &mut Http1, method: &str, content: Value) -> Answer {
        let (path, body) = match self.way {
            Way::Keys => (format!("/v3/{}", method.replace('.', "/")), content),
            Way::Certificates => {
                ("/gateway.do".to_owned(), json!({ "method": method, "biz_content": content }))
            }
        };
        let fields = [LOCAL, ("content-type", "application/json")];
        caller.call("POST", &path, &fields, body.to_string().as_bytes(), None).await
    }
}

impl Shop for Scene {
    async fn order(&self, caller: &mut Http1, name: &str) {
        let order = json!({ "out_trade_no": name, "total_amount": "5.00", "subject": "tea" });
        let made = self.call(caller, "alipay.trade.precreate", order).await;
        assert_eq!(made.status, 200, "{name} is ordered: {:?} {}", made.fault(), made.text());
        self.stand.twin.desk().pay(name).unwrap();
        let found = self.call(caller, "alipay.trade.query", json!({ "out_trade_no": name })).await;
        assert_eq!(found.status, 200, "{name} is found: {:?} {}", found.fault(), found.text());
        assert!(found.text().contains("TRADE_SUCCESS"), "{name} is paid: {}", found.text());
    }
}

/// Alipay's own key.
async fn theirs(way: Way) {
    let (scene, gateway) = Scene::new(way).await;
    let address = gateway.address("plain");
    // An answer under the old key, kept for later.
    let kept = Arc::new(Mutex::new(Message::default()));
    let keeps = kept.clone();
    scene.relay.on_answers(Box::new(move |answer| *keeps.lock() = answer.clone()));
    scene.order(&mut gateway.http1().await, "kept").await;
    scene.relay.on_answers(crate::providers::message::nothing());
    let load = Load::start(&scene, address, "order");
    load.turns(1).await;

    // Alipay shows its next key, and the gateway is told of it beside the old one.
    let keys = scene.stand.twin.announce().await.unwrap();
    let next = &keys["keys"].as_array().unwrap()[1];
    let (file, old, both, new) = match way {
        Way::Keys => (
            next["public_key"].as_str().unwrap().to_owned(),
            "alipay_public_key: twin/alipay_public_key.pem",
            "alipay_public_key: [twin/alipay_public_key.pem, twin/next]",
            "alipay_public_key: twin/next",
        ),
        Way::Certificates => (
            next["certificate"].as_str().unwrap().to_owned(),
            "alipay: twin/alipayCertPublicKey_RSA2.crt",
            "alipay: twin/both",
            "alipay: twin/next",
        ),
    };
    gateway.folder.write("twin/next", &file);
    gateway.folder.write("twin/both", scene.stand.file("alipayCertPublicKey_RSA2.crt") + &file);
    change(&gateway, &[(old, both)]).await;
    load.turns(1).await;
    scene.stand.twin.rotate().await.unwrap();
    load.turns(2).await;
    scene.stand.twin.retire();
    change(&gateway, &[(both, new)]).await;
    load.turns(2).await;
    let orders = load.end().await + 1;
    assert_eq!(scene.stand.refusals(), [""; 0], "Alipay refused nothing");
    delivered(&scene.stand, &scene.institution, orders).await;

    // What the old key signed is worth nothing any more.
    let told = Message::of_request(&scene.post.server.requests()[0]);
    let told = told.send(&mut gateway.http1().await).await;
    assert_eq!(told.fault().as_deref(), Some("signature_invalid"), "a notification of the old key");
    scene.relay.on_answers(Box::new(move |answer| *answer = kept.lock().clone()));
    let query = json!({ "out_trade_no": "kept" });
    let answer = scene.call(&mut gateway.http1().await, "alipay.trade.query", query).await;
    let expected = match way {
        Way::Keys => "upstream_signature_invalid",
        Way::Certificates => "upstream_signature_key_unknown",
    };
    assert_eq!(answer.fault().as_deref(), Some(expected), "an answer of the old key");
}

/// The application's key.
async fn ours(way: Way) {
    let (scene, gateway) = Scene::new(way).await;
    let load = Load::start(&scene, gateway.address("plain"), "order");
    load.turns(2).await;
    scene.stand.twin.renew().await.unwrap();
    gateway.folder.write("twin/new_key", scene.stand.file("app_private_key.pem"));
    gateway.folder.write("twin/new_certificate", scene.stand.file("appCertPublicKey.crt"));
    let key = ("twin/app_private_key.pem", "twin/new_key");
    let certificate = ("twin/appCertPublicKey.crt", "twin/new_certificate");
    match way {
        Way::Keys => change(&gateway, &[key]).await,
        Way::Certificates => change(&gateway, &[key, certificate]).await,
    }
    // What had begun ends with the old one.
    load.turns(1).await;
    let before = seen(&scene.stand);
    load.turns(2).await;
    let after = seen(&scene.stand);
    assert_eq!(after[0], before[0], "the old one is not seen any more");
    assert!(after[1] >= before[1] + 16, "the new one is: {after:?}");
    scene.stand.twin.revoke();
    load.turns(2).await;
    let orders = load.end().await;
    assert_eq!(scene.stand.refusals(), [""; 0], "Alipay refused nothing");
    assert_eq!(seen(&scene.stand)[0], after[0], "and it was not seen after it had ended either");
    delivered(&scene.stand, &scene.institution, orders).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alipay_changes_its_bare_key_under_load_and_nothing_is_lost() {
    theirs(Way::Keys).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alipay_changes_its_certificate_under_load_and_nothing_is_lost() {
    theirs(Way::Certificates).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_of_alipay_changes_its_bare_key_under_load_and_the_old_one_is_not_seen_again()
 {
    ours(Way::Keys).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_of_alipay_changes_its_certificate_under_load_and_the_old_one_is_not_seen_again()
 {
    ours(Way::Certificates).await;
}
