//! Signed tokens: round trips, tampering, and finding the right key or none.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tollgate_crypto::{
    Algorithm, JwsError, KeyError, KeyKind, KeySet, KeySetError, Signer, SigningKey, TokenHeader,
    VerificationKey, sign, sign_payload, verify, verify_payload,
};

use crate::support::{key_set, object, private_key, signing_key, tamper, verification_key};

fn claims() -> Map<String, Value> {
    object(&json!({"sub": "fi-1", "amount": 125, "nested": {"a": [1, 2]}})).clone()
}

#[test]
fn every_algorithm_signs_what_it_verifies() {
    for algorithm in Algorithm::ALL {
        let key = signing_key(algorithm, "k1");
        let token = sign(&claims(), &key, &TokenHeader::typ("at+jwt")).unwrap();
        let verified = verify(&token, &key_set(&[&key]), &[algorithm]).unwrap();
        assert_eq!(verified.claims(), &claims(), "{algorithm}: the claims");
        assert_eq!(verified.algorithm(), algorithm, "{algorithm}: the algorithm");
        assert_eq!(verified.kid(), Some("k1"), "{algorithm}: the key");
        assert_eq!(verified.typ(), Some("at+jwt"), "{algorithm}: the type");
    }
}

#[test]
fn any_changed_segment_is_refused() {
    for algorithm in [Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256, Algorithm::EdDsa] {
        let key = signing_key(algorithm, "k1");
        let keys = key_set(&[&key]);
        let token = sign(&claims(), &key, &TokenHeader::default()).unwrap();
        for segment in 0..3 {
            for at in 0..token.split('.').nth(segment).unwrap().len() {
                let changed = tamper(&token, segment, at).unwrap();
                assert!(
                    verify(&changed, &keys, &[algorithm]).is_err(),
                    "{algorithm}: segment {segment} changed at {at}"
                );
            }
        }
        let (signed, _) = token.rsplit_once('.').unwrap();
        assert_eq!(
            verify(&format!("{signed}."), &keys, &[algorithm]).unwrap_err(),
            JwsError::BadSignature,
            "{algorithm}: an empty signature"
        );
    }
}

#[test]
fn another_key_of_the_same_kind_does_not_verify() {
    for kind in [KeyKind::P256, KeyKind::Ed25519] {
        let algorithm = if kind == KeyKind::P256 { Algorithm::Es256 } else { Algorithm::EdDsa };
        let other = tollgate_crypto::PrivateKey::generate(kind).unwrap();
        let other = SigningKey::new(other, algorithm, Some("k1".to_owned())).unwrap();
        let token = sign(&claims(), &other, &TokenHeader::default()).unwrap();
        assert_eq!(
            verify(&token, &key_set(&[&signing_key(algorithm, "k1")]), &[algorithm]).unwrap_err(),
            JwsError::BadSignature,
            "{algorithm}"
        );
    }
}

#[test]
fn an_algorithm_must_be_allowed_by_the_caller_and_served_by_the_key() {
    let key = signing_key(Algorithm::Ps256, "k1");
    let token = sign(&claims(), &key, &TokenHeader::default()).unwrap();
    let refused = JwsError::AlgorithmNotAllowed;
    let keys = key_set(&[&key]);
    assert_eq!(verify(&token, &keys, &[Algorithm::Rs256]).unwrap_err(), refused, "by the caller");
    assert_eq!(verify(&token, &keys, &[]).unwrap_err(), refused, "nothing is allowed");
    let other = key_set(&[&signing_key(Algorithm::Rs256, "k1")]);
    assert_eq!(
        verify(&token, &other, &Algorithm::ALL).unwrap_err(),
        refused,
        "the same RSA key is configured for another algorithm"
    );
}

#[test]
fn a_key_is_found_by_exact_kid_only() {
    let (first, second) =
        (signing_key(Algorithm::Es256, "k1"), signing_key(Algorithm::EdDsa, "k2"));
    let keys = key_set(&[&first, &second]);
    let with_kid = |kid: Option<&str>| {
        let key =
            SigningKey::new(private_key(KeyKind::P256), Algorithm::Es256, kid.map(str::to_owned));
        sign(&claims(), &key.unwrap(), &TokenHeader::default()).unwrap()
    };
    assert!(verify(&with_kid(Some("k1")), &keys, &Algorithm::ALL).is_ok(), "the exact name");
    for kid in ["K1", "k1 ", "k", "../k1", "https://id.example/k1"] {
        assert_eq!(
            verify(&with_kid(Some(kid)), &keys, &Algorithm::ALL).unwrap_err(),
            JwsError::UnknownKid,
            "`{kid}` is not `k1`"
        );
    }
    assert_eq!(
        verify(&with_kid(Some("k2")), &keys, &Algorithm::ALL).unwrap_err(),
        JwsError::AlgorithmNotAllowed,
        "a key of another kind does not serve the token's algorithm"
    );
    assert!(
        verify(&with_kid(None), &keys, &Algorithm::ALL).is_ok(),
        "without a name, the only key that serves the algorithm is meant"
    );
    let two = key_set(&[&first, &signing_key(Algorithm::Es256, "k3")]);
    assert_eq!(
        verify(&with_kid(None), &two, &Algorithm::ALL).unwrap_err(),
        JwsError::UnknownKid,
        "without a name, two keys are one too many"
    );
    let nameless = VerificationKey::new(
        private_key(KeyKind::P256).public_key().clone(),
        None,
        &[Algorithm::Es256],
    );
    let nameless = KeySet::new(vec![nameless.unwrap()]).unwrap();
    assert_eq!(
        verify(&with_kid(Some("k1")), &nameless, &Algorithm::ALL).unwrap_err(),
        JwsError::UnknownKid,
        "a key without a name does not answer to one"
    );
}

