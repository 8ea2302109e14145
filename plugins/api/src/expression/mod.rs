//! Rules in the configuration: CEL, checked when loaded, bounded when run.
//!
//! An [`Expression`] is compiled once. Unknown variables, fields and functions are errors then,
//! with the name that was probably meant, and it is known which [`Variable`]s it names, so that a
//! body is held and parsed only for those who ask. Running it builds the named fields alone.
//!
//! # Variables
//! `request` (`method`, `scheme`, `host`, `path`, `query`, `headers`, `params`), `body` (a held
//! body, JSON or a form), `identity` (`subject`, `client_id`, `scopes`, `claims`), `client`
//! (`address`), `listener` and `route`; in a [`Scope`] that has one, `answer` (`status`, `headers`,
//! `body`). What is not there is a missing field: `has(identity.subject)` is false
//! without an identity, and reading it fails with [`EvalErrorKind::MissingField`], which a rule
//! that chooses (`when`) takes for "does not apply" and a rule that allows takes for "no". `has`
//! asks for its last field only: `has(body.a.b)` fails like a reading if `body.a` is missing.
//! Header names are lower case; several fields of one name are joined with `, `. A query parameter
//! is a text, or a list of texts if it was sent more than once, so that no comparison holds by
//! looking at one of several.
//!
//! # Numbers
//! There are no doubles. An integer that fits 64 bits is an `int`, `10.0` and `1e3` included. Any
//! other JSON number keeps its text; it compares exactly with an integer literal, and with
//! anything else through `decimal(…)`: `decimal(body.amount) <= decimal("99.95")`. If one side of
//! a comparison is a call of `decimal`, the other is converted too, so
//! `decimal(body.amount) <= "99.95"` means the same; amounts that providers send as text
//! (`"value": "10.00"`) work alike.
//!
//! # Money
//! `minor_units(body.amount, body.currency)` is the amount in whole minor units, 1050 for `10.50`
//! of USD, and `major_units(1050, "USD")` the text `10.50`; see [`Currency`](crate::money::Currency)
//! for what they refuse.
//!
//! # Bounds
//! The text, its nesting and the size of patterns are bounded at load. Patterns of `matches` and
//! networks of `ip_in` are literals, compiled at load. A loop inside a loop may only walk over
//! what belongs to the outer loop's element, so that the work stays linear in the body; three
//! loops deep at most, over 10,000 elements at most, 1,000 if each turn reads a variable.

mod blame;
mod check;
mod compile;
mod data;
mod decimal;
mod error;
mod exchange;
mod function;
mod literal;
#[cfg(test)]
mod properties;
mod reads;
mod result;
#[cfg(test)]
mod results;
mod run;
mod shape;
mod suggest;
#[cfg(test)]
mod tests;
mod tree;
mod value;
mod variable;

pub use compile::Expression;
pub use data::Data;
pub use decimal::Decimal;
pub use error::{EvalError, EvalErrorKind, ExpressionError, FieldName, Place};
pub use exchange::ExchangeVariables;
pub use variable::{Root, Scope, Variable, Variables};
