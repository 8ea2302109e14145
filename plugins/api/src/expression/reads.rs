//! Which fields must be there for an expression to have a result, and what they are read for.

use cel::IdedExpr;

use super::{check::Walk, error::FieldName, tree::source_of, variable::Root};

/// What a field is read for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Purpose {
    Any,
    Amount,
    Currency,
}

impl Walk<'_> {
    pub(super) fn read(&mut self, field: FieldName, purpose: Purpose) {
        let read = (field, purpose);
        if !self.found.reads.contains(&read) {
            self.found.reads.push(read);
        }
    }

    /// Notes which field an amount or a currency comes from; what is wrong with the field itself is
    /// found when it is visited.
    pub(super) fn read_for(&mut self, node: &IdedExpr, purpose: Purpose) {
        let Some(path) = source_of(node) else { return };
        let Some(root) = Root::named(&path.root).filter(|root| self.allows(*root)) else { return };
        if self.scope.contains(&path.root) {
            return;
        }
        if let Ok((variable, fields)) = self.variable(root, &path) {
            let path = fields.iter().map(|(name, _)| name.clone()).collect();
            self.read(FieldName { variable, path }, purpose);
        }
    }
}
