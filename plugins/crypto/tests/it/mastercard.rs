//! Tokens of Mastercard's SDKs that follow the standard are read; their quirks are refused.

use tollgate_crypto::{
    ContentAlgorithm, Decrypter, DecryptionKey, JweError, KeyAlgorithm, PrivateKey, PublicKey,
};

use crate::support::{foreign, object, text};

#[test]
fn standard_tokens_are_read_and_quirks_are_refused() {
    let Some(vectors) = foreign("mastercard/jwe.json") else { return };
    let key = PrivateKey::from_pem(text(&vectors["recipient_private_key_pem"])).unwrap();
    let certificate = PublicKey::from_pem(text(&vectors["cert_pem"])).unwrap();
    assert_eq!(key.public_key(), &certificate, "the certificate holds the same key");
    for (list, cases) in object(&vectors) {
        for case in cases.as_array().into_iter().flatten() {
            let Some(token) = case.get("jwe").and_then(|token| token.as_str()) else { continue };
            // Some tokens name the key by a fingerprint and some do not name it.
            let kid = kid_of(token);
            let key = DecryptionKey::private(
                key.clone(),
                KeyAlgorithm::RsaOaep256,
                &ContentAlgorithm::ALL,
                kid,
            );
            let result = Decrypter::new(vec![key.unwrap()]).unwrap().decrypt(token);
            if list == "valid" {
                let payload = result.unwrap().into_payload();
                assert_eq!(payload, text(&case["plaintext"]).as_bytes(), "{list}");
            } else {
                let error = result.expect_err(list);
                assert!(
                    matches!(
                        error,
                        JweError::Malformed(_)
                            | JweError::AlgorithmNotAllowed
                            | JweError::DecryptionFailed
                    ),
                    "{list}: {error:?}"
                );
            }
        }
    }
}

fn kid_of(token: &str) -> Option<String> {
    let header = tollgate_crypto::base64url_decode(token.split('.').next().unwrap()).ok()?;
    let header = tollgate_crypto::parse_object(&header).ok()?;
    header.get("kid").and_then(|kid| kid.as_str()).map(str::to_owned)
}
