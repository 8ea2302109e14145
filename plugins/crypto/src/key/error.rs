//! What can be wrong with a key.

use thiserror::Error;

/// Why a key was refused. No variant holds any of the key's text.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum KeyError {
    /// Not PEM, or a PEM section that does not end or decode.
    #[error("expected PEM, from `-----BEGIN …-----` to `-----END …-----`")]
    NotPem,
    /// Neither PEM nor base64 of DER.
    #[error("expected {expected}")]
    Text {
        /// The forms that would have been accepted.
        expected: &'static str,
    },
    /// PEM, but of something else.
    #[error("expected a PEM section {expected}, found {found}")]
    WrongSection {
        /// The labels that would have been accepted.
        expected: &'static str,
        /// The kind of thing that was found.
        found: &'static str,
    },
    /// More than one private key, so that it is not clear which is meant.
    #[error("expected one private key, found several")]
    SeveralKeys,
    /// A private key protected by a password.
    #[error("expected an unencrypted private key, found an encrypted one; decrypt it first")]
    Encrypted,
    /// The structure inside does not hold a supported key.
    #[error(
        "expected an RSA key of 2048 to 8192 bits, an EC key on P-256 or P-384, or an Ed25519 key"
    )]
    Unsupported,
    /// The structure inside does not hold an SM2 key.
    #[error("expected an SM2 key")]
    Sm2,
    /// A certificate that does not parse.
    #[error("expected an X.509 certificate in DER")]
    Certificate,
    /// More than one certificate, so that it is not clear which is meant.
    #[error("expected one certificate, found several")]
    SeveralCertificates,
    /// An RSA modulus outside 2048 to 8192 bits.
    #[error("expected an RSA key of 2048 to 8192 bits, found {bits} bits")]
    RsaSize {
        /// Bits of the modulus.
        bits: usize,
    },
    /// An exponent of one, an even one, or an absurdly long one.
    #[error("expected an RSA public exponent that is odd, above 1 and below 2^33")]
    RsaExponent,
    /// The modulus has the fingerprint of CVE-2017-15361: it can be factored.
    #[error("expected an RSA key that is not affected by ROCA (CVE-2017-15361); replace it")]
    Roca,
    /// A point that is not on the curve, or is not in the uncompressed form.
    #[error("expected a point on the curve")]
    NotOnCurve,
    /// The parts of a private key do not belong together.
    #[error("expected a private key whose parts belong together")]
    Inconsistent,
    /// Not a JSON Web Key.
    #[error("expected a JSON Web Key with {expected}")]
    Jwk {
        /// The members or kind that would have been accepted.
        expected: &'static str,
    },
    /// A symmetric key in the wrong encoding.
    #[error("expected a symmetric key in {expected}")]
    Encoding {
        /// The encoding that would have been accepted.
        expected: &'static str,
    },
    /// A symmetric key of no use.
    #[error("expected a symmetric key of 1 to 1024 bytes, found {found} bytes")]
    SymmetricSize {
        /// Bytes found.
        found: usize,
    },
    /// An algorithm that this kind of key cannot serve.
    #[error("expected an algorithm for {kind}, found {algorithm}")]
    Algorithm {
        /// What the key is.
        kind: &'static str,
        /// The algorithm asked for.
        algorithm: &'static str,
    },
    /// No algorithm at all.
    #[error("expected at least one algorithm")]
    NoAlgorithm,
    /// An identifier too long to be looked up.
    #[error("expected a key identifier of 1 to 256 bytes")]
    Kid,
    /// The library could not make a key.
    #[error("key generation failed")]
    Generation,
}
