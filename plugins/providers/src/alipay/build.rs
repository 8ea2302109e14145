//! From settings to a plugin: keys and certificates are read, and every error is collected.

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use tollgate_api::{
    Build, Built, Plugin, Role, SettingError, Settings, Side, Sides,
    setting::{Duration, FileRef, SecretRef},
};
use tollgate_crypto::{
    AesCbcKey, Algorithm, KeyKind, PrivateKey, PublicKey, Secret, SigningKey, base64_decode,
};

use super::{
    Alipay, Protocol,
    acknowledge::{Inbox, RESULTS, WORDS},
    antom::AntomCalls,
    antom_notifications::AntomNotifications,
    certificates,
    content::ContentKey,
    keys::{AlipayKeys, Certified},
    notifications::Notifications,
    v2::{V2Calls, V2Identity},
    v2_answer::V2Answers,
    v3::{V3Calls, V3Identity},
};
use crate::{
    notification::Deliveries,
    signing::Signatory,
    verification::{Replay, Verifier, Window},
};

impl Settings for Alipay {
    const KIND: &'static str = "alipay";
    const SIDES: Sides = Sides::Both;
    const ROLE: Role = Role::Dialect;
    const EXAMPLE: &'static str = include_str!("example.yaml");

    fn build(self, build: &mut Build<'_>) -> Built {
        let mut reader = Reader { build, errors: Vec::new() };
        let plugin = reader.plugin(&self);
        match plugin {
            Some(plugin) if reader.errors.is_empty() => Ok(plugin),
            _ => Err(reader.errors),
        }
    }
}

/// Reads settings and remembers what is wrong with them.
struct Reader<'b, 'a> {
    build: &'b mut Build<'a>,
    errors: Vec<SettingError>,
}

/// What an upstream needs besides the keys of Alipay.
struct Ours {
    key: SigningKey,
    certificates: Option<(String, String)>,
}

impl Reader<'_, '_> {
    fn plugin(&mut self, settings: &Alipay) -> Option<Arc<dyn Plugin>> {
        let account = self.account(settings);
        self.unfit(settings);
        let window = self.window(settings);
        let keys = self.alipay_keys(settings);
        let ours = self.ours(settings);
        let content = self.content(settings);
        let token = settings.app_auth_token.as_ref();
        let token = token.map(|token| self.token(token));
        // Everything was read, so that all errors are known.
        let (account, keys) = (account?, keys?);
        let name = format!("alipay/{account}");
        let sets = self.build.stores.replay_sets.clone();
        let clock = self.build.clock.clone();
        let plain = Verifier { clock: clock.clone(), window: None, replay: None };
        let timed = Verifier { clock: clock.clone(), window: Some(window), replay: None };
        if self.build.side == Side::Route {
            let deliveries = Deliveries::new(&*sets, &name);
            return Some(match settings.protocol {
                Protocol::V2 | Protocol::V3 => Arc::new(Notifications {
                    app_id: account,
                    seller_id: settings.seller_id.clone(),
                    keys,
                    verifier: plain,
                    content,
                    inbox: Inbox { deliveries, words: &WORDS },
                }),
                Protocol::Antom => Arc::new(AntomNotifications {
                    client_id: account,
                    keys,
                    verifier: timed,
                    inbox: Inbox { deliveries, words: &RESULTS },
                }),
            });
        }
        let Ours { key, certificates } = ours?;
        let signatory = Signatory::new(key, self.build.state);
        let app_auth_token = token.flatten();
        let unsigned = settings.unsigned_errors;
        Some(match settings.protocol {
            Protocol::V2 => {
                let content = content.map(Arc::new);
                Arc::new(V2Calls {
                    identity: V2Identity { app_id: account, certificates, app_auth_token },
                    signatory,
                    content: content.clone(),
                    answers: V2Answers { keys, verifier: plain, content, unsigned },
                    clock,
                })
            }
            Protocol::V3 => Arc::new(V3Calls {
                identity: V3Identity { app_id: account, certificates, app_auth_token },
                signatory,
                content,
                keys,
                verifier: Verifier {
                    replay: Some(Replay::new(&*sets, &format!("{name}/answers"), window)),
                    ..timed
                },
                unsigned,
                clock,
                entropy: self.build.entropy.clone(),
            }),
            Protocol::Antom => Arc::new(AntomCalls {
                client_id: account,
                key_version: settings.key_version.unwrap_or(1),
                signatory,
                keys,
                verifier: timed,
                unsigned,
                clock,
            }),
        })
    }

    fn error(&mut self, pointer: &str, expected: impl Into<String>) {
        self.errors.push(SettingError::new(pointer, expected));
    }

