//! Signatures outside of tokens.

use super::{KnownAnswer, changed, ciphers::SM2_KEY, hex};
use crate::{jws::Algorithm, key::PublicKey, sm2::Sm2PrivateKey};

pub(super) const ALL: &[KnownAnswer] = &[
    KnownAnswer {
        algorithm: "ES256",
        source: "RFC 6979 appendix A.2.5, SHA-256 of `sample`",
        check: || {
            ecdsa(
                Algorithm::Es256,
                "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6\
                 7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
                "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716\
                 f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
            )
            .unwrap_or(false)
        },
    },
    KnownAnswer {
        algorithm: "ES384",
        source: "RFC 6979 appendix A.2.6, SHA-384 of `sample`",
        check: || {
            ecdsa(
                Algorithm::Es384,
                "04ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64\
                 def8f0ea9055866064a254515480bc138015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9\
                 f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720",
                "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf9\
                 6e36dd1e80fabe4699ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94f\
                 a329c145786e679e7b82c71a38628ac8",
            )
            .unwrap_or(false)
        },
    },
    KnownAnswer {
        algorithm: "EdDSA",
        source: "RFC 8032 section 7.1, test 2",
        check: || ed25519().unwrap_or(false),
    },
    KnownAnswer {
        algorithm: "SM2 signature with SM3",
        source: "GM/T 0003.5-2012 annex A",
        check: || sm2().unwrap_or(false),
    },
];

fn ecdsa(algorithm: Algorithm, point: &str, signature: &str) -> Option<bool> {
    let key = PublicKey::from_point(algorithm.key_kind(), &hex(point)?).ok()?;
    let zero = vec![0; 2 * algorithm.key_kind().coordinate_len()];
    Some(
        judges(&key, algorithm, b"sample", &hex(signature)?)
            && key.verify(algorithm, b"sample", &zero).is_err(),
    )
}

fn ed25519() -> Option<bool> {
    let key = PublicKey::from_ed25519(&hex(
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    )?);
    let signature = hex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
         085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")?;
    Some(judges(&key.ok()?, Algorithm::EdDsa, &[0x72], &signature))
}

fn sm2() -> Option<bool> {
    let key = Sm2PrivateKey::from_sec1_der(&hex(SM2_KEY)?).ok()?;
    let signature =
        hex("3046022100f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3\
         022100b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa")?;
    let public = key.public_key();
    let own = key.sign(b"message digest").ok()?;
    Some(
        public.verify(b"message digest", &signature).is_ok()
            && public.verify(b"message digest", &own).is_ok()
            && public.verify(b"message digest", &changed(&signature)).is_err()
            && public.verify(b"another digest", &signature).is_err(),
    )
}

/// Whether the key accepts the signature, and neither a changed one nor another message.
pub(super) fn judges(
    key: &PublicKey,
    algorithm: Algorithm,
    message: &[u8],
    signature: &[u8],
) -> bool {
    key.verify(algorithm, message, signature).is_ok()
        && key.verify(algorithm, message, &changed(signature)).is_err()
        && key.verify(algorithm, &changed(message), signature).is_err()
}
