//! From settings to a plugin; every error is collected.

use std::sync::Arc;

use tollgate_api::{
    Build, Built, Plugin, Role, SettingError, Settings, Side, Sides, setting::Duration,
};
use tollgate_crypto::SigningKey;

use super::{
    Alipay, CallerTokens, Protocol,
    acknowledge::{Inbox, RESULTS, WORDS},
    antom::AntomCalls,
    antom_notifications::AntomNotifications,
    keys::AlipayKeys,
    notifications::Notifications,
    v2::{V2Calls, V2Identity, is_method},
    v2_answer::V2Answers,
    v3::{V3Calls, V3Identity},
};
use crate::{
    notification::{Deliveries, MEMORY},
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
pub(super) struct Reader<'b, 'a> {
    pub build: &'b mut Build<'a>,
    pub errors: Vec<SettingError>,
}

/// What an upstream needs besides the keys of Alipay.
pub(super) struct Ours {
    pub key: SigningKey,
    pub certificates: Option<(String, String)>,
}

impl Reader<'_, '_> {
    fn plugin(&mut self, settings: &Alipay) -> Option<Arc<dyn Plugin>> {
        let account = self.account(settings);
        self.unfit(settings);
        let window = self.window(settings);
        let age = self.notification_age(settings);
        let keys = self.alipay_keys(settings);
        let ours = self.ours(settings);
        if let (Some(AlipayKeys::Bare(theirs)), Some(Ours { key, .. })) = (&keys, &ours)
            && theirs.0.contains(key.private_key().public_key())
        {
            let error = SettingError::new(
                "/alipay_public_key",
                "expected Alipay's public key, and this is the application's own",
            );
            self.errors.push(error.with_hint(
                "the open platform shows both: take the one under \"Alipay public key\"",
            ));
        }
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
            let deliveries = Deliveries::new(self.build, &name);
            return Some(match settings.protocol {
                Protocol::V2 | Protocol::V3 => Arc::new(Notifications {
                    app_id: account,
                    seller_id: settings.seller_id.clone(),
                    keys,
                    verifier: Verifier { clock, window: Some(age), replay: None },
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
        let caller_tokens = settings.caller_tokens;
        let unsigned = settings.unsigned_errors;
        Some(match settings.protocol {
            Protocol::V2 => {
                let content = content.map(Arc::new);
                Arc::new(V2Calls {
                    identity: V2Identity {
                        app_id: account,
                        certificates,
                        app_auth_token,
                        caller_tokens,
                    },
                    signatory,
                    content: content.clone(),
                    answers: V2Answers { keys, verifier: plain, content, unsigned },
                    signed_orders: settings.signed_orders.clone(),
                    clock,
                })
            }
            Protocol::V3 => Arc::new(V3Calls {
                identity: V3Identity {
                    app_id: account,
                    certificates,
                    app_auth_token,
                    caller_tokens,
                },
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

    pub(super) fn error(&mut self, pointer: &str, expected: impl Into<String>) {
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
            ("/caller_tokens", settings.caller_tokens != CallerTokens::Refuse),
            ("/notification_age", settings.notification_age.is_some()),
        ];
        for (pointer, given) in for_others {
            if given && antom {
                self.error(pointer, "expected nothing here: it is for `protocol: v2` and `v3`");
            }
        }
        if settings.caller_tokens == CallerTokens::Pass && settings.app_auth_token.is_some() {
            self.error(
                "/caller_tokens",
                "expected `refuse`: `app_auth_token` stands in every call",
            );
        }
        if settings.key_version.is_some() && !antom {
            self.error("/key_version", "expected nothing here: it is for `protocol: antom`");
        }
        if settings.key_version == Some(0) {
            self.error("/key_version", "expected a version from 1");
        }
        for (nth, method) in settings.signed_orders.iter().enumerate() {
            if !is_method(method) {
                self.error(
                    &format!("/signed_orders/{nth}"),
                    "expected a method, `alipay.trade.app.pay` say",
                );
            }
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

    fn notification_age(&mut self, settings: &Alipay) -> Window {
        let past = settings.notification_age.map_or(AGE, Duration::as_std);
        if !(LEAST_AGE..=GREATEST_AGE).contains(&past) {
            self.error("/notification_age", "expected `1m` to `71h`");
        }
        Window { past, future: WINDOW, inclusive: true }
    }
}

/// What stands in a signed text or a form must not be able to end its place there.
fn is_name(account: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=64).contains(&account.len()) && account.bytes().all(plain)
}

const WINDOW: std::time::Duration = std::time::Duration::from_mins(10);
const SHORTEST: std::time::Duration = std::time::Duration::from_secs(1);
const LONGEST: std::time::Duration = std::time::Duration::from_hours(24);
/// Twice as long as Alipay repeats a notification.
const AGE: std::time::Duration = std::time::Duration::from_hours(48);
const LEAST_AGE: std::time::Duration = std::time::Duration::from_mins(1);
const GREATEST_AGE: std::time::Duration = std::time::Duration::from_hours(71);
/// Nothing that was delivered is forgotten while it would still be taken, even if it said that it was
/// sent in the future.
const _: () = assert!(GREATEST_AGE.as_secs() + WINDOW.as_secs() < MEMORY.as_secs());
