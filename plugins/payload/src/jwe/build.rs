//! From settings to a plugin: keys are read and checked, and every error is collected.

use std::sync::Arc;

use tollgate_api::{Build, Built, Offload, Role, SettingError, Settings, Sides};
use tollgate_crypto::{
    ContentAlgorithm, Decrypter, DecryptionKey, Encrypter, EncryptionOptions, JweKeyError,
    KeyAlgorithm,
};

use super::{Algorithm, DecryptKey, Jwe, protection::JweProtection};
use crate::{
    KeyEntry,
    keys::{self, Found},
    message::{MediaType, Transformer},
};

impl Settings for Jwe {
    const KIND: &'static str = "jwe";
    const SIDES: Sides = Sides::Both;
    const ROLE: Role = Role::Transform;
    const EXAMPLE: &'static str = include_str!("example.yaml");

    fn build(mut self, build: &mut Build<'_>) -> Built {
        let mut errors = Vec::new();
        if self.encrypt_to.is_none() && self.encrypt_with.is_none() && self.decrypt_with.is_none() {
            errors.push(
                SettingError::new("", "expected a key to encrypt to, or one to decrypt with")
                    .with_hint("add `encrypt_to: { file: … }` or `decrypt_with: { file: … }`"),
            );
        }
        let encrypter = self.encrypter(build, &mut errors);
        let decrypter = self.decrypter(build, &mut errors);
        if !(1..=MOST_FIELDS).contains(&self.max_fields) {
            errors.push(SettingError::new("/max_fields", "expected 1 to 10000"));
        }
        let answers = self.answer_scope.take();
        let answers =
            answers.map(|scope| scope.compile("/answer_scope", self.max_fields, &mut errors));
        let requests =
            std::mem::take(&mut self.scope).compile("/scope", self.max_fields, &mut errors);
        let media_type = MediaType::setting("/media_type", &self.media_type, &mut errors);
        let content_type = MediaType::setting("/content_type", &self.content_type, &mut errors);
        let (Some(media_type), Some(content_type), true) =
            (media_type, content_type, errors.is_empty())
        else {
            return Err(errors);
        };
        Ok(Arc::new(Transformer {
            side: build.side,
            protection: Arc::new(JweProtection {
                encrypter,
                decrypter,
                requests,
                answers,
                values: self.field_values,
                media_type,
                content_type,
                counted: matches!(self.algorithm, Algorithm::Direct | Algorithm::A256GcmKw),
                entropy: build.entropy.clone(),
                measures: build.measures.clone(),
                name: build.name.to_owned(),
            }),
            plain: self.plain_statuses,
            offload: Offload::shared(build.state),
        }))
    }
}

impl Jwe {
    /// The one encryption key. Exactly one of the two settings fits the algorithm.
    fn encrypter(
        &self,
        build: &mut Build<'_>,
        errors: &mut Vec<SettingError>,
    ) -> Option<Encrypter> {
        let shared = self.algorithm.is_shared();
        let algorithm = KeyAlgorithm::from(self.algorithm);
        let (pointer, made) = match (&self.encrypt_to, &self.encrypt_with) {
            (None, None) => {
                if self.encrypt_kid.is_some() {
                    errors.push(SettingError::new(
                        "/encrypt_kid",
                        "expected no `encrypt_kid` without a key to encrypt to",
                    ));
                }
                return None;
            }
            (Some(_), _) if shared => {
                errors.push(misplaced("/encrypt_to", "/encrypt_with", algorithm));
                return None;
            }
            (_, Some(_)) if !shared => {
                errors.push(misplaced("/encrypt_with", "/encrypt_to", algorithm));
                return None;
            }
            (Some(file), _) => ("/encrypt_to", {
                keys::public_key(build.sources, file, &[algorithm.name()]).and_then(|found| {
                    let options = self.options(found.kid);
                    let encryption = self.encryption.into();
                    Encrypter::to_public_key(&found.key, algorithm, encryption, options)
                        .map_err(|error| error.to_string())
                })
            }),
            (None, Some(reference)) => ("/encrypt_with", {
                let found = keys::shared_key(
                    build.sources,
                    reference,
                    self.key_format,
                    &[algorithm.name()],
                );
                found.and_then(|Found { key, kid }| {
                    let budget = keys::budget(build.state, &key);
                    let encryption = self.encryption.into();
                    Encrypter::to_shared_key(key, algorithm, encryption, self.options(kid))
                        .map(|encrypter| encrypter.with_budget(budget))
                        .map_err(|error| error.to_string())
                })
            }),
        };
        made.map_err(|expected| {
            let pointer = if expected == JweKeyError::Kid.to_string() && self.encrypt_kid.is_some()
            {
                "/encrypt_kid"
            } else {
                pointer
            };
            errors.push(SettingError::new(pointer, expected));
        })
        .ok()
    }

