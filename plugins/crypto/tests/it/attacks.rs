//! Every attack in the project's own vectors is refused, and for the right reason.

use serde_json::json;
use tollgate_crypto::{
    Algorithm, ContentAlgorithm, Decrypter, DecryptionKey, JweError, JwsError, KeyAlgorithm,
    KeySet, SymmetricKey, VerificationKey, verify,
};

use crate::support::{generated, text};

/// Authentic tokens that only a check of their claims or type can refuse.
const FOR_THE_CLAIMS_CHECK: [&str; 3] =
    ["expired", "wrong aud", "ID token presented as access token (typ JWT)"];

#[test]
fn every_attack_on_a_signed_token_is_refused() {
    let vectors = generated("jose-attacks.json");
    let keys = keys(&vectors);
    let allowed = [Algorithm::Ps256, Algorithm::Es256, Algorithm::EdDsa];
    let good = verify(text(&vectors["valid"]), &keys, &allowed).unwrap();
    assert_eq!(good.claim("sub"), Some(&json!("fi-1")), "the honest token is read");
    assert_eq!((good.kid(), good.typ()), (Some("k1"), Some("at+jwt")), "with its header");

    let mut for_claims = 0;
    for case in vectors["invalid_jwt"].as_array().unwrap() {
        let (why, token) = (text(&case["why"]), text(&case["jwt"]));
        let result = verify(token, &keys, &allowed);
        if FOR_THE_CLAIMS_CHECK.contains(&why) {
            assert!(result.is_ok(), "{why}: authentic, so the claims must decide");
            for_claims += 1;
            continue;
        }
        let expected = |error: &JwsError| match why {
            "alg none"
            | "alg nOnE"
            | "HS256 keyed with the RSA public PEM (alg confusion)"
            | "kid path traversal / injection"
            | "SQL in kid" => *error == JwsError::AlgorithmNotAllowed,
            "ES256 r=s=0 (psychic signature)" => *error == JwsError::BadSignature,
            _ => matches!(error, JwsError::Malformed(_)),
        };
        let error = result.expect_err(why);
        assert!(expected(&error), "{why}: {error:?}");
    }
    assert_eq!(for_claims, FOR_THE_CLAIMS_CHECK.len(), "every exception is still needed");
}

#[test]
fn every_attack_on_an_encrypted_token_is_refused() {
    let vectors = generated("jose-attacks.json");
    let key = SymmetricKey::from_hex(text(&vectors["dir_key_hex"])).unwrap();
    let key = DecryptionKey::shared(key, KeyAlgorithm::Direct, &[ContentAlgorithm::A256Gcm], None)
        .unwrap();
    let decrypter = Decrypter::new(vec![key]).unwrap();
    assert!(decrypter.decrypt(text(&vectors["valid_jwe"])).is_ok(), "the honest token is read");
    for case in vectors["invalid_jwe"].as_array().unwrap() {
        let why = text(&case["why"]);
        let error = decrypter.decrypt(text(&case["jwe"])).expect_err(why);
        let by_algorithm = why.starts_with("PBES2") || why.starts_with("alg RSA1_5");
        assert!(
            if by_algorithm {
                error == JweError::AlgorithmNotAllowed
            } else {
                matches!(error, JweError::Malformed(_))
            },
            "{why}: refused before any key is used: {error:?}"
        );
    }
}

fn keys(vectors: &serde_json::Value) -> KeySet {
    let key = |name: &str, kid: &str, algorithm| {
        let pem = text(&vectors[name]);
        VerificationKey::from_pem(pem, Some(kid.to_owned()), &[algorithm]).unwrap()
    };
    KeySet::new(vec![
        key("rsa_public_key_pem", "k1", Algorithm::Ps256),
        key("ec_public_key_pem", "k2", Algorithm::Es256),
    ])
    .unwrap()
}
