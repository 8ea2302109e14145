//! Holds a document against the JSON Schema of the settings, and says everything that is wrong.
//!
//! Deserialising stops at the first error; this walks on. It understands the part of JSON Schema
//! that `schemars` writes for our types, enums tagged by their key included, and three things of
//! our own: string `format`s that check the text of a value ([`Formats`]), `writeOnly` for
//! secrets, whose values are never shown, and `x-noun`, the word for what a map or enum names
//! ("plugin", "route").
//!
//! What a schema cannot say (references between settings, ranges that depend on one another) is
//! left to the checks that follow.

mod expected;
mod formats;
mod keys;
mod layers;
mod values;
mod variants;

use serde_json::Value as Json;

use self::layers::Layers;
use self::values::validate_name;
use super::diagnostic::{Diagnostic, Diagnostics};
use super::files::{Files, Span};
use super::node::{Entry, Node, Value};
use super::references::{Reference, Target};

pub use formats::{Format, Formats};

/// What the comparison found.
#[derive(Debug, Default)]
pub struct Findings {
    /// Everything that is wrong.
    pub diagnostics: Diagnostics,
    /// Keys that nobody knows.
    pub unknown: Vec<Span>,
    /// Secrets that were written out where a reference belongs: mask them before anything is
    /// drawn.
    pub secrets: Vec<Span>,
    /// The files and variables that the document names: read them next.
    pub references: Vec<Reference>,
}

/// Compares a document with a schema and collects all errors.
pub fn validate(document: &Node, files: &Files, schema: &Json, formats: &Formats) -> Findings {
    let mut walker = Walker { root: schema, files, formats, findings: Findings::default() };
    walker.check(&Place::root(document), schema);
    walker.findings
}

struct Walker<'a> {
    root: &'a Json,
    files: &'a Files,
    formats: &'a Formats,
    findings: Findings,
}

/// A value and how to speak of it.
#[derive(Clone)]
struct Place<'a> {
    node: &'a Node,
    key_span: Option<Span>,
    /// What the place is called in a message, ready to be read: `` `issuer` `` or
    /// ``item 2 of `audience` ``.
    name: String,
    secret: bool,
}

impl<'a> Place<'a> {
    fn root(node: &'a Node) -> Self {
        Self { node, key_span: None, name: "the configuration".into(), secret: false }
    }

    fn entry(&self, entry: &'a Entry) -> Self {
        Self {
            node: &entry.value,
            key_span: Some(entry.key_span),
            name: format!("`{}`", entry.key),
            secret: self.secret && !is_reference(entry),
        }
    }

    fn item(&self, node: &'a Node, index: usize) -> Self {
        let name = format!("item {} of {}", index + 1, self.name);
        Self { node, key_span: None, name, secret: self.secret }
    }

    fn caret(&self) -> Span {
        self.node.caret(self.key_span)
    }
}

impl<'a> Walker<'a> {
    fn check(&mut self, place: &Place<'a>, schema: &'a Json) {
        let Some(layers) = Layers::expand(schema, self.root) else { return };
        let mut place = place.clone();
        place.secret |= layers.is_secret(self.root);
        if place.secret {
            self.keep_secret(place.node, std::slice::from_ref(&layers));
        }
        self.keep_references(&place, &layers);
        self.check_layers(&place, layers);
    }

    fn check_layers(&mut self, place: &Place<'a>, mut layers: Layers<'a>) {
        if place.node.value == Value::Null && !layers.only_null() {
            return self.nothing(place, &layers);
        }
        if !self.choose_variants(place, &mut layers) {
            return;
        }
        // Only now it is known whether a text is a file, where it may be something else as well.
        self.keep_references(place, &layers);
        if !layers.accept(&place.node.value) {
            return self.wrong_type(place, &layers);
        }
        match &place.node.value {
            Value::Mapping(entries) => self.check_mapping(place, entries, &layers),
            Value::Sequence(items) => self.check_sequence(place, items, &layers),
            _ => self.check_scalar(place, &layers),
        }
    }

    /// Under a secret setting every scalar is a secret, except the reference itself and what the
    /// settings around a secret declare to be none, such as the name of a key.
    fn keep_secret(&mut self, node: &Node, layers: &[Layers<'a>]) {
        let forms: Vec<Layers<'a>> =
            layers.iter().flat_map(|layers| layers.forms(self.root)).collect();
        match &node.value {
            Value::Mapping(entries) => {
                for entry in entries.iter().filter(|entry| !is_reference(entry)) {
                    let declared: Vec<Layers<'a>> = forms
                        .iter()
                        .flat_map(Layers::properties)
                        .filter(|(key, _)| *key == entry.key && !REFERENCES.contains(key))
                        .filter_map(|(_, schema)| Layers::expand(schema, self.root))
                        .collect();
                    if declared.is_empty() {
                        self.keep_secrets_within(&entry.value);
                    } else if declared.iter().any(|layers| layers.is_secret(self.root)) {
                        self.keep_secret(&entry.value, &declared);
                    }
                }
            }
            Value::Sequence(items) => {
                let each: Vec<Layers<'a>> = forms
                    .iter()
                    .filter_map(|form| Layers::expand(form.first("items")?, self.root))
                    .collect();
                for item in items {
                    self.keep_secret(item, &each);
                }
            }
            _ => self.keep_secrets_within(node),
        }
    }

    fn keep_secrets_within(&mut self, node: &Node) {
        match &node.value {
            Value::Null => {}
            Value::Mapping(_) | Value::Sequence(_) => {
                let values = node.entries().iter().map(|entry| &entry.value).chain(node.items());
                for value in values {
                    self.keep_secrets_within(value);
                }
            }
            _ => self.findings.secrets.push(node.span),
        }
    }

    /// A secret's `file` and `env`, and texts whose format is `file`.
    fn keep_references(&mut self, place: &Place<'a>, layers: &Layers<'a>) {
        let mut keep = |node: &Node, target: fn(String) -> Target| {
            if let Value::String(name) = &node.value {
                let reference = Reference {
                    span: node.span,
                    target: target(name.clone()),
                    secret: place.secret,
                };
                if !name.is_empty() && !self.findings.references.contains(&reference) {
                    self.findings.references.push(reference);
                }
            }
        };
        if layers.any("writeOnly", &Json::Bool(true)) {
            for entry in place.node.entries() {
                match entry.key.as_str() {
                    "file" => keep(&entry.value, Target::File),
                    "env" => keep(&entry.value, Target::Variable),
                    _ => {}
                }
            }
        } else if layers.text("format") == Some("file") {
            keep(place.node, Target::File);
        }
    }

    fn nothing(&mut self, place: &Place<'a>, layers: &Layers<'a>) {
        let expected = expected::of(layers, self.root, self.formats);
        let caret = place.key_span.unwrap_or(place.node.span);
        self.report(
            Diagnostic::error(format!("{} has no value", place.name))
                .at(caret, format!("expected {expected}"))
                .hint(match layers.types().first() {
                    Some(&"object") => "write `{}`, or remove the key",
                    Some(&"array") => "write `[]`, or remove the key",
                    _ => "give it a value or remove the key",
                }),
        );
    }

    fn report(&mut self, finding: Diagnostic) {
        self.findings.diagnostics.push(finding);
    }
}

fn is_reference(entry: &Entry) -> bool {
    REFERENCES.contains(&entry.key.as_str()) && matches!(entry.value.value, Value::String(_))
}

/// Keys that say where a secret is, rather than what it is.
const REFERENCES: [&str; 2] = ["file", "env"];
