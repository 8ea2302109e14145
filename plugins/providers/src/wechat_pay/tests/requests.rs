//! What is signed of a call is exactly what is sent.

use bytes::Bytes;
use serde_json::json;
use tollgate_api::{
    Body, Exchange,
    testing::{self, request, verdict},
};
use tollgate_crypto::{Algorithm, PrivateKey, base64_decode};

use super::support::*;

/// A call as a caller sends it.
fn call(method: &str, target: &str, body: &str) -> Exchange {
    let mut exchange = testing::exchange_with(&[
        ("authorization", "Bearer the-callers-own"),
        ("content-type", "application/json"),
    ]);
    let (path, query) = target.split_once('?').map_or((target, None), |(p, q)| (p, Some(q)));
    exchange.request.method = method.parse().unwrap();
    exchange.request.path = path.to_owned();
    exchange.request.query = query.map(str::to_owned);
    exchange.request.body =
        if body.is_empty() { Body::Empty } else { Body::Held(body.to_owned().into()) };
    exchange
}

/// The members of `Authorization`, in whatever order.
fn authorization(exchange: &Exchange) -> Vec<(String, String)> {
    let mut values = exchange.request.headers.get_all("authorization").iter();
    let value = values.next().unwrap().to_str().unwrap();
    assert!(values.next().is_none(), "one authorization");
    let members = value.strip_prefix("WECHATPAY2-SHA256-RSA2048 ").unwrap();
    let parse = |member: &str| {
        let (name, value) = member.split_once('=').unwrap();
        (name.to_owned(), value.trim_matches('"').to_owned())
    };
    members.split(',').map(parse).collect()
}

fn member(exchange: &Exchange, name: &str) -> String {
    let members = authorization(exchange);
    members.into_iter().find(|(known, _)| known == name).unwrap().1
}

/// Whether the signature fits this text, by the merchant's public key.
fn fits(exchange: &Exchange, text: &str) -> bool {
    let key = PrivateKey::from_pem(super::support::text(&VECTORS["merchant_private_key_pem"]));
    let signature = base64_decode(&member(exchange, "signature")).unwrap();
    key.unwrap().public_key().verify(Algorithm::Rs256, text.as_bytes(), &signature).is_ok()
}

#[tokio::test]
async fn the_vectors_signatures_are_made_to_the_byte() {
    for vector in VECTORS["requests"].as_array().unwrap() {
        let mut bench = upstream();
        at(&bench, vector["timestamp"].as_u64().unwrap().max(testing::NOW));
        bench.entropy = std::sync::Arc::new(Scripted(text(&vector["nonce"]).to_owned()));
        let plugin = plugin(&mut bench, &json!({}));
        let (method, target) = (text(&vector["method"]), text(&vector["canonical_url"]));
        let mut exchange = call(method, target, text(&vector["body"]));
        assert_eq!(verdict(&request(&*plugin, &mut exchange).await), "ok", "{target}");
        assert_eq!(member(&exchange, "mchid"), MERCHANT, "{target}: the merchant");
        assert_eq!(member(&exchange, "nonce_str"), text(&vector["nonce"]), "{target}: the nonce");
        let serial = text(&VECTORS["merchant_serial"]);
        assert_eq!(member(&exchange, "serial_no"), serial, "{target}: the certificate");
        let signature = member(&exchange, "signature");
        assert_eq!(signature, text(&vector["signature_b64"]), "{target}: the signature");
    }
}

#[tokio::test]
async fn the_signature_covers_method_path_query_time_nonce_and_every_byte_of_the_body() {
    let mut bench = upstream();
    let plugin = plugin(&mut bench, &json!({}));
    let body = "{ \"amount\" : 1.50,\t\"name\": \"\\u5f20\" }";
    let mut exchange = call("POST", "/v3/a%2Fb?c=%e4%bb%a3&d=+", body);
    assert_eq!(verdict(&request(&*plugin, &mut exchange).await), "ok", "signed");
    let (time, nonce) = (member(&exchange, "timestamp"), member(&exchange, "nonce_str"));
    assert_eq!(time, testing::NOW.to_string(), "the time is the clock's");
    let good = format!("POST\n/v3/a%2Fb?c=%e4%bb%a3&d=+\n{time}\n{nonce}\n{body}\n");
    assert!(fits(&exchange, &good), "the text of the specification");
    assert_eq!(exchange.request.body, Body::Held(body.into()), "the body is sent as it came");
    assert_eq!(exchange.request.target(), "/v3/a%2Fb?c=%e4%bb%a3&d=+", "and so is the target");
    for (what, from, to) in [
        ("method", "POST\n", "PUT\n"),
        ("path", "/a%2Fb", "/a/b"),
        ("query", "%e4", "%E4"),
        ("query's end", "d=+\n", "d=%20\n"),
        ("time", time.as_str(), "1767225601"),
        ("nonce", nonce.as_str(), "x"),
        ("spelling of a number", "1.50", "1.5"),
        ("space in the body", "\t", " "),
        ("escape in the body", "\\u5f20", "张"),
        ("last line's end", " }\n", " }"),
    ] {
        assert!(!fits(&exchange, &good.replacen(from, to, 1)), "another {what} does not fit");
    }
}

