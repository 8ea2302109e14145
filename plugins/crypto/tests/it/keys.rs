//! Keys from every accepted format, and a clear refusal of everything else.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tollgate_crypto::{KeyError, KeyKind, PrivateKey, PublicKey, base64_decode, parse_object};

use crate::support::{object, private_key};

macro_rules! key {
    ($name:literal) => {
        include_str!(concat!("../keys/", $name, ".pem"))
    };
}

#[test]
fn every_accepted_private_format_holds_the_key_its_public_format_says() {
    for (name, private, public, kind) in [
        ("PKCS#8 RSA", key!("rsa"), key!("rsa-public"), KeyKind::Rsa),
        ("PKCS#1", key!("rsa-pkcs1"), key!("rsa-public"), KeyKind::Rsa),
        ("PKCS#8 P-256", key!("p256"), key!("p256-public"), KeyKind::P256),
        ("SEC 1 P-256 after its parameters", key!("p256-sec1"), key!("p256-public"), KeyKind::P256),
        ("PKCS#8 P-384", key!("p384"), key!("p384-public"), KeyKind::P384),
        ("SEC 1 P-384 after its parameters", key!("p384-sec1"), key!("p384-public"), KeyKind::P384),
        ("PKCS#8 Ed25519", key!("ed25519"), key!("ed25519-public"), KeyKind::Ed25519),
    ] {
        let key = PrivateKey::from_pem(private).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(key.kind(), kind, "{name}: the kind");
        assert_eq!(key.public_key(), &PublicKey::from_pem(public).unwrap(), "{name}: the key");
    }
}

#[test]
fn a_certificate_gives_its_key() {
    for (certificate, public) in [
        (key!("rsa-certificate"), key!("rsa-public")),
        (key!("p256-certificate"), key!("p256-public")),
    ] {
        assert_eq!(PublicKey::from_pem(certificate), PublicKey::from_pem(public), "the same key");
        let der = der(certificate);
        assert!(PublicKey::from_certificate_der(&der).is_ok(), "in DER");
        let longer = [der.as_slice(), &[0]].concat();
        assert_eq!(
            PublicKey::from_certificate_der(&longer).unwrap_err(),
            KeyError::Certificate,
            "trailing bytes"
        );
    }
}

#[test]
fn a_private_file_that_cannot_be_used_says_why() {
    let two = [key!("rsa"), key!("p256")].concat();
    let cut = key!("rsa").get(..200).unwrap();
    let broken = key!("p256").replacen('M', "!", 1);
    let crossed = key!("p256").replace("END PRIVATE", "END PUBLIC");
    let mislabelled = key!("rsa").replace("PRIVATE KEY", "RSA PRIVATE KEY");
    let expected = "`PRIVATE KEY`, `RSA PRIVATE KEY` or `EC PRIVATE KEY`";
    let wrong = |found| KeyError::WrongSection { expected, found };
    for (name, text, error) in [
        ("nothing", "", KeyError::NotPem),
        ("a password", "hunter2", KeyError::NotPem),
        ("a cut file", cut, KeyError::NotPem),
        ("broken base64", &broken, KeyError::NotPem),
        ("crossed markers", &crossed, KeyError::NotPem),
        ("an encrypted PKCS#8 key", key!("rsa-encrypted"), KeyError::Encrypted),
        ("an encrypted PKCS#1 key", key!("rsa-pkcs1-encrypted"), KeyError::Encrypted),
        ("two keys", &two, KeyError::SeveralKeys),
        ("a public key", key!("rsa-public"), wrong("`PUBLIC KEY`")),
        ("a certificate", key!("rsa-certificate"), wrong("`CERTIFICATE`")),
        ("the wrong label", &mislabelled, KeyError::Unsupported),
        ("RSA of 1024 bits", key!("rsa-1024"), KeyError::Unsupported),
        ("RSA-PSS", key!("rsa-pss"), KeyError::Unsupported),
        ("P-521", key!("p521"), KeyError::Unsupported),
        ("P-521 in SEC 1", key!("p521-sec1"), KeyError::Unsupported),
        ("secp256k1", key!("k1-sec1"), KeyError::Unsupported),
        ("X25519", key!("x25519"), KeyError::Unsupported),
    ] {
        assert_eq!(PrivateKey::from_pem(text).unwrap_err(), error, "{name}");
    }
    let beside = [key!("rsa-certificate"), key!("rsa")].concat();
    assert!(PrivateKey::from_pem(&beside).is_ok(), "a certificate beside the key is ignored");
}

