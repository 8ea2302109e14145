//! The routes that share one host pattern and one path pattern.

use std::sync::Arc;

use super::index::Index;
use super::rule::Rule;
use super::table::Input;

/// The rules of one host pattern and one path pattern, most specific first once finished.
#[derive(Debug, Default)]
pub(super) struct Leaf {
    rules: Vec<Arc<Rule>>,
    index: Option<Box<Index>>,
}

impl Leaf {
    pub(super) fn push(&mut self, rule: Arc<Rule>) {
        self.rules.push(rule);
    }

    pub(super) fn finish(&mut self) {
        self.rules.sort_by(|a, b| b.rank.cmp(&a.rank).then(a.route.cmp(&b.route)));
        self.index = Index::of(&self.rules).map(Box::new);
    }

    pub(super) fn rules(&self) -> &[Arc<Rule>] {
        &self.rules
    }

    /// The rules worth comparing with a request, most specific first.
    pub(super) fn candidates(&self, input: &Input<'_>) -> impl Iterator<Item = &Arc<Rule>> {
        let indexed = self.index.as_ref().map(|index| index.candidates(input));
        let all = if indexed.is_some() { &[][..] } else { &self.rules };
        indexed.into_iter().flatten().chain(all)
    }
}