#[tokio::test]
async fn each_call_has_a_nonce_of_its_own() {
    let mut bench = upstream();
    let plugin = plugin(&mut bench, &json!({}));
    let mut seen = std::collections::HashSet::new();
    for _ in 0..20 {
        let mut exchange = call("GET", "/v3/x", "");
        assert_eq!(verdict(&request(&*plugin, &mut exchange).await), "ok", "signed");
        let nonce = member(&exchange, "nonce_str");
        let plain = nonce.chars().all(|character| character.is_ascii_alphanumeric());
        assert!(plain && nonce.len() == 32, "32 letters and digits: {nonce}");
        assert!(seen.insert(nonce), "never twice");
    }
}

#[tokio::test]
async fn header_fields_that_wechat_pay_demands_are_there_and_the_callers_own_kept() {
    let mut bench = upstream();
    let plugin = plugin(&mut bench, &json!({}));
    let mut bare = call("GET", "/v3/x", "");
    bare.request.headers.clear();
    assert_eq!(verdict(&request(&*plugin, &mut bare).await), "ok", "signed");
    let headers = &bare.request.headers;
    assert_eq!(headers["accept"], "application/json", "accept");
    assert!(headers["user-agent"].to_str().unwrap().starts_with("tollgate/"), "user agent");
    assert_eq!(headers["wechatpay-serial"], PUBLIC_KEY_ID, "the key answers are to be signed with");
    assert!(headers["authorization"].is_sensitive(), "the authorization is not for logs");

    let mut own = call("POST", "/v3/x", "{}");
    for (name, value) in [
        ("accept", "text/html"),
        ("user-agent", "shop/1"),
        ("range", "bytes=0-1"),
        ("wechatpay-serial", "0000"),
        ("wechatpay-signature", "AAAA"),
    ] {
        own.request.headers.insert(name, value.parse().unwrap());
    }
    assert_eq!(verdict(&request(&*plugin, &mut own).await), "ok", "signed");
    let headers = &own.request.headers;
    assert_eq!(headers["accept"], "text/html", "the caller's");
    assert_eq!(headers["user-agent"], "shop/1", "the caller's");
    assert_eq!(headers["wechatpay-serial"], PUBLIC_KEY_ID, "a key that nobody knows is replaced");
    assert!(!headers.contains_key("range"), "a part cannot be verified");
    assert!(!headers.contains_key("wechatpay-signature"), "calls have none");
}

#[tokio::test]
async fn a_caller_that_encrypts_by_itself_may_name_any_key_that_is_in_force() {
    let mut bench = upstream();
    let keys = json!({
        "public_keys": [{ "id": PUBLIC_KEY_ID, "key": "keys/wechat_pay.pem" }],
        "certificates": ["keys/first.pem"],
    });
    let plugin = plugin(&mut bench, &json!({ "platform_keys": keys }));
    for (serial, sent) in [(FIRST_SERIAL, FIRST_SERIAL), (SECOND_SERIAL, PUBLIC_KEY_ID)] {
        let mut exchange = call("POST", "/v3/x", "{}");
        exchange.request.headers.insert("wechatpay-serial", serial.parse().unwrap());
        assert_eq!(verdict(&request(&*plugin, &mut exchange).await), "ok", "{serial}");
        assert_eq!(exchange.request.headers["wechatpay-serial"], sent, "{serial}");
    }
}

#[tokio::test]
async fn of_an_upload_the_meta_part_is_signed_and_all_is_sent() {
    let mut bench = upstream();
    let plugin = plugin(&mut bench, &json!({ "encrypt_fields": ["payer.name"] }));
    let meta = "{\"filename\":\"a.png\",\"sha256\":\"0a\"}";
    let body = format!(
        "--x\r\nContent-Disposition: form-data; name=\"meta\";\r\nContent-Type: application/json\r\n\r\n\
         {meta}\r\n--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\";\r\n\
         Content-Type: image/png\r\n\r\n\u{0}PNG\r\n--x--\r\n"
    );
    let mut exchange = call("POST", "/v3/merchant/media/upload", &body);
    let kind = "multipart/form-data; boundary=x".parse().unwrap();
    exchange.request.headers.insert("content-type", kind);
    assert_eq!(verdict(&request(&*plugin, &mut exchange).await), "ok", "signed");
    let (time, nonce) = (member(&exchange, "timestamp"), member(&exchange, "nonce_str"));
    let signed = format!("POST\n/v3/merchant/media/upload\n{time}\n{nonce}\n{meta}\n");
    assert!(fits(&exchange, &signed), "the meta part alone");
    assert_eq!(exchange.request.body, Body::Held(Bytes::from(body)), "every part is sent");

    let mut without = call("POST", "/v3/merchant/media/upload", "--x--");
    let kind = "multipart/form-data; boundary=x".parse().unwrap();
    without.request.headers.insert("content-type", kind);
    let refused = request(&*plugin, &mut without).await;
    assert_eq!(verdict(&refused), "field_invalid", "nothing to sign");
}
