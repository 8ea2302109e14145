//! Keys as operators paste them: PEM, or base64 without its armour.

use proptest::prelude::*;
use tollgate_crypto::{KeyError, PrivateKey, PublicKey, Sm2PrivateKey, Sm2PublicKey};

macro_rules! key {
    ($name:literal) => {
        include_str!(concat!("../keys/", $name, ".pem"))
    };
}

#[test]
fn a_key_without_its_armour_is_read_whatever_whitespace_it_has() {
    for (private, public) in [
        (key!("rsa"), key!("rsa-public")),
        (key!("rsa-pkcs1"), key!("rsa-public")),
        (key!("p256"), key!("p256-public")),
        (key!("ed25519"), key!("ed25519-public")),
    ] {
        let expected = PublicKey::from_pem(public).unwrap();
        for private in [private, &bare(private), &bare(private).replace('M', " M\r\n\t")] {
            let key = PrivateKey::from_text(private).unwrap();
            assert_eq!(key.public_key(), &expected, "the private key");
            assert!(PrivateKey::from_text(private.as_bytes()).is_ok(), "as bytes");
        }
        for public in [public, &bare(public), &format!("\n {} \n", bare(public))] {
            assert_eq!(PublicKey::from_text(public).unwrap(), expected, "the public key");
        }
    }
    assert!(PublicKey::from_text(key!("rsa-certificate")).is_ok(), "a certificate in PEM");
}

#[test]
fn text_that_is_neither_pem_nor_base64_of_a_key_is_refused_without_repeating_it() {
    let rsa = bare(key!("rsa"));
    let is_text = |error: KeyError| matches!(error, KeyError::Text { .. });
    for (name, text) in [
        ("nothing", ""),
        ("whitespace", " \n"),
        ("a password", "hunter2-hunter2!"),
        ("base64url", &rsa.replace(['+', '/'], "_")),
        ("a letter too many", &format!("{rsa}=")),
        ("no padding", rsa.trim_end_matches('=').get(..rsa.len() - 3).unwrap()),
        ("hexadecimal with a prefix", "0x30820122"),
        ("a NUL byte", "MII\0"),
    ] {
        let error = PrivateKey::from_text(text).unwrap_err();
        assert!(is_text(error), "private, {name}: {error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "nothing is repeated: {error}");
        let error = PublicKey::from_text(text).unwrap_err();
        assert!(is_text(error), "public, {name}: {error}");
    }
    assert!(is_text(PublicKey::from_text([0x30, 0x82, 0xff]).unwrap_err()), "DER is no text");
    for (name, error, expected) in [
        (
            "a public key",
            PrivateKey::from_text(bare(key!("rsa-public"))).err(),
            KeyError::Unsupported,
        ),
        ("a cut key", PrivateKey::from_text(&rsa[..400]).err(), KeyError::Unsupported),
        (
            "RSA of 1024 bits",
            PrivateKey::from_text(bare(key!("rsa-1024"))).err(),
            KeyError::Unsupported,
        ),
        (
            "an encrypted key",
            PrivateKey::from_text(bare(key!("rsa-encrypted"))).err(),
            KeyError::Unsupported,
        ),
        ("a private key", PublicKey::from_text(&rsa).err(), KeyError::Unsupported),
        (
            "a bare certificate",
            PublicKey::from_text(bare(key!("rsa-certificate"))).err(),
            KeyError::Unsupported,
        ),
        (
            "an encrypted PEM key",
            PrivateKey::from_text(key!("rsa-encrypted")).err(),
            KeyError::Encrypted,
        ),
        (
            "RSA of 1024 bits, public",
            PublicKey::from_text(bare(key!("rsa-1024-public"))).err(),
            KeyError::RsaSize { bits: 1024 },
        ),
    ] {
        assert_eq!(error, Some(expected), "{name}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_readers_panic(wild: String, base64 in "[A-Za-z0-9+/ \n]{0,200}={0,2}") {
        for text in [&wild, &base64] {
            drop(PrivateKey::from_text(text));
            drop(PublicKey::from_text(text));
            drop(Sm2PrivateKey::from_text(text));
            drop(Sm2PublicKey::from_text(text));
        }
    }
}

/// A key without its armour and line breaks.
fn bare(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with("-----")).collect()
}
