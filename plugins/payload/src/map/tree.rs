//! JSON written as YAML: every text is an expression, and keys that begin with `$` say what is done
//! with what stands beside or under them.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;
use tollgate_api::{
    SettingError,
    expression::{Expression, Scope, Variables},
    json::encode_string,
};

use super::blame::{Failure, applies};

/// A JSON value to be written: a text is an expression (a literal text stands in quotes inside it,
/// `"'CNY'"`), an integer or `true` is itself, mappings and lists hold more of the same. A member or
/// element whose expression gives nothing (`body.?note`) is left out. A mapping with `$when` is left
/// out unless that holds; `{ $json: … }` is the JSON under it as a text; a name that begins with
/// `$` is written `$$`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree<const ANSWER: bool>(pub(super) Value);

impl<'de, const ANSWER: bool> Deserialize<'de> for Tree<ANSWER> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        match Value::deserialize(source)? {
            Value::Null => Err(D::Error::custom(format!("expected {EXPECTED}"))),
            value => Ok(Self(value)),
        }
    }
}

impl<const ANSWER: bool> JsonSchema for Tree<ANSWER> {
    fn schema_name() -> Cow<'static, str> {
        if ANSWER { "MapAnswerTree" } else { "MapTree" }.into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let tree = generator.subschema_for::<Self>();
        let format = if ANSWER { "answer-expression" } else { "expression" };
        json_schema!({
            "description": "A JSON value to be written: a text is an expression (a literal text \
                stands in quotes inside it, `\"'CNY'\"`), an integer or `true` is itself, mappings \
                and lists hold more of the same. A member or element whose expression gives nothing \
                (`body.?note`) is left out. A mapping with `$when` is left out unless that holds; \
                `{ $json: … }` is the JSON under it as a text; a name that begins with `$` is \
                written `$$`.",
            "x-expected": EXPECTED,
            "anyOf": [
                { "type": "string", "format": format },
                { "type": "integer" },
                { "type": "boolean" },
                { "type": "array", "items": tree },
                { "type": "object", "additionalProperties": tree }
            ]
        })
    }
}

const EXPECTED: &str = "an expression, an integer, `true` or `false`, or a mapping or list of them";

/// A tree whose expressions were compiled.
#[derive(Debug)]
pub(super) enum Node {
    Computed(Expression),
    /// JSON as it stands.
    Fixed(String),
    List(Vec<Node>),
    Object {
        when: Option<Expression>,
        members: Vec<(String, Node)>,
    },
    /// The JSON under it, as a text.
    Text(Box<Node>),
}

impl<const ANSWER: bool> Tree<ANSWER> {
    /// Compiles the tree; everything that is wrong with it is added to `errors`.
    pub(super) fn compile(self, pointer: &str, errors: &mut Vec<SettingError>) -> Option<Node> {
        let scope = if ANSWER { Scope::Answer } else { Scope::Request };
        compile(self.0, scope, pointer, errors)
    }
}

fn compile(
    value: Value,
    scope: Scope,
    pointer: &str,
    errors: &mut Vec<SettingError>,
) -> Option<Node> {
    match value {
        Value::String(text) => expression(&text, scope, pointer, errors).map(Node::Computed),
        Value::Number(number) if number.is_i64() || number.is_u64() => {
            Some(Node::Fixed(number.to_string()))
        }
        Value::Bool(value) => Some(Node::Fixed(value.to_string())),
        Value::Array(items) => {
            let nodes: Vec<Option<Node>> = items
                .into_iter()
                .enumerate()
                .map(|(at, item)| compile(item, scope, &format!("{pointer}/{at}"), errors))
                .collect();
            nodes.into_iter().collect::<Option<_>>().map(Node::List)
        }
        Value::Object(members) => object(members, scope, pointer, errors),
        Value::Null | Value::Number(_) => {
            errors.push(SettingError::new(pointer, format!("expected {EXPECTED}")));
            None
        }
    }
}

