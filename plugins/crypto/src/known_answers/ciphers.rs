//! Symmetric encryption, key wrap and key agreement.

use super::{KnownAnswer, changed, hex};
use crate::{
    aead::AesGcmKey,
    cbc::AesCbcKey,
    jwe::{
        ContentAlgorithm, content,
        key_management::{unwrap, wrap},
    },
    sm2::Sm2PrivateKey,
    sm4::Sm4GcmKey,
};

pub(super) const ALL: &[KnownAnswer] = &[
    KnownAnswer {
        algorithm: "AES-128-GCM",
        source: "the GCM specification submitted to NIST, test case 4",
        check: || {
            gcm(
                "feffe9928665731c6d6a8f9467308308",
                "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c\
                 7d8f6a5aac84aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47",
            )
            .unwrap_or(false)
        },
    },
    KnownAnswer {
        algorithm: "AES-256-GCM",
        source: "the GCM specification submitted to NIST, test case 16",
        check: || {
            gcm(
                "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
                "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3d\
                 a7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b",
            )
            .unwrap_or(false)
        },
    },
    KnownAnswer {
        algorithm: "AES-128-CBC",
        source: "NIST SP 800-38A appendix F.2.1",
        check: || {
            cbc(
                "2b7e151628aed2a6abf7158809cf4f3c",
                "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2",
            )
            .unwrap_or(false)
        },
    },
    KnownAnswer {
        algorithm: "AES-256-CBC",
        source: "NIST SP 800-38A appendix F.2.5",
        check: || {
            cbc(
                "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
                "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d",
            )
            .unwrap_or(false)
        },
    },
    KnownAnswer {
        algorithm: "A256CBC-HS512",
        source: "RFC 7518 appendix B.3",
        check: || cbc_hmac().unwrap_or(false),
    },
    KnownAnswer {
        algorithm: "A128KW",
        source: "RFC 3394 section 4.1",
        check: || {
            key_wrap(
                "000102030405060708090a0b0c0d0e0f",
                "00112233445566778899aabbccddeeff",
                "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5",
            )
            .unwrap_or(false)
        },
    },
    KnownAnswer {
        algorithm: "A256KW",
        source: "RFC 3394 section 4.6",
        check: || {
            key_wrap(
                "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f",
                "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21",
            )
            .unwrap_or(false)
        },
    },
    KnownAnswer {
        algorithm: "SM4-GCM",
        source: "RFC 8998 appendix A.1",
        check: || sm4_gcm().unwrap_or(false),
    },
    KnownAnswer {
        algorithm: "SM2 decryption",
        source: "GM/T 0003.5-2012 annex C",
        check: || sm2_decryption().unwrap_or(false),
    },
];

fn gcm(key: &str, sealed: &str) -> Option<bool> {
    let key = AesGcmKey::new(&hex(key)?).ok()?;
    let nonce = hex("cafebabefacedbaddecaf888")?.try_into().ok()?;
    let aad = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2")?;
    let plaintext = hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
         1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39")?;
    let sealed = hex(sealed)?;
    Some(
        key.seal(&nonce, &aad, &plaintext).ok()? == sealed
            && key.open(&nonce, &aad, &sealed).ok()? == plaintext
            && key.open(&nonce, &aad, &changed(&sealed)).is_err()
            && key.open(&nonce, &changed(&aad), &sealed).is_err(),
    )
}

fn cbc(key: &str, blocks: &str) -> Option<bool> {
    let (key, blocks) = (AesCbcKey::new(&hex(key)?).ok()?, hex(blocks)?);
    let iv = hex("000102030405060708090a0b0c0d0e0f")?.try_into().ok()?;
    let plaintext = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51")?;
    // The example has no padding; ours follows its blocks.
    let ciphertext = key.encrypt(iv, &plaintext);
    Some(
        ciphertext.starts_with(&blocks)
            && key.decrypt(iv, &ciphertext).ok()? == plaintext
            && key.decrypt(iv, &changed(&ciphertext)) != Ok(plaintext.clone())
            && !key.encrypt(iv, &changed(&plaintext)).starts_with(&blocks),
    )
}

