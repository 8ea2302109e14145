//! What payment providers' schemes are made of, against their own published vectors.

use serde_json::Value;
use tollgate_crypto::{
    AesCbcKey, AesGcmKey, Algorithm, Certificate, DecryptionFailed, Digest, DigestAlgorithm,
    EncryptionFailed, KeyKind, OaepDigest, PrivateKey, PublicKey, SignatureInvalid, SigningKey,
    base64_decode, to_hex,
};

use crate::support::{foreign, generated, private_key, text};

#[test]
fn alipays_certificate_numbers_come_out_as_its_sdk_computes_them() {
    let Some(vectors) = foreign("alipay/cert-sn.json") else { return };
    let number = |certificate: &Certificate| {
        let mut digest = Digest::new(DigestAlgorithm::Md5);
        digest.update(certificate.issuer_reversed().as_bytes());
        digest.update(certificate.serial_decimal().as_bytes());
        to_hex(&digest.finish())
    };
    for case in vectors["cases"].as_array().unwrap() {
        let file = text(&case["file"]);
        let pem = text(&vectors["certs_pem"][file]);
        let found = if case["root"] == true {
            Certificate::from_pem_bundle_lenient(pem)
                .iter()
                .filter(|root| root.signature_algorithm_oid().starts_with("1.2.840.113549.1.1."))
                .map(number)
                .collect::<Vec<_>>()
                .join("_")
        } else {
            number(&Certificate::from_pem(pem).unwrap())
        };
        assert_eq!(found, text(&case["sn"]), "{file}");
    }
}

#[test]
fn a_root_file_is_read_as_far_as_it_can_be() {
    let Some(vectors) = foreign("alipay/cert-sn.json") else { return };
    let pem = text(&vectors["certs_pem"]["alipayRootCert.crt"]);
    assert!(Certificate::from_pem_bundle(pem).is_err(), "one of its keys is of no supported kind");
    let roots = Certificate::from_pem_bundle_lenient(pem);
    let serials: Vec<_> = roots.iter().map(Certificate::serial_hex_upper).collect();
    assert_eq!(
        serials,
        ["1FCFA18D6A480D11", "417EFA52C07FDF4A", "10C764E9D560384212D9C08FD10E373FDD0FB396"],
        "the RSA and the P-384 certificates, in order"
    );
    assert!(roots[0].verified_by(&roots[0]), "RSA with SHA-256");
    assert!(roots[1].verified_by(&roots[1]), "P-384 with SHA-384");
    assert!(!roots[2].verified_by(&roots[2]), "a signature with SHA-1 proves nothing");
    assert!(!roots[0].verified_by(&roots[1]), "another root");
}

