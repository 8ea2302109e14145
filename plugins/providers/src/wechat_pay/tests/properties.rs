//! Whatever the bytes are.

use bytes::Bytes;
use proptest::{collection::vec, prelude::*};
use serde_json::json;
use tollgate_api::{
    Body,
    testing::{self, request, respond, verdict},
};

use super::support::*;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_body_verifies_as_it_is_and_not_with_one_bit_changed(
        body in vec(any::<u8>(), 0..300),
        at in any::<prop::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let mut bench = upstream();
        let plugin = plugin(&mut bench, &json!({}));
        let mut exchange = testing::exchange();
        let answer = wechat_pay().answer(200, body.clone());
        let sound = block_on(respond(&*plugin, &mut exchange, answer.clone()));
        prop_assert_eq!(verdict(&sound), "ok", "as it was signed");
        let passed = exchange.answer.unwrap().body.whole().unwrap();
        prop_assert_eq!(&passed, &body, "byte for byte");
        let mut changed = body.clone();
        if changed.is_empty() {
            changed.push(b'\n');
        } else {
            let at = at.index(changed.len());
            changed[at] ^= 1 << bit;
        }
        let mut forged = Signer { nonce: "n-2", ..wechat_pay() }.answer(200, body);
        forged.body = Body::Held(changed.into());
        let refused = block_on(respond(&*plugin, &mut testing::exchange(), forged));
        prop_assert_eq!(verdict(&refused), "upstream_signature_invalid", "one bit");
    }

    #[test]
    fn whatever_is_sent_as_a_notification_is_refused_without_a_panic(
        body in vec(any::<u8>(), 0..300),
        fields in vec((0_usize..5, "[ -~]{0,40}"), 0..8),
    ) {
        let mut bench = route();
        let plugin = plugin(&mut bench, &json!({}));
        let names = ["timestamp", "nonce", "signature", "serial", "signature-type"];
        let mut exchange = testing::exchange();
        exchange.request.body = Body::Held(Bytes::from(body));
        for (name, value) in fields {
            let name = http::HeaderName::try_from(format!("wechatpay-{}", names[name])).unwrap();
            if let Ok(value) = http::HeaderValue::from_str(&value) {
                exchange.request.headers.append(name, value);
            }
        }
        let refused = block_on(request(&*plugin, &mut exchange));
        prop_assert!(verdict(&refused).starts_with("signature_"), "{}", verdict(&refused));
    }

    #[test]
    fn fields_encrypt_whatever_stands_around_them(
        text in "\\PC{1,50}",
        before in "\\PC{0,20}",
        number in any::<i64>(),
    ) {
        let mut bench = upstream();
        let plugin = plugin(&mut bench, &json!({ "encrypt_fields": ["deep[*].name"] }));
        let body = json!({ "before": before, "deep": [{ "n": number, "name": text }] }).to_string();
        let mut exchange = testing::exchange_with_body(body.clone());
        let done = block_on(request(&*plugin, &mut exchange));
        prop_assert_eq!(verdict(&done), "ok", "encrypted");
        let sent = exchange.request.body.whole().unwrap();
        let read: serde_json::Value = serde_json::from_slice(&sent).unwrap();
        let sealed = read["deep"][0]["name"].as_str().unwrap();
        let ciphertext = tollgate_crypto::base64_decode(sealed).unwrap();
        let key = PLATFORM.private_key();
        let plain = key.decrypt_oaep(tollgate_crypto::OaepDigest::Sha1, &ciphertext).unwrap();
        prop_assert_eq!(plain.expose(), text.as_bytes(), "what WeChat Pay reads");
        let restored = String::from_utf8(sent.to_vec()).unwrap();
        let literal = serde_json::to_string(&text).unwrap();
        let restored = restored.replace(&format!("\"{sealed}\""), &literal);
        prop_assert_eq!(restored, body, "every other byte stays");
    }
}
