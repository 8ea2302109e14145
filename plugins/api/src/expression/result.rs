//! Results that become part of a message: texts and JSON.
//!
//! An expression that only names a field copies it as it was written, so that `10.00` stays
//! `10.00`. Everything else is written out from its value; members of maps are in the order of
//! their names.

use std::fmt::Write;

use cel::common::{
    types::{
        CelBool, CelInt, CelList, CelMap, CelMapKey, CelNull, CelOptional, CelString, CelUInt,
    },
    value::Val,
};

use super::{
    compile::Expression, data::Data, decimal::Decimal, error::EvalError, value::Number,
    variable::Variables,
};
use crate::json::{Fragment, ValueRef, encode_string};

impl Expression {
    /// Runs an expression that yields JSON. `None` is an optional without a value: what
    /// `body.?note` yields if there is no note. Numbers are copied as written or exact.
    pub fn evaluate_json(&self, variables: &dyn Variables) -> Result<Option<Fragment>, EvalError> {
        if let Some(value) = self.copied(variables) {
            return Ok(Some(Fragment::of(value)));
        }
        self.run(variables, |value| {
            let Some(value) = present(value) else { return Some(None) };
            let mut text = String::new();
            write_json(&mut text, value).map(|()| Some(Fragment::trusted(text)))
        })
        .map_err(|error| self.blame(error, variables))
    }

    /// Runs an expression that yields a text. `None` is an optional without a value. An integer, a
    /// boolean or a number counts as its text. An error says where it went wrong.
    pub fn evaluate_text(&self, variables: &dyn Variables) -> Result<Option<String>, EvalError> {
        if let Some(number) = self.copied(variables).and_then(|value| value.number_text()) {
            return Ok(Some(number.to_owned()));
        }
        self.run(variables, |value| match present(value) {
            Some(value) => text_of(value).map(Some),
            None => Some(None),
        })
        .map_err(|error| self.blame(error, variables))
    }

    /// The part of a JSON body that is all there is to the expression, if it is there.
    fn copied<'v>(&self, variables: &'v dyn Variables) -> Option<ValueRef<'v>> {
        let field = self.compiled.copies.as_ref()?;
        let Data::Json(value) = variables.resolve(field.variable)? else { return None };
        field.path.iter().try_fold(value, |value, name| value.get(name))
    }
}

/// A scalar as text.
pub(super) fn text_of(value: &dyn Val) -> Option<String> {
    if let Some(text) = value.downcast_ref::<CelString>() {
        return Some(text.inner().to_owned());
    }
    if let Some(value) = value.downcast_ref::<CelBool>() {
        return Some(value.inner().to_string());
    }
    number_of(value)
}

fn number_of(value: &dyn Val) -> Option<String> {
    if let Some(number) = value.downcast_ref::<CelInt>() {
        return Some(number.inner().to_string());
    }
    if let Some(number) = value.downcast_ref::<CelUInt>() {
        return Some(number.inner().to_string());
    }
    if let Some(number) = value.downcast_ref::<Number>() {
        return Some(number.text().to_owned());
    }
    value.downcast_ref::<Decimal>().map(ToString::to_string)
}

/// The value of an optional, or the value itself.
fn present(value: &dyn Val) -> Option<&dyn Val> {
    match value.downcast_ref::<CelOptional>() {
        Some(optional) => optional.inner().and_then(|value| present(value)),
        None => Some(value),
    }
}

/// Recursion is bounded by the depth of bodies and of expressions.
fn write_json(out: &mut String, value: &dyn Val) -> Option<()> {
    if let Some(text) = value.downcast_ref::<CelString>() {
        out.push_str(&encode_string(text.inner()));
    } else if value.downcast_ref::<CelNull>().is_some() {
        out.push_str("null");
    } else if let Some(list) = value.downcast_ref::<CelList>() {
        out.push('[');
        for (at, element) in list.inner().iter().enumerate() {
            separate(out, at);
            write_json(out, element.as_ref())?;
        }
        out.push(']');
    } else if let Some(map) = value.downcast_ref::<CelMap>() {
        let mut members: Vec<(String, &dyn Val)> = Vec::with_capacity(map.inner().len());
        for (key, value) in map.inner() {
            let CelMapKey::String(key) = key else { return None };
            members.push((key.inner().to_owned(), value.as_ref()));
        }
        members.sort_unstable_by(|left, right| left.0.cmp(&right.0));
        out.push('{');
        for (at, (name, value)) in members.into_iter().enumerate() {
            separate(out, at);
            // Writing to a String cannot fail.
            let _ = write!(out, "{}:", encode_string(&name));
            write_json(out, value)?;
        }
        out.push('}');
    } else if let Some(value) = value.downcast_ref::<CelBool>() {
        let _ = write!(out, "{}", value.inner());
    } else {
        out.push_str(&number_of(value)?);
    }
    Some(())
}

fn separate(out: &mut String, at: usize) {
    if at > 0 {
        out.push(',');
    }
}
