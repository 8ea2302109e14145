//! Encryption: compact tokens for one recipient.

use std::{fmt, sync::Arc};

use aws_lc_rs::rsa::OaepPublicEncryptingKey;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{
    ContentAlgorithm, JweError, JweKeyError, KeyAlgorithm, content,
    key_management::{self, Agreement, KeyBytes},
};
use crate::{
    aead::{NONCE_LEN, UseBudget},
    encoding::base64url_encode,
    jws::MAX_KID_LEN,
    key::{KeyKind, PublicKey, SymmetricKey},
    random::Fill,
};

/// What a token's header says besides the algorithms.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct EncryptionOptions {
    /// The identifier by which the recipient finds its key.
    pub kid: Option<String>,
    /// The type of token.
    pub typ: Option<String>,
    /// The type of the payload, such as `application/json` or `JWT`.
    pub cty: Option<String>,
    /// Producer information for ECDH-ES (RFC 7518 section 4.6.1.2).
    pub apu: Option<Vec<u8>>,
    /// Recipient information for ECDH-ES (RFC 7518 section 4.6.1.3).
    pub apv: Option<Vec<u8>>,
}

/// Encrypts to one recipient with one `alg` and one `enc`.
#[derive(Clone)]
pub struct Encrypter {
    key: Key,
    algorithm: KeyAlgorithm,
    content: ContentAlgorithm,
    options: EncryptionOptions,
    budget: Arc<UseBudget>,
}

#[derive(Clone)]
enum Key {
    Rsa(Arc<OaepPublicEncryptingKey>),
    Ec(PublicKey),
    Shared(SymmetricKey),
}

impl Encrypter {
    /// Encrypts to the holder of a public key, with `RSA-OAEP-256` or an ECDH-ES algorithm.
    pub fn to_public_key(
        key: &PublicKey,
        algorithm: KeyAlgorithm,
        content: ContentAlgorithm,
        options: EncryptionOptions,
    ) -> Result<Self, JweKeyError> {
        let key = match (algorithm, key.kind()) {
            (KeyAlgorithm::RsaOaep256, KeyKind::Rsa) => {
                Key::Rsa(Arc::new(key_management::oaep_public(key)?))
            }
            (
                KeyAlgorithm::EcdhEs | KeyAlgorithm::EcdhEsA128Kw | KeyAlgorithm::EcdhEsA256Kw,
                KeyKind::P256 | KeyKind::P384,
            ) => Key::Ec(key.clone()),
            _ => return Err(key_management::wrong_kind(algorithm)),
        };
        Self::checked(key, algorithm, content, options)
    }

    /// Encrypts to whoever shares a key, with `dir`, `A256KW` or `A256GCMKW`.
    pub fn to_shared_key(
        key: SymmetricKey,
        algorithm: KeyAlgorithm,
        content: ContentAlgorithm,
        options: EncryptionOptions,
    ) -> Result<Self, JweKeyError> {
        key_management::check_shared(&key, algorithm, content)?;
        Self::checked(Key::Shared(key), algorithm, content, options)
    }

    /// Counts uses of the shared key against a budget that outlives this value.
    ///
    /// `dir` and `A256GCMKW` use the shared key itself with random nonces, so its uses are limited; a
    /// budget that is kept across reloads keeps the count.
    #[must_use]
    pub fn with_budget(mut self, budget: Arc<UseBudget>) -> Self {
        self.budget = budget;
        self
    }

    /// Makes a compact token (RFC 7516 section 5.1).
    ///
    /// The content key and vectors come from `random`; the padding of RSA and the ephemeral EC key from
    /// the cryptographic library's own source.
    pub fn encrypt(&self, plaintext: &[u8], random: &dyn Fill) -> Result<String, JweError> {
        self.encrypt_as(self.options.cty.as_deref(), plaintext, random)
    }

    /// Makes a compact token whose payload is of this type, whatever the options say.
    pub fn encrypt_as(
        &self,
        cty: Option<&str>,
        plaintext: &[u8],
        random: &dyn Fill,
    ) -> Result<String, JweError> {
        if matches!(self.algorithm, KeyAlgorithm::Direct | KeyAlgorithm::A256GcmKw) {
            self.budget.take()?;
        }
        let mut members = self.members(cty);
        let (content_key, wrapped) = self.content_key(&mut members, random)?;
        let mut iv = vec![0; self.content.iv_len()];
        random.fill(&mut iv)?;
        let protected = serde_json::to_vec(&members).map_err(|_| JweError::EncryptionFailed)?;
        let protected = base64url_encode(&protected);
        let (ciphertext, tag) =
            content::seal(self.content, &content_key, &iv, protected.as_bytes(), plaintext)
                .map_err(|content::Failed| JweError::EncryptionFailed)?;
        let rest = [&wrapped, &iv, &ciphertext, &tag].map(|part| base64url_encode(part));
        Ok(format!("{protected}.{}", rest.join(".")))
    }

