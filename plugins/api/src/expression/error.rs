//! What can be wrong with an expression, and what can go wrong when it runs.

use std::fmt;

use cel::ExecutionError;

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
    /// Overflow or division by zero.
    Arithmetic,
    /// A list is longer than an expression with loops may walk.
    TooLarge,
    /// Anything else; a defect.
    Internal,
}

impl EvalError {
    pub(super) fn new(kind: EvalErrorKind) -> Self {
        Self { kind, field: None }
    }

    /// Keeps nothing of the library's error but its kind: it formats the values involved. A key
    /// is kept if it is one of `names`, those written in the expression.
    pub(super) fn of(error: &ExecutionError, names: &[String]) -> Self {
        let kind = match error {
            ExecutionError::NoSuchKey(key) => {
                let field = names.iter().find(|name| *name == key.as_ref()).cloned();
                return Self { kind: EvalErrorKind::MissingField, field };
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
            EvalErrorKind::Arithmetic => "arithmetic overflow or division by zero",
            EvalErrorKind::TooLarge => "a list is too long to be walked",
            EvalErrorKind::Internal => "the expression failed",
        };
        out.write_str(text)?;
        match &self.field {
            Some(field) => write!(out, ": {field}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for EvalError {}
