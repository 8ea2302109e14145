//! One operation: whom it takes and what it makes of them.

use std::sync::Arc;

use tollgate_api::{
    Fault,
    expression::{Expression, Root, Variables},
};

use super::{answer::AnswerRule, blame, outgoing::Outgoing};

/// An operation whose settings were checked.
pub(super) struct Operation {
    pub when: Option<Expression>,
    pub require: Vec<Expression>,
    pub kind: Kind,
    pub answers: Vec<AnswerRule>,
}

/// What becomes of a request.
pub(super) enum Kind {
    Request(Box<Outgoing>),
    /// It is refused, and this is why.
    Unsupported(Arc<str>),
}

impl Operation {
    /// Refuses a request of which not everything holds that must.
    pub fn check(&self, variables: &dyn Variables) -> Result<(), Fault> {
        for require in &self.require {
            let holds = require.evaluate_bool(variables);
            let located = |error| blame::request(require.blame(error, variables).into());
            if !holds.map_err(located)? {
                return Err(blame::requirement(require));
            }
        }
        Ok(())
    }

    /// Whether any expression names this root.
    pub fn names(&self, root: Root) -> bool {
        let own = self.when.iter().chain(&self.require);
        let request = match &self.kind {
            Kind::Request(outgoing) => outgoing.expressions(),
            Kind::Unsupported(_) => Vec::new(),
        };
        let answers = self.answers.iter().flat_map(AnswerRule::expressions);
        own.chain(request).chain(answers).any(|expression| expression.names(root))
    }
}
