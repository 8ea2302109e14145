//! Encrypted tokens that must be refused, and how.

use proptest::prelude::*;
use serde_json::{Value, json};
use tollgate_crypto::{
    ContentAlgorithm, EncryptionOptions, JweError, KeyAlgorithm, KeyKind, SystemRandom,
    base64url_decode, base64url_encode, hmac_sha256,
};

use crate::{
    jwe_support::{combinations, direct, direct_decrypter, options, pair, swap},
    support::{object, private_key, tamper},
};

#[test]
fn a_change_anywhere_is_refused() {
    for (kind, alg, enc) in combinations() {
        let (encrypter, decrypter) = pair(kind, alg, enc, options("k1")).unwrap();
        let token = encrypter.encrypt(b"amount=125", &SystemRandom).unwrap();
        for segment in 0..5 {
            let length = token.split('.').nth(segment).unwrap().len();
            // RSA is slow: a few places of each segment there, every place elsewhere.
            let step = if kind == Some(KeyKind::Rsa) { 37 } else { 1 };
            for at in (0..length).step_by(step) {
                let changed = tamper(&token, segment, at).unwrap();
                assert!(
                    decrypter.decrypt(&changed).is_err(),
                    "{alg} {enc}: segment {segment} changed at {at}"
                );
            }
            let mut segments: Vec<_> = token.split('.').collect();
            if !segments[segment].is_empty() {
                segments[segment] = "";
                assert!(
                    decrypter.decrypt(&segments.join(".")).is_err(),
                    "{alg} {enc}: segment {segment} emptied"
                );
            }
        }
    }
}

#[test]
fn a_wrong_key_fails_like_a_wrong_tag_in_every_way() {
    for (kind, alg, enc) in combinations() {
        let (encrypter, decrypter) = pair(kind, alg, enc, EncryptionOptions::default()).unwrap();
        let token = encrypter.encrypt(b"payload", &SystemRandom).unwrap();
        let wrong_tag = tamper(&token, 4, 3).unwrap();
        assert_eq!(
            decrypter.decrypt(&wrong_tag).unwrap_err(),
            JweError::DecryptionFailed,
            "{alg} {enc}: a wrong tag"
        );
        if matches!(alg, KeyAlgorithm::Direct | KeyAlgorithm::EcdhEs) {
            continue;
        }
        for (bytes, why) in [
            (tamper(&token, 1, 9).unwrap(), "a wrong encrypted key"),
            (swap(&token, 1, &base64url_encode(&[7; 16])), "a short encrypted key"),
            (swap(&token, 1, &base64url_encode(&[7; 256])), "a random encrypted key"),
            (
                swap(&token, 1, &base64url_encode(&[0xff; 512])),
                "an encrypted key above the modulus",
            ),
        ] {
            assert_eq!(
                decrypter.decrypt(&bytes).unwrap_err(),
                JweError::DecryptionFailed,
                "{alg} {enc}: {why}"
            );
        }
        // A content key that was wrapped properly, but has another length than `enc` needs.
        let other = if enc == ContentAlgorithm::A128Gcm {
            ContentAlgorithm::A256CbcHs512
        } else {
            ContentAlgorithm::A128Gcm
        };
        let (other, _) = pair(kind, alg, other, EncryptionOptions::default()).unwrap();
        let other = other.encrypt(b"payload", &SystemRandom).unwrap();
        let spliced = swap(&token, 1, other.split('.').nth(1).unwrap());
        assert_eq!(
            decrypter.decrypt(&spliced).unwrap_err(),
            JweError::DecryptionFailed,
            "{alg} {enc}: a content key of another length"
        );
    }
}

#[test]
fn the_configuration_of_the_key_decides_and_not_the_token() {
    for (kind, alg, enc) in combinations() {
        let (encrypter, _) = pair(kind, alg, enc, EncryptionOptions::default()).unwrap();
        let token = encrypter.encrypt(b"payload", &SystemRandom).unwrap();
        for (other_kind, other_alg, other_enc) in combinations() {
            if (alg, enc) == (other_alg, other_enc) {
                continue;
            }
            let (_, other) =
                pair(other_kind, other_alg, other_enc, EncryptionOptions::default()).unwrap();
            assert_eq!(
                other.decrypt(&token).unwrap_err(),
                JweError::AlgorithmNotAllowed,
                "{alg} {enc} for a key of {other_alg} {other_enc}"
            );
        }
    }
}

