//! A schema in words: "a duration such as `10s`", "one of `GET` or `POST`", "a list".

use serde_json::Value as Json;

use super::formats::Formats;
use super::layers::Layers;
use crate::config::similar::one_of;

/// What a value should have been.
pub(super) fn of(layers: &Layers<'_>, root: &Json, formats: &Formats) -> String {
    let mut words = Vec::new();
    collect(layers, root, formats, &mut words, DEPTH);
    words.dedup();
    if words.is_empty() {
        return "something else".into();
    }
    words.join(" or ")
}

fn collect(
    layers: &Layers<'_>,
    root: &Json,
    formats: &Formats,
    words: &mut Vec<String>,
    depth: usize,
) {
    if let Some(own) = layers.text("x-expected") {
        return words.push(own.into());
    }
    if let Some((names, all_keys)) = names(layers, root) {
        let keys = if all_keys { "a mapping with the key " } else { "" };
        return words.push(format!("{keys}{}", one_of(&names)));
    }
    if let Some(depth) = depth.checked_sub(1) {
        let before = words.len();
        for alternative in layers.alternatives().flatten() {
            if let Some(layers) = Layers::expand(alternative, root) {
                collect(&layers, root, formats, words, depth);
            }
        }
        if words.len() > before {
            return;
        }
    }
    if let Some(constants) = layers.constants() {
        let values: Vec<String> = constants
            .iter()
            .map(|constant| constant.as_str().map_or_else(|| constant.to_string(), str::to_owned))
            .collect();
        return words.push(one_of(&values.iter().map(String::as_str).collect::<Vec<_>>()));
    }
    if let Some(format) = layers.text("format").and_then(|name| formats.named(name)) {
        return words.push(format.expected.clone().into_owned());
    }
    words.extend(layers.types().into_iter().map(|name| kind(name, layers)));
}

/// What a union whose variants are all named offers, and whether all names are keys.
fn names<'a>(layers: &Layers<'a>, root: &'a Json) -> Option<(Vec<&'a str>, bool)> {
    let mut names = Vec::new();
    let mut all_keys = true;
    for alternative in layers.alternatives().flatten() {
        let variant = Layers::expand(alternative, root)?;
        let constants: Vec<&str> =
            variant.constants().unwrap_or_default().into_iter().filter_map(Json::as_str).collect();
        if !constants.is_empty() {
            names.extend(constants);
            all_keys = false;
            continue;
        }
        let mut required = variant.required();
        match (required.next(), required.next()) {
            (Some(tag), None) if variant.properties().count() == 1 => names.push(tag),
            _ => return None,
        }
    }
    (names.len() > 1).then_some((names, all_keys))
}

fn kind(name: &str, layers: &Layers<'_>) -> String {
    let limit = |keyword| layers.all(keyword).find_map(Json::as_f64);
    match name {
        "boolean" => "`true` or `false`".into(),
        "integer" | "number" => {
            let kind = if name == "integer" { "an integer" } else { "a number" };
            match (limit("minimum"), limit("maximum")) {
                (Some(least), Some(most)) => format!("{kind} from {least} to {most}"),
                (Some(least), None) => format!("{kind} of at least {least}"),
                (None, Some(most)) => format!("{kind} of at most {most}"),
                (None, None) => kind.into(),
            }
        }
        "string" => "text".into(),
        "array" => "a list".into(),
        _ => "a mapping".into(),
    }
}

/// Unions within unions.
const DEPTH: usize = 4;
