//! A parsed document as a tree in which every key and every value knows where it stands.
//!
//! The order of mappings is kept. Numbers stay as they were written: what they are is decided
//! by the schema, not by a conversion that loses digits on the way.

use serde_json::{Map, Value as Json};

use super::files::Span;

/// One value of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it stands; empty for a key without a value.
    pub span: Span,
    /// What it is.
    pub value: Value,
}

/// What a [`Node`] holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer in JSON's notation, as text.
    Integer(String),
    /// A number with a fraction or an exponent in JSON's notation, as text.
    Number(String),
    /// Everything else that is a scalar.
    String(String),
    /// A list.
    Sequence(Vec<Node>),
    /// A mapping, in the order written, each key once.
    Mapping(Vec<Entry>),
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

/// What a pointer led to.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// The node, or the nearest parent that exists.
    pub node: &'a Node,
    /// The key that holds the node, if one does.
    pub key_span: Option<Span>,
    /// How the rest of the pointer reads if only a parent was found; empty otherwise.
    pub rest: &'a str,
}

impl Found<'_> {
    /// Whether the pointer led all the way.
    pub fn is_exact(&self) -> bool {
        self.rest.is_empty()
    }

    /// The best place for a caret: the value if it fits on a line, else the key.
    pub fn caret(&self) -> Span {
        self.node.caret(self.key_span)
    }
}

impl Node {
    /// Follows a JSON pointer (RFC 6901); never fails, see [`Found`].
    pub fn pointer<'a>(&'a self, pointer: &'a str) -> Found<'a> {
        let mut found = Found { node: self, key_span: None, rest: pointer };
        while let Some(rest) = found.rest.strip_prefix('/') {
            let (token, after) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
            let token = unescape(token);
            match &found.node.value {
                Value::Mapping(entries) => {
                    let Some(entry) = entries.iter().find(|entry| entry.key == token) else {
                        break;
                    };
                    found =
                        Found { node: &entry.value, key_span: Some(entry.key_span), rest: after };
                }
                Value::Sequence(items) => {
                    let item = token.parse::<usize>().ok().and_then(|at| items.get(at));
                    let Some(item) = item else { break };
                    found = Found { node: item, key_span: None, rest: after };
                }
                _ => break,
            }
        }
        found
    }

    /// A copy without the entries whose keys stand at these places.
    #[must_use]
    pub fn without(&self, keys: &[Span]) -> Self {
        let value = match &self.value {
            Value::Mapping(entries) => Value::Mapping(
                entries
                    .iter()
                    .filter(|entry| !keys.contains(&entry.key_span))
                    .map(|entry| Entry { value: entry.value.without(keys), ..entry.clone() })
                    .collect(),
            ),
            Value::Sequence(items) => {
                Value::Sequence(items.iter().map(|item| item.without(keys)).collect())
            }
            scalar => scalar.clone(),
        };
        Self { span: self.span, value }
    }

    /// The value of a key, if this is a mapping that has it.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The entries of a mapping; none for anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none for anything else.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The best place for a caret: scalars and what was written between brackets at the value
    /// itself, blocks at the key that holds them or, without one, at their first key.
    pub fn caret(&self, key_span: Option<Span>) -> Span {
        match &self.value {
            Value::Mapping(_) | Value::Sequence(_) => key_span.unwrap_or_else(|| self.first_span()),
            _ if self.span.is_empty() => key_span.unwrap_or(self.span),
            _ => self.span,
        }
    }

    fn first_span(&self) -> Span {
        match &self.value {
            Value::Mapping(entries) => entries.first().map_or(self.span, |entry| entry.key_span),
            Value::Sequence(items) => items.first().map_or(self.span, Node::first_span),
            _ => self.span,
        }
    }

    /// The same value in JSON's terms. An integer beyond 64 bits becomes a string, which no
    /// numeric setting accepts.
    pub fn to_json(&self) -> Json {
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Integer(text) | Value::Number(text) => {
                number(text).map_or_else(|| Json::String(text.clone()), Json::Number)
            }
            Value::String(text) => Json::String(text.clone()),
            Value::Sequence(items) => Json::Array(items.iter().map(Node::to_json).collect()),
            Value::Mapping(entries) => Json::Object(
                entries
                    .iter()
                    .map(|entry| (entry.key.clone(), entry.value.to_json()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }
}

/// Adds one step to a JSON pointer, escaped as RFC 6901 says.
pub fn join_pointer(base: &str, step: &str) -> String {
    format!("{base}/{}", step.replace('~', "~0").replace('/', "~1"))
}

fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

/// The exact number if it is an integer of 64 bits, the nearest double if it has a fraction.
pub(super) fn number(text: &str) -> Option<serde_json::Number> {
    if let Ok(value) = text.parse::<u64>() {
        return Some(value.into());
    }
    if let Ok(value) = text.parse::<i64>() {
        return Some(value.into());
    }
    if text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
        return text.parse::<f64>().ok().and_then(serde_json::Number::from_f64);
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::config::document::parse;
    use crate::config::files::Files;

    #[test]
    fn a_pointer_finds_the_node_or_the_nearest_parent() {
        let mut files = Files::default();
        let text = "routes:\n  a/b~c:\n    plugins:\n      - jwt: { issuer: x }\n";
        let file = files.add("a.yaml", "/a.yaml", text.into());
        let root = parse(&files, file).unwrap();
        let cases = [
            ("", "", "routes"),
            ("/routes/a~1b~0c", "", "a/b~c"),
            ("/routes/a~1b~0c/plugins/0/jwt/issuer", "", "x"),
            ("/routes/a~1b~0c/plugins/0/jwt/audience/x", "/audience/x", "jwt"),
            ("/routes/a~1b~0c/plugins/1/jwt", "/1/jwt", "plugins"),
            ("/routes/a~1b~0c/plugins/-/jwt", "/-/jwt", "plugins"),
            ("/routes/a~1b~0c/plugins/0/jwt/issuer/y", "/y", "x"),
            ("/nowhere", "/nowhere", "routes"),
            ("routes", "routes", "routes"),
        ];
        for (pointer, rest, caret) in cases {
            let found = root.pointer(pointer);
            assert_eq!(found.rest, rest, "what is left of {pointer}");
            let under = files.slice(found.caret());

            assert_eq!(under, caret, "under the caret of {pointer}");
        }
    }

    #[test]
    fn json_keeps_integers_exact_and_order_does_not_matter() {
        let mut files = Files::default();
        let text = "a: 18446744073709551615\nb: -9223372036854775808\nc: 1.5\nd: 99999999999999999999\ne: [true, ~]\n";
        let file = files.add("a.yaml", "/a.yaml", text.into());
        let expected = serde_json::json!({
            "a": u64::MAX, "b": i64::MIN, "c": 1.5, "d": "99999999999999999999", "e": [true, null]
        });
        assert_eq!(parse(&files, file).unwrap().to_json(), expected, "by value");
    }
}
