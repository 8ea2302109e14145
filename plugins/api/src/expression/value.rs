//! The types that we add to CEL: numbers that are not integers, decimals, and literals compiled
//! at load.

use std::{any::Any, cmp::Ordering, fmt, net::IpAddr, sync::Arc};

use cel::{
    ExecutionError,
    common::{
        traits::Comparer,
        types::{CelInt, CelUInt, Type},
        value::{StaticVal, Val},
    },
};
use regex::Regex;

use super::decimal::Decimal;
use crate::setting::Cidr;

/// A JSON number that is no 64-bit integer, as it was written.
#[derive(Clone)]
pub(super) struct Number {
    text: Box<str>,
    exact: Option<Decimal>,
}

impl Number {
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.into(), exact: text.parse().ok() }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// The pattern of a `matches`.
#[derive(Clone)]
pub(super) struct Pattern(pub(super) Arc<Regex>);

/// The networks of an `ip_in`.
#[derive(Clone)]
pub(super) struct Networks(pub(super) Arc<[Cidr]>);

impl Networks {
    pub(super) fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

/// The exact number behind a value, if it is one.
pub(super) fn exact(value: &dyn Val) -> Option<Decimal> {
    if let Some(number) = value.downcast_ref::<CelInt>() {
        return Some(Decimal::from(*number.inner()));
    }
    if let Some(number) = value.downcast_ref::<CelUInt>() {
        return Some(Decimal::from(*number.inner()));
    }
    if let Some(number) = value.downcast_ref::<Number>() {
        return number.exact;
    }
    value.downcast_ref::<Decimal>().copied()
}

impl Comparer for Number {
    fn compare(&self, other: &dyn Val) -> Result<Ordering, ExecutionError> {
        ordered(self.exact, other)
    }
}

impl Comparer for Decimal {
    fn compare(&self, other: &dyn Val) -> Result<Ordering, ExecutionError> {
        ordered(Some(*self), other)
    }
}

fn ordered(left: Option<Decimal>, right: &dyn Val) -> Result<Ordering, ExecutionError> {
    match (left, exact(right)) {
        (Some(left), Some(right)) => Ok(left.cmp(&right)),
        _ => Err(ExecutionError::no_such_overload("compare", Vec::new())),
    }
}

/// Equal as numbers; two that are too long to be exact are equal if they are written alike.
fn equal_numbers(left: &Number, right: &dyn Val) -> bool {
    match (left.exact, right.downcast_ref::<Number>()) {
        (None, Some(other)) => left.text == other.text,
        (left, _) => left.is_some() && left == exact(right),
    }
}

macro_rules! cel_value {
    ($type:ty, $static:ident, $name:literal, $comparer:expr, $equals:expr) => {
        pub(super) static $static: Type = Type::new_unspecified_type($name);

        impl Val for $type {
            fn get_type(&self) -> &Type {
                &$static
            }

            fn cel_type() -> &'static Type {
                &$static
            }

            fn as_comparer(&self) -> Option<&dyn Comparer> {
                $comparer(self)
            }

            fn equals(&self, other: &dyn Val) -> bool {
                $equals(self, other)
            }

            fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
            where
                Self: 'v,
            {
                Box::new(self.clone())
            }

            fn as_any(&self) -> Option<&dyn Any> {
                Some(self)
            }
        }

        impl StaticVal for $type {}
    };
}

cel_value!(Number, NUMBER, "number", |this| Some(this as &dyn Comparer), equal_numbers);
cel_value!(
    Decimal,
    DECIMAL,
    "decimal",
    |this| Some(this as &dyn Comparer),
    |this: &Self, other| { exact(other) == Some(*this) }
);
cel_value!(Pattern, PATTERN, "pattern", |_| None, |_, _| false);
cel_value!(Networks, NETWORKS, "networks", |_| None, |_, _| false);

/// The library prints values in its errors: ours print nothing but their type.
macro_rules! silent_debug {
    ($($type:ident),*) => {$(
        impl fmt::Debug for $type {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(concat!(stringify!($type), "(..)"))
            }
        }
    )*};
}

silent_debug!(Number, Pattern, Networks);
