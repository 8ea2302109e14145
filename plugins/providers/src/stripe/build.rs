//! From settings to the plugin of its side, or everything that is wrong with them.

use std::{sync::Arc, time::Duration};

use http::HeaderValue;
use tollgate_api::{Build, Built, SettingError, Side, setting::SecretRef};
use tollgate_crypto::{HmacSha256Key, Secret};

use super::{
    KIND, Stripe,
    account::{Accounts, is_account},
    calls::Calls,
    event::Expected,
    signature::Secrets,
    webhook::Webhook,
};
use crate::{
    notification::Deliveries,
    verification::{Replay, Verifier, Window},
};

/// Builds the plugin.
pub(super) fn plugin(settings: &Stripe, build: &mut Build<'_>) -> Built {
    let mut errors = misplaced(settings, build.side);
    let accounts = accounts(settings, &mut errors);
    match build.side {
        Side::Upstream => calls(settings, accounts, build, errors),
        Side::Route => webhook(settings, accounts, build, errors),
    }
}

fn calls(
    settings: &Stripe,
    accounts: Vec<String>,
    build: &mut Build<'_>,
    mut errors: Vec<SettingError>,
) -> Built {
    if let Some(version) = &settings.version
        && !is_version(version)
    {
        errors.push(
            SettingError::new("/version", "expected an API version such as `2025-09-30.clover`")
                .with_hint("it is shown in the Dashboard, under Developers"),
        );
    }
    let key = if let Some(reference) = &settings.secret_key {
        secret_key(reference, build, &mut errors)
    } else {
        errors.push(
            SettingError::new("", "expected `secret_key`")
                .with_hint("add `secret_key: { env: STRIPE_SECRET_KEY }`"),
        );
        None
    };
    let Some((authorization, organisation)) = key.filter(|_| errors.is_empty()) else {
        return Err(errors);
    };
    if organisation && settings.version.is_none() {
        return Err(vec![SettingError::new(
            "",
            "expected `version`: a call with an organisation's key names its API version",
        )]);
    }
    let accounts = match (&settings.account, accounts) {
        (Some(account), _) => Accounts::one(account, organisation).unwrap_or(Accounts::Own),
        (None, accounts) if accounts.is_empty() => Accounts::Own,
        (None, accounts) => Accounts::Named(accounts),
    };
    Ok(Arc::new(Calls {
        authorization,
        version: settings
            .version
            .as_deref()
            .and_then(|version| HeaderValue::from_str(version).ok()),
        accounts,
        idempotency_key: settings.idempotency_key.unwrap_or_default(),
    }))
}

