use std::{env, path::PathBuf};

use serde_json::Value;

use super::*;
use crate::sandbox::RsaPair;

#[test]
fn a_number_is_the_digest_of_issuer_and_decimal_serial() {
    assert_eq!(decimal(&[0]), "0", "nothing");
    assert_eq!(
        decimal(&[0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00]),
        "18446744073709551616",
        "2^64"
    );
    let root = Root::of(RsaPair::generate().unwrap().private, NOW).unwrap();
    let leaf = root.issue("a", &root.key, NOW).unwrap();
    let pem = Pem::iter_from_buffer(leaf.text.as_bytes()).next().unwrap().unwrap();
    let serial = pem.parse_x509().unwrap().serial.to_string();
    let issuer = "CN=Ant Financial Certification Authority R1 (sandbox),OU=Certification Authority,\
                  O=Ant Financial,C=CN";
    let expected = hex(&Md5::digest(format!("{issuer}{serial}")));
    assert_eq!(leaf.number, expected, "the issuer with its last part first");
    let own = Certificate::read(&root.text).unwrap().number;
    assert_eq!(root_number(&root.text), Some(own), "the root's own is made the same way");
    let elliptic = rcgen::generate_simple_self_signed(vec!["a".to_owned()]).unwrap().cert.pem();
    assert_eq!(root_number(&elliptic), None, "others than RSA do not count");
    let both = format!("{elliptic}{}", root.text);
    assert_eq!(root_number(&both), root_number(&root.text), "beside one that does");
}

#[test]
fn alipays_own_certificates_have_the_numbers_that_its_sdk_gives_them() {
    let folder = env::var_os("TOLLGATE_VECTORS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors"),
        PathBuf::from,
    );
    let path = folder.join("alipay/cert-sn.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        assert!(env::var_os("CI").is_none(), "no vectors at {}", path.display());
        eprintln!("SKIPPED: no vectors at {}; set TOLLGATE_VECTORS", path.display());
        return;
    };
    let vectors: Value = serde_json::from_str(&text).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    assert!(!cases.is_empty(), "there are cases");
    for case in cases {
        let file = case["file"].as_str().unwrap();
        let text = vectors["certs_pem"][file].as_str().unwrap();
        let number = match case["root"].as_bool() {
            Some(true) => root_number(text),
            _ => Certificate::read(text).map(|certificate| certificate.number),
        };
        assert_eq!(number.as_deref(), case["sn"].as_str(), "{file}");
    }
}

const NOW: Duration = Duration::from_hours(490_896);
