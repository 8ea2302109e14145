//! Changes to the header fields of one message: decided first, then made, so that a message is
//! changed as a whole or not at all.

use http::{HeaderMap, HeaderName, HeaderValue};
use tollgate_api::{
    Body, Exchange,
    expression::{EvalError, ExchangeVariables, Expression, Root},
    json::{Document, Limits},
};

use super::build::field_value;

/// What is done to a message.
pub(super) struct Change {
    pub remove: Vec<HeaderName>,
    pub set: Vec<(HeaderName, Value)>,
    pub add: Vec<(HeaderName, Value)>,
}

/// A value of a field.
pub(super) enum Value {
    Fixed(HeaderValue),
    Computed(Expression),
}

/// Why a value cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("the expression failed: {0}")]
    Evaluation(EvalError),
    #[error("the result of the expression is not a header value")]
    Unfit,
}

/// Values of one exchange; `None` leaves the field out.
pub(super) struct Decided<'c> {
    change: &'c Change,
    set: Vec<Option<HeaderValue>>,
    add: Vec<Option<HeaderValue>>,
}

impl Change {
    /// Whether there is nothing to do.
    pub fn is_nothing(&self) -> bool {
        self.remove.is_empty() && self.set.is_empty() && self.add.is_empty()
    }

    /// Whether a value depends on the request body.
    pub fn reads_body(&self) -> bool {
        self.expressions().any(|expression| expression.names(Root::Body))
    }

    /// Computes all values; `or_else` says what becomes of one that cannot be had.
    pub fn decide<E>(
        &self,
        exchange: &Exchange,
        or_else: impl Fn(Failure) -> Result<Option<HeaderValue>, E>,
    ) -> Result<Decided<'_>, E> {
        let document = self.reads_body().then(|| document(&exchange.request.body)).flatten();
        let variables = ExchangeVariables::new(exchange, document.as_ref());
        let value = |value: &Value| match value {
            Value::Fixed(value) => Ok(Some(value.clone())),
            Value::Computed(expression) => match expression.evaluate_string(&variables) {
                Ok(text) if text.is_empty() => Ok(None),
                Ok(text) => match field_value(&text) {
                    Some(value) => Ok(Some(value)),
                    None => or_else(Failure::Unfit),
                },
                Err(error) => or_else(Failure::Evaluation(error)),
            },
        };
        let all = |fields: &[(HeaderName, Value)]| {
            fields.iter().map(|(_, field)| value(field)).collect::<Result<Vec<_>, E>>()
        };
        Ok(Decided { change: self, set: all(&self.set)?, add: all(&self.add)? })
    }

    fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.set.iter().chain(&self.add).filter_map(|(_, value)| match value {
            Value::Computed(expression) => Some(expression),
            Value::Fixed(_) => None,
        })
    }
}

impl Decided<'_> {
    /// Removes, sets, adds.
    pub fn make(self, headers: &mut HeaderMap) {
        for name in &self.change.remove {
            headers.remove(name);
        }
        for ((name, _), value) in self.change.set.iter().zip(self.set) {
            match value {
                Some(value) => headers.insert(name, value),
                None => headers.remove(name),
            };
        }
        for ((name, _), value) in self.change.add.iter().zip(self.add) {
            if let Some(value) = value {
                headers.append(name, value);
            }
        }
    }
}

/// The request body as JSON, if it is: for an expression, a body that is not is a missing value.
fn document(body: &Body) -> Option<Document> {
    Document::parse(&body.whole()?, Limits::default()).ok()
}