fn object(
    settings: serde_json::Map<String, Value>,
    scope: Scope,
    pointer: &str,
    errors: &mut Vec<SettingError>,
) -> Option<Node> {
    let alone = settings.len() == 1;
    let (mut when, mut members, mut complete) = (None, Vec::new(), true);
    for (name, value) in settings {
        let place = format!("{pointer}/{}", escaped(&name));
        match (name.as_str(), value) {
            ("$when", Value::String(text)) => {
                when = expression(&text, scope, &place, errors);
                complete &= when.is_some();
            }
            ("$json", value) if alone => {
                return compile(value, scope, &place, errors)
                    .map(|node| Node::Text(Box::new(node)));
            }
            (directive, _) if directive.starts_with('$') && !directive.starts_with("$$") => {
                let expected = match directive {
                    "$when" => "expected an expression",
                    "$json" => "expected `$json` alone in its mapping",
                    _ => "expected `$when`, `$json`, or `$$` for a name that begins with `$`",
                };
                errors.push(SettingError::new(place, expected));
                complete = false;
            }
            (name, value) => {
                let name = name.strip_prefix('$').unwrap_or(name).to_owned();
                match compile(value, scope, &place, errors) {
                    Some(node) => members.push((name, node)),
                    None => complete = false,
                }
            }
        }
    }
    complete.then_some(Node::Object { when, members })
}

/// Compiles an expression; an error stands at its place.
pub(super) fn expression(
    text: &str,
    scope: Scope,
    pointer: &str,
    errors: &mut Vec<SettingError>,
) -> Option<Expression> {
    match Expression::compile_in(text, scope) {
        Ok(expression) => Some(expression),
        Err(error) => {
            let expected = format!("{} at character {}", error.message, error.offset + 1);
            let refused = SettingError::new(pointer, expected);
            errors.push(match error.hint {
                Some(hint) => refused.with_hint(hint),
                None => refused,
            });
            None
        }
    }
}

/// A name as a step of a JSON pointer.
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

impl Node {
    /// Writes the JSON; false if there is nothing to write. Never more than `most` bytes, a text at
    /// a time.
    pub(super) fn write(
        &self,
        out: &mut String,
        variables: &dyn Variables,
        most: usize,
    ) -> Result<bool, Failure> {
        match self {
            Self::Computed(expression) => {
                let Some(value) = expression.evaluate_json(variables)? else { return Ok(false) };
                out.push_str(value.as_str());
            }
            Self::Fixed(text) => out.push_str(text),
            Self::Text(inner) => {
                let mut text = String::new();
                if !inner.write(&mut text, variables, most)? {
                    return Ok(false);
                }
                out.push_str(&encode_string(&text));
            }
            Self::List(nodes) => {
                out.push('[');
                let start = out.len();
                for node in nodes {
                    append(out, start, "", node, variables, most)?;
                }
                out.push(']');
            }
            Self::Object { when, members } => {
                if !applies(when.as_ref(), variables)? {
                    return Ok(false);
                }
                out.push('{');
                let start = out.len();
                for (name, node) in members {
                    let name = encode_string(name) + ":";
                    append(out, start, &name, node, variables, most)?;
                }
                out.push('}');
            }
        }
        if out.len() > most { Err(Failure::TooLarge) } else { Ok(true) }
    }

    /// The value as a text, for a field of a form; `None` if there is none.
    pub(super) fn text(
        &self,
        variables: &dyn Variables,
        most: usize,
    ) -> Result<Option<String>, Failure> {
        match self {
            Self::Computed(expression) => Ok(expression.evaluate_text(variables)?),
            Self::Fixed(text) => Ok(Some(text.clone())),
            Self::Text(inner) => {
                let mut text = String::new();
                Ok(inner.write(&mut text, variables, most)?.then_some(text))
            }
            // Refused when built.
            Self::List(_) | Self::Object { .. } => Ok(None),
        }
    }

    /// Whether this is one value rather than a mapping or list.
    pub(super) fn is_scalar(&self) -> bool {
        !matches!(self, Self::List(_) | Self::Object { .. })
    }

    /// Every expression of the tree.
    pub(super) fn expressions(&self) -> Vec<&Expression> {
        match self {
            Self::Computed(expression) => vec![expression],
            Self::Fixed(_) => Vec::new(),
            Self::Text(inner) => inner.expressions(),
            Self::List(nodes) => nodes.iter().flat_map(Self::expressions).collect(),
            Self::Object { when, members } => {
                let inside = members.iter().flat_map(|(_, node)| node.expressions());
                when.iter().chain(inside).collect()
            }
        }
    }
}

/// Writes one more member or element, with what stands before it, unless it is left out.
fn append(
    out: &mut String,
    start: usize,
    before: &str,
    node: &Node,
    variables: &dyn Variables,
    most: usize,
) -> Result<(), Failure> {
    let end = out.len();
    if end > start {
        out.push(',');
    }
    out.push_str(before);
    if !node.write(out, variables, most)? {
        out.truncate(end);
    }
    Ok(())
}
