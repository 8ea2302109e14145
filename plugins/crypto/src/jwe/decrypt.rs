//! Decryption: the only place where a [`Decrypted`] comes into being.

use std::fmt;

use zeroize::{Zeroize, Zeroizing};

use super::{
    ContentAlgorithm, JweError, JweKeyError, KeyAlgorithm, content,
    header::Header,
    key_management::{self, Agreement, KeyBytes},
};
use crate::{
    encoding::base64url_decode,
    jws::MAX_KID_LEN,
    key::{KeyKind, PrivateKey, PrivateMaterial, SymmetricKey},
    random::{Fill, SystemRandom},
};

/// Bytes of the longest token, unless the caller says otherwise.
pub const DEFAULT_MAX_TOKEN_LEN: usize = 1024 * 1024;

/// A key with the one `alg` and the `enc` values it is configured for.
#[derive(Clone)]
pub struct DecryptionKey {
    kid: Option<String>,
    algorithm: KeyAlgorithm,
    content: Vec<ContentAlgorithm>,
    key: Key,
}

#[derive(Clone)]
enum Key {
    Private(PrivateKey),
    Shared(SymmetricKey),
}

impl DecryptionKey {
    /// A private key for `RSA-OAEP-256` or an ECDH-ES algorithm.
    pub fn private(
        key: PrivateKey,
        algorithm: KeyAlgorithm,
        content: &[ContentAlgorithm],
        kid: Option<String>,
    ) -> Result<Self, JweKeyError> {
        let fits = match algorithm {
            KeyAlgorithm::RsaOaep256 => key.kind() == KeyKind::Rsa,
            KeyAlgorithm::EcdhEs | KeyAlgorithm::EcdhEsA128Kw | KeyAlgorithm::EcdhEsA256Kw => {
                matches!(key.kind(), KeyKind::P256 | KeyKind::P384)
            }
            KeyAlgorithm::Direct | KeyAlgorithm::A256Kw | KeyAlgorithm::A256GcmKw => false,
        };
        if !fits {
            return Err(key_management::wrong_kind(algorithm));
        }
        Self::checked(Key::Private(key), algorithm, content, kid)
    }

    /// A shared key for `dir`, `A256KW` or `A256GCMKW`. `dir` takes exactly one content encryption.
    pub fn shared(
        key: SymmetricKey,
        algorithm: KeyAlgorithm,
        content: &[ContentAlgorithm],
        kid: Option<String>,
    ) -> Result<Self, JweKeyError> {
        if algorithm == KeyAlgorithm::Direct && content.len() > 1 {
            return Err(JweKeyError::DirectNeedsOne);
        }
        for enc in content {
            key_management::check_shared(&key, algorithm, *enc)?;
        }
        Self::checked(Key::Shared(key), algorithm, content, kid)
    }

    /// The identifier tokens name the key by.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    fn checked(
        key: Key,
        algorithm: KeyAlgorithm,
        content: &[ContentAlgorithm],
        kid: Option<String>,
    ) -> Result<Self, JweKeyError> {
        if content.is_empty() {
            return Err(JweKeyError::NoContentAlgorithm);
        }
        if kid.as_ref().is_some_and(|kid| kid.is_empty() || kid.len() > MAX_KID_LEN) {
            return Err(JweKeyError::Kid);
        }
        Ok(Self { kid, algorithm, content: content.to_vec(), key })
    }

    /// Recovers the content key. `Ok(None)` is a failure nobody may tell from a wrong tag; an error is
    /// about the token's public parts.
    fn content_key(
        &self,
        header: &Header,
        enc: ContentAlgorithm,
        wrapped: &[u8],
    ) -> Result<Option<KeyBytes>, JweError> {
        match &self.key {
            Key::Private(key) => match key.material() {
                PrivateMaterial::Rsa { decrypting, .. } => {
                    Ok(key_management::oaep_decrypt(decrypting, wrapped))
                }
                PrivateMaterial::Ec { agreeing, .. } => {
                    let peer = key_management::peer_of(header, key.kind())?;
                    let (apu, apv) = (header.optional_bytes("apu")?, header.optional_bytes("apv")?);
                    let agreement =
                        Agreement { algorithm: self.algorithm, enc, apu: &apu, apv: &apv };
                    let agreed = agreement.agree(agreeing, &peer);
                    if self.algorithm == KeyAlgorithm::EcdhEs {
                        return Ok(agreed);
                    }
                    Ok(agreed.and_then(|key| key_management::unwrap(&key, wrapped)))
                }
                PrivateMaterial::Ed25519(_) => Err(JweError::AlgorithmNotAllowed),
            },
            Key::Shared(key) => match self.algorithm {
                KeyAlgorithm::Direct => Ok(Some(Zeroizing::new(key.expose().to_vec()))),
                KeyAlgorithm::A256GcmKw => {
                    let (iv, tag) = (header.exact_bytes("iv")?, header.exact_bytes("tag")?);
                    Ok(key_management::gcm_unwrap(key, &iv, &tag, wrapped))
                }
                _ => Ok(key_management::unwrap(key.expose(), wrapped)),
            },
        }
    }
}

impl fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecryptionKey")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .field("content", &self.content)
            .finish_non_exhaustive()
    }
}

/// Decrypts compact tokens with whichever of its keys a token names.
#[derive(Clone, Debug)]
pub struct Decrypter {
    keys: Vec<DecryptionKey>,
    max_token_len: usize,
}

