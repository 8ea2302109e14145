//! Sensitive fields.

use serde_json::{Value, json};
use tollgate_api::{
    Body, Exchange,
    testing::{self, request, respond, verdict},
};
use tollgate_crypto::{OaepDigest, PrivateKey, base64_decode, base64_encode};

use super::support::*;
use crate::wechat_pay::{Variant, merchant::MerchantKey};

fn platform() -> &'static PrivateKey {
    PLATFORM.private_key()
}

fn body(exchange: &Exchange) -> String {
    String::from_utf8(exchange.request.body.whole().unwrap().to_vec()).unwrap()
}

/// What WeChat Pay reads in a field.
fn opened(value: &Value) -> String {
    let ciphertext = base64_decode(text(value)).unwrap();
    let plain = platform().decrypt_oaep(OaepDigest::Sha1, &ciphertext).unwrap();
    plain.expose_str().unwrap().to_owned()
}

/// A field as WeChat Pay encrypts it to the merchant.
fn sealed_field(plain: &str) -> String {
    let merchant = PrivateKey::from_pem(text(&VECTORS["merchant_private_key_pem"])).unwrap();
    let sealed = merchant.public_key().encrypt_oaep(OaepDigest::Sha1, plain.as_bytes());
    base64_encode(&sealed.unwrap())
}

#[test]
fn the_vectors_fields_decrypt() {
    let vector = &VECTORS["oaep_sha1_field"];
    let mut cases = vec![(vector.clone(), VECTORS["platform_private_key_pem"].clone())];
    if let Some(vectors) = foreign("wechatpay/wechatpay-go.json") {
        let vector = vectors["oaep_sha1_field_decrypt"].clone();
        let key = vector["private_key_pem"].clone();
        cases.push((vector, key));
    }
    for (vector, key) in cases {
        let key = MerchantKey::read(Variant::Rsa, text(&key).as_bytes()).unwrap();
        let plain = key.decrypt(text(&vector["ciphertext_b64"])).unwrap();
        assert_eq!(plain.expose(), text(&vector["plaintext"]).as_bytes(), "decrypted");
        assert!(key.decrypt("AAAA").is_none(), "and nothing else");
    }
}

#[tokio::test]
async fn named_fields_are_encrypted_where_they_are_and_every_other_byte_stays() {
    let mut bench = upstream();
    let fields = json!({ "encrypt_fields": ["payer.name", "list[*].id", "absent.field"] });
    let plugin = plugin(&mut bench, &fields);
    let mut exchange = testing::exchange_with_body(
        "{ \"payer\" : {\"name\":\"张三\", \"n\":1.0},\n\"list\":[{\"id\":\"a\\u0062\"},{\"id\":\"\"},{\"id\":null},{}]}",
    );
    assert_eq!(verdict(&request(&*plugin, &mut exchange).await), "ok", "encrypted");
    let body = body(&exchange);
    let read: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(opened(&read["payer"]["name"]), "张三", "the name");
    assert_eq!(opened(&read["list"][0]["id"]), "ab", "unescaped before it is encrypted");
    let (name, id) = (text(&read["payer"]["name"]), text(&read["list"][0]["id"]));
    let expected = format!(
        "{{ \"payer\" : {{\"name\":\"{name}\", \"n\":1.0}},\n\"list\":[{{\"id\":\"{id}\"}},{{\"id\":\"\"}},{{\"id\":null}},{{}}]}}"
    );
    assert_eq!(body, expected, "spliced; what is empty stays empty");
    let headers = &exchange.request.headers;
    assert_eq!(headers["wechatpay-serial"], PUBLIC_KEY_ID, "the key is named");
}

#[tokio::test]
async fn a_body_that_cannot_be_encrypted_is_not_sent() {
    let long = "x".repeat(215);
    for (body, expected) in [
        ("{\"name\":\"x\"".to_owned(), "invalid_json"),
        ("name=x".to_owned(), "invalid_json"),
        ("{\"name\":\"x\",\"name\":\"y\"}".to_owned(), "invalid_json"),
        ("{\"name\":7}".to_owned(), "field_invalid"),
        ("{\"name\":{\"first\":\"x\"}}".to_owned(), "field_invalid"),
        (format!("{{\"name\":\"{long}\"}}"), "field_invalid"),
        (format!("{{\"name\":\"{}\"}}", &long[1..]), "ok"),
        (String::new(), "ok"),
    ] {
        let mut bench = upstream();
        let plugin = plugin(&mut bench, &json!({ "encrypt_fields": ["name"] }));
        let mut exchange = testing::exchange_with_body(body.clone());
        if body.is_empty() {
            exchange.request.body = Body::Empty;
        }
        exchange.request.headers.insert("content-type", "text/plain".parse().unwrap());
        assert_eq!(verdict(&request(&*plugin, &mut exchange).await), expected, "{body}");
    }
}

#[tokio::test]
async fn fields_of_answers_are_decrypted_after_the_answer_was_verified() {
    let mut bench = upstream();
    let fields = json!({ "decrypt_fields": ["data[*].payer_phone", "name"] });
    let plugin = plugin(&mut bench, &fields);
    let answered = |body: String, nonce: &'static str| {
        let plugin = plugin.clone();
        async move {
            let mut exchange = testing::exchange();
            let answer = Signer { nonce, ..wechat_pay() }.answer(200, body);
            let result = respond(&*plugin, &mut exchange, answer).await;
            let body = exchange.answer.unwrap().body.whole().unwrap();
            (verdict(&result), String::from_utf8(body.to_vec()).unwrap())
        }
    };
    let body = format!(
        "{{\"data\":[ {{\"payer_phone\":\"{}\"}},{{\"payer_phone\":\"\"}},{{\"x\":1.0}} ]}}",
        sealed_field("18500000000 \"张\"")
    );
    let expected = "{\"data\":[ {\"payer_phone\":\"18500000000 \\\"张\\\"\"},{\"payer_phone\":\"\"},{\"x\":1.0} ]}";
    assert_eq!(answered(body, "a").await, ("ok", expected.to_owned()), "decrypted in place");
    let failed = "upstream_decryption_failed";
    for (nonce, body, code) in [
        ("b", "{\"name\":\"AAAA\"}".to_owned(), failed),
        ("c", "{\"name\":\"!\"}".to_owned(), failed),
        (
            "d",
            format!("{{\"name\":\"{}\"}}", text(&VECTORS["oaep_sha1_field"]["ciphertext_b64"])),
            failed,
        ),
        ("e", "{\"name\":7}".to_owned(), "upstream_invalid_answer"),
        ("f", "not json".to_owned(), "upstream_invalid_answer"),
        ("g", String::new(), "ok"),
    ] {
        assert_eq!(answered(body.clone(), nonce).await.0, code, "{body}");
    }
    let mut forged = wechat_pay().answer(200, format!("{{\"name\":\"{}\"}}", sealed_field("x")));
    forged.headers.insert("wechatpay-nonce", "h".parse().unwrap());
    let result = respond(&*plugin, &mut testing::exchange(), forged).await;
    assert_eq!(verdict(&result), "upstream_signature_invalid", "nothing is decrypted before");
}
