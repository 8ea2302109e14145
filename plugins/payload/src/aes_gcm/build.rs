//! From settings to a plugin: keys are read and checked, and every error is collected.

use std::sync::Arc;

use http::HeaderValue;
use tollgate_api::{Build, Built, Offload, Role, SettingError, Settings, Sides};
use tollgate_crypto::AesGcmKey;

use super::{
    AesGcm, KeyIdPlace, places,
    protection::{AesGcmProtection, DecryptionKey, EncryptionKey},
};
use crate::{
    keys,
    message::{MediaType, Transformer},
};

impl Settings for AesGcm {
    const KIND: &'static str = "aes_gcm";
    const SIDES: Sides = Sides::Both;
    const ROLE: Role = Role::Transform;
    const EXAMPLE: &'static str = include_str!("example.yaml");

    fn build(mut self, build: &mut Build<'_>) -> Built {
        let mut errors = Vec::new();
        if self.encrypt_with.is_none() && self.decrypt_with.is_none() {
            errors.push(
                SettingError::new("", "expected a key to encrypt with, or one to decrypt with")
                    .with_hint("add `encrypt_with: { file: … }` or `decrypt_with: { file: … }`"),
            );
        }
        let encrypt = self.encryption_key(build, &mut errors);
        let decrypt = self.decryption_keys(build, &mut errors);
        if !(1..=MOST_FIELDS).contains(&self.max_fields) {
            errors.push(SettingError::new("/max_fields", "expected 1 to 10000"));
        }
        let answers = self.answer_scope.take();
        let answers =
            answers.map(|scope| scope.compile("/answer_scope", self.max_fields, &mut errors));
        let requests =
            std::mem::take(&mut self.scope).compile("/scope", self.max_fields, &mut errors);
        let scopes: Vec<_> = [("/scope", &requests)]
            .into_iter()
            .chain(answers.as_ref().map(|scope| ("/answer_scope", scope)))
            .collect();
        places::check(&self, &scopes, &mut errors);
        let media_type = MediaType::setting("/media_type", &self.media_type, &mut errors);
        let content_type = MediaType::setting("/content_type", &self.content_type, &mut errors);
        let (Some(media_type), Some(content_type), true) =
            (media_type, content_type, errors.is_empty())
        else {
            return Err(errors);
        };
        Ok(Arc::new(Transformer {
            side: build.side,
            protection: Arc::new(AesGcmProtection {
                encrypt,
                decrypt,
                requests,
                answers,
                values: self.field_values,
                encoding: self.encoding,
                nonce: self.nonce,
                tag: self.tag,
                key_id: self.key_id_in,
                associated: self.associated_data,
                media_type,
                content_type,
                entropy: build.entropy.clone(),
                measures: build.measures.clone(),
                name: build.name.to_owned(),
            }),
            plain: self.plain_statuses,
            offload: Offload::shared(build.state),
        }))
    }
}

impl AesGcm {
    fn encryption_key(
        &self,
        build: &mut Build<'_>,
        errors: &mut Vec<SettingError>,
    ) -> Option<EncryptionKey> {
        let id = self.encrypt_key_id.as_deref();
        let expected = match (&self.encrypt_with, &self.key_id_in, id) {
            (Some(_), Some(_), None) => Some("expected the name of the key, for `key_id_in`"),
            (None, _, Some(_)) => Some("expected no `encrypt_key_id` without `encrypt_with`"),
            (_, None, Some(_)) => Some("expected no `encrypt_key_id` without `key_id_in`"),
            (_, Some(place), Some(id)) if !is_id(place, id) => Some(ID),
            _ => None,
        };
        errors.extend(expected.map(|expected| SettingError::new("/encrypt_key_id", expected)));
        let reference = self.encrypt_with.as_ref()?;
        let made = keys::shared_key(build.sources, reference, self.key_format, ANY_AES_GCM)
            .and_then(|found| {
                let key = AesGcmKey::new(found.key.secret().expose())
                    .map_err(|error| error.to_string())?;
                let budget = keys::budget(build.state, &found.key);
                Ok(EncryptionKey { key, budget, id: self.encrypt_key_id.clone() })
            });
        made.map_err(|expected| errors.push(SettingError::new("/encrypt_with", expected))).ok()
    }

    fn decryption_keys(
        &self,
        build: &mut Build<'_>,
        errors: &mut Vec<SettingError>,
    ) -> Vec<DecryptionKey> {
        let Some(list) = &self.decrypt_with else { return Vec::new() };
        let most = if self.key_id_in.is_some() { MOST_NAMED } else { MOST_TRIED };
        if !(1..=most).contains(&list.keys.len()) {
            let expected = format!("expected 1 to {most} keys, found {}", list.keys.len());
            errors.push(SettingError::new("/decrypt_with", expected));
        }
        let mut found: Vec<DecryptionKey> = Vec::new();
        for (pointer, key_pointer, entry) in list.entries() {
            let full = entry.full();
            let id = full.and_then(|key| key.id.clone());
            let expected = match (&self.key_id_in, &id) {
                (None, Some(_)) => Some("expected no `id` without `key_id_in`"),
                (Some(_), None) => Some("expected the `id` of the key, for `key_id_in`"),
                (Some(place), Some(id)) if !is_id(place, id) => Some(ID),
                (Some(_), Some(_)) if found.iter().any(|other| other.id == id) => {
                    Some("expected every key to have an `id` of its own")
                }
                _ => None,
            };
            errors.extend(expected.map(|expected| {
                let member = if id.is_some() { "/id" } else { "" };
                SettingError::new(format!("{pointer}{member}"), expected)
            }));
            let format = full.and_then(|key| key.format).unwrap_or(self.key_format);
            let made = keys::shared_key(build.sources, entry.reference(), format, ANY_AES_GCM)
                .and_then(|found| {
                    AesGcmKey::new(found.key.secret().expose()).map_err(|error| error.to_string())
                });
            match made {
                Ok(key) => found.push(DecryptionKey { key, id }),
                Err(expected) => errors.push(SettingError::new(key_pointer, expected)),
            }
        }
        found
    }
}

/// A name of 1 to 256 bytes that its place can hold.
fn is_id(place: &KeyIdPlace, id: &str) -> bool {
    let fits = match place {
        KeyIdPlace::Header(_) => id.trim() == id && HeaderValue::from_str(id).is_ok(),
        KeyIdPlace::Member(_) => true,
    };
    (1..=256).contains(&id.len()) && fits
}

const ID: &str = "expected a name of 1 to 256 bytes that fits its place";
const MOST_FIELDS: usize = 10_000;
const MOST_NAMED: usize = 64;
/// Keys that are tried one after the other: each costs the length of the message.
const MOST_TRIED: usize = 4;
/// A JSON Web Key may say `A128GCM` or `A256GCM`.
const ANY_AES_GCM: &[&str] = &["A128GCM", "A256GCM"];
