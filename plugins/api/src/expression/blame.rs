//! Which field an expression failed over, so that whoever sent it can be told.
//!
//! Names come from the expression's text, never from data. This is looked for only where a failure
//! is reported, because a rule that does not apply fails all the time.

use super::{
    compile::Expression,
    data::Data,
    error::{EvalError, EvalErrorKind, FieldName, Place},
    reads::Purpose,
    variable::Variables,
};
use crate::json::ValueRef;

impl Expression {
    /// Adds the places where this expression went wrong to its error.
    #[must_use]
    pub fn blame(&self, mut error: EvalError, variables: &dyn Variables) -> EvalError {
        let lacking = |field: &&FieldName| {
            let lacks =
                variables.resolve(field.variable).is_none_or(|data| lacks(&data, &field.path));
            lacks && error.field.as_ref().is_none_or(|name| field.is_or_has(name))
        };
        let place =
            |missing: bool| move |field: &FieldName| Place { field: field.clone(), missing };
        error.places = match error.kind {
            EvalErrorKind::MissingField => {
                match self.reads_for(Purpose::Any).find(lacking).map(place(true)) {
                    Some(found) => vec![found],
                    None => self.reads_for(Purpose::Any).map(place(false)).collect(),
                }
            }
            EvalErrorKind::Amount => self.reads_for(Purpose::Amount).map(place(false)).collect(),
            EvalErrorKind::Currency => {
                self.reads_for(Purpose::Currency).map(place(false)).collect()
            }
            _ => self.reads_for(Purpose::Any).map(place(false)).collect(),
        };
        error
    }
}

impl FieldName {
    /// Whether this is the name of the variable's field or of one below it.
    fn is_or_has(&self, name: &str) -> bool {
        self.variable.field() == name || self.path.iter().any(|own| own == name)
    }
}

/// Whether something on the way along the path is not there.
fn lacks(data: &Data<'_>, path: &[String]) -> bool {
    let Some((first, rest)) = path.split_first() else { return false };
    match data {
        Data::Json(value) => json_lacks(*value, path),
        Data::Map(members) => {
            let member = members.iter().find(|(name, _)| name == first);
            member.is_none_or(|(_, data)| lacks(data, rest))
        }
        Data::Headers(headers) => !headers.contains_key(first.as_str()),
        Data::Value(value) => claim_lacks(Some(value), path),
        Data::Claims(claims) => claim_lacks(claims.get(first), rest),
        Data::Text(_) | Data::Int(_) | Data::Bool(_) | Data::List(_) => false,
    }
}

fn json_lacks(value: ValueRef<'_>, path: &[String]) -> bool {
    let end = path.iter().try_fold(value, |value, name| value.get(name));
    end.is_none()
}

fn claim_lacks(value: Option<&serde_json::Value>, path: &[String]) -> bool {
    path.iter().try_fold(value, |value, name| Some(value?.get(name))).flatten().is_none()
}
