//! Encrypted tokens: round trips, keys, and what configuration allows.

use std::sync::Arc;

use proptest::prelude::*;
use tollgate_crypto::{
    ContentAlgorithm, Decrypter, DecryptionKey, Encrypter, EncryptionOptions, JweError,
    JweKeyError, KeyAlgorithm, KeyKind, Secret, SymmetricKey, SystemRandom, TokenDecrypter,
    UseBudget, parse_object,
};

use crate::{
    jwe_support::{combinations, direct, direct_decrypter, options, pair, shared_key},
    support::private_key,
};

#[test]
fn every_useful_combination_exists() {
    // RSA 1 × 4, two curves × 3 × 4, shared 3 × 4.
    assert_eq!(combinations().len(), 4 + 24 + 12, "all combinations are tested below");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn every_combination_decrypts_what_it_encrypted(payload: Vec<u8>, info: Vec<u8>) {
        for (kind, alg, enc) in combinations() {
            let options = EncryptionOptions {
                kid: Some("k1".to_owned()),
                typ: Some("JOSE".to_owned()),
                cty: Some("application/json".to_owned()),
                apu: Some(info.clone()),
                apv: Some(b"recipient".to_vec()),
            };
            let (encrypter, decrypter) = pair(kind, alg, enc, options).unwrap();
            let token = encrypter.encrypt(&payload, &SystemRandom).unwrap();
            let decrypted = decrypter.decrypt(&token).unwrap();
            prop_assert_eq!(decrypted.payload(), payload.as_slice(), "{} {}", alg, enc);
            prop_assert_eq!(decrypted.kid(), Some("k1"));
            prop_assert_eq!(decrypted.typ(), Some("JOSE"));
            prop_assert_eq!(decrypted.cty(), Some("application/json"));
            prop_assert_eq!((decrypted.algorithm(), decrypted.content_algorithm()), (alg, enc));
        }
    }
}

#[test]
fn a_key_is_found_by_exact_kid_and_never_guessed() {
    let (alg, enc) = (KeyAlgorithm::A256Kw, ContentAlgorithm::A256Gcm);
    let key = |kid: Option<&str>| {
        DecryptionKey::shared(shared_key(alg, enc), alg, &[enc], kid.map(str::to_owned)).unwrap()
    };
    let token = |kid: Option<&str>| {
        let options = EncryptionOptions { kid: kid.map(str::to_owned), ..Default::default() };
        let (encrypter, _) = pair(None, alg, enc, options).unwrap();
        encrypter.encrypt(b"payload", &SystemRandom).unwrap()
    };
    let two = Decrypter::new(vec![key(Some("old")), key(Some("new"))]).unwrap();
    assert_eq!(two.decrypt(&token(Some("old"))).unwrap().kid(), Some("old"), "during a rotation");
    assert_eq!(two.decrypt(&token(Some("new"))).unwrap().kid(), Some("new"), "both keys serve");
    for kid in [Some("NEW"), Some("ne"), Some("../new"), None] {
        assert_eq!(two.decrypt(&token(kid)).unwrap_err(), JweError::UnknownKid, "{kid:?}");
    }
    let one = Decrypter::new(vec![key(Some("new"))]).unwrap();
    assert!(one.decrypt(&token(None)).is_ok(), "without a name, the only key is meant");
    assert_eq!(one.decrypt(&token(Some("x"))).unwrap_err(), JweError::UnknownKid, "a wrong name");
    let nameless = Decrypter::new(vec![key(None)]).unwrap();
    assert_eq!(
        nameless.decrypt(&token(Some("x"))).unwrap_err(),
        JweError::UnknownKid,
        "a key without a name does not answer to one"
    );
    let ambiguous = JweKeyError::AmbiguousKid;
    for keys in [vec![key(Some("a")), key(Some("a"))], vec![key(None), key(None)]] {
        assert_eq!(Decrypter::new(keys).unwrap_err(), ambiguous, "the same name twice");
    }
    assert_eq!(Decrypter::new(vec![]).unwrap_err(), JweKeyError::Count { found: 0 }, "no key");
}