#[test]
fn a_dangerous_header_is_refused_although_the_token_is_authentic() {
    let decrypter = direct_decrypter();
    let good = direct(r#"{"alg":"dir","enc":"A256GCM"}"#, "", &[1; 12], b"payload");
    assert_eq!(decrypter.decrypt(&good).unwrap().payload(), b"payload", "the base case is fine");
    let long = format!(r#"{{"alg":"dir","enc":"A256GCM","x":"{}"}}"#, "x".repeat(4096));
    for (header, why) in [
        (r#"{"alg":"dir","enc":"A256GCM","zip":"DEF"}"#, "compression"),
        (r#"{"alg":"dir","enc":"A256GCM","zip":null}"#, "any zip"),
        (r#"{"alg":"dir","enc":"A256GCM","crit":["exp"],"exp":1}"#, "crit"),
        (r#"{"alg":"dir","alg":"dir","enc":"A256GCM"}"#, "a duplicate member"),
        (r#"{"alg":"dir","enc":"A256GCM","jwk":{}}"#, "jwk"),
        (r#"{"alg":"dir","enc":"A256GCM","jku":"https://evil.example"}"#, "jku"),
        (r#"{"alg":"dir","enc":"A256GCM","x5u":"https://evil.example"}"#, "x5u"),
        (r#"{"alg":"dir","enc":"A256GCM","x5c":[]}"#, "x5c"),
        (r#"{"enc":"A256GCM"}"#, "no alg"),
        (r#"{"alg":"dir"}"#, "no enc"),
        (r#"{"alg":["dir"],"enc":"A256GCM"}"#, "alg of the wrong type"),
        (r#"{"alg":"dir","enc":"A256GCM","kid":1}"#, "kid of the wrong type"),
        (&long, "a header that is too long"),
    ] {
        let error = decrypter.decrypt(&direct(header, "", &[1; 12], b"payload")).unwrap_err();
        assert!(matches!(error, JweError::Malformed(_)), "{why}: {error:?}");
    }
    for (alg, enc) in [
        ("none", "A256GCM"),
        ("RSA1_5", "A256GCM"),
        ("RSA-OAEP", "A256GCM"),
        ("PBES2-HS256+A128KW", "A256GCM"),
        ("DIR", "A256GCM"),
        ("dir", "A192GCM"),
        ("dir", "none"),
        ("dir", "a256gcm"),
    ] {
        let header = json!({"alg": alg, "enc": enc}).to_string();
        assert_eq!(
            decrypter.decrypt(&direct(&header, "", &[1; 12], b"payload")).unwrap_err(),
            JweError::AlgorithmNotAllowed,
            "{alg} {enc}"
        );
    }
}

#[test]
fn segments_have_one_spelling_and_exact_lengths() {
    let decrypter = direct_decrypter();
    let good = direct(r#"{"alg":"dir","enc":"A256GCM"}"#, "", &[1; 12], b"payload");
    let parts: Vec<_> = good.split('.').collect();
    for (token, why) in [
        (String::new(), "nothing"),
        (parts[..4].join("."), "four segments"),
        (format!("{good}."), "six segments"),
        (swap(&good, 1, "AAAA"), "an encrypted key with dir"),
        (swap(&good, 2, &base64url_encode(&[1; 16])), "a vector of 16 bytes"),
        (swap(&good, 2, &base64url_encode(&[1; 11])), "a vector of 11 bytes"),
        (swap(&good, 2, ""), "no vector"),
        (swap(&good, 4, &parts[4][..16]), "a tag of 12 bytes"),
        (swap(&good, 4, &format!("{}AAAA", &parts[4])), "a longer tag"),
        (swap(&good, 4, ""), "no tag"),
        (swap(&good, 3, &format!("{}=", parts[3])), "padding"),
        (swap(&good, 3, &format!("{}\n", parts[3])), "whitespace"),
        (swap(&good, 0, &format!("{}=", parts[0])), "padding in the header"),
        (swap(&good, 3, "+/+/"), "the other alphabet"),
    ] {
        let error = decrypter.decrypt(&token).unwrap_err();
        assert!(matches!(error, JweError::Malformed(_)), "{why}: {error:?}");
    }
    let short = decrypter.clone().with_max_token_len(good.len() - 1);
    assert_eq!(
        short.decrypt(&good).unwrap_err(),
        JweError::Malformed("too long"),
        "a token beyond the limit is not read at all"
    );
    let (rsa, decrypter) = pair(
        Some(KeyKind::Rsa),
        KeyAlgorithm::RsaOaep256,
        ContentAlgorithm::A256Gcm,
        EncryptionOptions::default(),
    )
    .unwrap();
    let token = rsa.encrypt(b"payload", &SystemRandom).unwrap();
    assert!(
        matches!(decrypter.decrypt(&swap(&token, 1, "")), Err(JweError::Malformed(_))),
        "RSA without an encrypted key"
    );
}

#[test]
fn cbc_padding_is_never_looked_at_before_the_code() {
    let (alg, enc) = (KeyAlgorithm::Direct, ContentAlgorithm::A128CbcHs256);
    let (encrypter, decrypter) = pair(None, alg, enc, EncryptionOptions::default()).unwrap();
    let token = encrypter.encrypt(b"sixteen bytes...and more", &SystemRandom).unwrap();
    // Bytes are changed, not letters: a changed last letter may be no base64url at all.
    let ciphertext = base64url_decode(token.split('.').nth(3).unwrap()).unwrap();
    for at in 0..ciphertext.len() {
        let mut changed = ciphertext.clone();
        changed[at] ^= 1;
        assert_eq!(
            decrypter.decrypt(&swap(&token, 3, &base64url_encode(&changed))).unwrap_err(),
            JweError::DecryptionFailed,
            "a changed ciphertext, whatever it does to the padding"
        );
    }
    // Authentic, and still not a padded message: no different from the outside.
    let protected = token.split('.').next().unwrap();
    for ciphertext in [vec![], vec![1; 16], vec![1; 15], vec![9; 32]] {
        let iv = [3_u8; 16];
        let bits = (protected.len() as u64 * 8).to_be_bytes();
        let signed = [protected.as_bytes(), &iv, &ciphertext, &bits].concat();
        let code = hmac_sha256(&(0..16).collect::<Vec<_>>(), &signed);
        let rest = [&iv, ciphertext.as_slice(), &code[..16]].map(base64url_encode).join(".");
        assert_eq!(
            decrypter.decrypt(&format!("{protected}..{rest}")).unwrap_err(),
            JweError::DecryptionFailed,
            "{} authentic bytes without padding",
            ciphertext.len()
        );
    }
}

#[test]
fn an_ephemeral_key_must_be_a_point_of_the_right_curve() {
    for alg in [KeyAlgorithm::EcdhEs, KeyAlgorithm::EcdhEsA256Kw] {
        let kind = Some(KeyKind::P256);
        let enc = ContentAlgorithm::A256Gcm;
        let (encrypter, decrypter) = pair(kind, alg, enc, EncryptionOptions::default()).unwrap();
        let token = encrypter.encrypt(b"payload", &SystemRandom).unwrap();
        let with_epk = |epk: Option<Value>| {
            let header = json!({"alg": alg.name(), "enc": enc.name(), "epk": epk});
            let mut header = object(&header).clone();
            if epk.is_none() {
                header.remove("epk");
            }
            let header = Value::Object(header).to_string();
            decrypter.decrypt(&swap(&token, 0, &base64url_encode(header.as_bytes()))).unwrap_err()
        };
        let jwk = |kind| Value::Object(private_key(kind).public_key().to_jwk());
        let mut off_curve = jwk(KeyKind::P256);
        off_curve["y"] = off_curve["x"].clone();
        for (epk, why) in [
            (None, "no epk"),
            (Some(Value::Null), "null"),
            (Some(json!("text")), "not an object"),
            (Some(off_curve), "a point off the curve"),
            (Some(jwk(KeyKind::P384)), "a point of another curve"),
            (Some(jwk(KeyKind::Ed25519)), "another kind of key"),
            (Some(jwk(KeyKind::Rsa)), "an RSA key"),
        ] {
            let error = with_epk(epk);
            assert!(matches!(error, JweError::Malformed(_)), "{alg}, {why}: {error:?}");
        }
        assert_eq!(
            with_epk(Some(jwk(KeyKind::P256))),
            JweError::DecryptionFailed,
            "{alg}: an honest point that is not the sender's"
        );
    }
}

proptest! {
    #[test]
    fn no_text_is_taken_for_a_token(
        wild: String,
        shaped in "[A-Za-z0-9_-]{0,60}(\\.[A-Za-z0-9_-]{0,24}){4}",
    ) {
        prop_assert!(direct_decrypter().decrypt(&wild).is_err());
        prop_assert!(direct_decrypter().decrypt(&shaped).is_err());
        let header = base64url_encode(br#"{"alg":"dir","enc":"A256GCM"}"#);
        let shaped = [header.as_str(), shaped.split_once('.').unwrap().1].join(".");
        prop_assert!(direct_decrypter().decrypt(&shaped).is_err());
    }
}