#[test]
fn duplicate_identifiers_are_ambiguous_only_where_they_are_used() {
    let (rsa, ec) = (signing_key(Algorithm::Ps256, "k1"), signing_key(Algorithm::Es256, "k1"));
    let keys = key_set(&[&rsa, &ec, &ec]);
    let token = |key| sign(&claims(), key, &TokenHeader::default()).unwrap();
    assert!(verify(&token(&rsa), &keys, &Algorithm::ALL).is_ok(), "one key serves PS256");
    assert_eq!(
        verify(&token(&ec), &keys, &Algorithm::ALL).unwrap_err(),
        JwsError::AmbiguousKid,
        "two keys serve ES256 under one name"
    );
}

#[test]
fn a_key_set_uses_what_is_meant_for_signatures_and_counts_the_rest() {
    let key = signing_key(Algorithm::Es256, "good");
    let entry = |changes: Value| {
        let mut jwk = key.public_jwk();
        jwk.insert("kid".to_owned(), "other".into());
        for (name, value) in object(&changes) {
            if value.is_null() {
                jwk.remove(name)
            } else {
                jwk.insert(name.clone(), value.clone())
            };
        }
        Value::Object(jwk)
    };
    let skipped = [
        (entry(json!({"use": "enc"})), "for encryption"),
        (entry(json!({"use": 1})), "use of the wrong type"),
        (entry(json!({"key_ops": ["encrypt"]})), "operations without verify"),
        (entry(json!({"key_ops": "verify"})), "operations of the wrong type"),
        (entry(json!({"alg": "ES384"})), "an algorithm for another curve"),
        (entry(json!({"alg": "ES256K"})), "an unknown algorithm"),
        (entry(json!({"alg": "RSA-OAEP-256"})), "an encryption algorithm"),
        (entry(json!({"crv": "P-521"})), "an unsupported curve"),
        (entry(json!({"x": "AAAA"})), "a short coordinate"),
        (entry(json!({"d": "AAAA"})), "a private key"),
        (entry(json!({"kid": ""})), "an empty identifier"),
        (entry(json!({"kid": "k".repeat(257)})), "a long identifier"),
        (json!({"kty": "oct", "k": "AAAA", "kid": "other"}), "a shared secret"),
        (json!("text"), "not an object"),
    ];
    let set =
        |entries: Vec<Value>| KeySet::from_jwks(json!({"keys": entries}).to_string().as_bytes());
    for (bad, why) in &skipped {
        let keys = set(vec![bad.clone(), Value::Object(key.public_jwk())]).unwrap();
        assert_eq!((keys.keys().len(), keys.skipped()), (1, 1), "{why} is skipped");
        assert!(!keys.contains_kid("other"), "{why} is not reachable");
    }
    let all: Vec<_> = skipped.iter().map(|(entry, _)| entry.clone()).collect();
    assert_eq!(
        set(all).unwrap_err(),
        KeySetError::NoUsableKey { skipped: skipped.len() },
        "a set of nothing usable is an error"
    );
    for good in [json!({"use": null}), json!({"alg": null}), json!({"key_ops": ["verify", "x"]})] {
        assert_eq!(set(vec![entry(good.clone())]).unwrap().keys().len(), 1, "{good} is usable");
    }
}

