//! Changes to a body, applied by splicing at byte offsets.
//!
//! Whatever no edit names is copied byte for byte, spaces and number spellings included, so that
//! a signature over an untouched part still holds and a reader sees what the sender wrote.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use thiserror::Error;

use super::{
    document::{Document, Node, NodeKind, ValueRef},
    fragment::Fragment,
    path::{FieldPath, Segment},
};

/// Why an edit cannot be made.
#[derive(Clone, Copy, Debug, Error, Eq, PartialEq)]
#[non_exhaustive]
pub enum EditError {
    /// The value is part of another document.
    #[error("the value is not part of this document")]
    Foreign,
    /// The value was edited before, or stands inside a value that is replaced or removed.
    #[error("two edits overlap")]
    Overlap,
    /// The document itself cannot be removed.
    #[error("the whole document cannot be removed")]
    Root,
    /// Only an object takes members, only an array takes elements.
    #[error("the value is not of the kind that takes this addition")]
    NotContainer,
    /// The object has a member of that name.
    #[error("the member exists already")]
    Exists,
    /// Nothing stands where the path leads.
    #[error("the path leads nowhere")]
    Missing,
}

/// Collects changes to one document.
#[derive(Debug)]
pub struct Edits<'a> {
    document: &'a Document,
    replaced: BTreeMap<usize, Fragment>,
    removed: BTreeSet<usize>,
    added: BTreeMap<usize, Vec<(Option<String>, Fragment)>>,
}

impl<'a> Edits<'a> {
    /// No changes yet.
    pub fn new(document: &'a Document) -> Self {
        Self {
            document,
            replaced: BTreeMap::new(),
            removed: BTreeSet::new(),
            added: BTreeMap::new(),
        }
    }

    /// Whether nothing was changed.
    pub fn is_empty(&self) -> bool {
        self.replaced.is_empty() && self.removed.is_empty() && self.added.is_empty()
    }

    /// Puts `new` in the place of `value`.
    pub fn replace(&mut self, value: ValueRef<'_>, new: Fragment) -> Result<(), EditError> {
        let index = self.own(value)?;
        self.refuse_second(index)?;
        self.replaced.insert(index, new);
        Ok(())
    }

    /// Takes `value` out of its object (with its name) or array.
    pub fn remove(&mut self, value: ValueRef<'_>) -> Result<(), EditError> {
        let index = self.own(value)?;
        if index == 0 {
            return Err(EditError::Root);
        }
        self.refuse_second(index)?;
        self.removed.insert(index);
        Ok(())
    }

    /// Adds a member at the end of `object`.
    pub fn insert(
        &mut self,
        object: ValueRef<'_>,
        name: &str,
        new: Fragment,
    ) -> Result<(), EditError> {
        let index = self.own(object)?;
        if self.document.node(index).kind != NodeKind::Object {
            return Err(EditError::NotContainer);
        }
        let kept = object.get(name).is_some_and(|old| !self.removed.contains(&old.index()));
        let mut added = self.added.get(&index).into_iter().flatten();
        if kept || added.any(|(other, _)| other.as_deref() == Some(name)) {
            return Err(EditError::Exists);
        }
        self.added.entry(index).or_default().push((Some(name.to_owned()), new));
        Ok(())
    }

    /// Adds an element at the end of `array`.
    pub fn append(&mut self, array: ValueRef<'_>, new: Fragment) -> Result<(), EditError> {
        let index = self.own(array)?;
        if self.document.node(index).kind != NodeKind::Array {
            return Err(EditError::NotContainer);
        }
        self.added.entry(index).or_default().push((None, new));
        Ok(())
    }

    /// Replaces the value at `path`, or adds it if its object exists and it does not.
    pub fn put(&mut self, path: &FieldPath, new: Fragment) -> Result<(), EditError> {
        if let Some(value) = self.document.get(path) {
            return self.replace(value, new);
        }
        let Some((Segment::Name(name), parent)) = path.split_last() else {
            return Err(EditError::Missing);
        };
        let object = self.document.get(&parent).ok_or(EditError::Missing)?;
        self.insert(object, &name, new)
    }

    /// The changed body.
    pub fn finish(self) -> Result<Bytes, EditError> {
        if self.is_empty() {
            return Ok(self.document.body().clone());
        }
        let mut splice =
            Splice { edits: &self, body: self.document.body(), out: Vec::new(), used: 0 };
        let root = self.document.node(0);
        splice.copy(0, root.start);
        splice.value(0, root);
        splice.copy(root.end, splice.body.len());
        if splice.used != self.replaced.len() + self.removed.len() + self.added.len() {
            return Err(EditError::Overlap);
        }
        Ok(Bytes::from(splice.out))
    }

    fn own(&self, value: ValueRef<'_>) -> Result<usize, EditError> {
        if value.belongs_to(self.document) { Ok(value.index()) } else { Err(EditError::Foreign) }
    }

    fn refuse_second(&self, index: usize) -> Result<(), EditError> {
        if self.replaced.contains_key(&index) || self.removed.contains(&index) {
            return Err(EditError::Overlap);
        }
        Ok(())
    }

    fn touches(&self, index: usize, node: Node) -> bool {
        self.replaced.range(index..node.next).next().is_some()
            || self.removed.range(index..node.next).next().is_some()
            || self.added.range(index..node.next).next().is_some()
    }
}

/// One pass over the document. An edit that is never reached lies inside another one.
struct Splice<'e> {
    edits: &'e Edits<'e>,
    body: &'e [u8],
    out: Vec<u8>,
    used: usize,
}

impl Splice<'_> {
    /// Recursion is bounded by the depth the document was parsed with.
    fn value(&mut self, index: usize, node: Node) {
        if let Some(new) = self.edits.replaced.get(&index) {
            self.used += 1;
            self.out.extend_from_slice(new.as_str().as_bytes());
        } else if matches!(node.kind, NodeKind::Object | NodeKind::Array)
            && self.edits.touches(index, node)
        {
            self.container(index, node);
        } else {
            self.copy(node.start, node.end);
        }
    }

    /// An item owns the gap before it: the comma and the spaces. The first item kept takes over
    /// the gap after the opening bracket.
    fn container(&mut self, index: usize, node: Node) {
        let document = self.edits.document;
        let named = node.kind == NodeKind::Object;
        self.copy(node.start, node.start + 1);
        let (mut child, mut end, mut kept) = (index + 1, node.start + 1, false);
        let mut first_gap = None;
        while child < node.next {
            let start = document.node(child).start;
            let value_index = child + usize::from(named);
            let value = document.node(value_index);
            let gap = *first_gap.get_or_insert((end, start));
            if self.edits.removed.contains(&value_index) {
                self.used += 1;
            } else {
                let (from, to) = if kept { (end, start) } else { gap };
                self.copy(from, to);
                self.copy(start, value.start);
                self.value(value_index, value);
                kept = true;
            }
            end = value.end;
            child = value.next;
        }
        for (name, new) in self.edits.added.get(&index).into_iter().flatten() {
            if kept {
                self.out.push(b',');
            }
            match name {
                Some(name) => self.out.extend_from_slice(new.member(name).as_bytes()),
                None => self.out.extend_from_slice(new.as_str().as_bytes()),
            }
            kept = true;
        }
        self.used += usize::from(self.edits.added.contains_key(&index));
        self.copy(end, node.end);
    }

    fn copy(&mut self, from: usize, to: usize) {
        self.out.extend_from_slice(self.body.get(from..to).unwrap_or_default());
    }
}