    fn options(&self, kid: Option<String>) -> EncryptionOptions {
        EncryptionOptions {
            kid: self.encrypt_kid.clone().or(kid),
            typ: self.typ.clone(),
            ..EncryptionOptions::default()
        }
    }

    fn decrypter(
        &self,
        build: &mut Build<'_>,
        errors: &mut Vec<SettingError>,
    ) -> Option<Decrypter> {
        let list = self.decrypt_with.as_ref()?;
        let before = errors.len();
        let mut keys = Vec::new();
        for (pointer, key_pointer, entry) in list.entries() {
            match self.decryption_key(build, entry) {
                Ok(key) => keys.push(key),
                Err((member, expected)) => errors.push(SettingError::new(
                    if member.is_empty() { key_pointer } else { format!("{pointer}{member}") },
                    expected,
                )),
            }
        }
        if errors.len() > before {
            return None;
        }
        match Decrypter::new(keys) {
            // The body is bounded by the route; a second bound would only surprise.
            Ok(decrypter) => Some(decrypter.with_max_token_len(usize::MAX)),
            Err(error) => {
                errors.push(
                    SettingError::new("/decrypt_with", error.to_string())
                        .with_hint("give each key the `kid` that tokens for it carry"),
                );
                None
            }
        }
    }

    /// One key; an error names the member of the entry it is about, none for the key itself.
    fn decryption_key(
        &self,
        build: &mut Build<'_>,
        entry: &KeyEntry<DecryptKey>,
    ) -> Result<DecryptionKey, (&'static str, String)> {
        let full = entry.full();
        let own = full.and_then(|key| key.algorithm);
        let algorithm = own.unwrap_or(self.algorithm);
        let encryptions: Vec<ContentAlgorithm> =
            match full.and_then(|key| key.encryptions.as_deref()) {
                Some(own) => own.iter().copied().map(Into::into).collect(),
                None => vec![self.encryption.into()],
            };
        let kid = |found: Option<String>| full.and_then(|key| key.kid.clone()).or(found);
        let format = full.and_then(|key| key.format).unwrap_or(self.key_format);
        let name = KeyAlgorithm::from(algorithm);
        let made = if algorithm.is_shared() {
            let found = keys::shared_key(build.sources, entry.reference(), format, &[name.name()])
                .map_err(|expected| ("", expected))?;
            DecryptionKey::shared(found.key, name, &encryptions, kid(found.kid))
        } else {
            let found = keys::private_key(build.sources, entry.reference(), &[name.name()])
                .map_err(|expected| ("", expected))?;
            DecryptionKey::private(found.key, name, &encryptions, kid(found.kid))
        };
        made.map_err(|error| {
            let member = match error {
                JweKeyError::Kid if full.is_some_and(|key| key.kid.is_some()) => "/kid",
                JweKeyError::NoContentAlgorithm | JweKeyError::DirectNeedsOne => "/encryptions",
                JweKeyError::Kind { .. } if own.is_some() => "/algorithm",
                _ => "",
            };
            (member, error.to_string())
        })
    }
}

fn misplaced(found: &str, expected: &str, algorithm: KeyAlgorithm) -> SettingError {
    let setting = expected.trim_start_matches('/');
    SettingError::new(found, format!("expected `{setting}` for `{}`", algorithm.name())).with_hint(
        "`encrypt_to` takes the other party's public key, `encrypt_with` a key shared with it",
    )
}

const MOST_FIELDS: usize = 10_000;