#[test]
fn a_key_set_is_bounded_and_unambiguous() {
    let entry = Value::Object(signing_key(Algorithm::Es256, "k").public_jwk());
    let many = |count| json!({"keys": vec![entry.clone(); count]}).to_string();
    assert_eq!(KeySet::from_jwks(many(64).as_bytes()).unwrap().keys().len(), 64, "64 keys");
    assert_eq!(KeySet::from_jwks(many(65).as_bytes()).unwrap_err(), KeySetError::TooMany, "65");
    let padded = format!("{}{}", many(1), " ".repeat(256 * 1024));
    assert_eq!(KeySet::from_jwks(padded.as_bytes()).unwrap_err(), KeySetError::TooLarge, "size");
    for (document, why) in [
        ("", "nothing"),
        ("[]", "an array"),
        ("{}", "no keys"),
        (r#"{"keys":{}}"#, "keys of the wrong type"),
        (r#"{"keys":[],"keys":[]}"#, "duplicate members"),
        ("<html>", "a web page"),
    ] {
        assert_eq!(
            KeySet::from_jwks(document.as_bytes()).unwrap_err(),
            KeySetError::Malformed,
            "{why}"
        );
    }
}

#[test]
fn a_published_key_verifies_what_its_private_half_signed() {
    for algorithm in Algorithm::ALL {
        let key = signing_key(algorithm, "published");
        let jwks = json!({"keys": [key.public_jwk()]}).to_string();
        assert!(!jwks.contains("\"d\""), "{algorithm}: nothing private is published");
        let keys = KeySet::from_jwks(jwks.as_bytes()).unwrap();
        assert_eq!(keys.keys()[0].algorithms(), [algorithm], "{algorithm}: fixed by `alg`");
        let token = sign(&claims(), &key, &TokenHeader::default()).unwrap();
        assert!(verify(&token, &keys, &[algorithm]).is_ok(), "{algorithm}");
    }
}

#[test]
fn claims_must_be_one_unambiguous_object_though_any_payload_can_be_signed() {
    let key = signing_key(Algorithm::Es256, "k1");
    let keys = key_set(&[&key]);
    for payload in [r#"{"a":1,"a":2}"#, "[]", "", "text", r#"{"a":1}{"#] {
        let token = sign_payload(payload.as_bytes(), &key, &TokenHeader::default()).unwrap();
        assert!(
            matches!(verify(&token, &keys, &[Algorithm::Es256]), Err(JwsError::Malformed(_))),
            "`{payload}` is not a set of claims"
        );
        let verified = verify_payload(&token, &keys, &[Algorithm::Es256], 16_384).unwrap();
        assert_eq!(verified.payload(), payload.as_bytes(), "but it is a payload");
        assert!(
            verify_payload(&token, &keys, &[Algorithm::Es256], token.len() - 1).is_err(),
            "the limit of the caller counts"
        );
    }
}

#[test]
fn a_key_is_configured_only_for_what_it_can_do() {
    for kind in [KeyKind::Rsa, KeyKind::P256, KeyKind::P384, KeyKind::Ed25519] {
        for algorithm in Algorithm::ALL {
            let (private, public) = (private_key(kind), private_key(kind).public_key().clone());
            let fits = algorithm.key_kind() == kind;
            let signing = SigningKey::new(private, algorithm, None);
            let verifying = VerificationKey::new(public, None, &[algorithm]);
            assert_eq!((signing.is_ok(), verifying.is_ok()), (fits, fits), "{kind:?} {algorithm}");
        }
    }
    let public = private_key(KeyKind::P256).public_key().clone();
    assert_eq!(
        VerificationKey::new(public.clone(), None, &[]).unwrap_err(),
        KeyError::NoAlgorithm,
        "no algorithm"
    );
    for kid in [String::new(), "k".repeat(257)] {
        let key = VerificationKey::new(public.clone(), Some(kid), &[Algorithm::Es256]);
        assert_eq!(key.unwrap_err(), KeyError::Kid, "an identifier of the wrong length");
    }
}

#[test]
fn a_signer_is_an_object_that_can_be_replaced() {
    let key = signing_key(Algorithm::Es256, "k1");
    let signer: &dyn Signer = &key;
    let mut future = signer.sign(b"message");
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(signature) = future.as_mut().poll(&mut context) else {
        panic!("a local key answers at once")
    };
    let verifying = verification_key(&key);
    assert_eq!(
        verifying.verify(Algorithm::Es256, b"message", &signature.unwrap()),
        Ok(()),
        "the raw signature verifies"
    );
    let rsa = verification_key(&signing_key(Algorithm::Ps256, "k"));
    assert_eq!(
        rsa.verify(Algorithm::Rs256, b"message", b"signature"),
        Err(JwsError::AlgorithmNotAllowed),
        "a raw signature is bound to the key's algorithms too"
    );
    assert_eq!(
        verifying.verify(Algorithm::Es256, b"another", b"signature"),
        Err(JwsError::BadSignature),
        "and a wrong one is refused"
    );
    assert_eq!((signer.kid(), signer.algorithm()), (Some("k1"), Algorithm::Es256), "it says what");
    assert!(!signer.is_expensive(), "EC is cheap");
    assert!(Signer::is_expensive(&signing_key(Algorithm::Rs256, "k")), "RSA is not");
}

proptest! {
    #[test]
    fn any_payload_survives_and_no_garbage_is_accepted(
        payload: Vec<u8>,
        garbage in "[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,90}",
        wild: String,
    ) {
        let key = signing_key(Algorithm::EdDsa, "k1");
        let keys = key_set(&[&key]);
        let token = sign_payload(&payload, &key, &TokenHeader::default()).unwrap();
        let verified = verify_payload(&token, &keys, &Algorithm::ALL, 1 << 20).unwrap();
        prop_assert_eq!(verified.into_payload(), payload);
        prop_assert!(verify(&garbage, &keys, &Algorithm::ALL).is_err());
        prop_assert!(verify(&wild, &keys, &Algorithm::ALL).is_err());
        let (header, _) = token.split_once('.').unwrap();
        let wild_rest = [header, &wild].join(".");
        prop_assert!(verify(&wild_rest, &keys, &Algorithm::ALL).is_err());
    }
}
