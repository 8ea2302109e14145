//! What can be wrong with an expression, and what can go wrong when it runs.

use std::fmt;

use cel::ExecutionError;

use super::{
    function::{AMOUNT, CURRENCY},
    variable::Variable,
};

/// Why a text is no expression. Shown as the message, the column, then the hint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExpressionError {
    /// Character of the text, from zero.
    pub offset: usize,
    /// What is wrong.
    pub message: String,
    /// What was probably meant.
    pub hint: Option<String>,
}

impl ExpressionError {
    pub(super) fn new(offset: usize, message: impl Into<String>) -> Self {
        Self { offset, message: message.into(), hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds `did you mean` if there is something to suggest.
    pub(super) fn suggest(self, meant: Option<&str>) -> Self {
        match meant {
            Some(meant) => self.hint(format!("did you mean `{meant}`?")),
            None => self,
        }
    }
}

impl fmt::Display for ExpressionError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} at character {}", self.message, self.offset + 1)?;
        match &self.hint {
            Some(hint) => write!(out, "; hint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ExpressionError {}

/// Why an expression gave no result. It never quotes data.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EvalError {
    /// What kind of failure it was: the caller decides what that means for a rule.
    pub kind: EvalErrorKind,
    /// The missing field, if the expression itself names it.
    pub field: Option<String>,
    /// Where it went wrong: the one field, if that can be told, else each that may be to blame.
    /// Empty until [`Expression::blame`](super::Expression::blame) has looked.
    pub places: Vec<Place>,
}

/// A field that an expression could not do with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// Which field.
    pub field: FieldName,
    /// It is not there, as opposed to there and unfit.
    pub missing: bool,
}

/// A field as the text of an expression spells it: `body.payer.name`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FieldName {
    /// The variable.
    pub variable: Variable,
    /// The names below it, from the outermost; empty for the variable itself.
    pub path: Vec<String>,
}

impl fmt::Display for FieldName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.variable.root().name())?;
        let field = Some(self.variable.field()).filter(|field| !field.is_empty());
        let names = field.into_iter().chain(self.path.iter().map(String::as_str));
        names.into_iter().try_for_each(|name| write!(out, ".{name}"))
    }
}

/// The kinds of failure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum EvalErrorKind {
    /// A field or element that is not there was read.
    MissingField,
    /// A value is not of the type that an operator or function takes.
    WrongType,
    /// The result is not of the type that was asked for.
    WrongResult,
    /// A text could not be converted, to a number or an address for instance.
    Conversion,
    /// A text or number is no amount of its currency.
    Amount,
    /// A text is not the code of a currency.
    Currency,
    /// Overflow or division by zero.
    Arithmetic,
    /// A list is longer than an expression with loops may walk.
    TooLarge,
    /// Anything else; a defect.
    Internal,
}

impl EvalError {
    pub(super) fn new(kind: EvalErrorKind) -> Self {
        Self { kind, field: None, places: Vec::new() }
    }

    /// Keeps nothing of the library's error but its kind: it formats the values involved. A key
    /// is kept if it is one of `names`, those written in the expression.
    pub(super) fn of(error: &ExecutionError, names: &[String]) -> Self {
        let kind = match error {
            ExecutionError::NoSuchKey(key) => {
                let field = names.iter().find(|name| *name == key.as_ref()).cloned();
                return Self { field, ..Self::new(EvalErrorKind::MissingField) };
            }
            ExecutionError::IndexOutOfBounds(_) | ExecutionError::UndeclaredReference(_) => {
                EvalErrorKind::MissingField
            }
            ExecutionError::NoSuchOverload(_)
            | ExecutionError::UnexpectedType { .. }
            | ExecutionError::ValuesNotComparable(..)
            | ExecutionError::UnsupportedBinaryOperator(..)
            | ExecutionError::UnsupportedTargetType { .. }
            | ExecutionError::NotSupportedAsMethod { .. }
            | ExecutionError::UnsupportedKeyType(_)
            | ExecutionError::UnsupportedIndex(..)
            | ExecutionError::DuplicateKey(_)
            | ExecutionError::InvalidArgumentCount { .. } => EvalErrorKind::WrongType,
            ExecutionError::FunctionError { function, .. } if function == AMOUNT => {
                EvalErrorKind::Amount
            }
            ExecutionError::FunctionError { function, .. } if function == CURRENCY => {
                EvalErrorKind::Currency
            }
            ExecutionError::FunctionError { .. } => EvalErrorKind::Conversion,
            ExecutionError::DivisionByZero(_)
            | ExecutionError::RemainderByZero(_)
            | ExecutionError::Overflow(..) => EvalErrorKind::Arithmetic,
            _ => EvalErrorKind::Internal,
        };
        Self::new(kind)
    }
}

impl fmt::Display for EvalError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.kind {
            EvalErrorKind::MissingField => "a field is missing",
            EvalErrorKind::WrongType => "a value has the wrong type",
            EvalErrorKind::WrongResult => "the result has the wrong type",
            EvalErrorKind::Conversion => "a value cannot be converted",
            EvalErrorKind::Amount => "an amount is none of its currency",
            EvalErrorKind::Currency => "a currency is not known",
            EvalErrorKind::Arithmetic => "arithmetic overflow or division by zero",
            EvalErrorKind::TooLarge => "a list is too long to be walked",
            EvalErrorKind::Internal => "the expression failed",
        };
        out.write_str(text)?;
        match (&self.field, self.places.as_slice()) {
            (_, [first, others @ ..]) => {
                write!(out, ": {}", first.field)?;
                others.iter().try_for_each(|other| write!(out, " or {}", other.field))
            }
            (Some(field), []) => write!(out, ": {field}"),
            (None, []) => Ok(()),
        }
    }
}

impl std::error::Error for EvalError {}
