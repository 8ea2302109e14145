//! The variant with SM2, SM3 and SM4.

use serde_json::{Value, json};
use tollgate_api::{
    Body,
    testing::{self, Bench, request, respond, verdict},
};
use tollgate_crypto::{Sm2PrivateKey, base64_decode, base64_encode};

use super::support::*;
use crate::wechat_pay::WechatPay;

fn bench(mut bench: Bench) -> (Bench, Value, Value) {
    let vectors = generated("shangmi.json");
    let merchant = text(&vectors["merchant_private_key_pem"]).to_owned();
    let certificate = text(&vectors["platform_certificate_pem"]).to_owned();
    let key = text(&vectors["aead"]["api_v3_key"]).to_owned();
    bench.sources.put_file("sm2.key", merchant);
    bench.sources.put_file("sm2.pem", certificate);
    bench.sources.put_variable("KEY", key);
    let settings = json!({
        "merchant_id": MERCHANT,
        "certificate_serial": "AB12",
        "private_key": { "file": "sm2.key" },
        "api_v3_key": { "env": "KEY" },
        "platform_keys": { "certificates": ["sm2.pem"] },
        "algorithm": "sm2",
    });
    (bench, vectors, settings)
}

#[tokio::test]
async fn the_vectors_notification_becomes_a_clean_event() {
    let (mut bench, vectors, settings) = bench(Bench::new());
    let plugin = bench.plugin::<WechatPay>(settings);
    let vector = &vectors["webhook"];
    at(&bench, vector["now_unix"].as_u64().unwrap());
    let fields = vector["headers"].as_object().unwrap();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (&**name, text(value))).collect();
    let received = || {
        let mut exchange = testing::exchange_with(&fields);
        exchange.request.body = Body::Held(text(&vector["body"]).to_owned().into());
        exchange
    };
    for (what, name, value, code) in [
        (
            "of the other variant",
            "wechatpay-signature-type",
            "WECHATPAY2-SHA256-RSA2048",
            "signature_algorithm_refused",
        ),
        ("of another time", "wechatpay-timestamp", "1767225601", "signature_invalid"),
        ("of another key", "wechatpay-serial", FIRST_SERIAL, "signature_key_unknown"),
    ] {
        let mut exchange = received();
        exchange.request.headers.insert(name, value.parse().unwrap());
        assert_eq!(verdict(&request(&*plugin, &mut exchange).await), code, "{what}");
    }
    let mut silent = received();
    silent.request.headers.remove("wechatpay-signature-type");
    let refused = request(&*plugin, &mut silent).await;
    assert_eq!(verdict(&refused), "signature_algorithm_refused", "silence means RSA");
    let mut exchange = received();
    assert_eq!(verdict(&request(&*plugin, &mut exchange).await), "ok", "it is WeChat Pay's");
    let body = exchange.request.body.whole().unwrap();
    let body = String::from_utf8_lossy(&body);
    let resource = text(&vector["resource_plaintext"]);
    assert!(body.ends_with(&format!("\"resource\":{resource}}}")), "verbatim: {body}");
}

#[tokio::test]
async fn calls_are_signed_and_fields_sealed_with_sm2() {
    let (mut bench, vectors, mut settings) = bench(Bench::upstream());
    settings["encrypt_fields"] = json!(["name"]);
    settings["decrypt_fields"] = json!(["name"]);
    let plugin = bench.plugin::<WechatPay>(settings);
    let platform = Sm2PrivateKey::from_pem(text(&vectors["platform_private_key_pem"])).unwrap();
    let merchant = Sm2PrivateKey::from_pem(text(&vectors["merchant_private_key_pem"])).unwrap();
    let mut exchange = testing::exchange_with_body("{\"name\":\"张三\",\"other\":\"\"}");
    assert_eq!(verdict(&request(&*plugin, &mut exchange).await), "ok", "signed");
    let body = exchange.request.body.whole().unwrap();
    let read: Value = serde_json::from_slice(&body).unwrap();
    let sealed = base64_decode(text(&read["name"])).unwrap();
    assert_eq!(platform.decrypt(&sealed).unwrap().expose(), "张三".as_bytes(), "the field");
    let serial = text(&vectors["platform_serial"]);
    assert_eq!(exchange.request.headers["wechatpay-serial"], serial, "its key");
    let value = exchange.request.headers["authorization"].to_str().unwrap();
    let members = value.strip_prefix("WECHATPAY2-SM2-WITH-SM3 ").unwrap();
    let member = |name: &str| {
        let found = members.split(',').find_map(|it| it.strip_prefix(&format!("{name}=\"")));
        found.unwrap().trim_end_matches('"').to_owned()
    };
    let body = String::from_utf8_lossy(&body);
    let (time, nonce) = (member("timestamp"), member("nonce_str"));
    let signed = format!("POST\n/v1/payments\n{time}\n{nonce}\n{body}\n");
    let signature = base64_decode(&member("signature")).unwrap();
    let fits = merchant.public_key().verify(signed.as_bytes(), &signature);
    assert!(fits.is_ok(), "the text of the specification");

    let name = base64_encode(&merchant.public_key().encrypt("李四".as_bytes()).unwrap());
    let body = format!("{{\"name\":\"{name}\"}}");
    let message = format!("{}\nn\n{body}\n", testing::NOW);
    let mut answer = testing::answer_with_body(body);
    answer.headers = testing::header_map(&[
        ("wechatpay-timestamp", &testing::NOW.to_string()),
        ("wechatpay-nonce", "n"),
        ("wechatpay-signature", &base64_encode(&platform.sign(message.as_bytes()).unwrap())),
        ("wechatpay-serial", serial),
        ("wechatpay-signature-type", "WECHATPAY2-SM2-WITH-SM3"),
    ]);
    assert_eq!(verdict(&respond(&*plugin, &mut exchange, answer).await), "ok", "verified");
    let body = exchange.answer.unwrap().body.whole().unwrap();
    assert_eq!(String::from_utf8_lossy(&body), "{\"name\":\"李四\"}", "decrypted");
}

#[tokio::test]
async fn certificates_of_the_variant_are_asked_for() {
    let (mut bench, vectors, mut settings) = bench(Bench::upstream());
    settings["platform_keys"] = json!({ "download": true });
    let caller = serves(&bench, || Err(tollgate_api::FetchError::Unreachable));
    let _plugin = bench.plugin::<WechatPay>(settings);
    bench.run_jobs().await;
    assert_eq!(caller.calls()[0].target, "/v3/certificates?algorithm_type=SM2", "with their kind");
    assert!(vectors["sm3"].is_array(), "the vectors were read");
}