fn webhook(
    settings: &Stripe,
    accounts: Vec<String>,
    build: &mut Build<'_>,
    mut errors: Vec<SettingError>,
) -> Built {
    let window = window(settings, &mut errors);
    if settings.webhook_secrets.is_empty() {
        errors.push(
            SettingError::new("", "expected `webhook_secrets`")
                .with_hint("add `webhook_secrets: [{ env: STRIPE_WEBHOOK_SECRET }]`"),
        );
    }
    let mut secrets = Vec::new();
    for (at, reference) in settings.webhook_secrets.iter().enumerate() {
        let pointer = format!("/webhook_secrets/{at}");
        match webhook_secret(reference, build) {
            Ok(secret) => secrets.push(HmacSha256Key::new(&secret)),
            Err(error) => errors.push(SettingError { pointer, ..error }),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    // By the route: Stripe sends one event to several endpoints, each of which wants to have it.
    let sets = &*build.stores.replay_sets;
    Ok(Arc::new(Webhook {
        verifier: Verifier {
            clock: build.clock.clone(),
            window: Some(window),
            replay: Some(Replay::new(sets, &format!("{KIND}/{}/signatures", build.name), window)),
        },
        secrets: Secrets(secrets.into()),
        expected: Expected { livemode: settings.livemode, accounts },
        deliveries: Deliveries::new(build, &format!("{KIND}/{}", build.name)),
    }))
}

/// What stands on the wrong side, one error for each.
fn misplaced(settings: &Stripe, side: Side) -> Vec<SettingError> {
    let calls = [
        ("/secret_key", settings.secret_key.is_some()),
        ("/version", settings.version.is_some()),
        ("/idempotency_key", settings.idempotency_key.is_some()),
    ];
    let webhooks = [
        ("/webhook_secrets", !settings.webhook_secrets.is_empty()),
        ("/tolerance", settings.tolerance.is_some()),
        ("/future_tolerance", settings.future_tolerance.is_some()),
        ("/livemode", settings.livemode.is_some()),
    ];
    let (wrong, expected, hint): (&[_], _, _) = match side {
        Side::Route => (
            &calls,
            "expected only on an upstream",
            "on a route, `stripe` receives webhooks; calls are made by the `stripe` of an upstream",
        ),
        Side::Upstream => (
            &webhooks,
            "expected only on a route",
            "on an upstream, `stripe` makes calls; webhooks are received by the `stripe` of a route",
        ),
    };
    let given = wrong.iter().filter(|(_, given)| *given);
    given.map(|(pointer, _)| SettingError::new(*pointer, expected).with_hint(hint)).collect()
}

/// The accounts that are meant, whichever way they were written.
fn accounts(settings: &Stripe, errors: &mut Vec<SettingError>) -> Vec<String> {
    let expected = "expected an account such as `acct_1032D82eZvKYlo2C`";
    match &settings.account {
        Some(_) if !settings.accounts.is_empty() => {
            errors.push(SettingError::new("/accounts", "expected either `account` or `accounts`"));
        }
        Some(account) if !is_account(account) => {
            errors.push(SettingError::new("/account", expected));
        }
        _ => {}
    }
    for (at, account) in settings.accounts.iter().enumerate() {
        if !is_account(account) {
            errors.push(SettingError::new(format!("/accounts/{at}"), expected));
        }
    }
    settings.account.iter().chain(&settings.accounts).cloned().collect()
}

fn window(settings: &Stripe, errors: &mut Vec<SettingError>) -> Window {
    let past = settings.tolerance.map_or(TOLERANCE, Into::into);
    let future = settings.future_tolerance.map_or(FUTURE_TOLERANCE, Into::into);
    if past > LONGEST_TOLERANCE {
        errors.push(
            SettingError::new("/tolerance", "expected at most `1h`")
                .with_hint("Stripe signs every retry anew, so a short time suffices"),
        );
    }
    if future > LONGEST_FUTURE {
        errors.push(SettingError::new("/future_tolerance", "expected at most `5m`"));
    }
    Window { past, future, inclusive: true }
}

/// The field that carries the key, and whether it is an organisation's.
fn secret_key(
    reference: &SecretRef,
    build: &mut Build<'_>,
    errors: &mut Vec<SettingError>,
) -> Option<(HeaderValue, bool)> {
    let read = build.sources.secret(reference).map_err(|error| SettingError::new("", error));
    let checked = read.and_then(|secret| {
        let text = line(&secret).filter(|text| {
            ["sk_", "rk_"].iter().any(|prefix| text.len() > 3 && text.starts_with(prefix))
        });
        let text = text.ok_or_else(|| {
            SettingError::new("", "expected a secret key, `sk_…`, or a restricted key, `rk_…`")
                .with_hint("publishable keys are for browsers, and `whsec_…` is for webhooks")
        })?;
        // Visible ASCII is fit for a header field.
        let mut value = HeaderValue::from_str(&format!("Bearer {text}"))
            .map_err(|_| SettingError::new("", "expected visible ASCII"))?;
        value.set_sensitive(true);
        Ok((value, text.starts_with("sk_org_")))
    });
    let pointer = "/secret_key".to_owned();
    checked.map_err(|error| errors.push(SettingError { pointer, ..error })).ok()
}

/// A signing secret; the whole text is the key, its prefix included.
fn webhook_secret(reference: &SecretRef, build: &mut Build<'_>) -> Result<Secret, SettingError> {
    let secret = build.sources.secret(reference).map_err(|error| SettingError::new("", error))?;
    let text = line(&secret).filter(|text| text.len() > PREFIX.len() && text.starts_with(PREFIX));
    let text = text.ok_or_else(|| {
        SettingError::new("", "expected the signing secret of a webhook endpoint, `whsec_…`")
            .with_hint("the Dashboard shows it at the endpoint; `stripe listen` prints its own")
    })?;
    Ok(Secret::from(text))
}

/// Visible ASCII on one line; a line break at its end is not part of it.
fn line(secret: &Secret) -> Option<&str> {
    let text = secret.expose_str()?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    text.bytes().all(|byte| byte.is_ascii_graphic()).then_some(text)
}

fn is_version(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._;=".contains(&byte);
    let dated = text.as_bytes().first().is_some_and(u8::is_ascii_digit);
    dated && text.len() <= 64 && text.bytes().all(plain)
}

const PREFIX: &str = "whsec_";
/// As in Stripe's own libraries.
const TOLERANCE: Duration = Duration::from_mins(5);
const FUTURE_TOLERANCE: Duration = Duration::from_secs(30);
/// Signatures are remembered for as long as they pass.
const LONGEST_TOLERANCE: Duration = Duration::from_hours(1);
const LONGEST_FUTURE: Duration = Duration::from_mins(5);
