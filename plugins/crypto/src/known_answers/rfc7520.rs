//! RFC 7520: signed and encrypted tokens, and what their keys decrypt and sign.

use serde_json::{Map, Value};

use super::{KnownAnswer, changed, signatures::judges};
use crate::{
    encoding::base64url_decode,
    jwe::{Decrypter, DecryptionKey, KeyAlgorithm},
    jws::{Algorithm, KeySet, MAX_TOKEN_LEN, VerificationKey, verify_payload},
    key::{OaepDigest, PrivateKey, PublicKey, SymmetricKey},
};

pub(super) const ALL: &[KnownAnswer] = &[
    KnownAnswer {
        algorithm: "RS256",
        source: "RFC 7520 section 4.1",
        check: || signed("4.1", Algorithm::Rs256).unwrap_or(false),
    },
    KnownAnswer {
        algorithm: "PS384",
        source: "RFC 7520 section 4.2",
        check: || signed("4.2", Algorithm::Ps384).unwrap_or(false),
    },
    KnownAnswer {
        algorithm: "PS256",
        source: "made with OpenSSL under the key of RFC 7520 section 3.4",
        check: || made_signature(Algorithm::Ps256).unwrap_or(false),
    },
    KnownAnswer {
        algorithm: "PS512",
        source: "made with OpenSSL under the key of RFC 7520 section 3.4",
        check: || made_signature(Algorithm::Ps512).unwrap_or(false),
    },
    KnownAnswer {
        algorithm: "RS384",
        source: "made with OpenSSL under the key of RFC 7520 section 3.4",
        check: || made_signature(Algorithm::Rs384).unwrap_or(false),
    },
    KnownAnswer {
        algorithm: "RS512",
        source: "made with OpenSSL under the key of RFC 7520 section 3.4",
        check: || made_signature(Algorithm::Rs512).unwrap_or(false),
    },
    KnownAnswer {
        algorithm: "RSA-OAEP",
        source: "RFC 7520 section 5.2",
        check: || {
            let answer = Section::read("5.2").and_then(|section| {
                oaep(
                    OaepDigest::Sha1,
                    &section,
                    &section.bytes("encrypted_key")?,
                    &section.bytes("cek")?,
                )
            });
            answer.unwrap_or(false)
        },
    },
    KnownAnswer {
        algorithm: "RSA-OAEP-256",
        source: "made with OpenSSL under the key of RFC 7520 section 3.4",
        check: || made_oaep(OaepDigest::Sha256, "OAEP-256").unwrap_or(false),
    },
    KnownAnswer {
        algorithm: "RSA-OAEP-512",
        source: "made with OpenSSL under the key of RFC 7520 section 3.4",
        check: || made_oaep(OaepDigest::Sha512, "OAEP-512").unwrap_or(false),
    },
    KnownAnswer {
        algorithm: "ECDH-ES+A128KW with A128GCM",
        source: "RFC 7520 section 5.4",
        check: || encrypted("5.4").unwrap_or(false),
    },
    KnownAnswer {
        algorithm: "ECDH-ES with A128CBC-HS256",
        source: "RFC 7520 section 5.5",
        check: || encrypted("5.5").unwrap_or(false),
    },
    KnownAnswer {
        algorithm: "dir with A128GCM",
        source: "RFC 7520 section 5.6",
        check: || encrypted("5.6").unwrap_or(false),
    },
    KnownAnswer {
        algorithm: "A256GCMKW with A128CBC-HS256",
        source: "RFC 7520 section 5.7",
        check: || encrypted("5.7").unwrap_or(false),
    },
];

/// One section's example.
struct Section(Map<String, Value>);

impl Section {
    fn read(number: &str) -> Option<Self> {
        let mut all: Map<String, Value> =
            serde_json::from_str(include_str!("data/rfc7520.json")).ok()?;
        match all.remove(number)? {
            Value::Object(members) => Some(Self(members)),
            _ => None,
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        base64url_decode(self.text(name)?).ok()
    }

    fn key(&self) -> Option<&Map<String, Value>> {
        self.0.get("key")?.as_object()
    }
}

fn signed(number: &str, algorithm: Algorithm) -> Option<bool> {
    let section = Section::read(number)?;
    let jwk = section.key()?;
    let kid = jwk.get("kid")?.as_str().map(str::to_owned);
    let key = VerificationKey::new(PublicKey::from_jwk(jwk).ok()?, kid, &[algorithm]).ok()?;
    let keys = KeySet::new(vec![key]).ok()?;
    let token = section.text("token")?;
    let verify = |token: &str| verify_payload(token, &keys, &[algorithm], MAX_TOKEN_LEN);
    Some(
        verify(token).ok()?.payload() == section.text("text")?.as_bytes()
            && verify(&changed_token(token)?).is_err(),
    )
}

fn encrypted(number: &str) -> Option<bool> {
    let section = Section::read(number)?;
    let algorithm = section.text("alg")?.parse().ok()?;
    let content = [section.text("enc")?.parse().ok()?];
    let jwk = section.key()?;
    let kid = jwk.get("kid")?.as_str().map(str::to_owned);
    let key = match algorithm {
        KeyAlgorithm::Direct | KeyAlgorithm::A256Kw | KeyAlgorithm::A256GcmKw => {
            DecryptionKey::shared(SymmetricKey::from_jwk(jwk).ok()?, algorithm, &content, kid)
        }
        _ => DecryptionKey::private(PrivateKey::from_jwk(jwk).ok()?, algorithm, &content, kid),
    };
    let decrypter = Decrypter::new(vec![key.ok()?]).ok()?;
    let token = section.text("token")?;
    Some(
        decrypter.decrypt(token).ok()?.payload() == section.text("text")?.as_bytes()
            && decrypter.decrypt(&changed_token(token)?).is_err(),
    )
}

fn made_signature(algorithm: Algorithm) -> Option<bool> {
    let (section, made) = (Section::read("4.1")?, Section::read("made")?);
    let key = PublicKey::from_jwk(section.key()?).ok()?;
    let message = made.text("text")?.as_bytes();
    Some(judges(&key, algorithm, message, &made.bytes(algorithm.name())?))
}

fn made_oaep(digest: OaepDigest, name: &str) -> Option<bool> {
    let made = Section::read("made")?;
    let answer = made.text("text")?.as_bytes();
    oaep(digest, &Section::read("4.1")?, &made.bytes(name)?, answer)
}

fn oaep(digest: OaepDigest, section: &Section, ciphertext: &[u8], answer: &[u8]) -> Option<bool> {
    let key = PrivateKey::from_jwk(section.key()?).ok()?;
    Some(
        key.decrypt_oaep(digest, ciphertext).ok()?.expose() == answer
            && key.decrypt_oaep(digest, &changed(ciphertext)).is_err(),
    )
}

/// The same token with its last segment, a signature or a tag, changed.
fn changed_token(token: &str) -> Option<String> {
    let (rest, last) = token.rsplit_once('.')?;
    let last = changed(&base64url_decode(last).ok()?);
    Some(format!("{rest}.{}", crate::encoding::base64url_encode(&last)))
}
