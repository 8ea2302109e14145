//! A setting's type in words: what may stand there.

use serde_json::Value as Json;

use crate::config::Formats;

/// What a schema is about, its reference followed.
pub(super) fn resolved<'a>(schema: &'a Json, root: &'a Json) -> &'a Json {
    reference(schema).and_then(|name| root.pointer(&format!("/$defs/{name}"))).unwrap_or(schema)
}

/// The name of the type that a schema refers to, through a union with `null` too.
pub(super) fn reference(schema: &Json) -> Option<&str> {
    let schema = match alternatives(schema).as_slice() {
        [single] => single,
        _ => schema,
    };
    schema.get("$ref")?.as_str()?.strip_prefix("#/$defs/")
}

/// What stands to choose from, `null` left out.
pub(super) fn alternatives(schema: &Json) -> Vec<&Json> {
    ["oneOf", "anyOf"]
        .into_iter()
        .filter_map(|keyword| schema.get(keyword)?.as_array())
        .flatten()
        .filter(|schema| schema.get("type").is_none_or(|kind| kind != "null"))
        .collect()
}

/// Settings of a mapping: name, schema, whether it must be there. Those that must come first.
pub(super) fn properties(schema: &Json) -> Vec<(&str, &Json, bool)> {
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    let mut properties: Vec<(&str, &Json, bool)> = schema
        .get("properties")
        .and_then(Json::as_object)
        .into_iter()
        .flatten()
        .map(|(name, schema)| (name.as_str(), schema, required.contains(&name.as_str())))
        .collect();
    let rank = |name| FIRST.iter().position(|first| *first == name).unwrap_or(FIRST.len());
    properties.sort_by_key(|(name, _, required)| (!required, rank(*name), *name));
    properties
}

/// A choice: how it is written and what it means. `None` unless every alternative is a word, a
/// mapping with one key, or a text that is described.
pub(super) fn choices(schema: &Json) -> Option<Vec<(String, &str)>> {
    let alternatives = alternatives(schema);
    if alternatives.len() < 2 {
        return None;
    }
    alternatives
        .into_iter()
        .map(|variant| {
            let written = match (variant.get("const"), properties(variant).as_slice()) {
                (Some(Json::String(word)), _) => format!("`{word}`"),
                (Some(other), _) => format!("`{other}`"),
                (None, [(key, value, true)]) => single(key, value),
                (None, []) if is_described_text(variant) => "a text".to_owned(),
                _ => return None,
            };
            Some((written, description(variant)))
        })
        .collect()
}

/// A mapping with one key.
pub(super) fn single(key: &str, value: &Json) -> String {
    let list = value.get("type").is_some_and(|kind| kind == "array");
    format!("`{{ {key}: {} }}`", if list { "[…]" } else { "…" })
}

fn is_described_text(schema: &Json) -> bool {
    schema.get("type").is_some_and(|kind| kind == "string") && !description(schema).is_empty()
}

/// Its doc comment.
pub(super) fn description(schema: &Json) -> &str {
    schema.get("description").and_then(Json::as_str).unwrap_or_default()
}

/// A value that is neither a mapping nor a choice, in words.
pub(super) fn scalar(schema: &Json, formats: &Formats) -> String {
    let text = |keyword| schema.get(keyword).and_then(Json::as_str);
    if let Some(expected) = text("x-expected") {
        return bare(expected);
    }
    if text("format") == Some("field-path") {
        return "path of a field such as `card.number`".to_owned();
    }
    if let Some(format) = text("format").and_then(|name| formats.named(name)) {
        return first_example(&bare(&format.expected));
    }
    let kinds: Vec<&str> = match schema.get("type") {
        Some(Json::String(kind)) => vec![kind],
        Some(Json::Array(kinds)) => {
            kinds.iter().filter_map(Json::as_str).filter(|kind| *kind != "null").collect()
        }
        _ => Vec::new(),
    };
    let words: Vec<String> = kinds.into_iter().map(|kind| simple(kind, schema)).collect();
    if words.is_empty() { "anything".to_owned() } else { words.join(" or ") }
}

fn simple(kind: &str, schema: &Json) -> String {
    let bound = |keyword| schema.get(keyword).and_then(Json::as_u64);
    match kind {
        "boolean" => "`true` or `false`".to_owned(),
        "integer" | "number" => match (bound("minimum"), bound("maximum")) {
            (Some(least), Some(most)) => format!("{kind} from {least} to {most}"),
            (Some(0) | None, None) => kind.to_owned(),
            (Some(least), None) => format!("{kind} of at least {least}"),
            (None, Some(most)) => format!("{kind} of at most {most}"),
        },
        "string" => match bound("maxLength") {
            Some(most) => format!("text of at most {most} characters"),
            None => "text".to_owned(),
        },
        "array" => "list".to_owned(),
        _ => "mapping".to_owned(),
    }
}

/// Without the article: types stand in a table.
fn bare(words: &str) -> String {
    words.strip_prefix("a ").or_else(|| words.strip_prefix("an ")).unwrap_or(words).to_owned()
}

/// Of several examples only the first: a cell of a table is narrow.
fn first_example(words: &str) -> String {
    let mut parts = words.splitn(3, '`');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(before), Some(example), Some(_)) => format!("{before}`{example}`"),
        _ => words.to_owned(),
    }
}

/// What a reader of the configuration's page looks for first.
const FIRST: &[&str] = &["listeners", "routes", "upstreams"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_have_words() {
        let formats = Formats::standard();
        for (schema, expected) in [
            (json!({ "type": "integer", "minimum": 1, "maximum": 9 }), "integer from 1 to 9"),
            (json!({ "type": ["integer", "null"], "minimum": 0 }), "integer"),
            (json!({ "type": ["string", "boolean"] }), "text or `true` or `false`"),
            (json!({ "type": "string", "format": "duration" }), "duration such as `250ms`"),
            (json!({ "x-expected": "a key" }), "key"),
            (json!({}), "anything"),
        ] {
            assert_eq!(scalar(&schema, &formats), expected, "{schema}");
        }
    }

    #[test]
    fn a_choice_is_written_as_in_a_configuration() {
        let word = json!({ "const": "body", "description": "All of it." });
        let tagged =
            json!({ "properties": { "fields": { "type": "array" } }, "required": ["fields"] });
        let schema = json!({ "oneOf": [word, tagged] });
        let expected =
            vec![("`body`".to_owned(), "All of it."), ("`{ fields: […] }`".to_owned(), "")];
        assert_eq!(choices(&schema), Some(expected), "a word and a mapping");
        let free = json!({ "anyOf": [{ "type": "string" }, { "type": "integer" }] });
        assert_eq!(choices(&free), None, "no names to choose from");
    }
}
