//! Wycheproof's JOSE files. Valid cases outside the allow-list are refused too, and counted.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tollgate_crypto::{
    Algorithm, ContentAlgorithm, Decrypter, DecryptionKey, KeyAlgorithm, KeySet, PrivateKey,
    SymmetricKey, verify_payload,
};

use crate::support::{foreign, object, text};

#[test]
fn signed_tokens_are_judged_as_wycheproof_judges_them() {
    let Some(vectors) = foreign("jose/wycheproof_json_web_signature_test.json") else { return };
    let mut counts = Counts::default();
    for group in vectors["testGroups"].as_array().unwrap() {
        for test in group["tests"].as_array().unwrap() {
            counts.add(test, verify(group, &test["jws"]), reason_to_refuse(group, &test["jws"]));
        }
    }
    assert_eq!(counts.accepted, 32, "valid and within the allow-list");
    assert_eq!(counts.refused, 355, "invalid");
    assert_eq!(
        counts.by_policy,
        BTreeMap::from([
            ("HMAC", 8),
            ("P-521", 2),
            ("the key's `alg` says otherwise", 2),
            ("the header or payload is not strict base64url", 2),
        ]),
        "valid elsewhere, refused here on purpose"
    );
}

#[test]
fn tokens_of_the_mixed_file_are_judged_as_wycheproof_judges_them() {
    let Some(vectors) = foreign("jose/wycheproof_json_web_crypto_test.json") else { return };
    let mut counts = Counts::default();
    for group in vectors["testGroups"].as_array().unwrap() {
        for test in group["tests"].as_array().unwrap() {
            if let Some(token) = test.get("jwe") {
                counts.add(test, decrypt(&group["private"], token), None);
            } else {
                counts.add(
                    test,
                    verify(group, &test["jws"]),
                    reason_to_refuse(group, &test["jws"]),
                );
            }
        }
    }
    assert_eq!(counts.accepted, 4, "ES256, RS256, A256KW and ECDH-ES+A128KW");
    assert_eq!(counts.by_policy, BTreeMap::from([("HMAC", 2)]), "refused here on purpose");
    assert_eq!(counts.refused, 77, "invalid");
}

#[derive(Default)]
struct Counts {
    accepted: usize,
    refused: usize,
    by_policy: BTreeMap<&'static str, usize>,
}

impl Counts {
    fn add(&mut self, test: &Value, accepted: bool, reason: Option<&'static str>) {
        let name = format!("{} {}", test["tcId"], text(&test["comment"]));
        match (text(&test["result"]), accepted) {
            ("valid", true) => self.accepted += 1,
            ("valid", false) => {
                *self.by_policy.entry(reason.unwrap_or_else(|| panic!("{name}"))).or_default() += 1;
            }
            ("invalid", false) => self.refused += 1,
            (result, accepted) => panic!("{name}: {result}, accepted: {accepted}"),
        }
    }
}

/// Why a valid token is nevertheless outside the allow-list.
fn reason_to_refuse(group: &Value, token: &Value) -> Option<&'static str> {
    let keys = key_list(group);
    let key = keys.first()?;
    let token = token.as_str()?;
    if keys.iter().any(|key| key["kty"] == "oct") {
        let strict =
            token.split('.').all(|segment| tollgate_crypto::base64url_decode(segment).is_ok());
        return Some(if strict { "HMAC" } else { "the header or payload is not strict base64url" });
    }
    if key.get("crv").is_some_and(|curve| curve == "P-521") {
        return Some("P-521");
    }
    let header = tollgate_crypto::peek(token).ok()?;
    (key.get("alg")?.as_str()? != header.algorithm()?.name())
        .then_some("the key's `alg` says otherwise")
}

fn verify(group: &Value, token: &Value) -> bool {
    let keys: Vec<_> = key_list(group)
        .into_iter()
        .map(|mut key| {
            for private in ["d", "p", "q", "dp", "dq", "qi"] {
                key.remove(private);
            }
            key
        })
        .collect();
    let jwks = json!({ "keys": keys }).to_string();
    let Ok(keys) = KeySet::from_jwks(jwks.as_bytes()) else { return false };
    let token = token.as_str().map_or_else(|| token.to_string(), str::to_owned);
    verify_payload(&token, &keys, &Algorithm::ALL, 65_536).is_ok()
}

fn key_list(group: &Value) -> Vec<Map<String, Value>> {
    let key = group.get("public").unwrap_or(&group["private"]);
    match key.get("keys") {
        Some(keys) => keys.as_array().unwrap().iter().map(object).cloned().collect(),
        None => vec![object(key).clone()],
    }
}

fn decrypt(jwk: &Value, token: &Value) -> bool {
    let jwk = object(jwk);
    let algorithm: KeyAlgorithm = text(&jwk["alg"]).parse().unwrap();
    let kid = Some(text(&jwk["kid"]).to_owned());
    let key = if text(&jwk["kty"]) == "oct" {
        let key = SymmetricKey::from_jwk(jwk).unwrap();
        DecryptionKey::shared(key, algorithm, &ContentAlgorithm::ALL, kid)
    } else {
        let key = PrivateKey::from_jwk(jwk).unwrap();
        DecryptionKey::private(key, algorithm, &ContentAlgorithm::ALL, kid)
    };
    let token = token.as_str().map_or_else(|| token.to_string(), str::to_owned);
    Decrypter::new(vec![key.unwrap()]).unwrap().decrypt(&token).is_ok()
}