fn cbc_hmac() -> Option<bool> {
    let key: Vec<u8> = (0..64).collect();
    let iv = hex("1af38c2dc2b96ffdd86694092341bc04")?;
    let plaintext =
        b"A cipher system must not be required to be secret, and it must be able to fall \
                      into the hands of the enemy without inconvenience";
    let aad = b"The second principle of Auguste Kerckhoffs";
    let ciphertext = hex(
        "4affaaadb78c31c5da4b1b590d10ffbd3dd8d5d302423526912da037ecbcc7bd822c301dd67c373bccb584ad\
         3e9279c2e6d12a1374b77f077553df829410446b36ebd97066296ae6427ea75c2e0846a11a09ccf5370dc80b\
         fecbad28c73f09b3a3b75e662a2594410ae496b2e2e6609e31e6e02cc837f053d21f37ff4f51950bbe2638d0\
         9dd7a4930930806d0703b1f6",
    )?;
    let tag = hex("4dd3b4c088a7f45c216839645b2012bf2e6269a8c56a816dbc1b267761955bc5")?;
    let algorithm = ContentAlgorithm::A256CbcHs512;
    let open = |aad: &[u8], ciphertext: &[u8], tag: &[u8]| {
        content::open(algorithm, &key, &iv, aad, ciphertext, tag)
    };
    let sealed = content::seal(algorithm, &key, &iv, aad, plaintext).ok()?;
    Some(
        open(aad, &ciphertext, &tag).ok()? == plaintext
            && open(aad, &changed(&ciphertext), &tag).is_err()
            && open(aad, &ciphertext, &changed(&tag)).is_err()
            && open(&changed(aad), &ciphertext, &tag).is_err()
            && sealed == (ciphertext, tag),
    )
}

fn key_wrap(key: &str, content_key: &str, wrapped: &str) -> Option<bool> {
    let (key, content_key, wrapped) = (hex(key)?, hex(content_key)?, hex(wrapped)?);
    Some(
        wrap(&key, &content_key)? == wrapped
            && *unwrap(&key, &wrapped)? == content_key
            && unwrap(&key, &changed(&wrapped)).is_none()
            && unwrap(&changed(&key), &wrapped).is_none(),
    )
}

fn sm4_gcm() -> Option<bool> {
    let key = Sm4GcmKey::new(&hex("0123456789abcdeffedcba9876543210")?).ok()?;
    let nonce = hex("00001234567800000000abcd")?.try_into().ok()?;
    let aad = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2")?;
    let plaintext = hex("aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd\
         eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa")?;
    let sealed = hex("17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735\
         d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d\
         83de3541e4c2b58177e065a9bf7b62ec")?;
    Some(
        key.seal(&nonce, &aad, &plaintext).ok()? == sealed
            && key.open(&nonce, &aad, &sealed).ok()? == plaintext
            && key.open(&nonce, &aad, &changed(&sealed)).is_err()
            && key.open(&nonce, &changed(&aad), &sealed).is_err(),
    )
}

fn sm2_decryption() -> Option<bool> {
    let key = Sm2PrivateKey::from_sec1_der(&hex(SM2_KEY)?).ok()?;
    let ciphertext = hex(
        "307c022004ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73022100e858f9d8\
         1e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0042059983c18f809e262923c53aec2\
         95d30383b54e39d609d160afcb1908d0bd8766041321886ca989ca9c7d58087307ca93092d651efa",
    )?;
    let plaintext = key.decrypt(&ciphertext).ok()?;
    Some(
        plaintext.expose() == b"encryption standard" && key.decrypt(&changed(&ciphertext)).is_err(),
    )
}

/// The private key of the examples of GM/T 0003.5, in SEC 1.
pub(super) const SM2_KEY: &str = "303102010104203945208f7b2144b13f36e38ac6d39f95889393692860b51a42\
                                  fb81ef4df7c5b8a00a06082a811ccf5501822d";
