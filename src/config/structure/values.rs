//! Scalars and lists: types, ranges, lengths, patterns and formats.

use regex::Regex;
use serde_json::Value as Json;

use super::formats::{Formats, Misfit};
use super::layers::Layers;
use super::{Place, Walker, expected};
use crate::config::diagnostic::Diagnostic;
use crate::config::files::Span;
use crate::config::node::{Node, Value, number};
use crate::config::similar::{one_of, shown, similar};

impl<'a> Walker<'a> {
    pub(super) fn wrong_type(&mut self, place: &Place<'a>, layers: &Layers<'a>) {
        let expected = expected::of(layers, self.root, self.formats);
        let hint = type_hint(place, layers);
        self.report(
            Diagnostic::error(format!("{} must be {expected}", place.name))
                .at(place.caret(), format!("found {}", found(place)))
                .hint_if(hint),
        );
    }

    pub(super) fn check_sequence(
        &mut self,
        place: &Place<'a>,
        items: &'a [Node],
        layers: &Layers<'a>,
    ) {
        let positional: Vec<&Json> =
            layers.all("prefixItems").filter_map(Json::as_array).flatten().collect();
        let others = layers.first("items");
        for (index, item) in items.iter().enumerate() {
            if let Some(schema) = positional.get(index).copied().or(others) {
                self.check(&place.item(item, index), schema);
            }
        }
        self.check_count(place, items.len(), layers, ["minItems", "maxItems"], "items");
        if layers.any("uniqueItems", &Json::Bool(true)) {
            for (index, item) in items.iter().enumerate() {
                let earlier = items.iter().take(index).find(|earlier| earlier.value == item.value);
                if let Some(earlier) = earlier {
                    self.report(
                        Diagnostic::error(format!("{} lists a value twice", place.name))
                            .at(item.caret(None), "listed again here")
                            .at(earlier.caret(None), "first listed here"),
                    );
                }
            }
        }
    }

