use serde_json::json;
use tollgate_api::SystemEntropy;

use super::*;
use crate::sandbox::{Reply, Request, RsaPair, Service};

struct Bench {
    provider: Provider,
    /// Speaks to the provider as the gateway does.
    gateway: JweDialect,
    /// Has a key that the provider does not.
    stranger: JweDialect,
}

impl Bench {
    fn new() -> Self {
        let (provider, gateway) = (RsaPair::generate().unwrap(), RsaPair::generate().unwrap());
        let stranger = RsaPair::generate().unwrap();
        let dialect = |own: &RsaPair, own_kid, peer: &RsaPair, peer_kid| {
            JweDialect::new("encrypted", (&own.private, own_kid), (&peer.public, peer_kid)).unwrap()
        };
        let theirs = dialect(&provider, "provider", &gateway, "gateway");
        Self {
            provider: Provider::new("acquirer", "card", Box::new(theirs), Arc::new(SystemEntropy)),
            gateway: dialect(&gateway, "gateway", &provider, "provider"),
            stranger: dialect(&stranger, "gateway", &stranger, "provider"),
        }
    }

    fn sealed(&self, message: &Value) -> Vec<u8> {
        self.gateway.seal(message, &SystemEntropy).unwrap()
    }

    async fn send(&self, body: Vec<u8>) -> Option<(StatusCode, Bytes)> {
        match self.provider.answer(post("/v1/payments", body)).await {
            Reply::Answer { status, body, .. } => Some((status, body)),
            Reply::Broken { .. } | Reply::Hangup => None,
        }
    }

    /// Sends a payment and reads the answer.
    async fn pay(&self, message: &Value) -> (StatusCode, Value) {
        let (status, body) = self.send(self.sealed(message)).await.unwrap();
        (status, serde_json::from_slice(&self.gateway.open(&body).unwrap()).unwrap())
    }

    /// Sends a body and reads the error.
    async fn error(&self, body: Vec<u8>) -> Value {
        let (status, body) = self.send(body).await.unwrap();
        assert_eq!(status, StatusCode::BAD_REQUEST, "it is refused");
        let answer: Value = serde_json::from_slice(&self.gateway.open(&body).unwrap()).unwrap();
        answer["error"].clone()
    }
}

fn post(path: &str, body: Vec<u8>) -> Request {
    let mut headers = http::HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    Request::new(Method::POST, path, headers, body.into())
}

fn payment(order: &str) -> Value {
    json!({ "order_id": order, "amount": "100.00", "currency": "USD" })
}

#[tokio::test]
async fn a_payment_is_charged_once_and_a_repeat_is_told_so() {
    let bench = Bench::new();
    let (status, first) = bench.pay(&payment("1")).await;
    assert_eq!((status, &first["status"]), (StatusCode::OK, &json!("approved")), "it is charged");
    let (_, second) = bench.pay(&payment("1")).await;
    assert_eq!(second["repeated"], json!(true), "the repeat is told so");
    assert_eq!(second["authorization_code"], first["authorization_code"], "it is the same charge");
    let charge = bench.provider.charge("1").unwrap();
    assert_eq!((bench.provider.charges(), charge.requests), (1, 2), "one charge, two requests");
}

#[tokio::test]
async fn an_order_that_comes_back_with_another_amount_is_a_conflict() {
    let bench = Bench::new();
    bench.pay(&payment("1")).await;
    let other = json!({ "order_id": "1", "amount": "900.00", "currency": "USD" });
    let (status, answer) = bench.pay(&other).await;
    assert_eq!(status, StatusCode::CONFLICT, "it is refused");
    assert_eq!(answer["error"], json!("order_id_used_differently"), "for this reason");
    assert_eq!(bench.provider.charge("1").unwrap().amount, "100.00", "the first charge stands");
}

#[tokio::test]
async fn a_message_in_clear_is_refused() {
    let bench = Bench::new();
    let clear = payment("1").to_string().into_bytes();
    assert_eq!(bench.error(clear).await, json!("not_encrypted"), "all of it");
    let mut mixed: Value = serde_json::from_slice(&bench.sealed(&payment("1"))).unwrap();
    mixed["amount"] = json!("100.00");
    let mixed = mixed.to_string().into_bytes();
    assert_eq!(bench.error(mixed).await, json!("not_encrypted"), "or a part");
    assert_eq!(bench.provider.charges(), 0, "nothing is charged");
}

