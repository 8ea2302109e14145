//! The text of one file becomes a tree of [`Node`]s.
//!
//! YAML 1.2 with everything left out that surprises: one document per file, keys are strings and
//! stand once, no tags, no directives, no merge keys; numbers are those of JSON, so `0123`,
//! `0x1F` and `1_000` are strings, and so are `yes` and `no`. Aliases are expanded. Depth and
//! number of nodes are bounded, aliases included. Syntax ends at the first error of a file;
//! everything else is collected.

use std::collections::HashMap;

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Span as RawSpan, options};

use super::diagnostic::{Diagnostic, Diagnostics};
use super::files::{FileId, Files, Span};
use super::node::{Entry, Node, Value};
use super::syntax;

/// Parses the text of a file that was added to `files`. A file without content is an empty
/// mapping.
pub fn parse(files: &Files, file: FileId) -> Result<Node, Diagnostics> {
    let text = files.text(file);
    let options = options! {
        disallow_directives: true,
        emit_comments: false,
        flow_nesting_limit: DEPTH,
        block_nesting_limit: DEPTH,
    };
    let mut builder = Builder::new();
    for next in Parser::new_from_str_with_options(text, options) {
        let step = match next {
            Ok((event, raw)) => builder.take(event, span(file, raw, text)),
            Err(error) => Err(syntax::diagnostic(files, file, &error)),
        };
        if let Err(finding) = step {
            builder.findings.push(finding);
            return Err(builder.findings);
        }
    }
    if builder.findings.has_errors() {
        return Err(builder.findings);
    }
    let empty = Span { file, start: 0, end: 0 };
    Ok(builder.root.unwrap_or(Node { span: empty, value: Value::Mapping(Vec::new()) }))
}

struct Builder {
    root: Option<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    nodes: usize,
    documents: usize,
    findings: Diagnostics,
}

/// A collection whose end has not been seen.
struct Open {
    anchor: usize,
    start: Span,
    kind: Kind,
}

enum Kind {
    Sequence(Vec<Node>),
    Mapping { entries: Vec<Entry>, key: Key },
}

enum Key {
    Awaited,
    Taken(String, Span),
    /// The key was refused; its value is read and dropped.
    Refused,
}

struct Anchored {
    node: Node,
    size: usize,
}

impl Builder {
    fn new() -> Self {
        Self {
            root: None,
            open: Vec::new(),
            anchors: HashMap::new(),
            nodes: 0,
            documents: 0,
            findings: Diagnostics::default(),
        }
    }

    /// Takes one event; an error ends the file.
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Diagnostic> {
        if let Some(tag) = event.tag() {
            self.findings.push(
                Diagnostic::error(format!("tags such as `{}` are not supported", tag.original()))
                    .at(span, "this value has a tag")
                    .hint("remove the tag; put quotes around what must be read as text"),
            );
        }
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(Diagnostic::error("a file holds one document")
                        .at(span, "a second one starts here")
                        .hint("put it into a file of its own in a configuration folder"));
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, _) => {
                let node = Node { span, value: scalar(&text, style) };
                self.finish(node, anchor)
            }
            Event::SequenceStart(_, anchor, _) => {
                self.start(anchor, span, Kind::Sequence(Vec::new()))
            }
            Event::MappingStart(_, anchor, _) => {
                self.start(anchor, span, Kind::Mapping { entries: Vec::new(), key: Key::Awaited })
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Alias(anchor) => self.alias(anchor, span),
            _ => Ok(()),
        }
    }

    fn start(&mut self, anchor: usize, start: Span, kind: Kind) -> Result<(), Diagnostic> {
        if self.awaits_key() {
            return Err(Diagnostic::error("a key must be text").at(start, "this is a collection"));
        }
        if self.open.len() >= DEPTH {
            return Err(too_deep(start));
        }
        self.open.push(Open { anchor, start, kind });
        Ok(())
    }

    fn end(&mut self, span: Span) -> Result<(), Diagnostic> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let (value, last) = match open.kind {
            Kind::Sequence(items) => {
                let last = items.last().map(|item| item.span.end);
                (Value::Sequence(items), last)
            }
            Kind::Mapping { entries, .. } => {
                let last = entries.last().map(|entry| entry.value.span.end.max(entry.key_span.end));
                (Value::Mapping(entries), last)
            }
        };
        // The end of a block is where the next token starts: beyond blank lines and comments.
        let end = if span.is_empty() { last.unwrap_or(open.start.end) } else { span.end };
        let span = Span { end: end.max(open.start.start), ..open.start };
        self.finish(Node { span, value }, open.anchor)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Diagnostic> {
        let Some(anchored) = self.anchors.get(&anchor) else {
            return Err(Diagnostic::error("an alias cannot stand within its own anchor")
                .at(span, "the value it repeats is not complete here"));
        };
        let (node, size) = (anchored.node.clone(), anchored.size);
        self.count(size, span)?;
        if depth(&node) + self.open.len() > DEPTH {
            return Err(too_deep(span));
        }
        self.put(node);
        Ok(())
    }

    fn finish(&mut self, node: Node, anchor: usize) -> Result<(), Diagnostic> {
        // The children of a collection were counted when they came.
        self.count(own_size(&node), node.span)?;
        if anchor != 0 {
            let size = size(&node);
            self.count(size, node.span)?;
            self.anchors.insert(anchor, Anchored { node: node.clone(), size });
        }
        self.put(node);
        Ok(())
    }

    fn count(&mut self, more: usize, span: Span) -> Result<(), Diagnostic> {
        self.nodes = self.nodes.saturating_add(more);
        if self.nodes > NODES {
            return Err(Diagnostic::error(format!("the file has more than {NODES} values"))
                .at(span, "too many from here on")
                .hint("aliases count each time they are used"));
        }
        Ok(())
    }

    fn put(&mut self, node: Node) {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        match &mut open.kind {
            Kind::Sequence(items) => items.push(node),
            Kind::Mapping { entries, key } => match std::mem::replace(key, Key::Awaited) {
                Key::Awaited => {
                    let taken = take_key(node, entries);
                    *key = match taken {
                        Ok((name, span)) => Key::Taken(name, span),
                        Err(finding) => {
                            self.findings.push(*finding);
                            Key::Refused
                        }
                    };
                }
                Key::Taken(key, key_span) => entries.push(Entry { key, key_span, value: node }),
                Key::Refused => {}
            },
        }
    }

    fn awaits_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { kind: Kind::Mapping { key: Key::Awaited, .. }, .. }))
    }
}