    fn members(&self, cty: Option<&str>) -> Map<String, Value> {
        let mut members = Map::new();
        members.insert("alg".to_owned(), self.algorithm.name().into());
        members.insert("enc".to_owned(), self.content.name().into());
        let options = &self.options;
        for (name, text) in
            [("kid", options.kid.as_deref()), ("typ", options.typ.as_deref()), ("cty", cty)]
        {
            if let Some(text) = text {
                members.insert(name.to_owned(), text.into());
            }
        }
        members
    }

    /// The content key and what is sent of it; adds what the algorithm says in the header.
    fn content_key(
        &self,
        members: &mut Map<String, Value>,
        random: &dyn Fill,
    ) -> Result<(KeyBytes, Vec<u8>), JweError> {
        match (&self.key, self.algorithm) {
            (Key::Rsa(key), _) => {
                let fresh = self.fresh_key(random)?;
                sent(key_management::oaep_encrypt(key, &fresh).map(|wrapped| (fresh, wrapped)))
            }
            (Key::Ec(key), algorithm) => {
                let agreed = self.agree(key, members)?;
                if algorithm == KeyAlgorithm::EcdhEs {
                    return Ok((agreed, Vec::new()));
                }
                let fresh = self.fresh_key(random)?;
                sent(key_management::wrap(&agreed, &fresh).map(|wrapped| (fresh, wrapped)))
            }
            (Key::Shared(key), KeyAlgorithm::Direct) => {
                Ok((Zeroizing::new(key.expose().to_vec()), Vec::new()))
            }
            (Key::Shared(key), KeyAlgorithm::A256GcmKw) => {
                let fresh = self.fresh_key(random)?;
                let mut iv = [0; NONCE_LEN];
                random.fill(&mut iv)?;
                let (wrapped, tag) =
                    key_management::gcm_wrap(key, &iv, &fresh).ok_or(JweError::EncryptionFailed)?;
                members.insert("iv".to_owned(), base64url_encode(&iv).into());
                members.insert("tag".to_owned(), base64url_encode(&tag).into());
                Ok((fresh, wrapped))
            }
            (Key::Shared(key), _) => {
                let fresh = self.fresh_key(random)?;
                sent(key_management::wrap(key.expose(), &fresh).map(|wrapped| (fresh, wrapped)))
            }
        }
    }

    fn agree(
        &self,
        key: &PublicKey,
        members: &mut Map<String, Value>,
    ) -> Result<KeyBytes, JweError> {
        let (private, public) =
            key_management::ephemeral(key.kind()).ok_or(JweError::EncryptionFailed)?;
        members.insert("epk".to_owned(), Value::Object(public.to_jwk()));
        for (name, info) in [("apu", &self.options.apu), ("apv", &self.options.apv)] {
            if let Some(info) = info {
                members.insert(name.to_owned(), base64url_encode(info).into());
            }
        }
        Agreement {
            algorithm: self.algorithm,
            enc: self.content,
            apu: self.options.apu.as_deref().unwrap_or_default(),
            apv: self.options.apv.as_deref().unwrap_or_default(),
        }
        .agree(&private, key)
        .ok_or(JweError::EncryptionFailed)
    }

    fn fresh_key(&self, random: &dyn Fill) -> Result<KeyBytes, JweError> {
        let mut key = Zeroizing::new(vec![0; self.content.key_len()]);
        random.fill(&mut key)?;
        Ok(key)
    }

    fn checked(
        key: Key,
        algorithm: KeyAlgorithm,
        content: ContentAlgorithm,
        options: EncryptionOptions,
    ) -> Result<Self, JweKeyError> {
        if options.kid.as_ref().is_some_and(|kid| kid.is_empty() || kid.len() > MAX_KID_LEN) {
            return Err(JweKeyError::Kid);
        }
        Ok(Self { key, algorithm, content, options, budget: Arc::new(UseBudget::new()) })
    }
}

impl fmt::Debug for Encrypter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encrypter")
            .field("algorithm", &self.algorithm)
            .field("content", &self.content)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

fn sent(result: Option<(KeyBytes, Vec<u8>)>) -> Result<(KeyBytes, Vec<u8>), JweError> {
    result.ok_or(JweError::EncryptionFailed)
}