#[tokio::test]
async fn a_tampered_message_is_refused() {
    let bench = Bench::new();
    let mut body = bench.sealed(&payment("1"));
    bench.gateway.tamper(&mut body);
    assert_eq!(bench.error(body).await, json!("decryption_failed"), "one bit of the ciphertext");
    let body: Value = serde_json::from_slice(&bench.sealed(&payment("1"))).unwrap();
    let token = body["encrypted"].as_str().unwrap();
    for segment in 0..5 {
        let mut segments: Vec<String> = token.split('.').map(str::to_owned).collect();
        segments[segment] = dialect::flip(&segments[segment], 1);
        let changed = json!({ "encrypted": segments.join(".") }).to_string().into_bytes();
        let error = bench.error(changed).await;
        assert_eq!(error, json!("decryption_failed"), "segment {segment} was changed");
    }
    for token in [token.replacen('.', "", 1), format!("{token}."), String::new()] {
        let changed = json!({ "encrypted": token }).to_string().into_bytes();
        let error = bench.error(changed).await;
        assert_eq!(error, json!("decryption_failed"), "a token has five segments");
    }
    assert_eq!(bench.provider.charges(), 0, "nothing is charged");
}

#[tokio::test]
async fn a_message_for_another_key_is_refused() {
    let bench = Bench::new();
    let body = bench.stranger.seal(&payment("1"), &SystemEntropy).unwrap();
    assert_eq!(bench.error(body).await, json!("decryption_failed"), "not encrypted for it");
}

#[tokio::test]
async fn a_wrong_field_is_named() {
    let bench = Bench::new();
    let wrong = json!({ "order_id": "1", "amount": "100", "currency": "USD" });
    let (status, answer) = bench.pay(&wrong).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "it is refused");
    assert_eq!(answer["error"], json!("amount_invalid"), "the field is named");
}

#[tokio::test]
async fn a_callers_token_that_was_passed_on_is_refused() {
    let bench = Bench::new();
    let mut request = post("/v1/payments", bench.sealed(&payment("1")));
    request.headers.insert(header::AUTHORIZATION, header::HeaderValue::from_static("Bearer x"));
    let Reply::Answer { status, .. } = bench.provider.answer(request).await else {
        panic!("an answer")
    };
    assert_eq!(status, StatusCode::BAD_REQUEST, "the provider has no use for it");
    assert_eq!(bench.provider.charges(), 0, "nothing is charged");
}

#[tokio::test]
async fn a_provider_with_an_api_key_demands_it() {
    let mut bench = Bench::new();
    bench.provider = bench.provider.with_api_key("k-1".to_owned());
    for (key, status) in [
        (None, StatusCode::UNAUTHORIZED),
        (Some("k-2"), StatusCode::UNAUTHORIZED),
        (Some("k-1"), StatusCode::OK),
    ] {
        let mut request = post("/v1/payments", bench.sealed(&payment("1")));
        if let Some(key) = key {
            request.headers.insert("x-api-key", header::HeaderValue::from_static(key));
        }
        let Reply::Answer { status: found, .. } = bench.provider.answer(request).await else {
            panic!("an answer")
        };
        assert_eq!(found, status, "the key is {key:?}");
    }
}

#[tokio::test]
async fn a_tampered_answer_cannot_be_opened_although_the_charge_was_made() {
    let bench = Bench::new();
    let answer = bench.provider.answer(post("/_faults", br#"{"next":"tamper"}"#.to_vec())).await;
    assert!(matches!(answer, Reply::Answer { status: StatusCode::OK, .. }), "the fault is planned");
    let (status, body) = bench.send(bench.sealed(&payment("1"))).await.unwrap();
    assert_eq!(status, StatusCode::OK, "it claims success");
    assert!(bench.gateway.open(&body).is_err(), "and cannot be opened");
    assert!(bench.provider.charge("1").is_some(), "the charge was made");
    let (status, _) = bench.pay(&payment("1")).await;
    assert_eq!(status, StatusCode::OK, "the next answer is as it should be");
}

#[tokio::test]
async fn a_reset_is_a_charge_without_an_answer() {
    let bench = Bench::new();
    assert_eq!(bench.send(bench.sealed(&payment("reset-1"))).await, None, "no answer");
    assert!(bench.provider.charge("reset-1").is_some(), "the charge was made");
}

#[tokio::test]
async fn the_wallets_dialect_opens_only_what_its_own_key_sealed() {
    let (ours, theirs) =
        (CipherDialect::new(&[1; 32]).unwrap(), CipherDialect::new(&[2; 32]).unwrap());
    let message = json!({ "order_id": "1" });
    let sealed = ours.seal(&message, &SystemEntropy).unwrap();
    assert_eq!(ours.open(&sealed).unwrap(), message.to_string().into_bytes(), "round trip");
    assert!(theirs.open(&sealed).is_err(), "another key");
    let mut tampered = sealed.clone();
    ours.tamper(&mut tampered);
    assert!(ours.open(&tampered).is_err(), "one changed character");
    let mut mixed: Value = serde_json::from_slice(&sealed).unwrap();
    mixed["order_id"] = json!("2");
    assert!(ours.open(mixed.to_string().as_bytes()).is_err(), "something in clear beside it");
    assert!(CipherDialect::new(&[1; 16]).is_none(), "a key has 32 bytes");
}
