//! A parsed body: the bytes as they came, and an index into them.

use std::{borrow::Cow, fmt, ops::Range};

use bytes::Bytes;

use super::{
    encode::unescape,
    error::JsonError,
    parse::parse,
    path::{FieldPath, Segment},
};

/// What a body may hold. All three are counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Objects and arrays inside one another, at most.
    pub depth: usize,
    /// Members of one object or elements of one array, at most.
    pub members: usize,
    /// Values and member names of the whole document, at most. One takes 32 bytes of memory.
    pub values: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 64, members: 50_000, values: 200_000 }
    }
}

/// A body that is JSON as we accept it, with the span of every value.
#[derive(Clone)]
pub struct Document {
    body: Bytes,
    nodes: Vec<Node>,
}

impl Document {
    /// Parses the whole of `body`. The document shares the bytes, it does not copy them.
    pub fn parse(body: &Bytes, limits: Limits) -> Result<Self, JsonError> {
        Ok(Self { body: body.clone(), nodes: parse(body, limits)? })
    }

    /// The bytes that were parsed.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The value that is the whole document.
    pub fn root(&self) -> ValueRef<'_> {
        ValueRef { document: self, index: 0 }
    }

    /// The one value at `path`. A path with `[*]` may name several: [`select`](Self::select) is
    /// for those, and this answers `None`.
    pub fn get(&self, path: &FieldPath) -> Option<ValueRef<'_>> {
        path.segments().iter().try_fold(self.root(), |value, segment| match segment {
            Segment::Name(name) => value.get(name),
            Segment::Index(index) => value.at(*index),
            Segment::Every => None,
        })
    }

    /// Every value at `path`, in the order of the document.
    pub fn select(&self, path: &FieldPath) -> Vec<ValueRef<'_>> {
        let mut found = vec![self.root()];
        for segment in path.segments() {
            found = found
                .into_iter()
                .flat_map(|value| match segment {
                    Segment::Name(name) => value.get(name).into_iter().collect::<Vec<_>>(),
                    Segment::Index(index) => value.at(*index).into_iter().collect(),
                    Segment::Every => value.elements().collect(),
                })
                .collect();
        }
        found
    }

    pub(super) fn node(&self, index: usize) -> Node {
        // Indexes come from the document itself; the fallback keeps the promise not to panic.
        self.nodes.get(index).copied().unwrap_or(Node {
            kind: NodeKind::Null,
            start: 0,
            end: 0,
            next: index.saturating_add(1),
        })
    }

    pub(super) fn text(&self, span: Range<usize>) -> &str {
        self.body.get(span).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("")
    }

    fn string(&self, node: Node) -> Option<Cow<'_, str>> {
        match node.kind {
            NodeKind::String { escaped } => {
                Some(unescape(self.text(node.start + 1..node.end - 1), escaped))
            }
            _ => None,
        }
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Document")
            .field("bytes", &self.body.len())
            .field("values", &self.nodes.len())
            .finish()
    }
}

/// One value of a [`Document`]; copying it costs nothing.
#[derive(Clone, Copy)]
pub struct ValueRef<'a> {
    document: &'a Document,
    index: usize,
}

/// What a value is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// Any number.
    Number,
    /// Any string.
    String,
    /// `[…]`
    Array,
    /// `{…}`
    Object,
}

impl<'a> ValueRef<'a> {
    /// What this value is.
    pub fn kind(&self) -> Kind {
        match self.node().kind {
            NodeKind::Null => Kind::Null,
            NodeKind::Bool(_) => Kind::Bool,
            NodeKind::Number => Kind::Number,
            NodeKind::String { .. } => Kind::String,
            NodeKind::Array => Kind::Array,
            NodeKind::Object => Kind::Object,
        }
    }

    /// The bytes of this value in the body, quotes or brackets included.
    pub fn span(&self) -> Range<usize> {
        let node = self.node();
        node.start..node.end
    }

    /// This value as it was written.
    pub fn raw(&self) -> &'a str {
        self.document.text(self.span())
    }

    /// This value as it was written, sharing the body's memory.
    pub fn raw_bytes(&self) -> Bytes {
        self.document.body.slice(self.span())
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        self.kind() == Kind::Null
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self.node().kind {
            NodeKind::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The unescaped text, if it is a string; borrowed where nothing was escaped.
    pub fn as_str(&self) -> Option<Cow<'a, str>> {
        self.document.string(self.node())
    }

    /// The number as it was written, if it is one.
    pub fn number_text(&self) -> Option<&'a str> {
        (self.kind() == Kind::Number).then(|| self.raw())
    }

    /// The number, if it was written as an integer (no fraction, no exponent) that fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.number_text()?.parse().ok()
    }

    /// The member `name`, if this is an object that has it.
    pub fn get(&self, name: &str) -> Option<ValueRef<'a>> {
        self.members().find(|member| member.name == name).map(|member| member.value)
    }

    /// The element at `index` from zero, if this is an array that has it.
    pub fn at(&self, index: usize) -> Option<ValueRef<'a>> {
        self.elements().nth(index)
    }

    /// The members of an object in their order; nothing for any other value.
    pub fn members(&self) -> Members<'a> {
        Members { document: self.document, range: self.children(NodeKind::Object) }
    }

    /// The elements of an array in their order; nothing for any other value.
    pub fn elements(&self) -> Elements<'a> {
        Elements { document: self.document, range: self.children(NodeKind::Array) }
    }

    pub(super) fn index(&self) -> usize {
        self.index
    }

    pub(super) fn belongs_to(&self, document: &Document) -> bool {
        std::ptr::eq(self.document, document)
    }

    fn children(&self, of: NodeKind) -> Range<usize> {
        let node = self.node();
        if node.kind == of { self.index + 1..node.next } else { 0..0 }
    }

    fn node(&self) -> Node {
        self.document.node(self.index)
    }
}

/// Kind and place only: a body may hold card numbers.
impl fmt::Debug for ValueRef<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?} at {:?}", self.kind(), self.span())
    }
}

/// One member of an object.
#[derive(Clone)]
pub struct Member<'a> {
    /// The unescaped name.
    pub name: Cow<'a, str>,
    /// Where the name stands in the body, quotes included.
    pub name_span: Range<usize>,
    /// The value.
    pub value: ValueRef<'a>,
}

/// Iterates over the members of an object.
#[derive(Clone)]
pub struct Members<'a> {
    document: &'a Document,
    range: Range<usize>,
}

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;

    fn next(&mut self) -> Option<Member<'a>> {
        if self.range.is_empty() {
            return None;
        }
        let name = self.document.node(self.range.start);
        let value = ValueRef { document: self.document, index: self.range.start + 1 };
        self.range.start = value.node().next;
        Some(Member { name: self.document.string(name)?, name_span: name.start..name.end, value })
    }
}

/// Iterates over the elements of an array.
#[derive(Clone)]
pub struct Elements<'a> {
    document: &'a Document,
    range: Range<usize>,
}

impl<'a> Iterator for Elements<'a> {
    type Item = ValueRef<'a>;

    fn next(&mut self) -> Option<ValueRef<'a>> {
        if self.range.is_empty() {
            return None;
        }
        let value = ValueRef { document: self.document, index: self.range.start };
        self.range.start = value.node().next;
        Some(value)
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NodeKind {
    Null,
    Bool(bool),
    Number,
    String { escaped: bool },
    Array,
    Object,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) kind: NodeKind,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Index just past the last descendant.
    pub(super) next: usize,
}