#[test]
fn wechat_pays_signature_field_and_notification_are_read() {
    let Some(vectors) = foreign("wechatpay/wechatpay-go.json") else { return };
    let case = &vectors["sign_pkcs1v15_sha256"];
    let key = PrivateKey::from_text(text(&case["private_key_pem"])).unwrap();
    let signature = base64_decode(text(&case["signature_b64"])).unwrap();
    let message = text(&case["message"]).as_bytes();
    let signing = SigningKey::new(key.clone(), Algorithm::Rs256, None).unwrap();
    assert_eq!(signing.sign(message).unwrap(), signature, "RS256 is deterministic");
    let _ = key.public_key().verify(Algorithm::Rs256, message, &signature).expect("its signature");
    assert_eq!(
        key.public_key().verify(Algorithm::Ps256, message, &signature),
        Err(SignatureInvalid),
        "another padding"
    );

    let case = &vectors["oaep_sha1_field_decrypt"];
    let key = PrivateKey::from_text(text(&case["private_key_pem"])).unwrap();
    let field = base64_decode(text(&case["ciphertext_b64"])).unwrap();
    let plain = key.decrypt_oaep(OaepDigest::Sha1, &field).unwrap();
    assert_eq!(plain.expose_str(), case["plaintext"].as_str(), "a field under OAEP with SHA-1");
    assert_eq!(
        key.decrypt_oaep(OaepDigest::Sha256, &field).unwrap_err(),
        DecryptionFailed,
        "another digest"
    );

    let case = &vectors["aead"];
    let aead = AesGcmKey::new(text(&case["key"]).as_bytes()).unwrap();
    let nonce = text(&case["nonce"]).as_bytes().try_into().unwrap();
    let sealed = base64_decode(text(&case["ciphertext_b64"])).unwrap();
    let opened = aead.open(nonce, text(&case["aad"]).as_bytes(), &sealed).unwrap();
    assert_eq!(opened, text(&case["plaintext"]).as_bytes(), "a resource under AES-GCM");
    assert!(aead.open(nonce, b"", &sealed).is_err(), "without its associated data");

    let case = &vectors["notification"];
    let certificate = Certificate::from_pem(text(&case["platform_cert_pem"])).unwrap();
    let headers = &case["headers"];
    assert_eq!(
        certificate.serial_hex_upper(),
        text(&headers["Wechatpay-Serial"]),
        "the serial number that the header names"
    );
    let signature = base64_decode(text(&headers["Wechatpay-Signature"])).unwrap();
    let key = certificate.public_key();
    let message = text(&case["signed_string"]).as_bytes();
    let _ = key.verify(Algorithm::Rs256, message, &signature).expect("a signed notification");
    let changed = [message, b"\n"].concat();
    assert_eq!(
        key.verify(Algorithm::Rs256, &changed, &signature),
        Err(SignatureInvalid),
        "one line feed more"
    );
}

#[test]
fn wechat_pays_own_cases_are_judged_as_they_say() {
    let vectors = generated("wechatpay.json");
    let merchant = PrivateKey::from_text(text(&vectors["merchant_private_key_pem"])).unwrap();
    for request in vectors["requests"].as_array().unwrap() {
        let signature = base64_decode(text(&request["signature_b64"])).unwrap();
        let signed = text(&request["signed_string"]).as_bytes();
        let _ = merchant
            .public_key()
            .verify(Algorithm::Rs256, signed, &signature)
            .expect("a request the SDK signed");
    }

    let platform = PrivateKey::from_text(text(&vectors["platform_private_key_pem"])).unwrap();
    let field = &vectors["oaep_sha1_field"];
    let ciphertext = base64_decode(text(&field["ciphertext_b64"])).unwrap();
    let plain = platform.decrypt_oaep(OaepDigest::Sha1, &ciphertext).unwrap();
    assert_eq!(plain.expose_str(), field["plaintext"].as_str(), "a field the SDK encrypted");
    assert!(merchant.decrypt_oaep(OaepDigest::Sha1, &ciphertext).is_err(), "another key");

    let key = AesGcmKey::new(text(&vectors["api_v3_key"]).as_bytes()).unwrap();
    let open = |case: &Value, aad: &str| {
        let sealed = case.get("ciphertext_b64").unwrap_or(&case["ciphertext"]);
        let sealed = base64_decode(text(sealed));
        let nonce = text(&case["nonce"]).as_bytes().try_into().ok()?;
        key.open(nonce, aad.as_bytes(), &sealed.ok()?).ok()
    };
    let body: Value = serde_json::from_str(text(&vectors["webhook"]["body"])).unwrap();
    let resource = &body["resource"];
    assert!(open(resource, text(&resource["associated_data"])).is_some(), "a notification");
    for case in vectors["negative_aead"].as_array().unwrap() {
        assert_eq!(open(case, text(&case["aad"])), None, "{}", case["why"]);
    }
}