    pub(super) fn check_count(
        &mut self,
        place: &Place<'a>,
        count: usize,
        layers: &Layers<'a>,
        [least, most]: [&'static str; 2],
        of: &str,
    ) {
        let limit = |keyword| {
            layers.first(keyword).and_then(Json::as_u64).and_then(|n| usize::try_from(n).ok())
        };
        if let Some(least) = limit(least).filter(|least| count < *least) {
            let finding = match (least, count) {
                (1, _) => Diagnostic::error(format!("{} is empty", place.name))
                    .at(place.caret(), "needs at least one"),
                _ => Diagnostic::error(format!("{} needs at least {least} {of}", place.name))
                    .at(place.caret(), format!("has {count}")),
            };
            self.report(finding);
        }
        if let Some(most) = limit(most).filter(|most| count > *most) {
            self.report(
                Diagnostic::error(format!("{} takes at most {most} {of}", place.name))
                    .at(place.caret(), format!("has {count}")),
            );
        }
    }

    pub(super) fn check_scalar(&mut self, place: &Place<'a>, layers: &Layers<'a>) {
        if let Some(constants) = layers.constants() {
            return self.check_constants(place, &constants);
        }
        let outcome = match &place.node.value {
            Value::Integer(text) | Value::Number(text) => check_range(text, layers),
            Value::String(text) => check_text(text, layers, self.formats),
            _ => Ok(()),
        };
        let Err(misfit) = outcome else { return };
        let expected = expected::of(layers, self.root, self.formats);
        let label = match misfit.reason {
            Some(reason) if !place.secret => reason,
            _ => format!("found {}", found(place)),
        };
        let within = misfit.offset.and_then(|offset| self.character(place.node, offset));
        self.report(
            Diagnostic::error(format!("{} must be {expected}", place.name))
                .at(within.unwrap_or_else(|| place.caret()), label)
                .hint_if(misfit.hint.filter(|_| !place.secret)),
        );
    }

    /// Where a character of a text stands in the file, if the text is written as it reads.
    fn character(&self, node: &Node, offset: usize) -> Option<Span> {
        let Value::String(text) = &node.value else { return None };
        let written = self.files.slice(node.span);
        let start = node.span.start + written.find(text.as_str()).filter(|_| !text.is_empty())?;
        let (at, character) =
            text.char_indices().nth(offset).or_else(|| text.char_indices().last())?;
        let start = start + at;
        Some(Span { start, end: start + character.len_utf8(), ..node.span })
    }

    fn check_constants(&mut self, place: &Place<'a>, constants: &[&Json]) {
        if constants.iter().any(|constant| **constant == place.node.to_json()) {
            return;
        }
        let names: Vec<&str> = constants.iter().filter_map(|constant| constant.as_str()).collect();
        let expected = if names.is_empty() {
            let values: Vec<String> = constants.iter().map(ToString::to_string).collect();
            one_of(&values.iter().map(String::as_str).collect::<Vec<_>>())
        } else {
            one_of(&names)
        };
        let meant = match &place.node.value {
            Value::String(text) => {
                similar(text, &names).map(|meant| format!("did you mean `{meant}`?"))
            }
            _ => None,
        };
        self.report(
            Diagnostic::error(format!("{} must be {expected}", place.name))
                .at(place.caret(), format!("found {}", found(place)))
                .hint_if(meant),
        );
    }
}

/// The name of an entry against the schema for names.
pub(super) fn validate_name(
    name: &str,
    layers: &Layers<'_>,
    formats: &Formats,
) -> Result<(), Misfit> {
    check_text(name, layers, formats)
}

/// What was found, in words; secrets by their type alone.
pub(super) fn found(place: &Place<'_>) -> String {
    let (kind, text) = match &place.node.value {
        Value::Null => return "nothing".into(),
        Value::Sequence(_) => return "a list".into(),
        Value::Mapping(_) => return "a mapping".into(),
        Value::Bool(true) => ("a boolean", "true"),
        Value::Bool(false) => ("a boolean", "false"),
        Value::Integer(text) | Value::Number(text) => ("the number", text.as_str()),
        Value::String(text) => ("the text", text.as_str()),
    };
    match (place.secret, kind) {
        (true, "the number") => "a number".into(),
        (true, "the text") => "text".into(),
        (true, _) => kind.into(),
        (false, "a boolean") => format!("`{text}`"),
        (false, _) => format!("{kind} `{}`", shown(text)),
    }
}

fn type_hint(place: &Place<'_>, layers: &Layers<'_>) -> Option<String> {
    let types = layers.types();
    if place.secret {
        let known =
            ["file", "env"].into_iter().any(|key| layers.properties().any(|(name, _)| name == key));
        return known.then(|| SECRET_HINT.to_owned());
    }
    match &place.node.value {
        Value::Integer(text) | Value::Number(text) if types.contains(&"string") => {
            Some(match layers.text("format") {
                Some("duration" | "delay") => format!("add a unit: `{text}s`"),
                Some("byte-size") => format!("add a unit: `{text}KiB`"),
                Some("rate") => format!("add a period: `{text}/s`"),
                _ => format!("put quotes around it: `\"{text}\"`"),
            })
        }
        Value::Bool(value) if types.contains(&"string") => {
            Some(format!("put quotes around it: `\"{value}\"`"))
        }
        Value::String(text) if types.contains(&"boolean") => {
            match text.to_ascii_lowercase().as_str() {
                "yes" | "on" => Some("write `true`".into()),
                "no" | "off" => Some("write `false`".into()),
                _ => None,
            }
        }
        Value::String(text) if types.iter().any(|name| matches!(*name, "integer" | "number")) => {
            text.parse::<i64>()
                .is_ok()
                .then(|| "write it without quotes and without leading zeros".into())
        }
        value if types.contains(&"array") && !matches!(value, Value::Mapping(_)) => {
            Some("write a list, also of one: `[…]`".into())
        }
        Value::Mapping(_) if types.contains(&"array") => {
            Some("each item of a list starts with `- `".into())
        }
        Value::Sequence(_) if types.contains(&"object") => {
            Some("a mapping is written `key: value`".into())
        }
        _ => None,
    }
}

fn check_range(text: &str, layers: &Layers<'_>) -> Result<(), Misfit> {
    let Some(value) = number(text) else {
        return Err(reason(format!("`{}` is too large", shown(text))));
    };
    let Some(value) = value.as_f64() else { return Ok(()) };
    let limit = |keyword| layers.all(keyword).find_map(Json::as_f64);
    if let Some(least) = limit("minimum").filter(|least| value < *least) {
        return Err(reason(format!("`{text}` is less than {least}")));
    }
    if let Some(most) = limit("maximum").filter(|most| value > *most) {
        return Err(reason(format!("`{text}` is more than {most}")));
    }
    if let Some(bound) = limit("exclusiveMinimum").filter(|bound| value <= *bound) {
        return Err(reason(format!("`{text}` is not more than {bound}")));
    }
    if let Some(bound) = limit("exclusiveMaximum").filter(|bound| value >= *bound) {
        return Err(reason(format!("`{text}` is not less than {bound}")));
    }
    match layers.text("format") {
        Some("uint32" | "uint")
            if value > f64::from(u32::MAX) && layers.any("format", &"uint32".into()) =>
        {
            Err(reason(format!("`{text}` is more than {}", u32::MAX)))
        }
        Some("int32") if value.abs() > f64::from(i32::MAX) => {
            Err(reason(format!("`{text}` is out of range")))
        }
        _ => Ok(()),
    }
}

fn check_text(text: &str, layers: &Layers<'_>, formats: &Formats) -> Result<(), Misfit> {
    let length = text.chars().count() as u64;
    let limit = |keyword| layers.first(keyword).and_then(Json::as_u64);
    if let Some(least) = limit("minLength").filter(|least| length < *least) {
        return Err(reason(match length {
            0 => "is empty".into(),
            _ => format!("is shorter than {least} characters"),
        }));
    }
    if let Some(most) = limit("maxLength").filter(|most| length > *most) {
        return Err(reason(format!("longer than {most} characters")));
    }
    for pattern in layers.all("pattern").filter_map(Json::as_str) {
        if !Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(text)) {
            let said = layers.text("x-expected").is_some();
            let reason = (!said).then(|| format!("does not match `{pattern}`"));
            return Err(Misfit { reason, hint: None, offset: None });
        }
    }
    for name in layers.all("format").filter_map(Json::as_str) {
        if let Some(format) = formats.named(name) {
            format.check(text)?;
        }
    }
    Ok(())
}

fn reason(reason: String) -> Misfit {
    Misfit { reason: Some(reason), hint: None, offset: None }
}

/// What to write instead of a secret.
pub(super) const SECRET_HINT: &str =
    "secrets are references: `{ file: path/to/it }` or `{ env: NAME }`";
