//! Certificates: what is read of them, and which chains hold.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::Value;
use tollgate_crypto::{Certificate, KeyError, KeyKind, Sm2Certificate};

use crate::support::{generated, text};

fn pem(name: &str) -> String {
    let all: Value = serde_json::from_str(include_str!("../certificates.json")).unwrap();
    text(&all["certificates"][name]).to_owned()
}

fn certificate(name: &str) -> Certificate {
    Certificate::from_pem(&pem(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn a_link_holds_when_name_key_and_purpose_do() {
    for (leaf, issuer) in [
        ("leaf", "root"),
        ("leaf-sha384", "root"),
        ("leaf-sha512", "root"),
        ("leaf-rsa-256", "root-rsa"),
        ("leaf-rsa-384", "root-rsa"),
        ("leaf-rsa-512", "root-rsa"),
        ("leaf-p384-256", "root-p384"),
        ("leaf-p384-384", "root-p384"),
        ("leaf-p384-512", "root-p384"),
        ("leaf-ed25519", "root-ed25519"),
        ("root", "root"),
    ] {
        assert!(certificate(leaf).verified_by(&certificate(issuer)), "{leaf} by {issuer}");
    }
    let paypal = generated("paypal.json");
    let root = Certificate::from_pem(text(&paypal["trust_root_pem"])).unwrap();
    let leaf = Certificate::from_pem(text(&paypal["valid"]["cert_pem"])).unwrap();
    assert!(leaf.verified_by(&root), "a provider's certificate");
    assert!(!root.verified_by(&leaf), "not the other way round");
}

#[test]
fn a_link_does_not_hold_when_anything_about_it_is_wrong() {
    for (leaf, issuer, why) in [
        ("leaf", "leaf", "a certificate that nobody may sign with"),
        ("leaf", "root-not-ca", "the right name and key, but no authority"),
        ("leaf", "root-no-constraints", "the right name and key, silent about its purpose"),
        ("leaf", "root-no-cert-sign", "the right name and key for another use"),
        ("leaf", "root-other-name", "the right key under another name"),
        ("leaf", "root-other-key", "the right name with another key"),
        ("leaf", "root-rsa", "a key of another kind"),
        ("leaf", "root-p384", "a key on another curve"),
        ("leaf", "root-ed25519", "a key of another kind"),
        ("leaf", "root-name-constraints", "a critical extension that nobody checks"),
        ("leaf-critical", "root", "a critical extension that nobody knows"),
        ("leaf-sha1", "root", "ECDSA with SHA-1"),
        ("leaf-rsa-sha1", "root-rsa", "RSA with SHA-1"),
        ("root", "leaf", "the link the wrong way round"),
    ] {
        assert!(!certificate(leaf).verified_by(&certificate(issuer)), "{leaf} by {issuer}: {why}");
    }
}

#[test]
fn a_certificate_that_was_changed_after_it_was_signed_is_verified_by_nobody() {
    let (leaf, root) = (certificate("leaf"), certificate("root"));
    let mut read = 0;
    for at in 0..leaf.der().len() {
        let mut changed = leaf.der().to_vec();
        changed[at] ^= 1;
        if let Ok(changed) = Certificate::from_der(&changed) {
            assert!(!changed.verified_by(&root), "byte {at} changed");
            read += 1;
        }
    }
    assert!(read > 50, "some changes leave a readable certificate: {read}");
}

#[test]
fn numbers_names_and_dates_are_read() {
    let root = certificate("root");
    assert_eq!(root.serial_hex_upper(), "D7CE59D1F522D701", "without the zero byte of DER");
    assert_eq!(root.serial_decimal(), "15550465321652639489", "as a positive number");
    assert_eq!(certificate("leaf").serial_hex_upper(), "0102", "two digits to a byte");
    assert_eq!(root.public_key().kind(), KeyKind::P256, "the key");
    assert_eq!(root.signature_algorithm_oid(), "1.2.840.10045.4.3.2", "ECDSA with SHA-256");
    assert_eq!(
        root.issuer_reversed(),
        "CN=Example Root,OU=Certification,O=Example,C=CN",
        "the issuer, last attribute first"
    );
    assert_eq!(certificate("leaf").subject_common_name(), Some("leaf"), "the subject");

    let (start, end) = (root.not_before(), root.not_after());
    assert_eq!(start, Duration::from_secs(START), "the first moment");
    assert_eq!(end, start + Duration::from_hours(7000 * 24), "the last moment");
    let second = Duration::from_secs(1);
    assert!(root.is_current(start) && root.is_current(end), "both ends count");
    assert!(root.is_current(end + Duration::from_millis(999)), "the last second counts in full");
    assert!(!root.is_current(start.saturating_sub(second)), "not yet");
    assert!(!root.is_current(end + second), "no longer");
}

#[test]
fn a_name_is_written_as_rfc_2253_writes_it() {
    assert_eq!(
        certificate("names").issuer_reversed(),
        "CN=\\ spaced\\ ,1.2.840.113549.1.9.1=#160d61406578616d706c652e636f6d,UID=7+OU=two\\\\words,\
         OU=\\#1,O=Sons\\, Ltd \\+ \\\"Co\\\" \\<1\\>\\;,L=杭州,ST=Zhejiang,C=CN,DC=example",
        "separators are escaped, and what has no short name is in hexadecimal"
    );
}

#[test]
fn what_is_no_single_certificate_is_refused() {
    let two = [pem("root"), pem("leaf")].concat();
    assert_eq!(Certificate::from_pem_bundle(&two).unwrap().len(), 2, "a bundle of two");
    for (name, text, error) in [
        ("nothing", String::new(), KeyError::NotPem),
        ("two", two.clone(), KeyError::SeveralCertificates),
        (
            "a key",
            include_str!("../keys/p256-public.pem").to_owned(),
            KeyError::WrongSection { expected: "`CERTIFICATE`", found: "`PUBLIC KEY`" },
        ),
        ("no end", pem("root").replace("-----END", "----END"), KeyError::NotPem),
        ("broken base64", pem("root").replacen("MII", "M!I", 1), KeyError::NotPem),
        ("no certificate in it", cut(&pem("root")), KeyError::Certificate),
    ] {
        assert_eq!(Certificate::from_pem(&text).unwrap_err(), error, "{name}");
    }
    let mixed = [pem("root").as_str(), "junk\n", &cut(&pem("leaf")), &pem("leaf")].concat();
    assert!(Certificate::from_pem_bundle(&mixed).is_err(), "strict refuses the whole");
    let serials: Vec<_> = Certificate::from_pem_bundle_lenient(&mixed)
        .iter()
        .map(Certificate::serial_hex_upper)
        .collect();
    assert_eq!(serials, ["D7CE59D1F522D701", "0102"], "lenient skips what it cannot read");
    assert!(Certificate::from_pem_bundle_lenient("").is_empty(), "and finds nothing in nothing");
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(wild: String, at in any::<prop::sample::Index>(), byte: u8) {
        drop(Certificate::from_pem(&wild));
        drop(Certificate::from_pem_bundle_lenient(&wild));
        let names = certificate("names");
        let mut der = names.der().to_vec();
        let index = at.index(der.len());
        der[index] = byte;
        drop(Sm2Certificate::from_der(&der));
        if let Ok(changed) = Certificate::from_der(&der) {
            let _ = changed.verified_by(&names);
            let _ = names.verified_by(&changed);
        }
    }
}

/// The same certificate without its last line of base64.
fn cut(pem: &str) -> String {
    let mut lines: Vec<_> = pem.lines().collect();
    lines.remove(lines.len() - 2);
    lines.join("\n") + "\n"
}

/// When the roots were made.
const START: u64 = 1_795_553_398;
