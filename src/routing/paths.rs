//! The path patterns of one host: yields every leaf that a path reaches, most specific first.
//!
//! A radix router such as `matchit` answers with the one best pattern. Here the next best is
//! needed too, because a method or a header may rule the best one out, and two routes may give the
//! same segment different names. So patterns stand in a hash map (exact ones) and in two trees of
//! segments (templates, open patterns). A walk visits a node at most once and only nodes that the
//! path reaches: its cost depends on the path and on patterns that overlap there, not on how many
//! there are elsewhere.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::leaf::Leaf;
use super::pattern::{End, PathPattern, Segment};
use super::rule::Rule;

/// The leaves of one host.
#[derive(Debug, Default)]
pub(super) struct Paths {
    exact: HashMap<String, Leaf>,
    templates: Option<Box<Node>>,
    open: Option<Box<Node>>,
}

/// The values that the names of a template took, in the order of its segments.
#[derive(Debug, Default)]
pub(super) struct Captures<'p> {
    values: [&'p str; PathPattern::MAX_NAMES],
    len: usize,
}

impl Paths {
    pub(super) fn insert(&mut self, rule: Arc<Rule>) {
        let pattern = &rule.path;
        let leaf = if let Some(path) = pattern.as_exact() {
            self.exact.entry(path).or_default()
        } else {
            let root = match pattern.end {
                End::Closed => &mut self.templates,
                End::Rest | End::Prefix => &mut self.open,
            };
            let root = root.get_or_insert_default().as_mut();
            let node = pattern.segments.iter().fold(root, Node::child);
            match pattern.end {
                End::Closed => &mut node.closed,
                End::Rest => &mut node.rest,
                End::Prefix => &mut node.prefix,
            }
        };
        leaf.push(rule);
    }

    /// Brings every leaf into order; `each` sees them all, in no particular order.
    pub(super) fn finish(&mut self, each: &mut impl FnMut(&Leaf)) {
        for leaf in self.exact.values_mut() {
            leaf.finish();
            each(leaf);
        }
        for root in [&mut self.templates, &mut self.open].into_iter().flatten() {
            root.finish(each);
        }
    }

    /// Visits what a path reaches, most specific first, until the visitor breaks.
    pub(super) fn visit<'t, 'p, B>(
        &'t self,
        path: &'p str,
        visitor: &mut impl FnMut(&'t Leaf, &Captures<'p>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let mut captures = Captures::default();
        if let Some(leaf) = self.exact.get(path) {
            visitor(leaf, &captures)?;
        }
        let rest = path.strip_prefix('/');
        for root in [&self.templates, &self.open].into_iter().flatten() {
            root.walk(rest, &mut captures, visitor)?;
        }
        ControlFlow::Continue(())
    }
}

impl<'p> Captures<'p> {
    pub(super) fn iter(&self) -> impl Iterator<Item = &'p str> {
        self.values.iter().take(self.len).copied()
    }

    /// Runs a step with one more value. Patterns are no deeper than there is room.
    fn with<B>(
        &mut self,
        value: &'p str,
        step: impl FnOnce(&mut Self) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        if let Some(slot) = self.values.get_mut(self.len) {
            *slot = value;
            self.len += 1;
            step(self)?;
            self.len -= 1;
        }
        ControlFlow::Continue(())
    }
}

/// A place in the tree of segments; its depth is bounded by [`PathPattern::MAX_SEGMENTS`].
#[derive(Debug, Default)]
struct Node {
    literals: HashMap<Box<str>, Node>,
    name: Option<Box<Node>>,
    closed: Leaf,
    rest: Leaf,
    prefix: Leaf,
}

impl Node {
    fn child(&mut self, segment: &Segment) -> &mut Self {
        match segment {
            Segment::Literal(text) => self.literals.entry(text.clone()).or_default(),
            Segment::Name => self.name.get_or_insert_default(),
        }
    }

    fn finish(&mut self, each: &mut impl FnMut(&Leaf)) {
        for leaf in [&mut self.closed, &mut self.rest, &mut self.prefix] {
            leaf.finish();
            each(leaf);
        }
        for child in self.literals.values_mut().chain(self.name.as_deref_mut()) {
            child.finish(each);
        }
    }

    /// `rest` is what follows the slash after this place; `None` when the path ends here.
    fn walk<'t, 'p, B>(
        &'t self,
        rest: Option<&'p str>,
        captures: &mut Captures<'p>,
        visitor: &mut impl FnMut(&'t Leaf, &Captures<'p>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        if let Some(rest) = rest {
            let (segment, after) = match rest.split_once('/') {
                Some((segment, after)) => (segment, Some(after)),
                None => (rest, None),
            };
            if let Some(child) = self.literals.get(segment) {
                child.walk(after, captures, visitor)?;
            }
            if let Some(child) = &self.name
                && !segment.is_empty()
            {
                captures.with(segment, |captures| child.walk(after, captures, visitor))?;
            }
            if !self.rest.rules().is_empty() && !rest.is_empty() {
                captures.with(rest, |captures| visitor(&self.rest, captures))?;
            }
        } else {
            visitor(&self.closed, captures)?;
        }
        visitor(&self.prefix, captures)
    }
}
