//! A schema is rarely one object: a property carries its own description and a `$ref` to its
//! type, a variant adds to the enum that holds it. [`Layers`] is all that applies to one value.

use serde_json::{Map, Value as Json};

use crate::config::node::Value;

/// The schema objects that apply to one value together.
#[derive(Clone, Default)]
pub(super) struct Layers<'a> {
    objects: Vec<&'a Map<String, Json>>,
}

impl<'a> Layers<'a> {
    /// Follows references; `None` for a schema that accepts anything.
    pub(super) fn expand(schema: &'a Json, root: &'a Json) -> Option<Self> {
        let mut layers = Self::default();
        layers.add(schema, root, REFERENCES);
        (!layers.objects.is_empty()).then_some(layers)
    }

    /// Adds a schema, what it refers to and what it is the sum of.
    pub(super) fn add(&mut self, schema: &'a Json, root: &'a Json, references: usize) {
        let Some(object) = schema.as_object() else { return };
        self.objects.push(object);
        let Some(references) = references.checked_sub(1) else { return };
        if let Some(target) =
            object.get("$ref").and_then(Json::as_str).and_then(|r| resolve(root, r))
        {
            self.add(target, root, references);
        }
        for part in object.get("allOf").and_then(Json::as_array).into_iter().flatten() {
            self.add(part, root, references);
        }
        // An optional setting is a union with `null`: there is nothing to choose.
        for schema in unions(object).filter(|schemas| schemas.len() == 1).flatten() {
            self.add(schema, root, references);
        }
    }

    /// Adds the layers of a chosen variant.
    pub(super) fn extend(&mut self, other: Layers<'a>) {
        self.objects.extend(other.objects);
    }

    /// What each layer says under a keyword, those that say nothing left out.
    pub(super) fn all(&self, keyword: &'static str) -> impl Iterator<Item = &'a Json> + '_ {
        self.objects.iter().filter_map(move |object| object.get(keyword))
    }

    /// What the outermost layer that says something says.
    pub(super) fn first(&self, keyword: &'static str) -> Option<&'a Json> {
        self.all(keyword).next()
    }

    /// The same for keywords whose value is text.
    pub(super) fn text(&self, keyword: &'static str) -> Option<&'a str> {
        self.all(keyword).find_map(Json::as_str)
    }

    /// Whether some layer has exactly this value.
    pub(super) fn any(&self, keyword: &'static str, value: &Json) -> bool {
        self.all(keyword).any(|found| found == value)
    }

    /// The declared properties of all layers, `null`-only ones excluded, in the order declared.
    pub(super) fn properties(&self) -> impl Iterator<Item = (&'a str, &'a Json)> + '_ {
        self.all("properties")
            .filter_map(Json::as_object)
            .flat_map(|properties| properties.iter().map(|(key, schema)| (key.as_str(), schema)))
    }

    /// The required properties of all layers.
    pub(super) fn required(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.all("required").filter_map(Json::as_array).flatten().filter_map(Json::as_str)
    }

    /// What stands to choose from, if the schema is a union: `null` is no choice here, since a
    /// key without a value is an error of its own.
    pub(super) fn alternatives(&self) -> impl Iterator<Item = Vec<&'a Json>> + '_ {
        self.objects.iter().flat_map(|object| unions(object)).filter(|schemas| schemas.len() > 1)
    }

    /// Whether the value, or what it may be an alternative to, is a secret.
    pub(super) fn is_secret(&self, root: &'a Json) -> bool {
        let marked = |layers: &Self| layers.any("writeOnly", &Json::Bool(true));
        marked(self)
            || self
                .alternatives()
                .flatten()
                .filter_map(|schema| Self::expand(schema, root))
                .any(|layers| marked(&layers))
    }

    /// The layers themselves and all that they may be an alternative to.
    pub(super) fn forms(&self, root: &'a Json) -> Vec<Self> {
        let mut forms = vec![self.clone()];
        let variants = self.alternatives().flatten();
        forms.extend(variants.filter_map(|schema| Self::expand(schema, root)));
        forms
    }

    /// Whether nothing but `null` is allowed.
    pub(super) fn only_null(&self) -> bool {
        self.any("type", &Json::String("null".into()))
    }

    /// The names of the types that are allowed, `null` left out; empty if any is.
    pub(super) fn types(&self) -> Vec<&'a str> {
        let Some(first) = self.first("type") else { return Vec::new() };
        match first {
            Json::String(name) => vec![name.as_str()],
            Json::Array(names) => {
                names.iter().filter_map(Json::as_str).filter(|name| *name != "null").collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether the type of the value is one of those allowed.
    pub(super) fn accept(&self, value: &Value) -> bool {
        let types = self.types();
        types.is_empty() || types.iter().any(|name| is_type(name, value))
    }

    /// The values an enumeration allows, if it is one.
    pub(super) fn constants(&self) -> Option<Vec<&'a Json>> {
        if let Some(constant) = self.first("const") {
            return Some(vec![constant]);
        }
        let constants = self.first("enum")?.as_array()?;
        Some(constants.iter().filter(|constant| !constant.is_null()).collect())
    }
}

fn is_type(name: &str, value: &Value) -> bool {
    matches!(
        (name, value),
        ("null", Value::Null)
            | ("boolean", Value::Bool(_))
            | ("integer", Value::Integer(_))
            | ("number", Value::Integer(_) | Value::Number(_))
            | ("string", Value::String(_))
            | ("array", Value::Sequence(_))
            | ("object", Value::Mapping(_))
    )
}

fn unions(object: &Map<String, Json>) -> impl Iterator<Item = Vec<&Json>> {
    ["oneOf", "anyOf"].into_iter().filter_map(|keyword| {
        let schemas = object.get(keyword)?.as_array()?;
        Some(schemas.iter().filter(|schema| !is_null(schema)).collect())
    })
}

fn is_null(schema: &Json) -> bool {
    schema.get("type").is_some_and(|name| name == "null")
}

fn resolve<'a>(root: &'a Json, reference: &str) -> Option<&'a Json> {
    root.pointer(reference.strip_prefix('#')?)
}

/// References that follow one another; `schemars` writes one or two.
pub(super) const REFERENCES: usize = 16;
