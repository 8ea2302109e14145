//! Encrypters and decrypters for every combination, and tokens made by hand.

use tollgate_crypto::{
    AesGcmKey, ContentAlgorithm, Decrypter, DecryptionKey, Encrypter, EncryptionOptions,
    KeyAlgorithm, KeyKind, Secret, SymmetricKey, base64url_encode,
};

use crate::support::private_key;

/// Every combination of key kind, `alg` and `enc` that can be configured.
pub fn combinations() -> Vec<(Option<KeyKind>, KeyAlgorithm, ContentAlgorithm)> {
    let kinds = [None, Some(KeyKind::Rsa), Some(KeyKind::P256), Some(KeyKind::P384)];
    let all = kinds.into_iter().flat_map(|kind| {
        KeyAlgorithm::ALL
            .into_iter()
            .flat_map(move |alg| ContentAlgorithm::ALL.map(|enc| (kind, alg, enc)))
    });
    all.filter(|&(kind, alg, enc)| pair(kind, alg, enc, EncryptionOptions::default()).is_some())
        .collect()
}

pub fn shared_key(alg: KeyAlgorithm, enc: ContentAlgorithm) -> SymmetricKey {
    let length = if alg == KeyAlgorithm::Direct { key_len(enc) } else { 32 };
    SymmetricKey::from_raw(Secret::new((0..length).collect())).unwrap()
}

/// Bytes of a content key.
fn key_len(enc: ContentAlgorithm) -> u8 {
    u8::try_from(enc.key_len()).unwrap()
}

/// An encrypter and the decrypter that reads its tokens, when the combination makes sense.
pub fn pair(
    key_kind: Option<KeyKind>,
    alg: KeyAlgorithm,
    enc: ContentAlgorithm,
    options: EncryptionOptions,
) -> Option<(Encrypter, Decrypter)> {
    let name = options.kid.clone();
    let (encrypter, key) = if let Some(kind) = key_kind {
        let key = private_key(kind);
        let encrypter = Encrypter::to_public_key(key.public_key(), alg, enc, options).ok()?;
        (encrypter, DecryptionKey::private(key, alg, &[enc], name).unwrap())
    } else {
        let key = shared_key(alg, enc);
        let encrypter = Encrypter::to_shared_key(key.clone(), alg, enc, options).ok()?;
        (encrypter, DecryptionKey::shared(key, alg, &[enc], name).unwrap())
    };
    Some((encrypter, Decrypter::new(vec![key]).unwrap()))
}

pub fn options(kid: &str) -> EncryptionOptions {
    EncryptionOptions { kid: Some(kid.to_owned()), ..EncryptionOptions::default() }
}

/// `dir` with A256GCM over any header and any vector, authentic by construction.
pub fn direct(header: &str, wrapped: &str, iv: &[u8; 12], plaintext: &[u8]) -> String {
    let protected = base64url_encode(header.as_bytes());
    let key = AesGcmKey::new(&(0..32).collect::<Vec<_>>()).unwrap();
    let sealed = key.seal(iv, protected.as_bytes(), plaintext).unwrap();
    let (ciphertext, tag) = sealed.split_at(plaintext.len());
    let [iv, ciphertext, tag] = [iv, ciphertext, tag].map(base64url_encode);
    format!("{protected}.{wrapped}.{iv}.{ciphertext}.{tag}")
}

pub fn direct_decrypter() -> Decrypter {
    let (_, decrypter) =
        pair(None, KeyAlgorithm::Direct, ContentAlgorithm::A256Gcm, EncryptionOptions::default())
            .unwrap();
    decrypter
}

pub fn swap(token: &str, segment: usize, with: &str) -> String {
    let mut segments: Vec<_> = token.split('.').collect();
    segments[segment] = with;
    segments.join(".")
}