impl Decrypter {
    /// A decrypter over 1 to 64 keys, each with an identifier of its own (one key may have none).
    pub fn new(keys: Vec<DecryptionKey>) -> Result<Self, JweKeyError> {
        if !(1..=64).contains(&keys.len()) {
            return Err(JweKeyError::Count { found: keys.len() });
        }
        for (index, key) in keys.iter().enumerate() {
            if keys.iter().skip(index + 1).any(|other| other.kid == key.kid) {
                return Err(JweKeyError::AmbiguousKid);
            }
        }
        Ok(Self { keys, max_token_len: DEFAULT_MAX_TOKEN_LEN })
    }

    /// Sets the length of the longest token that is read, in bytes.
    #[must_use]
    pub fn with_max_token_len(mut self, bytes: usize) -> Self {
        self.max_token_len = bytes;
        self
    }

    /// Whether one decryption may take around a millisecond of CPU, so that a server should run it apart.
    pub fn is_expensive(&self) -> bool {
        self.keys.iter().any(|key| match &key.key {
            Key::Private(key) => key.is_expensive(),
            Key::Shared(_) => false,
        })
    }

    /// Decrypts one token (RFC 7516 section 5.2).
    pub fn decrypt(&self, token: &str) -> Result<Decrypted, JweError> {
        if token.len() > self.max_token_len {
            return Err(JweError::Malformed("too long"));
        }
        let mut segments = token.split('.');
        let mut next = || segments.next().ok_or(JweError::Malformed("expected five segments"));
        let (protected, wrapped, iv, ciphertext, tag) =
            (next()?, next()?, next()?, next()?, next()?);
        if segments.next().is_some() {
            return Err(JweError::Malformed("expected five segments"));
        }

        let header = Header::read(protected)?;
        let key = self.find(header.kid.as_deref())?;
        let enc = match (header.alg.parse::<KeyAlgorithm>(), header.enc.parse()) {
            (Ok(alg), Ok(enc)) if alg == key.algorithm && key.content.contains(&enc) => enc,
            _ => return Err(JweError::AlgorithmNotAllowed),
        };

        let wrapped = decode(wrapped, "the encrypted key is not base64url")?;
        let iv = decode(iv, "the initialisation vector is not base64url")?;
        let ciphertext = decode(ciphertext, "the ciphertext is not base64url")?;
        let tag = decode(tag, "the tag is not base64url")?;
        if iv.len() != enc.iv_len() {
            return Err(JweError::Malformed("the initialisation vector has the wrong length"));
        }
        if tag.len() != enc.tag_len() {
            return Err(JweError::Malformed("the tag has the wrong length"));
        }
        if wrapped.is_empty() != key.algorithm.sends_no_key() || wrapped.len() > MAX_WRAPPED_LEN {
            return Err(JweError::Malformed("the encrypted key has the wrong length"));
        }

        // Drawn whether it is needed or not: a failure to recover the key then costs what a success
        // does, and ends like a wrong tag (RFC 7516 section 11.5).
        let mut content_key = Zeroizing::new(vec![0; enc.key_len()]);
        SystemRandom.fill(&mut content_key)?;
        if let Some(recovered) = key.content_key(&header, enc, &wrapped)?
            && recovered.len() == enc.key_len()
        {
            content_key = recovered;
        }
        content::open(enc, &content_key, &iv, protected.as_bytes(), &ciphertext, &tag)
            .map(|payload| Decrypted {
                payload,
                algorithm: key.algorithm,
                content: enc,
                kid: header.kid,
                typ: header.typ,
                cty: header.cty,
            })
            .map_err(|content::Failed| JweError::DecryptionFailed)
    }

    /// The key with exactly this identifier; without one, the only key there is.
    fn find(&self, kid: Option<&str>) -> Result<&DecryptionKey, JweError> {
        match (kid, self.keys.as_slice()) {
            (None, [only]) => Ok(only),
            (None, _) => Err(JweError::UnknownKid),
            (Some(_), keys) => keys.iter().find(|key| key.kid() == kid).ok_or(JweError::UnknownKid),
        }
    }
}

fn decode(segment: &str, error: &'static str) -> Result<Vec<u8>, JweError> {
    base64url_decode(segment).map_err(|_| JweError::Malformed(error))
}

/// A decrypted and authenticated payload. Proof by type: only [`Decrypter::decrypt`] makes one.
///
/// The payload is wiped on drop unless it is taken out.
pub struct Decrypted {
    payload: Vec<u8>,
    algorithm: KeyAlgorithm,
    content: ContentAlgorithm,
    kid: Option<String>,
    typ: Option<String>,
    cty: Option<String>,
}

impl Decrypted {
    /// The plaintext.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The plaintext, taken out; wiping it becomes the caller's business.
    pub fn into_payload(mut self) -> Vec<u8> {
        std::mem::take(&mut self.payload)
    }

    /// The identifier of the key, as the token named it.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// How the content key was sent.
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// How the content was encrypted.
    pub fn content_algorithm(&self) -> ContentAlgorithm {
        self.content
    }

    /// The type of token.
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// The type of the payload; `JWT` for a signed token inside.
    pub fn cty(&self) -> Option<&str> {
        self.cty.as_deref()
    }
}

impl Drop for Decrypted {
    fn drop(&mut self) {
        self.payload.zeroize();
    }
}

impl fmt::Debug for Decrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decrypted")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .field("content", &self.content)
            .finish_non_exhaustive()
    }
}

/// Bytes of the longest encrypted key: an RSA modulus of 8192 bits.
const MAX_WRAPPED_LEN: usize = 1024;
