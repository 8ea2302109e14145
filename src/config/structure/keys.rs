//! Mappings: unknown keys, missing keys, and what stands under the known ones.

use regex::Regex;
use serde_json::Value as Json;

use super::layers::Layers;
use super::{Place, REFERENCES, Walker, expected, validate_name};
use crate::config::diagnostic::Diagnostic;
use crate::config::node::Entry;
use crate::config::similar::{one_of, similar};

impl<'a> Walker<'a> {
    pub(super) fn check_mapping(
        &mut self,
        place: &Place<'a>,
        entries: &'a [Entry],
        layers: &Layers<'a>,
    ) {
        let known: Vec<&str> = layers.properties().map(|(key, _)| key).collect();
        let missing: Vec<&str> = {
            let mut missing: Vec<&str> = layers
                .required()
                .filter(|key| !entries.iter().any(|entry| entry.key == *key))
                .collect();
            missing.dedup();
            missing
        };
        let mut excused: Vec<&str> = Vec::new();
        for entry in entries {
            let mut declared = layers
                .properties()
                .filter(|(key, _)| *key == entry.key)
                .map(|(_, schema)| schema)
                .peekable();
            if declared.peek().is_some() {
                // The outermost declaration speaks; a variant may repeat its tag.
                if let Some(schema) = declared.next() {
                    let mut inner = place.entry(entry);
                    // Beside a reference to a secret stand settings that are none.
                    inner.secret &= REFERENCES.contains(&entry.key.as_str());
                    self.check(&inner, schema);
                }
                continue;
            }
            if let Some(schema) = additional(layers, &entry.key) {
                self.check_name(entry, layers);
                self.check(&place.entry(entry), schema);
                continue;
            }
            if closed(layers) {
                let meant = similar(&entry.key, &known);
                excused.extend(meant.filter(|meant| missing.contains(meant)));
                self.unknown_key(place, entry, &known);
            }
        }
        let missing: Vec<&str> = missing.into_iter().filter(|key| !excused.contains(key)).collect();
        self.missing_keys(place, &missing, layers);
        self.check_count(
            place,
            entries.len(),
            layers,
            ["minProperties", "maxProperties"],
            "entries",
        );
    }

    fn unknown_key(&mut self, place: &Place<'a>, entry: &Entry, known: &[&str]) {
        let inside =
            if place.key_span.is_some() { format!(" in {}", place.name) } else { String::new() };
        let hint = match similar(&entry.key, known) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if known.is_empty() => "this mapping takes no keys".to_owned(),
            None => format!("expected {}", one_of(known)),
        };
        self.findings.unknown.push(entry.key_span);
        self.report(
            Diagnostic::error(format!("unknown key `{}`{inside}", entry.key))
                .at(entry.key_span, "no such key")
                .hint(hint),
        );
    }

    fn missing_keys(&mut self, place: &Place<'a>, missing: &[&str], layers: &Layers<'a>) {
        let (Some(first), one) = (missing.first(), missing.len() == 1) else { return };
        let names: Vec<String> = missing.iter().map(|key| format!("`{key}`")).collect();
        let (names, verb) = (and(&names), if one { "is" } else { "are" });
        let mut finding = Diagnostic::error(format!("{names} {verb} missing in {}", place.name))
            .at(
                place.caret(),
                if one { format!("needs `{first}`") } else { "needs these keys".into() },
            );
        let schema = layers.properties().find(|(key, _)| key == first).map(|(_, schema)| schema);
        if let Some(layers) =
            schema.filter(|_| one).and_then(|schema| Layers::expand(schema, self.root))
        {
            let expected = expected::of(&layers, self.root, self.formats);
            finding = finding.hint(format!("`{first}` is {expected}"));
        }
        self.report(finding);
    }

    /// The name of an entry in a map of names.
    fn check_name(&mut self, entry: &Entry, layers: &Layers<'a>) {
        let Some(names) = layers.first("propertyNames") else { return };
        let Some(names) = Layers::expand(names, self.root) else { return };
        if let Err(misfit) = validate_name(&entry.key, &names, self.formats) {
            let noun = layers.text("x-noun").unwrap_or("key");
            self.report(
                Diagnostic::error(format!("`{}` cannot be the name of a {noun}", entry.key))
                    .at(entry.key_span, misfit.reason.unwrap_or_default())
                    .hint_if(misfit.hint),
            );
        }
    }
}

/// The schema for a key that no layer declares, if one is given.
fn additional<'a>(layers: &Layers<'a>, key: &str) -> Option<&'a Json> {
    let by_pattern = layers.all("patternProperties").filter_map(Json::as_object).flatten();
    for (pattern, schema) in by_pattern {
        if Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(key)) {
            return Some(schema);
        }
    }
    layers.all("additionalProperties").find(|schema| schema.is_object())
}

/// Whether keys that nobody declares are refused.
fn closed(layers: &Layers<'_>) -> bool {
    layers.any("additionalProperties", &Json::Bool(false))
        || layers.any("unevaluatedProperties", &Json::Bool(false))
}

fn and(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
