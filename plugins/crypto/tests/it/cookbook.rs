//! RFC 7520: what the allow-list covers is read, everything else is refused.

use serde_json::{Value, json};
use tollgate_crypto::{
    Algorithm, Decrypter, DecryptionKey, KeyAlgorithm, KeySet, PrivateKey, SymmetricKey,
    verify_payload,
};

use crate::support::{foreign, object, text};

#[test]
fn the_cookbook_is_read_exactly_as_far_as_the_allow_list_goes() {
    let Some(vectors) = foreign("jose/rfc7520-cookbook.json") else { return };
    let (mut accepted, mut refused) = (Vec::new(), 0);
    for (name, case) in object(&vectors["files"]) {
        let Some(compact) = case["output"]["compact"].as_str() else {
            // Only compact serialisation is read; its JSON forms are not tokens at all.
            refused += 1;
            continue;
        };
        let (input, number) = (&case["input"], name.split('.').next().unwrap());
        let plaintext =
            if name.starts_with("jwe") { decrypt(input, compact) } else { verify(input, compact) };
        match plaintext {
            Some(plaintext) => {
                let expected = input.get("plaintext").unwrap_or(&input["payload"]);
                assert_eq!(plaintext, text(expected).as_bytes(), "{name}");
                accepted.push(number);
            }
            None => refused += 1,
        }
    }
    assert_eq!(
        accepted,
        ["jwe/5_4", "jwe/5_5", "jwe/5_6", "jws/4_1", "jws/4_2"],
        "these cases are within the allow-list"
    );
    assert_eq!(refused, 9, "OAEP with SHA-1, ES512, HS256, b64 and JSON forms are refused");
}

fn verify(input: &Value, token: &str) -> Option<Vec<u8>> {
    let mut key = object(&input["key"]).clone();
    key.remove("d");
    let keys = KeySet::from_jwks(json!({ "keys": [key] }).to_string().as_bytes()).ok()?;
    verify_payload(token, &keys, &Algorithm::ALL, 16_384)
        .ok()
        .map(tollgate_crypto::VerifiedPayload::into_payload)
}

fn decrypt(input: &Value, token: &str) -> Option<Vec<u8>> {
    let (algorithm, enc) = (text(&input["alg"]).parse().ok()?, text(&input["enc"]).parse().ok()?);
    let jwk = object(&input["key"]);
    let kid = jwk["kid"].as_str().map(str::to_owned);
    let key = match algorithm {
        KeyAlgorithm::Direct | KeyAlgorithm::A256Kw | KeyAlgorithm::A256GcmKw => {
            DecryptionKey::shared(SymmetricKey::from_jwk(jwk).ok()?, algorithm, &[enc], kid)
        }
        _ => DecryptionKey::private(PrivateKey::from_jwk(jwk).ok()?, algorithm, &[enc], kid),
    };
    let decrypter = Decrypter::new(vec![key.unwrap()]).unwrap();
    Some(decrypter.decrypt(token).unwrap().into_payload())
}
