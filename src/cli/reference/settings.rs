//! Settings as tables in Markdown: one section for each mapping and each choice, named by the place
//! where it is met first.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt::Write,
};

use serde_json::Value as Json;

use super::words::{
    alternatives, choices, description, properties, reference, resolved, scalar, single,
};
use crate::{config::Formats, pipeline};

/// Everything below one type of the schema, the type's own description left to the page.
pub(super) fn render(root: &Json, schema: &Json) -> String {
    let mut writer =
        Writer { root, formats: Formats::standard(), named: BTreeMap::new(), found: Vec::new() };
    let mut text = String::new();
    let mut waiting = VecDeque::new();
    writer.table(&mut text, "", schema);
    loop {
        // What a section mentions stands right behind it.
        for section in writer.found.drain(..).rev() {
            waiting.push_front(section);
        }
        let Some((place, schema)) = waiting.pop_front() else { break };
        let _ = write!(text, "\n### `{place}`\n\n{}\n\n", paragraphs(description(schema)));
        match choices(schema) {
            Some(choices) if !is_entry(root, schema) => table_of_choices(&mut text, &choices),
            _ => writer.table(&mut text, &place, schema),
        }
    }
    text
}

/// Keeps paragraphs and joins their lines.
pub(super) fn paragraphs(text: &str) -> String {
    text.split("\n\n")
        .map(|paragraph| paragraph.replace('\n', " "))
        .collect::<Vec<_>>()
        .join("\n\n")
}

struct Writer<'a> {
    root: &'a Json,
    formats: Formats,
    /// Types that have a section, and its place.
    named: BTreeMap<&'a str, String>,
    /// Sections that are mentioned and not written yet.
    found: Vec<(String, &'a Json)>,
}

impl<'a> Writer<'a> {
    fn table(&mut self, text: &mut String, place: &str, schema: &'a Json) {
        text.push_str("| setting | type | default | what it says |\n|---|---|---|---|\n");
        let entry = is_entry(self.root, schema);
        if entry {
            let kinds: Vec<String> = pipeline::DEFINITIONS
                .iter()
                .map(|plugin| format!("[`{0}`]({0}.md)", plugin.kind))
                .collect();
            let _ = writeln!(
                text,
                "| one of the plugins | its settings | *required* | {} |",
                kinds.join(", ")
            );
        }
        for (name, property, required) in properties(schema) {
            if entry && pipeline::definition(name).is_some() {
                continue;
            }
            let below = if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
            let kind = self.kind(&below, property);
            let default = match name {
                _ if required => "*required*".to_owned(),
                "name" if entry => "the plugin's kind".to_owned(),
                _ => self.default(property),
            };
            let says = cell(&paragraphs(said(property, self.root)));
            let _ = writeln!(text, "| `{name}` | {} | {} | {says} |", cell(&kind), cell(&default));
        }
    }

    /// What may stand at a place; mappings and choices get a section of their own.
    fn kind(&mut self, place: &str, schema: &'a Json) -> String {
        let target = resolved(schema, self.root);
        if target.get("x-expected").is_some() {
            // A secret, in one of several spellings; what more can be said about a key is a mapping.
            for variant in alternatives(target) {
                let inner = if variant.get("items").is_some() {
                    resolved(&variant["items"], self.root)
                } else {
                    variant
                };
                for mapping in alternatives(inner).into_iter().chain([inner]) {
                    if reference(mapping).is_some() {
                        self.section(&format!("{place}[]"), mapping);
                    }
                }
            }
            return scalar(target, &self.formats);
        }
        if is_entry(self.root, target) {
            return format!("[plugin]({})", self.section(place, schema));
        }
        if let Some(choices) = choices(target) {
            let words: Vec<String> = choices.iter().map(|(written, _)| written.clone()).collect();
            for variant in alternatives(target) {
                for (key, value, _) in properties(variant) {
                    if is_mapping(resolved(value, self.root)) || reference(value).is_some() {
                        self.kind(&format!("{place}.{key}"), value);
                    }
                }
            }
            if choices.iter().all(|(_, meaning)| meaning.is_empty()) {
                return words.join(" or ");
            }
            let link = self.section(place, schema);
            return format!("[one of]({link}) {}", words.join(", "));
        }
        let alternatives = alternatives(target);
        if alternatives.len() > 1 {
            let mut words: Vec<String> = Vec::new();
            for variant in alternatives {
                let kind = self.kind(place, variant);
                if !words.contains(&kind) {
                    words.push(kind);
                }
            }
            return words.join(" or ");
        }
        let target = alternatives.first().map_or(target, |single| resolved(single, self.root));
        if let Some(items) = target.get("items") {
            return format!("list of {}", self.kind(&format!("{place}[]"), items));
        }
        if let [(key, value, true)] = properties(target).as_slice() {
            return single(key, value);
        }
        if is_mapping(target) {
            let link = self.section(place, schema);
            return format!("[mapping]({link})");
        }
        match target.get("additionalProperties") {
            Some(values) if values.is_object() => {
                format!("map of {}", self.kind(&format!("{place}.NAME"), values))
            }
            _ => scalar(target, &self.formats),
        }
    }

