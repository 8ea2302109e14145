//! Files that configurations refer to: good ones, and bad ones of every kind.

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384};
use tollgate::sandbox::{RsaPair, write_private};

use crate::support::*;

/// A folder with everything that the configurations of these tests name.
pub fn folder() -> Folder {
    let folder = Folder::new();
    let authority = Authority::new();
    let (one, two) = (authority.pair(&["one.example"]), authority.pair(&["two.example"]));
    let rsa = RsaPair::generate().unwrap();
    let elliptic = |algorithm| KeyPair::generate_for(algorithm).unwrap();
    let (p256, p384) = (elliptic(&PKCS_ECDSA_P256_SHA256), elliptic(&PKCS_ECDSA_P384_SHA384));
    let files = [
        ("tls/one.pem", one.chain),
        ("tls/one.key", one.key),
        ("tls/two.key", two.key),
        ("tls/ca.pem", authority.pem()),
        ("keys/rsa.pem", rsa.public),
        ("keys/rsa.key", rsa.private),
        ("keys/p256.key", p256.serialize_pem()),
        ("keys/p256.pem", p256.public_key_pem()),
        ("keys/p384.key", p384.serialize_pem()),
        ("keys/aes128.key", "MDEyMzQ1Njc4OWFiY2RlZg==".to_owned()),
        ("keys/aes256.key", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=".to_owned()),
        ("keys/api_v3.key", "0123456789abcdef0123456789abcdef".to_owned()),
        ("keys/short.key", "c2hvcnQ=".to_owned()),
        ("keys/jwks.json", r#"{"keys":[]}"#.to_owned()),
        ("text", "neither PEM nor JSON".to_owned()),
        ("lines", "two\nlines".to_owned()),
        ("empty", String::new()),
    ];
    for (name, content) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        write_private(&path, &content).unwrap();
    }
    folder
}

/// A configuration that is good but for what is added to it.
pub const GOOD: &str = "\
listeners: { callers: { address: 127.0.0.1:8080 } }
routes: { pay: { unauthenticated: true, send_to: [{ upstream: provider }] } }
upstreams: { provider: { endpoints: [http://127.0.0.1:8081] } }
";
