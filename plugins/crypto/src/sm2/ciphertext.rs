//! Decryption (GB/T 32918.4 section 7), with the final comparison in constant time.
//!
//! The library's own decryption compares the hash byte by byte until one differs, which would let an
//! attacker who can measure it find the hash that belongs to a changed ciphertext.

use ::sm2::{
    ProjectivePoint, SecretKey, elliptic_curve::sec1::ToSec1Point as _, pkcs8::der::Decode as _,
    pke::Cipher,
};
use sm3::{Digest as _, Sm3};
use zeroize::{Zeroize as _, Zeroizing};

use crate::secret::{Secret, eq_constant_time};

/// Decrypts `SEQUENCE { x, y, hash, text }`; `None` when anything about it is wrong.
pub(super) fn decrypt(key: &SecretKey, ciphertext: &[u8]) -> Option<Secret> {
    let cipher: Cipher<'_> = Cipher::from_der(ciphertext).ok()?;
    if cipher.c2().is_empty() {
        return None;
    }
    // The curve has prime order and the scalar is not zero, so this is a point with coordinates.
    let scalar = Zeroizing::new(key.to_nonzero_scalar());
    let mut shared = (ProjectivePoint::from(*cipher.c1()) * **scalar).to_affine();
    let point = Zeroizing::new(shared.to_sec1_point(false).as_bytes().to_vec());
    shared.zeroize();
    let (x, y) = point.get(1..)?.split_at_checked(COORDINATE)?;

    let mut plaintext = Zeroizing::new(cipher.c2().to_vec());
    for (counter, block) in (1_u32..).zip(plaintext.chunks_mut(BLOCK)) {
        let mut stream = Sm3::new();
        for part in [x, y, &counter.to_be_bytes()] {
            stream.update(part);
        }
        let mask = Zeroizing::new(<[u8; BLOCK]>::from(stream.finalize()));
        block.iter_mut().zip(mask.iter()).for_each(|(byte, mask)| *byte ^= mask);
    }

    let mut hash = Sm3::new();
    for part in [x, &plaintext, y] {
        hash.update(part);
    }
    eq_constant_time(&hash.finalize(), cipher.c3())
        .then(|| Secret::new(std::mem::take(&mut *plaintext)))
}

/// Bytes of a coordinate.
const COORDINATE: usize = 32;

/// Bytes of an SM3 digest, and so of a block of the key stream.
const BLOCK: usize = 32;