#[test]
fn a_public_file_that_cannot_be_used_says_why() {
    let expected = "`PUBLIC KEY` or `CERTIFICATE`";
    let private = KeyError::WrongSection { expected, found: "a private key" };
    let not_a_certificate = key!("rsa-public").replace("PUBLIC KEY", "CERTIFICATE");
    for (name, text, error) in [
        ("nothing", "", KeyError::NotPem),
        ("a private key", key!("rsa"), private),
        ("RSA of 1024 bits", key!("rsa-1024-public"), KeyError::RsaSize { bits: 1024 }),
        ("RSA-PSS", key!("rsa-pss-public"), KeyError::Unsupported),
        ("P-521", key!("p521-public"), KeyError::Unsupported),
        ("secp256k1", key!("k1-public"), KeyError::Unsupported),
        ("X25519", key!("x25519-public"), KeyError::Unsupported),
        ("a key labelled as a certificate", &not_a_certificate, KeyError::Certificate),
    ] {
        assert_eq!(PublicKey::from_pem(text).unwrap_err(), error, "{name}");
    }
}

#[test]
fn a_point_has_only_its_uncompressed_form() {
    let good = der(key!("p256-public"));
    assert!(PublicKey::from_spki_der(&good).is_ok(), "the base case is fine");
    let start = good.len() - 65;
    assert_eq!(good[start], 4, "the point is where it is expected");
    // The hybrid form repeats the parity of y in its first byte; some libraries read it.
    let mut hybrid = good.clone();
    hybrid[start] = 6 + (good[good.len() - 1] & 1);
    let mut infinity = good.clone();
    infinity[start..].fill(0);
    for (der, why) in [(hybrid, "hybrid"), (infinity, "infinity")] {
        assert_eq!(PublicKey::from_spki_der(&der).unwrap_err(), KeyError::NotOnCurve, "{why}");
    }
    let longer = [good.as_slice(), &[0]].concat();
    assert_eq!(
        PublicKey::from_spki_der(&longer).unwrap_err(),
        KeyError::Unsupported,
        "trailing bytes"
    );
}

#[test]
fn an_unsound_public_jwk_is_refused() {
    let jwk = |kind, changes: Value| {
        let mut jwk = private_key(kind).public_key().to_jwk();
        jwk.extend(object(&changes).clone());
        PublicKey::from_jwk(&jwk)
    };
    assert!(jwk(KeyKind::Rsa, json!({})).is_ok(), "the base case is fine");
    for (changes, why) in [
        (json!({"e": "AQ"}), "an exponent of one"),
        (json!({"e": "AQAA"}), "an even exponent"),
        (json!({"e": "AQAAAAAB"}), "an absurd exponent"),
    ] {
        assert_eq!(jwk(KeyKind::Rsa, changes).unwrap_err(), KeyError::RsaExponent, "{why}");
    }
    assert!(jwk(KeyKind::Rsa, json!({"e": "Aw"})).is_ok(), "three is odd and above one");
    assert_eq!(
        jwk(KeyKind::Rsa, json!({"n": "u".repeat(340)})).unwrap_err(),
        KeyError::RsaSize { bits: 2040 },
        "a modulus of 2040 bits"
    );
    for (kind, changes, why) in [
        (KeyKind::Rsa, json!({"n": "!"}), "not base64url"),
        (KeyKind::Rsa, json!({"n": ""}), "empty"),
        (KeyKind::Rsa, json!({"n": 1}), "not text"),
        (KeyKind::Rsa, json!({"kty": "DSA"}), "an unknown type"),
        (KeyKind::P256, json!({"crv": "P-521"}), "an unsupported curve"),
        (KeyKind::P256, json!({"crv": "secp256k1"}), "an unsupported curve"),
        (KeyKind::Ed25519, json!({"crv": "Ed448"}), "an unsupported curve"),
        (KeyKind::Ed25519, json!({"crv": "X25519"}), "a key that cannot sign"),
    ] {
        assert!(matches!(jwk(kind, changes), Err(KeyError::Jwk { .. })), "{why}");
    }
    let zero = "A".repeat(43);
    for (kind, changes, why) in [
        (KeyKind::P256, json!({"x": zero}), "a point off the curve"),
        (KeyKind::P256, json!({"crv": "P-384"}), "a point of another curve"),
        (KeyKind::P256, json!({"x": "AA", "y": "AA"}), "coordinates without their zeros"),
        (KeyKind::Ed25519, json!({"x": "AAAA"}), "a short key"),
    ] {
        assert_eq!(jwk(kind, changes).unwrap_err(), KeyError::NotOnCurve, "{why}");
    }
}