    /// Makes sure that a type has a section and says where.
    fn section(&mut self, place: &str, schema: &'a Json) -> String {
        let target = resolved(schema, self.root);
        let name = reference(schema);
        if let Some(known) = name.and_then(|name| self.named.get(name)) {
            return anchor(known);
        }
        if let Some(name) = name {
            self.named.insert(name, place.to_owned());
        }
        self.found.push((place.to_owned(), target));
        anchor(place)
    }

    fn default(&self, schema: &Json) -> String {
        let target = resolved(schema, self.root);
        match schema.get("default") {
            Some(Json::Object(members)) if members.is_empty() => "none".to_owned(),
            Some(Json::Array(items)) if items.is_empty() => "none".to_owned(),
            Some(Json::Object(_)) => "as below".to_owned(),
            Some(Json::Null) => "none".to_owned(),
            Some(Json::String(text)) => format!("`{text}`"),
            Some(value) => format!("`{value}`"),
            None if may_be_null(schema) || can_be_empty(target) => "none".to_owned(),
            None => UNKNOWN.to_owned(),
        }
    }
}

fn table_of_choices(text: &mut String, choices: &[(String, &str)]) {
    text.push_str("| choice | what it means |\n|---|---|\n");
    for (written, meaning) in choices {
        let _ = writeln!(text, "| {written} | {} |", cell(&paragraphs(meaning)));
    }
}

/// What a setting says of itself, else what its type says.
fn said<'a>(property: &'a Json, root: &'a Json) -> &'a str {
    let own = description(property);
    if own.is_empty() { description(resolved(property, root)) } else { own }
}

/// Whether this is an entry of `plugins`.
fn is_entry(root: &Json, schema: &Json) -> bool {
    root.pointer("/$defs/Plugin").is_some_and(|entry| std::ptr::eq(entry, resolved(schema, root)))
}

fn is_mapping(schema: &Json) -> bool {
    !properties(schema).is_empty()
}

fn may_be_null(schema: &Json) -> bool {
    let null = |schema: &Json| match schema.get("type") {
        Some(Json::Array(kinds)) => kinds.iter().any(|kind| kind == "null"),
        Some(kind) => kind == "null",
        None => false,
    };
    let unions =
        ["oneOf", "anyOf"].into_iter().filter_map(|keyword| schema.get(keyword)?.as_array());
    null(schema) || unions.flatten().any(null)
}

/// Lists and mappings that need not be there are empty then.
fn can_be_empty(schema: &Json) -> bool {
    schema.get("type").is_some_and(|kind| kind == "array" || kind == "object")
}

/// One line, safe between the bars of a table.
fn cell(text: &str) -> String {
    text.replace("\n\n", " ").replace('|', "\\|")
}

/// How GitHub and others name the anchor of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' '));
    format!("#{}", kept.collect::<String>().to_lowercase().replace(' ', "-"))
}

/// A default that the schema does not tell: a test finds it.
pub(super) const UNKNOWN: &str = "(unknown)";
