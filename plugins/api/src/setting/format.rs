//! The checks behind the `format` names of the schema.

use super::{ByteSize, Cidr, Delay, Duration, HeaderName, Rate, Url, text::text_setting};
use crate::{
    expression::{Expression, Scope},
    json::FieldPath,
};

/// Checks one text; the error says what was expected.
pub type Check = fn(&str) -> Result<(), String>;

/// The check of every text type, by the `format` of its schema. A checker of configurations walks
/// schema and document side by side and reports all that fail at once.
pub fn formats() -> Vec<(&'static str, Check)> {
    vec![
        ("duration", check::<Duration>),
        ("delay", check::<Delay>),
        ("byte-size", check::<ByteSize>),
        ("rate", check::<Rate>),
        ("cidr", check::<Cidr>),
        ("url", check::<Url>),
        ("header-name", check::<HeaderName>),
        ("field-path", check::<FieldPath>),
        ("expression", check::<Expression>),
        ("answer-expression", check_answer_expression),
    ]
}

/// An expression that may name `answer`.
fn check_answer_expression(text: &str) -> Result<(), String> {
    Expression::compile_in(text, Scope::Answer).map(drop).map_err(|error| error.to_string())
}

fn check<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<(), String> {
    text.parse::<T>().map(drop).map_err(|error| error.to_string())
}

text_setting!(FieldPath, "field-path", "the path of a field such as `payer.card.number`");
text_setting!(Expression, "expression", "an expression such as `body.amount < 1000`");