#[test]
fn a_private_jwk_must_be_whole_and_consistent() {
    // RFC 8037, appendix A.1, and RFC 7515, appendix A.3.
    let ed25519 = jwk(r#"{"kty":"OKP","crv":"Ed25519",
        "d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#);
    let ec = jwk(r#"{"kty":"EC","crv":"P-256",
        "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#);
    for key in [&ed25519, &ec] {
        assert!(PrivateKey::from_jwk(key).is_ok(), "the published key is read");
        let mut without = key.clone();
        without.remove("d");
        assert!(
            matches!(PrivateKey::from_jwk(&without), Err(KeyError::Jwk { .. })),
            "a public key is not a private one"
        );
        let mut other = key.clone();
        other.insert("d".to_owned(), "A".repeat(42).into());
        assert!(PrivateKey::from_jwk(&other).is_err(), "a private part of the wrong length");
        other.insert("d".to_owned(), format!("{}Q", "A".repeat(42)).into());
        assert!(PrivateKey::from_jwk(&other).is_err(), "a private part of another key");
    }
    assert_eq!(
        PrivateKey::from_jwk(&ed25519).unwrap().public_key().thumbprint(),
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        "RFC 8037, appendix A.3"
    );
}

#[test]
fn a_generated_key_survives_its_own_pem() {
    for kind in [KeyKind::Rsa, KeyKind::P256, KeyKind::P384, KeyKind::Ed25519] {
        let key = private_key(kind);
        let pem = key.to_pkcs8_pem().unwrap();
        let read = PrivateKey::from_pem(pem.expose_str().unwrap()).unwrap();
        assert_eq!(read.public_key(), key.public_key(), "{kind:?}");
        assert_eq!(PublicKey::from_jwk(&key.public_key().to_jwk()).as_ref(), Ok(key.public_key()));
    }
}

#[test]
fn no_error_and_no_debug_shows_a_key() {
    let key = PrivateKey::from_pem(key!("p256")).unwrap();
    let body = key!("p256").lines().nth(1).unwrap();
    let shown = format!("{key:?} {:?} {:?}", key.public_key(), key.to_pkcs8_pem());
    assert!(!shown.contains(&body[40..60]), "the private part stays hidden");
    let broken = key!("p256").replacen('M', "!", 1);
    let error = PrivateKey::from_pem(&broken).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(&body[1..10]), "an error repeats nothing");
}

proptest! {
    #[test]
    fn no_text_makes_the_readers_panic(wild: String, at in any::<prop::sample::Index>(), byte: u8) {
        drop(PrivateKey::from_pem(&wild));
        drop(PublicKey::from_pem(&format!("-----BEGIN PUBLIC KEY-----\n{wild}\n-----END PUBLIC KEY-----")));
        let mut der = der(key!("rsa-certificate"));
        let index = at.index(der.len());
        der[index] = byte;
        drop(PublicKey::from_certificate_der(&der));
        drop(PublicKey::from_spki_der(&der));
        drop(PrivateKey::from_pkcs8_der(&der));
        let mut der = self::der(key!("p256"));
        let index = at.index(der.len());
        der[index] = byte;
        drop(PrivateKey::from_pkcs8_der(&der));
    }
}

fn jwk(text: &str) -> Map<String, Value> {
    parse_object(text.as_bytes()).unwrap()
}

fn der(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    base64_decode(&body).unwrap()
}
