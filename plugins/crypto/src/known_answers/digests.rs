//! Digests and HMAC.

use super::{KnownAnswer, changed, hex};
use crate::digest::{Digest, DigestAlgorithm, hmac_sha256, hmac_sha512, sha256, sha384, sha512};

pub(super) const ALL: &[KnownAnswer] = &[
    KnownAnswer {
        algorithm: "SHA-1",
        source: "FIPS 180-4 example `abc`",
        check: || {
            digests(
                |data| Digest::of(DigestAlgorithm::Sha1, data),
                "a9993e364706816aba3e25717850c26c9cd0d89d",
            )
        },
    },
    KnownAnswer {
        algorithm: "SHA-256",
        source: "FIPS 180-4 example `abc`",
        check: || {
            digests(
                |data| sha256(data).to_vec(),
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            )
        },
    },
    KnownAnswer {
        algorithm: "SHA-384",
        source: "FIPS 180-4 example `abc`",
        check: || {
            digests(
                |data| sha384(data).to_vec(),
                "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed\
                 8086072ba1e7cc2358baeca134c825a7",
            )
        },
    },
    KnownAnswer {
        algorithm: "SHA-512",
        source: "FIPS 180-4 example `abc`",
        check: || {
            digests(
                |data| sha512(data).to_vec(),
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                 2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            )
        },
    },
    KnownAnswer {
        algorithm: "MD5",
        source: "RFC 1321 appendix A.5 `abc`",
        check: || {
            digests(
                |data| Digest::of(DigestAlgorithm::Md5, data),
                "900150983cd24fb0d6963f7d28e17f72",
            )
        },
    },
    KnownAnswer {
        algorithm: "SM3",
        source: "GB/T 32905-2016 example `abc`",
        check: || {
            digests(
                |data| Digest::of(DigestAlgorithm::Sm3, data),
                "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
            )
        },
    },
    KnownAnswer {
        algorithm: "HMAC-SHA-256",
        source: "RFC 4231 section 4.3",
        check: || {
            codes(
                |key, data| hmac_sha256(key, data).to_vec(),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            )
        },
    },
    KnownAnswer {
        algorithm: "HMAC-SHA-512",
        source: "RFC 4231 section 4.3",
        check: || {
            codes(
                |key, data| hmac_sha512(key, data).to_vec(),
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
                 9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
            )
        },
    },
];

fn digests(digest: fn(&[u8]) -> Vec<u8>, answer: &str) -> bool {
    let answer = hex(answer);
    Some(digest(b"abc")) == answer && Some(digest(&changed(b"abc"))) != answer
}

fn codes(code: fn(&[u8], &[u8]) -> Vec<u8>, answer: &str) -> bool {
    let (key, data, answer) = (b"Jefe", b"what do ya want for nothing?", hex(answer));
    Some(code(key, data)) == answer
        && Some(code(key, &changed(data))) != answer
        && Some(code(&changed(key), data)) != answer
}