fn take_key(node: Node, entries: &[Entry]) -> Result<(String, Span), Box<Diagnostic>> {
    let text = match node.value {
        Value::String(text) => text,
        Value::Integer(text) | Value::Number(text) => {
            return Err(Box::new(
                Diagnostic::error(format!("a key must be text, found the number `{text}`"))
                    .at(node.span, "read as a number")
                    .hint(format!("put quotes around it: `\"{text}\"`")),
            ));
        }
        _ => {
            return Err(Box::new(
                Diagnostic::error("a key must be text")
                    .at(node.span, "not text")
                    .hint("put quotes around it"),
            ));
        }
    };
    if text == "<<" {
        return Err(Box::new(
            Diagnostic::error("merge keys are not supported")
                .at(node.span, "a YAML 1.1 merge key")
                .hint("repeat the settings, or the whole value with an alias"),
        ));
    }
    if let Some(first) = entries.iter().find(|entry| entry.key == text) {
        return Err(Box::new(
            Diagnostic::error(format!("`{text}` is defined twice"))
                .at(node.span, "defined again here")
                .at(first.key_span, "first defined here"),
        ));
    }
    Ok((text, node.span))
}

/// What a scalar is by YAML's core schema, with the numbers of JSON.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::String(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ if is_integer(text) => Value::Integer(text.to_owned()),
        _ if is_number(text) => Value::Number(text.to_owned()),
        _ => Value::String(text.to_owned()),
    }
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits == "0" || (!digits.starts_with('0') && is_digits(digits))
}

fn is_number(text: &str) -> bool {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => {
            let (mantissa, exponent) = text.split_at(at);
            (mantissa, exponent.get(1..))
        }
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    is_integer(whole)
        && fraction.is_none_or(is_digits)
        && exponent
            .is_none_or(|exponent| is_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Long texts count for more, or a few aliases to one of them would fill the memory.
fn own_size(node: &Node) -> usize {
    match &node.value {
        Value::String(text) | Value::Integer(text) | Value::Number(text) => 1 + text.len() / 256,
        _ => 1,
    }
}

fn size(node: &Node) -> usize {
    own_size(node)
        + node.items().iter().map(size).sum::<usize>()
        + node.entries().iter().map(|entry| 1 + size(&entry.value)).sum::<usize>()
}

fn depth(node: &Node) -> usize {
    let items = node.items().iter().map(depth).max();
    let values = node.entries().iter().map(|entry| depth(&entry.value)).max();
    match &node.value {
        Value::Sequence(_) | Value::Mapping(_) => 1 + items.or(values).unwrap_or(0),
        _ => 0,
    }
}

fn too_deep(span: Span) -> Diagnostic {
    Diagnostic::error(format!("more than {DEPTH} collections inside one another"))
        .at(span, "too deep here")
}

fn span(file: FileId, raw: RawSpan, text: &str) -> Span {
    let range = raw.byte_range().unwrap_or(text.len()..text.len());
    // A plain scalar's end may lie behind the white space that follows it.
    let under = text.get(range.clone()).unwrap_or_default();
    Span { file, start: range.start, end: range.start + under.trim_end().len() }
}

/// Collections inside one another.
const DEPTH: usize = 64;
/// Keys and values of one file, those repeated by aliases included.
const NODES: usize = 200_000;
