//! What a failed expression means: the caller's fault with the field's path, or the provider's.

use tollgate_api::{
    Fault, FieldPlace, codes,
    expression::{EvalError, EvalErrorKind, Expression, FieldName, Place, Variable, Variables},
};

use super::tree::escaped;

/// Why a message could not be built.
#[derive(Debug)]
pub(super) enum Failure {
    /// An expression has no result.
    Evaluation(EvalError),
    /// A result cannot stand where it should: an empty path segment, a header with a line break.
    Unfit(Vec<FieldName>),
    /// The message would be larger than allowed.
    TooLarge,
}

impl From<EvalError> for Failure {
    fn from(error: EvalError) -> Self {
        Self::Evaluation(error)
    }
}

impl Failure {
    /// A result of this expression that cannot stand where it should.
    pub fn unfit(expression: &Expression) -> Self {
        Self::Unfit(expression.reads().cloned().collect())
    }
}

/// Whether a condition holds; a field that is missing makes it untrue.
pub(super) fn applies(
    when: Option<&Expression>,
    variables: &dyn Variables,
) -> Result<bool, Failure> {
    let Some(when) = when else { return Ok(true) };
    match when.evaluate_bool(variables) {
        Err(error) if error.kind == EvalErrorKind::MissingField => Ok(false),
        holds => Ok(holds.map_err(|error| when.blame(error, variables))?),
    }
}

/// The request lacks something: 422 with the field's path.
pub(super) fn request(failure: Failure) -> Fault {
    let fault = Fault::new(&codes::FIELD_INVALID);
    match failure {
        Failure::Evaluation(error) => {
            let located = error
                .places
                .iter()
                .fold(fault, |fault, place| at(fault, &place.field, detail(error.kind, place)));
            located.caused_by(error)
        }
        Failure::Unfit(fields) => unfit(fault, &fields, "cannot be sent to the provider"),
        Failure::TooLarge => fault.caused_by("the request would be larger than `max_body`"),
    }
}

/// A requirement does not hold: 422 with the paths it reads.
pub(super) fn requirement(require: &Expression) -> Fault {
    let fields: Vec<FieldName> = require.reads().cloned().collect();
    unfit(Fault::new(&codes::FIELD_INVALID), &fields, "is not what is needed here")
}

/// The answer lacks something: 502, and nothing of it goes on.
pub(super) fn answer(failure: Failure) -> Fault {
    let fault = Fault::new(&codes::UPSTREAM_INVALID_ANSWER);
    match failure {
        Failure::Evaluation(error) => fault.caused_by(error),
        Failure::Unfit(_) => fault.caused_by("a header field of the answer would not be valid"),
        Failure::TooLarge => fault.caused_by("the answer would be larger than `max_body`"),
    }
}

fn unfit(fault: Fault, fields: &[FieldName], detail: &'static str) -> Fault {
    fields.iter().fold(fault, |fault, field| at(fault, field, detail))
}

fn at(fault: Fault, field: &FieldName, detail: &'static str) -> Fault {
    let first = || field.path.first().cloned();
    let place = match field.variable {
        Variable::Body => {
            let steps = field.path.iter().map(|name| format!("/{}", escaped(name)));
            Some(FieldPlace::Body(steps.collect()))
        }
        Variable::Query | Variable::Params => first().map(FieldPlace::Parameter),
        Variable::Headers => first().map(FieldPlace::Header),
        _ => None,
    };
    match place {
        Some(place) => fault.at(place, detail),
        None => fault,
    }
}

fn detail(kind: EvalErrorKind, place: &Place) -> &'static str {
    match kind {
        EvalErrorKind::MissingField if place.missing => "is missing",
        EvalErrorKind::MissingField => "is not one of the values that are known here",
        EvalErrorKind::Amount => "is not an amount in its currency",
        EvalErrorKind::Currency => "is not the code of a currency (ISO 4217)",
        EvalErrorKind::WrongType | EvalErrorKind::WrongResult => "has the wrong type",
        EvalErrorKind::Arithmetic => "is out of range",
        EvalErrorKind::TooLarge => "is too large",
        _ => "cannot be read",
    }
}
