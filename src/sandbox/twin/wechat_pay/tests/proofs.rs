//! Who proves what to whom: signatures, keys, encrypted fields.

use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, PublicEncryptingKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use rustls_pki_types::{SubjectPublicKeyInfoDer, pem::PemObject};

use super::{merchant::file, *};

#[tokio::test]
async fn every_answer_is_signed_whatever_its_status() {
    let bench = Bench::new();
    bench.order("order-1", 500).await;
    for (what, answer) in [
        ("a query", bench.get("/v3/pay/transactions/out-trade-no/order-1?mchid=1900000109").await),
        ("an unknown order", bench.get("/v3/pay/transactions/id/1?mchid=1900000109").await),
        ("nothing at that path", bench.get("/v3/nothing").await),
        ("a closed order", {
            let path = "/v3/pay/transactions/out-trade-no/order-1/close";
            bench.post(path, &json!({ "mchid": "1900000109" })).await
        }),
    ] {
        assert!(bench.is_proven(&answer.headers, &answer.body), "{what}: {}", answer.status);
        let other = [&answer.body[..], b" "].concat();
        assert!(!bench.is_proven(&answer.headers, &other), "{what}: of another body it is none");
    }
    let mut unsigned = bench.signed(&Method::GET, "/v3/certificates", "");
    unsigned.headers.remove("authorization");
    let answer = merchant::answered(bench.reply(unsigned).await);
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "nobody asked");
    assert!(bench.is_proven(&answer.headers, &answer.body), "and that is signed too");
}

#[tokio::test]
async fn answers_are_signed_with_the_key_that_the_request_names() {
    let mut bench = Bench::new();
    let certificate = Certificate::read(&file("wechatpay_cert.pem")).unwrap().serial;
    let public_key = file("pub_key_id").trim().to_owned();
    for (names, signed) in [
        (None, &certificate),
        (Some(certificate.clone()), &certificate),
        (Some(public_key.clone()), &public_key),
        (Some("PUB_KEY_ID_0".to_owned()), &certificate),
    ] {
        bench.names.clone_from(&names);
        let answer = bench.get("/v3/certificates").await;
        assert_eq!(answer.headers["wechatpay-serial"], signed.as_str(), "named {names:?}");
        assert!(bench.is_proven(&answer.headers, &answer.body), "named {names:?}");
    }
}

#[tokio::test]
async fn certificates_come_encrypted_and_both_are_good_while_keys_change() {
    let mut bench = Bench::new();
    let opened = |answer: &Answered| {
        let certificates = answer.json["data"].as_array().unwrap().clone();
        certificates
            .iter()
            .map(|entry| {
                let sealed = &entry["encrypt_certificate"];
                let text = |name: &str| sealed[name].as_str().unwrap();
                assert_eq!(text("algorithm"), "AEAD_AES_256_GCM", "as documented");
                let (nonce, aad) = (text("nonce"), text("associated_data"));
                let key = file("api_v3_key");
                let clear = cipher::open(&key, nonce, aad, text("ciphertext")).unwrap();
                let certificate = Certificate::read(&clear).unwrap();
                assert_eq!(entry["serial_no"], certificate.serial.as_str(), "its serial number");
                assert_eq!(entry["expire_time"], "2030-12-31T08:00:00+08:00", "its end");
                certificate.serial
            })
            .collect::<Vec<_>>()
    };
    let before = opened(&bench.get("/v3/certificates").await);
    assert_eq!(before.len(), 1, "one to begin with");
    let old_public_key = file("pub_key_id").trim().to_owned();

    bench.twin.rotate().await.unwrap();
    let answer = bench.get("/v3/certificates").await;
    let during = opened(&answer);
    assert_eq!((during.len(), &during[0]), (2, &before[0]), "the old and the new");
    assert_eq!(answer.headers["wechatpay-serial"], during[1].as_str(), "the new one signs");
    bench.names = Some(old_public_key.clone());
    let answer = bench.get("/v3/certificates").await;
    assert_eq!(
        answer.headers["wechatpay-serial"],
        old_public_key.as_str(),
        "who asks gets the old"
    );

    bench.twin.retire();
    let answer = bench.get("/v3/certificates").await;
    assert_eq!(opened(&answer), [during[1].clone()], "the old one has ended");
    assert_eq!(answer.headers["wechatpay-serial"], during[1].as_str(), "and signs no more");
}

