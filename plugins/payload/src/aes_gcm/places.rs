//! Whether the places of a layout go together, checked before anything is built.

use http::{HeaderName, header};
use tollgate_api::{SettingError, fields::reserved};

use super::{AesGcm, Encoding, KeyIdPlace, NoncePlace, Part, TagPlace};
use crate::message::{CompiledScope, is_stale};

/// Collects everything about the layout that cannot work with these scopes.
pub(super) fn check(
    settings: &AesGcm,
    scopes: &[(&'static str, &CompiledScope)],
    errors: &mut Vec<SettingError>,
) {
    let mut headers: Vec<(&str, &HeaderName)> = Vec::new();
    let mut members: Vec<(&str, &str)> = Vec::new();
    match &settings.nonce {
        NoncePlace::Prefix => {}
        NoncePlace::Header(name) => headers.push(("/nonce", name.name())),
        NoncePlace::Member(name) => members.push(("/nonce", name)),
    }
    match &settings.tag {
        TagPlace::Prefix | TagPlace::Suffix => {}
        TagPlace::Header(name) => headers.push(("/tag", name.name())),
        TagPlace::Member(name) => members.push(("/tag", name)),
    }
    // One nonce for several values would be the end of the key.
    for (pointer, _) in &headers {
        if scopes.iter().any(|(_, scope)| matches!(scope, CompiledScope::Fields(_))) {
            let expected = "expected `prefix` or `suffix` with `scope: fields`, where every value \
                            has a nonce and a tag of its own";
            errors.push(SettingError::new(*pointer, expected));
        }
    }
    match &settings.key_id_in {
        None => {}
        Some(KeyIdPlace::Header(name)) => headers.push(("/key_id_in", name.name())),
        Some(KeyIdPlace::Member(name)) => members.push(("/key_id_in", name)),
    }
    headers_fit(&headers, errors);
    members_fit(&members, scopes, errors);
    if settings.encoding == Encoding::Raw
        && let Some((pointer, _)) =
            scopes.iter().find(|(_, scope)| !matches!(scope, CompiledScope::Body))
    {
        errors.push(SettingError::new(
            "/encoding",
            format!(
                "expected `base64`, `base64url` or `hex` with this `{}`",
                pointer.trim_start_matches('/')
            ),
        ));
    }
    associated_fits(settings, scopes, &headers, errors);
}

fn headers_fit(headers: &[(&str, &HeaderName)], errors: &mut Vec<SettingError>) {
    for (index, (pointer, name)) in headers.iter().enumerate() {
        let pointer = format!("{pointer}/header");
        if let Some(hint) = reserved(name) {
            errors.push(
                SettingError::new(pointer, "expected a header that plugins may set")
                    .with_hint(hint),
            );
        } else if **name == header::CONTENT_TYPE || is_stale(name) {
            errors
                .push(SettingError::new(pointer, "expected a header without a meaning of its own"));
        } else if headers.iter().take(index).any(|(_, other)| other == name) {
            errors.push(SettingError::new(pointer, "expected a header of its own"));
        }
    }
}

fn members_fit(
    members: &[(&str, &str)],
    scopes: &[(&'static str, &CompiledScope)],
    errors: &mut Vec<SettingError>,
) {
    for (index, (pointer, name)) in members.iter().enumerate() {
        let pointer = format!("{pointer}/member");
        let mut others = members.iter().take(index).map(|(_, other)| *other);
        let taken = others.any(|other| other == *name)
            || scopes.iter().any(
                |(_, scope)| matches!(scope, CompiledScope::Envelope(envelope) if envelope == name),
            );
        if scopes.iter().any(|(_, scope)| !matches!(scope, CompiledScope::Envelope(_))) {
            errors.push(SettingError::new(pointer, "expected a member only with an envelope"));
        } else if name.is_empty() || name.len() > LONGEST {
            errors.push(SettingError::new(pointer, "expected a member name of 1 to 256 bytes"));
        } else if taken {
            errors.push(SettingError::new(pointer, "expected a member of its own"));
        }
    }
}

fn associated_fits(
    settings: &AesGcm,
    scopes: &[(&'static str, &CompiledScope)],
    headers: &[(&str, &HeaderName)],
    errors: &mut Vec<SettingError>,
) {
    let Some(associated) = &settings.associated_data else { return };
    if !(1..=MOST_PARTS).contains(&associated.parts.len()) {
        errors.push(SettingError::new("/associated_data/parts", "expected 1 to 16 parts"));
    }
    if associated.separator.as_ref().is_some_and(|text| text.len() > LONGEST_SEPARATOR) {
        let expected = "expected a separator of at most 16 bytes";
        errors.push(SettingError::new("/associated_data/separator", expected));
    }
    for (index, part) in associated.parts.iter().enumerate() {
        let expected = match part {
            Part::Text(text) => {
                let several = associated.parts.len() > 1;
                let separator = associated.separator.as_deref().filter(|text| !text.is_empty());
                separator
                    .is_some_and(|separator| several && text.contains(separator))
                    .then_some("expected text without the separator in it")
            }
            Part::Header(name) => {
                let name = name.name();
                let changes = *name == header::CONTENT_TYPE
                    || is_stale(name)
                    || reserved(name).is_some()
                    || headers.iter().any(|(_, own)| *own == name);
                changes.then_some("expected a header that arrives as it was sent")
            }
            Part::Field(path) => scopes.iter().find_map(|(_, scope)| match scope {
                CompiledScope::Fields(fields) if fields.touches(path) => {
                    Some("expected a field that is not encrypted")
                }
                CompiledScope::Fields(_) if !path.is_single() => {
                    Some("expected the path of one field, without `[*]`")
                }
                CompiledScope::Fields(_) => None,
                _ => Some("expected no field unless `scope` is `fields`"),
            }),
        };
        if let Some(expected) = expected {
            errors.push(SettingError::new(format!("/associated_data/parts/{index}"), expected));
        }
    }
}

const LONGEST: usize = 256;
const LONGEST_SEPARATOR: usize = 16;
const MOST_PARTS: usize = 16;
