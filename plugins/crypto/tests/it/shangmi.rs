//! SM2, SM3 and SM4: the standards' own examples, and what two other implementations made.

use proptest::prelude::*;
use tollgate_crypto::{
    DecryptionFailed, Digest, DigestAlgorithm, EncryptionFailed, KeyError, PrivateKey, PublicKey,
    SignatureInvalid, Sm2Certificate, Sm2PrivateKey, Sm2PublicKey, Sm4GcmKey, base64_decode,
    from_hex, to_hex,
};

use crate::support::{generated, text};

/// The key of the examples of GM/T 0003.5.
fn example_key() -> Sm2PrivateKey {
    let sec1 = from_hex(
        "303102010104203945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8a00a06082a811ccf5501822d",
    );
    let body = tollgate_crypto::base64_encode(&sec1.unwrap());
    Sm2PrivateKey::from_pem(&format!(
        "-----BEGIN SM2 PRIVATE KEY-----\n{body}\n-----END SM2 PRIVATE KEY-----\n"
    ))
    .unwrap()
}

/// DER of a sequence of integers and octet strings, each given with its tag.
fn der(items: &[(u8, &str)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (tag, hex) in items {
        let mut bytes = from_hex(hex).unwrap();
        if *tag == 2 && bytes[0] & 0x80 != 0 {
            bytes.insert(0, 0);
        }
        body.extend([*tag, u8::try_from(bytes.len()).unwrap()]);
        body.extend(bytes);
    }
    [&[0x30, u8::try_from(body.len()).unwrap()], body.as_slice()].concat()
}

#[test]
fn the_examples_of_the_standard_verify_and_decrypt() {
    let key = example_key();
    let (r, s) = (
        "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3",
        "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa",
    );
    let signature = der(&[(2, r), (2, s)]);
    let _ = key.public_key().verify(b"message digest", &signature).expect("GM/T 0003.5 annex A");
    let verified = key.public_key().verify(b"message digesT", &signature);
    assert_eq!(verified, Err(SignatureInvalid), "another message");

    let ciphertext = der(&[
        (2, "04ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73"),
        (2, "e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0"),
        (4, "59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766"),
        (4, "21886ca989ca9c7d58087307ca93092d651efa"),
    ]);
    let plaintext = key.decrypt(&ciphertext).unwrap();
    assert_eq!(plaintext.expose_str(), Some("encryption standard"), "GM/T 0003.5 annex C");
}

#[test]
fn signatures_of_other_implementations_are_verified() {
    let vectors = generated("shangmi.json");
    let key = Sm2PublicKey::from_pem(text(&vectors["platform_public_key_pem"])).unwrap();
    for case in vectors["signatures"].as_array().unwrap() {
        let signature = base64_decode(text(&case["signature_b64"])).unwrap();
        let name = text(&case["made_with"]);
        let _ = key
            .verify(text(&case["message"]).as_bytes(), &signature)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    for case in vectors["negative_signatures"].as_array().unwrap() {
        let signature = base64_decode(text(&case["signature_b64"])).unwrap();
        let verified = key.verify(text(&case["message"]).as_bytes(), &signature);
        assert_eq!(verified, Err(SignatureInvalid), "{}", case["why"]);
    }
}

#[test]
fn a_notification_is_verified_and_opened() {
    let vectors = generated("shangmi.json");
    let certificate = Sm2Certificate::from_pem(text(&vectors["platform_certificate_pem"])).unwrap();
    let webhook = &vectors["webhook"];
    assert_eq!(
        certificate.serial_hex_upper(),
        text(&webhook["headers"]["Wechatpay-Serial"]),
        "the number that the header names, without the zero byte of DER"
    );
    assert!(certificate.not_before() < certificate.not_after(), "the dates were read");
    let signature = base64_decode(text(&webhook["headers"]["Wechatpay-Signature"])).unwrap();
    let message = text(&webhook["signed_string"]).as_bytes();
    let _ = certificate.public_key().verify(message, &signature).expect("a signed notification");

    let case = &vectors["aead"];
    let digest = Digest::of(DigestAlgorithm::Sm3, text(&case["api_v3_key"]).as_bytes());
    assert_eq!(to_hex(&digest[..16]), text(&case["key_hex"]), "the key is half a digest");
    let key = Sm4GcmKey::new(&digest[..16]).unwrap();
    let nonce = text(&case["nonce"]).as_bytes().try_into().unwrap();
    let sealed = base64_decode(text(&case["ciphertext_b64"])).unwrap();
    let (aad, plaintext) = (text(&case["aad"]).as_bytes(), text(&case["plaintext"]).as_bytes());
    assert_eq!(key.open(nonce, aad, &sealed).unwrap(), plaintext, "opened");
    assert_eq!(key.seal(nonce, aad, plaintext).unwrap(), sealed, "sealed");
    assert!(key.open(nonce, b"refund", &sealed).is_err(), "other associated data");
    for case in vectors["sm3"].as_array().unwrap() {
        let digest = Digest::of(DigestAlgorithm::Sm3, text(&case["message"]).as_bytes());
        assert_eq!(to_hex(&digest), text(&case["digest_hex"]), "{}", case["message"]);
    }
}

#[test]
fn fields_of_other_implementations_are_decrypted() {
    let vectors = generated("shangmi.json");
    let key = Sm2PrivateKey::from_pem(text(&vectors["platform_private_key_pem"])).unwrap();
    for case in vectors["ciphertexts"].as_array().unwrap() {
        let ciphertext = base64_decode(text(&case["ciphertext_b64"])).unwrap();
        let name = format!("{} {}", case["made_with"], case["plaintext"]);
        let plaintext = key.decrypt(&ciphertext).unwrap_or_else(|_| panic!("{name}"));
        assert_eq!(plaintext.expose_str(), case["plaintext"].as_str(), "{name}");
    }
    for case in vectors["negative_ciphertexts"].as_array().unwrap() {
        let ciphertext = base64_decode(text(&case["ciphertext_b64"])).unwrap();
        let error = key.decrypt(&ciphertext).unwrap_err();
        assert_eq!(error, DecryptionFailed, "{}", case["why"]);
    }
}

#[test]
fn what_is_signed_verifies_and_what_is_encrypted_decrypts() {
    let vectors = generated("shangmi.json");
    let merchant = Sm2PrivateKey::from_pem(text(&vectors["merchant_private_key_pem"])).unwrap();
    let platform = Sm2PrivateKey::from_pem(text(&vectors["platform_private_key_pem"])).unwrap();
    for message in [b"".as_slice(), b"pay 1.00", &[7; 1000]] {
        let signature = merchant.sign(message).unwrap();
        let _ = merchant.public_key().verify(message, &signature).expect("its own signature");
        let verified = platform.public_key().verify(message, &signature);
        assert_eq!(verified, Err(SignatureInvalid), "another key");
        for at in 0..signature.len() {
            let mut changed = signature.clone();
            changed[at] ^= 1;
            let verified = merchant.public_key().verify(message, &changed);
            assert_eq!(verified, Err(SignatureInvalid), "byte {at} changed");
        }
    }
    for length in [1, 31, 32, 33, 64, 1000] {
        let plaintext = vec![7; length];
        let ciphertext = platform.public_key().encrypt(&plaintext).unwrap();
        let opened = platform.decrypt(&ciphertext).unwrap();
        assert_eq!(opened.expose(), plaintext, "{length} bytes");
        assert_eq!(merchant.decrypt(&ciphertext).unwrap_err(), DecryptionFailed, "another key");
        for at in [0, 1, 5, ciphertext.len() / 2, ciphertext.len() - 1] {
            let mut changed = ciphertext.clone();
            changed[at] ^= 1;
            assert_eq!(platform.decrypt(&changed).unwrap_err(), DecryptionFailed, "byte {at}");
        }
    }
    assert_eq!(
        platform.public_key().encrypt(b""),
        Err(EncryptionFailed { expected: "a plaintext that is not empty" }),
        "nothing cannot be encrypted"
    );
}

#[test]
fn keys_are_read_from_every_form_and_others_are_refused() {
    let vectors = generated("shangmi.json");
    let pem = text(&vectors["merchant_private_key_pem"]);
    let key = Sm2PrivateKey::from_pem(pem).unwrap();
    let sec1 = Sm2PrivateKey::from_pem(text(&vectors["merchant_private_key_sec1_pem"])).unwrap();
    assert_eq!(key.public_key(), sec1.public_key(), "SEC 1 as OpenSSL writes it");
    let bare: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let wrapped = bare.replace('M', "M \n\t");
    for form in [pem, &bare, &wrapped] {
        let read = Sm2PrivateKey::from_text(form).unwrap();
        assert_eq!(read.public_key(), key.public_key(), "the same key in another form");
    }
    let public = text(&vectors["platform_public_key_pem"]);
    let bare: String = public.lines().filter(|line| !line.starts_with("-----")).collect();
    let certificate = text(&vectors["platform_certificate_pem"]);
    for form in [public, &bare, certificate] {
        let read = Sm2PublicKey::from_text(form).unwrap();
        let key = Sm2PublicKey::from_pem(public).unwrap();
        assert_eq!(read, key, "the same key in another form");
        assert!(format!("{read:?}").starts_with("Sm2PublicKey("), "named by its digest");
    }
    for other in [include_str!("../keys/p256.pem"), include_str!("../keys/rsa.pem")] {
        assert_eq!(Sm2PrivateKey::from_pem(other).unwrap_err(), KeyError::Sm2, "another curve");
    }
    assert_eq!(
        Sm2PublicKey::from_pem(include_str!("../keys/p256-public.pem")).unwrap_err(),
        KeyError::Sm2,
        "a public key on another curve"
    );
    assert_eq!(PrivateKey::from_pem(pem).unwrap_err(), KeyError::Unsupported, "not for JOSE");
    assert_eq!(PublicKey::from_pem(public).unwrap_err(), KeyError::Unsupported, "not for JOSE");
    assert!(Sm2PrivateKey::from_pem(public).is_err(), "a public key is no private one");
    assert!(Sm2PublicKey::from_pem(pem).is_err(), "a private key is no public one");
    let two = [pem, pem].concat();
    assert_eq!(Sm2PrivateKey::from_pem(&two).unwrap_err(), KeyError::SeveralKeys, "two keys");
    assert_eq!(format!("{key:?}"), "Sm2PrivateKey(***)", "the key stays hidden");
}

proptest! {
    #[test]
    fn no_bytes_make_a_key_panic(wild: Vec<u8>, at in any::<prop::sample::Index>(), byte: u8) {
        let key = example_key();
        let _ = key.public_key().verify(b"", &wild);
        drop(key.decrypt(&wild));
        let mut ciphertext = key.public_key().encrypt(b"field").unwrap();
        let index = at.index(ciphertext.len());
        ciphertext[index] = byte;
        drop(key.decrypt(&ciphertext));
    }
}
