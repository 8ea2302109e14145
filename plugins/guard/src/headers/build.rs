//! From settings to the plugin, or everything that is wrong with them.

use std::{collections::BTreeMap, sync::Arc};

use http::{HeaderName, HeaderValue};
use tollgate_api::{Build, Built, SettingError, expression::Expression, fields};
use tollgate_crypto::Secret;

use super::{
    Rules,
    change::{Change, Value},
    config::{ChangeSettings, Headers, ValueSettings},
};

/// Builds the plugin.
pub(super) fn plugin(settings: Headers, build: &mut Build<'_>) -> Built {
    let mut errors = Vec::new();
    let request = change(settings.request, "/request", build, &mut errors);
    let response = change(settings.response, "/response", build, &mut errors);
    if errors.is_empty() && request.is_nothing() && response.is_nothing() {
        errors
            .push(SettingError::new("", "expected at least one change in `request` or `response`"));
    }
    if errors.is_empty() { Ok(Arc::new(Rules { request, response })) } else { Err(errors) }
}

fn change(
    settings: ChangeSettings,
    at: &str,
    build: &mut Build<'_>,
    errors: &mut Vec<SettingError>,
) -> Change {
    let mut remove = Vec::new();
    for (index, text) in settings.remove.iter().enumerate() {
        if let Some(name) = name(text, &format!("{at}/remove/{index}"), errors) {
            remove.push(name);
        }
    }
    let set = values(settings.set, &format!("{at}/set"), build, errors);
    let add = values(settings.add, &format!("{at}/add"), build, errors);
    for (name, _) in &set {
        let is_named = |other: &[(HeaderName, Value)]| other.iter().any(|(also, _)| also == name);
        let pointer = format!("{at}/set");
        if remove.contains(name) {
            errors.push(
                SettingError::new(pointer, format!("expected `{name}` in `set` or in `remove`"))
                    .with_hint("`set` replaces what was there"),
            );
        } else if is_named(&add) {
            errors.push(
                SettingError::new(pointer, format!("expected `{name}` in `set` or in `add`"))
                    .with_hint("`set` for one value, `add` beside what is there"),
            );
        }
    }
    Change { remove, set, add }
}

fn values(
    settings: BTreeMap<String, ValueSettings>,
    at: &str,
    build: &mut Build<'_>,
    errors: &mut Vec<SettingError>,
) -> Vec<(HeaderName, Value)> {
    let mut values: Vec<(HeaderName, Value)> = Vec::new();
    for (text, value) in settings {
        let pointer = format!("{at}/{}", text.replace('~', "~0").replace('/', "~1"));
        let name = name(&text, &pointer, errors);
        let value = match self::value(value, &pointer, build) {
            Ok(value) => Some(value),
            Err(error) => {
                errors.push(error);
                None
            }
        };
        let (Some(name), Some(value)) = (name, value) else { continue };
        if values.iter().any(|(other, _)| *other == name) {
            errors.push(SettingError::new(pointer, "expected each header name once, in any case"));
        } else {
            values.push((name, value));
        }
    }
    values
}

fn name(text: &str, pointer: &str, errors: &mut Vec<SettingError>) -> Option<HeaderName> {
    let Ok(name) = text.parse::<HeaderName>() else {
        errors.push(SettingError::new(pointer, "expected a header name such as `X-Request-Id`"));
        return None;
    };
    match fields::reserved(&name) {
        None => Some(name),
        Some(hint) => {
            let error = format!("expected a field that may be changed; `{text}` may not");
            errors.push(SettingError::new(pointer, error).with_hint(hint));
            None
        }
    }
}

fn value(
    settings: ValueSettings,
    pointer: &str,
    build: &mut Build<'_>,
) -> Result<Value, SettingError> {
    match settings {
        ValueSettings::Literal(text) => field_value(&text)
            .map(Value::Fixed)
            .ok_or_else(|| SettingError::new(pointer, EXPECTED_VALUE)),
        ValueSettings::Secret(reference) => {
            let pointer = format!("{pointer}/secret");
            let secret = build
                .sources
                .secret(&reference)
                .map_err(|error| SettingError::new(pointer.clone(), error))?;
            let mut value = secret_value(&secret).ok_or_else(|| {
                SettingError::new(pointer, format!("{EXPECTED_VALUE}, in the secret too"))
            })?;
            value.set_sensitive(true);
            Ok(Value::Fixed(value))
        }
        ValueSettings::Expression(text) => match Expression::compile(&text) {
            Ok(expression) => Ok(Value::Computed(expression)),
            Err(error) => {
                let expected = format!("{} at character {}", error.message, error.offset + 1);
                let refused = SettingError::new(format!("{pointer}/expression"), expected);
                Err(match error.hint {
                    Some(hint) => refused.with_hint(hint),
                    None => refused,
                })
            }
        },
    }
}

/// Visible ASCII, not empty, without space around it: what every server reads alike.
pub(super) fn field_value(text: &str) -> Option<HeaderValue> {
    let is_plain = text.is_ascii() && !text.is_empty() && text.trim() == text;
    is_plain.then(|| HeaderValue::from_str(text).ok()).flatten()
}

fn secret_value(secret: &Secret) -> Option<HeaderValue> {
    let text = std::str::from_utf8(secret.expose()).ok()?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    field_value(text.strip_suffix('\r').unwrap_or(text))
}

const EXPECTED_VALUE: &str =
    "expected visible ASCII, not empty and without line breaks or surrounding spaces";
