//! Every attack of `jose-attacks.json` against a running gateway, which honest messages pass.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use serde_json::Value;
use tollgate::{
    config::{self, Environment},
    listener::Listeners,
    proxy::Gateway,
    telemetry::{self, Telemetry},
};
use tollgate_api::{Clock, ManualClock, SystemEntropy};

use crate::support::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_attack_on_an_access_token_is_answered_401_and_the_honest_one_passes() {
    let vectors = vectors();
    let expected = &vectors["expected"];
    let provider = Provider::http1(|_| Reply::new(200, "reached")).await;
    let folder = Folder::new();
    folder.write("rsa.pem", text(&vectors["rsa_public_key_pem"]));
    folder.write("ec.pem", text(&vectors["ec_public_key_pem"]));
    let plugin = format!(
        "jwt: {{ issuer: '{}', audience: '{}', algorithms: [PS256, ES256], access_token_type: required, \
         clock_skew: 0s, keys: [{{ file: rsa.pem, kid: k1, algorithm: PS256 }}, \
         {{ file: ec.pem, kid: k2, algorithm: ES256 }}] }}",
        text(&expected["iss"]),
        text(&expected["aud"]),
    );
    let gateway = At::start(&folder, &provider, &plugin, expected["now_unix"].as_u64().unwrap());
    let mut caller = Http1::connect(gateway.address).await;
    let attacks = vectors["invalid_jwt"].as_array().unwrap();
    assert!(attacks.len() >= 15, "the vectors are complete");
    for attack in attacks {
        // The honest one in between: no attack leaves anything behind.
        let honest = format!("Bearer {}", text(&vectors["valid"]));
        let answer = caller.call("GET", "/", &[("authorization", &honest)], b"", None).await;
        assert_eq!(answer.status, 200, "the honest token: {}", answer.text());

        let (why, token) = (text(&attack["why"]), text(&attack["jwt"]));
        let bearer = format!("Bearer {token}");
        let answer = caller.call("GET", "/", &[("authorization", &bearer)], b"", None).await;
        assert_eq!(answer.status, 401, "{why}: {}", answer.text());
        let fault = answer.fault().unwrap_or_default();
        let right = match why {
            "expired" => fault == "token_expired",
            "wrong aud" => fault == "token_audience_invalid",
            "ID token presented as access token (typ JWT)" => fault == "token_type_invalid",
            _ => ["token_malformed", "token_signature_invalid"].contains(&fault.as_str()),
        };
        assert!(right, "{why} is refused for what it is: {fault}");
        let challenge = answer.header("www-authenticate").unwrap_or_default();
        assert!(challenge.contains(r#"error="invalid_token""#), "{why}: {challenge}");
        for part in token.split('.').filter(|part| part.len() > 8) {
            assert!(!format!("{answer:?}").contains(part), "{why}: the token is not echoed");
        }
    }
    assert_eq!(provider.requests().len(), attacks.len(), "none of them reached the provider");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_attack_on_an_encrypted_payload_is_refused_alike_and_the_honest_one_is_read() {
    let vectors = vectors();
    let provider = Provider::http1(|_| Reply::new(204, "")).await;
    let folder = Folder::new();
    folder.write("shared.key", text(&vectors["dir_key_hex"]));
    let plugin = "jwe: { algorithm: dir, encryption: A256GCM, key_format: hex, \
                  decrypt_with: { file: shared.key } }";
    let gateway = At::start(&folder, &provider, plugin, 1_767_225_600);
    let mut caller = Http1::connect(gateway.address).await;
    let headers = [("content-type", "application/jose")];
    let honest = text(&vectors["valid_jwe"]);
    let answer = caller.call("POST", "/", &headers, honest.as_bytes(), None).await;
    assert_eq!(answer.status, 204, "the honest one: {}", answer.text());
    let mut refusals = Vec::new();
    for attack in vectors["invalid_jwe"].as_array().unwrap() {
        let (why, token) = (text(&attack["why"]), text(&attack["jwe"]));
        let answer = caller.call("POST", "/", &headers, token.as_bytes(), None).await;
        assert_eq!(answer.fault().as_deref(), Some("decryption_failed"), "{why}");
        let mut body: Value = serde_json::from_slice(&answer.body).expect("a problem document");
        body.as_object_mut()
            .unwrap()
            .retain(|name, _| !["instance", "request_id"].contains(&name.as_str()));
        refusals.push((answer.status, body.to_string()));
    }
    refusals.dedup();
    assert_eq!(refusals.len(), 1, "nobody learns why a token was refused: {refusals:?}");
    assert_eq!(provider.requests().len(), 1, "only the honest one reached the provider");
}

/// A gateway at a moment of the test's own.
struct At {
    address: SocketAddr,
    _listeners: Listeners<Gateway>,
}

impl At {
    fn start(folder: &Folder, provider: &Provider, plugin: &str, now: u64) -> Self {
        prepare();
        let yaml = format!(
            "listeners: {{ plain: {{ address: 127.0.0.1:0 }} }}\n\
             routes: {{ pay: {{ unauthenticated: true, plugins: [{{ {plugin} }}], send_to: [{{ upstream: provider }}] }} }}\n\
             upstreams: {{ provider: {{ endpoints: [{}] }} }}\n",
            provider.url()
        );
        let path = folder.write("tollgate.yaml", yaml);
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(Duration::from_secs(now)));
        let entropy = Arc::new(SystemEntropy);
        let metrics = Arc::new(telemetry::Metrics::new());
        let environment = Environment::new(clock.clone(), entropy.clone(), metrics.clone());
        let (snapshot, _) = config::build(&path, &environment, 1)
            .unwrap_or_else(|refusal| panic!("{}", refusal.report));
        let specs = snapshot.listeners.clone();
        let telemetry = Arc::new(Telemetry::new(metrics, None));
        let gateway = Gateway::new(Arc::new(snapshot), clock.clone(), entropy, telemetry);
        let listeners = Listeners::new(Arc::new(gateway), clock);
        let prepared = listeners.prepare(specs).expect("a free port");
        listeners.commit(prepared);
        let address = listeners.addresses()[0].1;
        Self { address, _listeners: listeners }
    }
}

fn vectors() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/generated/jose-attacks.json");
    serde_json::from_str(&std::fs::read_to_string(path).expect("the vectors")).expect("JSON")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}
