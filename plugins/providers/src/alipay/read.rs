//! Keys, certificates and tokens, read from where the settings say.

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use tollgate_api::{
    SettingError, Side,
    setting::{FileRef, SecretRef},
};
use tollgate_crypto::{
    AesCbcKey, Algorithm, Certificate, KeyKind, PrivateKey, PublicKey, Secret, SigningKey,
    base64_decode,
};

use super::{
    Alipay, Protocol,
    build::{Ours, Reader},
    certificates,
    content::ContentKey,
    key_files::{KeyFiles, MOST as MOST_KEYS},
    keys::{AlipayKeys, AnyOf, Certified},
};

impl Reader<'_, '_> {
    pub(super) fn alipay_keys(&mut self, settings: &Alipay) -> Option<AlipayKeys> {
        match (&settings.alipay_public_key, &settings.certificates) {
            (Some(files), None) => self.bare_keys(files),
            (None, Some(files)) => {
                let pointer = "/certificates/alipay";
                let text = self.text(pointer, &files.alipay)?;
                let leaves = certificates::leaves(&text);
                let rsa = |leaf: &Certificate| leaf.public_key().kind() == KeyKind::Rsa;
                if leaves.is_empty() || !leaves.iter().all(rsa) {
                    self.error(pointer, "expected Alipay's certificate with an RSA key, in PEM");
                    return None;
                }
                let certificates = leaves.into_iter().map(Certified::new).collect();
                Some(AlipayKeys::Certified { certificates, clock: self.build.clock.clone() })
            }
            (Some(_), Some(_)) => {
                self.error("/certificates", "expected either this or `alipay_public_key`");
                None
            }
            (None, None) => {
                let error = SettingError::new("", "expected Alipay's key or certificates");
                let hint = match settings.protocol {
                    Protocol::Antom => "add `alipay_public_key`",
                    _ => "add `alipay_public_key` or `certificates`",
                };
                self.errors.push(error.with_hint(hint));
                None
            }
        }
    }

    fn bare_keys(&mut self, files: &KeyFiles) -> Option<AlipayKeys> {
        let pointer = "/alipay_public_key";
        if !(1..=MOST_KEYS).contains(&files.files.len()) {
            self.error(pointer, format!("expected 1 to {MOST_KEYS} files"));
            return None;
        }
        // All are read, so that all errors are known.
        let read: Vec<_> = files.iter(pointer).map(|(at, path)| self.bare_key(&at, path)).collect();
        let keys = read.into_iter().collect::<Option<_>>()?;
        Some(AlipayKeys::Bare(Arc::new(AnyOf(keys))))
    }

    fn bare_key(&mut self, pointer: &str, path: &Path) -> Option<PublicKey> {
        let text = self.file(pointer, path)?;
        let key = PublicKey::from_text(&text).map_err(|error| error.to_string());
        let key = key.and_then(|key| match key.kind() {
            KeyKind::Rsa => Ok(key),
            other => Err(format!("expected an RSA key, found {}", other.name())),
        });
        key.map_err(|expected| self.error(pointer, expected)).ok()
    }

    /// Our key and certificates; on a route they are only checked, if they are given.
    pub(super) fn ours(&mut self, settings: &Alipay) -> Option<Ours> {
        let upstream = self.build.side == Side::Upstream;
        if upstream && settings.private_key.is_none() {
            let error = SettingError::new("", "expected a key to sign calls with");
            self.errors.push(error.with_hint("add `private_key: { file: … }`"));
        }
        let key = settings.private_key.as_ref().and_then(|reference| self.private_key(reference));
        let Some(files) = &settings.certificates else {
            return Some(Ours { key: key?, certificates: None });
        };
        for (pointer, file) in [("app", &files.app), ("root", &files.root)] {
            if upstream && file.is_none() {
                let expected = format!("expected `{pointer}` as well: calls name it");
                self.error("/certificates", expected);
            }
        }
        let app = files.app.as_ref().and_then(|path| self.app_number(path, key.as_ref()));
        let root = files.root.as_ref().and_then(|path| {
            let text = self.text("/certificates/root", path)?;
            let number = certificates::root_number(&text);
            if number.is_none() {
                self.error(
                    "/certificates/root",
                    "expected root certificates signed with RSA, in PEM",
                );
            }
            number
        });
        Some(Ours { key: key?, certificates: Some((app?, root?)) })
    }

    fn private_key(&mut self, reference: &SecretRef) -> Option<SigningKey> {
        let read = self.build.sources.secret(reference).and_then(|secret| {
            let key = PrivateKey::from_text(secret.expose()).map_err(|error| error.to_string())?;
            SigningKey::new(key, Algorithm::Rs256, None).map_err(|error| error.to_string())
        });
        read.map_err(|expected| self.error("/private_key", expected)).ok()
    }

    /// The number of our certificate, which must belong to our key.
    fn app_number(&mut self, path: &Path, key: Option<&SigningKey>) -> Option<String> {
        let pointer = "/certificates/app";
        let text = self.text(pointer, path)?;
        let leaves = certificates::leaves(&text);
        let [leaf] = leaves.as_slice() else {
            self.error(pointer, "expected the application's one certificate, in PEM");
            return None;
        };
        if key.is_some_and(|key| key.private_key().public_key() != leaf.public_key()) {
            self.error(
                pointer,
                "expected the certificate of `private_key`, found that of another key",
            );
        }
        Some(certificates::number(leaf))
    }

    pub(super) fn content(&mut self, settings: &Alipay) -> Option<ContentKey> {
        let reference = settings.encryption_key.as_ref()?;
        let read = self.build.sources.secret(reference).and_then(|secret| {
            let text = secret.expose_str().unwrap_or_default().trim_ascii();
            let bytes = base64_decode(text).map_err(|error| error.to_string())?;
            let bytes = Secret::new(bytes);
            AesCbcKey::new(bytes.expose()).map_err(|error| error.to_string())
        });
        read.map_err(|expected| self.error("/encryption_key", expected)).ok().map(ContentKey::new)
    }

    pub(super) fn token(&mut self, reference: &SecretRef) -> Option<Secret> {
        let pointer = "/app_auth_token";
        let secret = match self.build.sources.secret(reference) {
            Ok(secret) => secret,
            Err(expected) => {
                self.error(pointer, expected);
                return None;
            }
        };
        let text = secret.expose_str().unwrap_or_default().trim_ascii();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            self.error(pointer, "expected a token of printable ASCII");
            return None;
        }
        Some(Secret::from(text))
    }

    fn file(&mut self, pointer: &str, path: &Path) -> Option<Bytes> {
        let read = self.build.sources.file(&FileRef { file: path.to_owned() });
        read.map_err(|expected| self.error(pointer, expected)).ok()
    }

    fn text(&mut self, pointer: &str, path: &Path) -> Option<String> {
        let bytes = self.file(pointer, path)?;
        let text = String::from_utf8(bytes.to_vec());
        text.map_err(|_| self.error(pointer, "expected certificates in PEM")).ok()
    }
}
