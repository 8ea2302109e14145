//! Keys, JOSE, authenticated encryption and digests for the gateway.
//!
//! This is the only crate that names cryptographic libraries. It promises that no secret shows in
//! `Debug`, `Display` or an error; that an algorithm is fixed by the configuration of a key and never
//! by the message; and that a proof ([`VerifiedToken`], [`VerifiedSignature`], [`Decrypted`]) can be made
//! only by the check that earned it. It reads no clock: time claims are for the caller, who has one.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

pub mod aead;
pub mod cbc;
pub mod certificate;
pub mod digest;
pub mod encoding;
pub mod failure;
pub mod json;
pub mod jwe;
pub mod jws;
pub mod key;
pub mod known_answers;
pub mod operations;
pub mod random;
pub mod secret;
pub mod sm2;
pub mod sm4;

pub use aead::{AesGcmKey, BudgetExhausted, SealError, Sealed, UseBudget};
pub use cbc::{AesCbcKey, CbcKeyLengthError};
pub use certificate::Certificate;
pub use digest::{Digest, DigestAlgorithm, HmacSha256Key, Sha256};
pub use digest::{hmac_sha256, hmac_sha512, sha256, sha384, sha512};
pub use encoding::{DecodeError, base64_decode, base64_encode, base64url_decode, base64url_encode};
pub use encoding::{from_hex, to_hex};
pub use failure::{DecryptionFailed, EncryptionFailed};
pub use json::{JsonError, parse_object};
pub use jwe::{
    ContentAlgorithm, Decrypted, Decrypter, DecryptionKey, Encrypter, EncryptionOptions, JweError,
    JweKeyError, KeyAlgorithm,
};
pub use jws::{
    Algorithm, Header, JwsError, KeySet, KeySetError, SignError, SigningKey, TokenHeader,
    VerificationKey, VerifiedPayload, VerifiedToken, peek, sign, sign_payload, verify,
    verify_payload,
};
pub use key::{
    KeyError, KeyKind, OaepDigest, PrivateKey, PublicKey, SignatureInvalid, SymmetricKey,
    VerifiedSignature,
};
pub use known_answers::KnownAnswer;
pub use operations::{BoxFuture, Signer, TokenDecrypter};
pub use random::{Fill, RandomUnavailable, SystemRandom};
pub use secret::{Secret, eq_constant_time};
pub use sm2::{Sm2Certificate, Sm2PrivateKey, Sm2PublicKey};
pub use sm4::{Sm4GcmKey, Sm4KeyLengthError};
