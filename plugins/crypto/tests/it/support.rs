//! Where the vectors are, and keys that several tests share.

use std::{env, fs, path::PathBuf, sync::LazyLock};

use serde_json::{Map, Value};
use tollgate_crypto::{Algorithm, KeyKind, KeySet, PrivateKey, SigningKey, VerificationKey};

/// Vectors that belong to the project.
pub fn generated(name: &str) -> Value {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/generated").join(name);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Other people's vectors, read where they are. Absent, the test says so and is skipped, except in CI.
pub fn foreign(name: &str) -> Option<Value> {
    let root = env::var_os("TOLLGATE_VECTORS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors")),
        PathBuf::from,
    );
    let path = root.join(name);
    if let Ok(text) = fs::read(&path) {
        return Some(serde_json::from_slice(&text).unwrap());
    }
    assert!(env::var_os("CI").is_none(), "vectors are required in CI: {}", path.display());
    eprintln!("SKIPPED: no vectors at {}; set TOLLGATE_VECTORS", path.display());
    None
}

pub fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().expect("an object")
}

pub fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

/// One private key of each kind, made once: RSA keys are slow to find.
pub fn private_key(kind: KeyKind) -> PrivateKey {
    static KEYS: LazyLock<[(KeyKind, PrivateKey); 4]> = LazyLock::new(|| {
        [KeyKind::Rsa, KeyKind::P256, KeyKind::P384, KeyKind::Ed25519]
            .map(|kind| (kind, PrivateKey::generate(kind).unwrap()))
    });
    KEYS.iter().find(|(known, _)| *known == kind).unwrap().1.clone()
}

pub fn signing_key(algorithm: Algorithm, kid: &str) -> SigningKey {
    SigningKey::new(private_key(algorithm.key_kind()), algorithm, Some(kid.to_owned())).unwrap()
}

pub fn verification_key(key: &SigningKey) -> VerificationKey {
    let public = key.private_key().public_key().clone();
    VerificationKey::new(public, key.kid().map(str::to_owned), &[key.algorithm()]).unwrap()
}

pub fn key_set(keys: &[&SigningKey]) -> KeySet {
    KeySet::new(keys.iter().map(|key| verification_key(key)).collect()).unwrap()
}

/// Changes one character of one segment of a compact token to another of its alphabet.
pub fn tamper(token: &str, segment: usize, at: usize) -> Option<String> {
    let mut segments: Vec<String> = token.split('.').map(str::to_owned).collect();
    let mut bytes = segments[segment].clone().into_bytes();
    if bytes.is_empty() {
        return None;
    }
    let index = at % bytes.len();
    bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
    segments[segment] = String::from_utf8(bytes).unwrap();
    Some(segments.join("."))
}