#[test]
fn a_key_is_configured_only_for_what_it_can_do() {
    let gcm = [ContentAlgorithm::A256Gcm];
    for kind in [KeyKind::Rsa, KeyKind::P256, KeyKind::P384, KeyKind::Ed25519] {
        for alg in KeyAlgorithm::ALL {
            let fits = match alg {
                KeyAlgorithm::RsaOaep256 => kind == KeyKind::Rsa,
                KeyAlgorithm::EcdhEs | KeyAlgorithm::EcdhEsA128Kw | KeyAlgorithm::EcdhEsA256Kw => {
                    matches!(kind, KeyKind::P256 | KeyKind::P384)
                }
                _ => false,
            };
            let key = private_key(kind);
            let encrypter = Encrypter::to_public_key(
                key.public_key(),
                alg,
                gcm[0],
                EncryptionOptions::default(),
            );
            assert_eq!(encrypter.is_ok(), fits, "{kind:?} encrypts with {alg}");
            let key = DecryptionKey::private(key, alg, &gcm, None);
            assert_eq!(key.is_ok(), fits, "{kind:?} decrypts with {alg}");
        }
    }
    for length in [15, 16, 24, 31, 33, 64] {
        let key = SymmetricKey::from_raw(Secret::new(vec![1; length])).unwrap();
        for alg in [KeyAlgorithm::Direct, KeyAlgorithm::A256Kw, KeyAlgorithm::A256GcmKw] {
            let error = DecryptionKey::shared(key.clone(), alg, &gcm, None).unwrap_err();
            assert!(
                matches!(error, JweKeyError::Length { expected: 32, found, .. } if found == length),
                "{alg} with {length} bytes: {error:?}"
            );
        }
    }
    let key = shared_key(KeyAlgorithm::Direct, gcm[0]);
    let both = [ContentAlgorithm::A256Gcm, ContentAlgorithm::A128CbcHs256];
    assert_eq!(
        DecryptionKey::shared(key.clone(), KeyAlgorithm::Direct, &both, None).unwrap_err(),
        JweKeyError::DirectNeedsOne,
        "one key, two content encryptions"
    );
    assert_eq!(
        DecryptionKey::shared(key.clone(), KeyAlgorithm::A256Kw, &[], None).unwrap_err(),
        JweKeyError::NoContentAlgorithm,
        "no content encryption"
    );
    assert_eq!(
        DecryptionKey::shared(key, KeyAlgorithm::A256Kw, &gcm, Some(String::new())).unwrap_err(),
        JweKeyError::Kid,
        "an empty name"
    );
}

#[test]
fn a_shared_key_is_used_no_more_often_than_its_budget_allows() {
    let enc = ContentAlgorithm::A256Gcm;
    for alg in [KeyAlgorithm::Direct, KeyAlgorithm::A256GcmKw] {
        let budget = Arc::new(UseBudget::with_limit(2));
        for round in 0..2 {
            // A reload makes a new encrypter; the budget stays.
            let (encrypter, _) = pair(None, alg, enc, EncryptionOptions::default()).unwrap();
            let encrypter = encrypter.with_budget(Arc::clone(&budget));
            assert!(encrypter.encrypt(b"", &SystemRandom).is_ok(), "{alg}: use {round}");
        }
        let (encrypter, _) = pair(None, alg, enc, EncryptionOptions::default()).unwrap();
        let encrypter = encrypter.with_budget(Arc::clone(&budget));
        assert!(
            matches!(encrypter.encrypt(b"", &SystemRandom), Err(JweError::Budget(_))),
            "{alg}: the third use is refused"
        );
    }
    let budget = Arc::new(UseBudget::with_limit(0));
    let (encrypter, _) =
        pair(None, KeyAlgorithm::A256Kw, enc, EncryptionOptions::default()).unwrap();
    assert!(
        encrypter.with_budget(budget).encrypt(b"", &SystemRandom).is_ok(),
        "key wrap needs no nonce and no budget"
    );
}

#[test]
fn content_keys_and_vectors_come_from_the_given_source() {
    let (encrypter, _) =
        pair(None, KeyAlgorithm::A256Kw, ContentAlgorithm::A256Gcm, EncryptionOptions::default())
            .unwrap();
    let fixed = |bytes: &mut [u8]| bytes.fill(5);
    assert_eq!(
        encrypter.encrypt(b"payload", &fixed),
        encrypter.encrypt(b"payload", &fixed),
        "the same source gives the same token"
    );
    let (first, second) =
        (encrypter.encrypt(b"", &SystemRandom), encrypter.encrypt(b"", &SystemRandom));
    assert_ne!(first, second, "and the system's source never does");
}

#[test]
fn nothing_that_decrypts_shows_what_it_holds() {
    let decrypter = direct_decrypter();
    let token = direct(r#"{"alg":"dir","enc":"A256GCM"}"#, "", &[1; 12], b"4111111111111111");
    let opened = decrypter.decrypt(&token).unwrap();
    let shown = format!("{opened:?} {decrypter:?}");
    assert!(!shown.contains("4111") && !shown.contains("52, 49"), "the payload stays hidden");
    let trait_object: &dyn TokenDecrypter = &decrypter;
    assert!(!trait_object.is_expensive(), "symmetric decryption is cheap");
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(
        matches!(
            trait_object.decrypt(&token).as_mut().poll(&mut context),
            std::task::Poll::Ready(Ok(opened)) if opened.payload() == b"4111111111111111"
        ),
        "a local key answers at once"
    );
}

#[test]
fn a_header_says_what_it_was_configured_to_say() {
    let (encrypter, _) = pair(
        Some(KeyKind::P256),
        KeyAlgorithm::EcdhEs,
        ContentAlgorithm::A128Gcm,
        EncryptionOptions { apu: Some(b"Alice".to_vec()), ..options("k1") },
    )
    .unwrap();
    let token = encrypter.encrypt(b"", &SystemRandom).unwrap();
    let header = tollgate_crypto::base64url_decode(token.split('.').next().unwrap()).unwrap();
    let header = parse_object(&header).unwrap();
    let names: Vec<_> = header.keys().map(String::as_str).collect();
    assert_eq!(names, ["alg", "apu", "enc", "epk", "kid"], "and no more");
    assert!(header["epk"].get("d").is_none(), "the ephemeral private key stays here");
}