#[test]
fn alipays_messages_are_verified_and_decrypted() {
    let Some(vectors) = foreign("alipay/v2-notify-and-response.json") else { return };
    let case = &vectors["aes_cbc_zero_iv"];
    let key = AesCbcKey::new(&base64_decode(text(&case["key_b64"])).unwrap()).unwrap();
    let ciphertext = base64_decode(text(&case["ciphertext_b64"])).unwrap();
    let plaintext = text(&case["plaintext"]).as_bytes();
    assert_eq!(key.decrypt([0; 16], &ciphertext).unwrap(), plaintext, "decrypted");
    assert_eq!(key.encrypt([0; 16], plaintext), ciphertext, "encrypted");

    let response = &vectors["response_signature"];
    let body: Value = serde_json::from_str(text(&response["raw_body"])).unwrap();
    let notify = &vectors["notify_payment_rsaCheckV1"];
    for (case, signature) in [(notify, &notify["form_params"]["sign"]), (response, &body["sign"])] {
        let key = PublicKey::from_text(text(&case["alipay_public_key_pem"])).unwrap();
        let signature = base64_decode(text(signature)).unwrap();
        let message = text(&case["signed_string"]).as_bytes();
        let _ = key.verify(Algorithm::Rs256, message, &signature).expect("a real message");
        let verified = key.verify(Algorithm::Rs256, &message[1..], &signature);
        assert_eq!(verified, Err(SignatureInvalid), "without its first byte");
    }
}

#[test]
fn a_value_is_encrypted_to_its_recipient_alone() {
    let key = private_key(KeyKind::Rsa);
    let public = key.public_key();
    for (digest, limit) in
        [(OaepDigest::Sha1, 214), (OaepDigest::Sha256, 190), (OaepDigest::Sha512, 126)]
    {
        let ciphertext = public.encrypt_oaep(digest, &vec![7; limit]).unwrap();
        let plaintext = key.decrypt_oaep(digest, &ciphertext).unwrap();
        assert_eq!(plaintext.expose(), vec![7; limit], "{digest:?}: the longest value");
        assert!(public.encrypt_oaep(digest, &vec![7; limit + 1]).is_err(), "{digest:?}: longer");
        for at in [0, 100, 255] {
            let mut changed = ciphertext.clone();
            changed[at] ^= 1;
            assert_eq!(
                key.decrypt_oaep(digest, &changed).unwrap_err(),
                DecryptionFailed,
                "{digest:?}: byte {at} changed"
            );
        }
        for wrong in [&ciphertext[1..], &[ciphertext.as_slice(), &[0]].concat(), &[]] {
            let error = key.decrypt_oaep(digest, wrong).unwrap_err();
            assert_eq!(error, DecryptionFailed, "{digest:?}: {} bytes", wrong.len());
        }
    }
    let other = private_key(KeyKind::P256);
    assert_eq!(
        other.public_key().encrypt_oaep(OaepDigest::Sha256, b"x"),
        Err(EncryptionFailed { expected: "an RSA key" }),
        "an EC key encrypts nothing"
    );
    assert!(other.decrypt_oaep(OaepDigest::Sha256, b"x").is_err(), "nor decrypts");
}

#[test]
fn a_raw_signature_is_verified_with_its_own_algorithm_key_and_message_only() {
    for algorithm in Algorithm::ALL {
        let key = private_key(algorithm.key_kind());
        let signature =
            SigningKey::new(key.clone(), algorithm, None).unwrap().sign(b"pay 1.00").unwrap();
        let public = key.public_key();
        let _ = public.verify(algorithm, b"pay 1.00", &signature).expect("its own signature");
        assert!(public.verify(algorithm, b"pay 9.00", &signature).is_err(), "{algorithm}: message");
        assert!(public.verify(algorithm, b"pay 1.00", &[]).is_err(), "{algorithm}: no signature");
        for at in 0..signature.len() {
            let mut changed = signature.clone();
            changed[at] ^= 1;
            let verified = public.verify(algorithm, b"pay 1.00", &changed);
            assert_eq!(verified, Err(SignatureInvalid), "{algorithm}: byte {at} changed");
        }
        for other in Algorithm::ALL.into_iter().filter(|other| *other != algorithm) {
            let verified = public.verify(other, b"pay 1.00", &signature);
            assert_eq!(verified, Err(SignatureInvalid), "{algorithm} taken for {other}");
        }
    }
}
