//! SM2 keys (GB/T 32918, GM/T 0003): the ShangMi variant of WeChat Pay's signatures and fields.
//!
//! A signature is DER over SM3 with the user identifier that GM/T 0009 fixes for everyone; a ciphertext is
//! DER of the order `x`, `y`, hash, text. Both are what WeChat Pay sends.

mod certificate;
mod ciphertext;
mod private;
mod public;

pub use certificate::Sm2Certificate;
pub use private::Sm2PrivateKey;
pub use public::Sm2PublicKey;

/// The user identifier that a signature binds besides the message (GM/T 0009 section 10).
pub const USER_ID: &str = "1234567812345678";