#[tokio::test]
async fn signatures_are_wrong_when_that_is_wanted_and_clocks_too() {
    let bench = Bench::with(Options { seed: 1, ..Options::default() });
    for (fault, what) in
        [(Fault::WrongSignature, "a wrong signature"), (Fault::ProbeSignature, "a probe")]
    {
        bench.twin.faults().plan(fault, Plan::times(1));
        let answer = bench.get("/v3/certificates").await;
        assert_eq!(answer.status, StatusCode::OK, "{what} comes with a good answer");
        assert!(!bench.is_proven(&answer.headers, &answer.body), "{what} proves nothing");
        let signature = answer.headers["wechatpay-signature"].to_str().unwrap();
        assert_eq!(
            signature.starts_with("WECHATPAY/SIGNTEST/"),
            fault == Fault::ProbeSignature,
            "{what}: {signature}"
        );
        let answer = bench.get("/v3/certificates").await;
        assert!(bench.is_proven(&answer.headers, &answer.body), "once");
    }
    bench.twin.faults().plan(Fault::ClockSkew, Plan::times(1));
    let answer = bench.get("/v3/certificates").await;
    let time: u64 = answer.headers["wechatpay-timestamp"].to_str().unwrap().parse().unwrap();
    assert_eq!(time.abs_diff(bench.clock.unix().as_secs()), 660, "eleven minutes away");
    assert!(bench.is_proven(&answer.headers, &answer.body), "and rightly signed");
}

#[tokio::test]
async fn a_name_is_read_only_if_it_is_encrypted_for_the_key_that_is_named() {
    let mut bench = Bench::new();
    let encrypt = |name: &str| {
        let pem = file("pub_key.pem");
        let key = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()).unwrap();
        let key = PublicEncryptingKey::from_der(key.as_ref()).unwrap();
        let key = OaepPublicEncryptingKey::new(key).unwrap();
        let mut sealed = vec![0; key.ciphertext_size()];
        let sealed = key.encrypt(&OAEP_SHA1_MGF1SHA1, name.as_bytes(), &mut sealed, None).unwrap();
        STANDARD.encode(sealed)
    };
    let receiver = |name: &str| {
        json!({
            "appid": "wxd678efh567hg6787",
            "type": "MERCHANT_ID",
            "account": "190001001",
            "name": name,
            "relation_type": "STORE",
        })
    };
    let path = "/v3/profitsharing/receivers/add";
    let refused = bench.post(path, &receiver(&encrypt("张三"))).await;
    assert_eq!(refused.json["detail"]["field"], "Wechatpay-Serial", "no key is named");
    bench.names = Some("PUB_KEY_ID_0".to_owned());
    let refused = bench.post(path, &receiver(&encrypt("张三"))).await;
    assert_eq!(refused.json["detail"]["field"], "Wechatpay-Serial", "an unknown key is named");
    bench.names = Some(Certificate::read(&file("wechatpay_cert.pem")).unwrap().serial);
    let refused = bench.post(path, &receiver(&encrypt("张三"))).await;
    assert_eq!(refused.json["detail"]["field"], "/name", "another key is named");
    bench.names = Some(file("pub_key_id").trim().to_owned());
    let refused = bench.post(path, &receiver("张三")).await;
    assert_eq!(refused.json["detail"]["field"], "/name", "in clear");
    let added = bench.post(path, &receiver(&encrypt("张三"))).await;
    assert_eq!(added.status, StatusCode::OK, "encrypted for the key that is named");
    assert_eq!(added.json["account"], "190001001", "and told back");
}

#[test]
fn a_field_that_an_sdk_encrypted_is_read() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/generated/wechatpay.json");
    let vectors: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let key = vectors["platform_private_key_pem"].as_str().unwrap();
    let key = keys::PlatformKey::read(key).unwrap();
    let field = &vectors["oaep_sha1_field"];
    let clear = key.decrypt(field["ciphertext_b64"].as_str().unwrap());
    assert_eq!(clear.as_deref(), field["plaintext"].as_str(), "OAEP with SHA-1");
}