    /// Who we are for Alipay.
    fn account(&mut self, settings: &Alipay) -> Option<String> {
        let (pointer, given, other, hint) = match settings.protocol {
            Protocol::Antom => ("/client_id", &settings.client_id, "/app_id", "add `client_id`"),
            _ => ("/app_id", &settings.app_id, "/client_id", "add `app_id`"),
        };
        let misplaced = match settings.protocol {
            Protocol::Antom => settings.app_id.is_some(),
            _ => settings.client_id.is_some(),
        };
        if misplaced {
            self.error(
                other,
                format!("expected `{}` for this protocol", pointer.trim_start_matches('/')),
            );
        }
        match given {
            Some(account) if is_name(account) => Some(account.clone()),
            Some(_) => {
                self.error(pointer, "expected 1 to 64 letters, digits, `-`, `_` or `.`");
                None
            }
            None => {
                let expected = "expected an identifier for Alipay";
                self.errors.push(SettingError::new("", expected).with_hint(hint));
                None
            }
        }
    }

    /// Settings that mean nothing for the protocol.
    fn unfit(&mut self, settings: &Alipay) {
        let antom = settings.protocol == Protocol::Antom;
        let for_others = [
            ("/certificates", settings.certificates.is_some()),
            ("/encryption_key", settings.encryption_key.is_some()),
            ("/seller_id", settings.seller_id.is_some()),
            ("/app_auth_token", settings.app_auth_token.is_some()),
        ];
        for (pointer, given) in for_others {
            if given && antom {
                self.error(pointer, "expected nothing here: it is for `protocol: v2` and `v3`");
            }
        }
        if settings.key_version.is_some() && !antom {
            self.error("/key_version", "expected nothing here: it is for `protocol: antom`");
        }
        if settings.key_version == Some(0) {
            self.error("/key_version", "expected a version from 1");
        }
        if settings.seller_id.as_ref().is_some_and(String::is_empty) {
            self.error("/seller_id", "expected the number of a seller");
        }
    }

    fn window(&mut self, settings: &Alipay) -> Window {
        let bound = settings.window.map_or(WINDOW, Duration::as_std);
        if !(SHORTEST..=LONGEST).contains(&bound) {
            self.error("/window", "expected `1s` to `24h`");
        }
        Window::within(bound)
    }

    fn alipay_keys(&mut self, settings: &Alipay) -> Option<AlipayKeys> {
        match (&settings.alipay_public_key, &settings.certificates) {
            (Some(path), None) => {
                let pointer = "/alipay_public_key";
                let text = self.file(pointer, path)?;
                let key = PublicKey::from_text(&text).map_err(|error| error.to_string());
                let key = key.and_then(|key| match key.kind() {
                    KeyKind::Rsa => Ok(key),
                    other => Err(format!("expected an RSA key, found {}", other.name())),
                });
                key.map_err(|expected| self.error(pointer, expected))
                    .ok()
                    .map(|key| AlipayKeys::Bare(Arc::new(key)))
            }
            (None, Some(files)) => {
                let pointer = "/certificates/alipay";
                let text = self.text(pointer, &files.alipay)?;
                let leaves = certificates::leaves(&text);
                let rsa = |leaf: &_| leaf_key(leaf).kind() == KeyKind::Rsa;
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

    /// Our key and certificates; on a route they are only checked, if they are given.
    fn ours(&mut self, settings: &Alipay) -> Option<Ours> {
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
        if key.is_some_and(|key| key.private_key().public_key() != leaf_key(leaf)) {
            self.error(
                pointer,
                "expected the certificate of `private_key`, found that of another key",
            );
        }
        Some(certificates::number(leaf))
    }

    fn content(&mut self, settings: &Alipay) -> Option<ContentKey> {
        let reference = settings.encryption_key.as_ref()?;
        let read = self.build.sources.secret(reference).and_then(|secret| {
            let text = secret.expose_str().unwrap_or_default().trim_ascii();
            let bytes = base64_decode(text).map_err(|error| error.to_string())?;
            let bytes = Secret::new(bytes);
            AesCbcKey::new(bytes.expose()).map_err(|error| error.to_string())
        });
        read.map_err(|expected| self.error("/encryption_key", expected)).ok().map(ContentKey::new)
    }

    fn token(&mut self, reference: &SecretRef) -> Option<Secret> {
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

fn leaf_key(leaf: &tollgate_crypto::Certificate) -> &PublicKey {
    leaf.public_key()
}

/// What stands in a signed text or a form must not be able to end its place there.
fn is_name(account: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=64).contains(&account.len()) && account.bytes().all(plain)
}

const WINDOW: std::time::Duration = std::time::Duration::from_mins(10);
const SHORTEST: std::time::Duration = std::time::Duration::from_secs(1);
const LONGEST: std::time::Duration = std::time::Duration::from_hours(24);
