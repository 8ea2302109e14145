//! The functions an expression may call: a chosen part of the library's, and our own.
//!
//! What is left out can make a large text out of a small one (`replace`, `join`, `format`), or
//! brings in doubles.

#![expect(clippy::needless_pass_by_value, reason = "the signature is the library's")]

use std::{
    net::IpAddr,
    sync::{Arc, LazyLock},
};

use cel::{
    Env, ExecutionError,
    common::{
        types::{CelBool, CelInt, CelString, DYN_TYPE, STRING_TYPE},
        value::{CowVal, Val},
    },
    extensions,
};

use super::{
    decimal::Decimal,
    value::{DECIMAL, NETWORKS, NUMBER, Networks, Number, PATTERN, Pattern, exact},
};
use crate::money::{AmountError, Currency};

/// What failures of amounts and currencies are told by.
pub(super) const AMOUNT: &str = "@amount";
pub(super) const CURRENCY: &str = "@currency";

/// A function, as it may be called.
pub(super) struct Callable {
    pub(super) name: &'static str,
    /// `x.f(…)` rather than `f(…)`.
    pub(super) member: bool,
    /// Arguments, without the target, at least and at most.
    pub(super) arguments: (usize, usize),
}

const fn global(name: &'static str, arguments: usize) -> Callable {
    Callable { name, member: false, arguments: (arguments, arguments) }
}

const fn member(name: &'static str, least: usize, most: usize) -> Callable {
    Callable { name, member: true, arguments: (least, most) }
}

/// Every function that may be called.
pub(super) const CALLABLES: &[Callable] = &[
    global("size", 1),
    global("string", 1),
    global("int", 1),
    global("uint", 1),
    global("bool", 1),
    global("bytes", 1),
    global("type", 1),
    global("dyn", 1),
    global("matches", 2),
    global("decimal", 1),
    global("ip_in", 2),
    global("minor_units", 2),
    global("major_units", 2),
    global("optional.of", 1),
    global("optional.none", 0),
    global("optional.ofNonZeroValue", 1),
    member("size", 0, 0),
    member("contains", 1, 1),
    member("startsWith", 1, 1),
    member("endsWith", 1, 1),
    member("matches", 1, 1),
    member("lowerAscii", 0, 0),
    member("upperAscii", 0, 0),
    member("trim", 0, 0),
    member("substring", 1, 2),
    member("split", 1, 2),
    member("charAt", 1, 1),
    member("hasValue", 0, 0),
    member("value", 0, 0),
    member("or", 1, 1),
    member("orValue", 1, 1),
];

/// The macros, for suggestions: they are gone once parsed.
pub(super) const MACROS: &[&str] =
    &["has", "all", "exists", "exists_one", "map", "filter", "optMap", "optFlatMap"];

/// The types an expression may name.
pub(super) const TYPES: &[&str] =
    &["bool", "bytes", "int", "list", "map", "null_type", "string", "type", "uint"];

/// Built once and shared by every expression and every run.
pub(super) static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    // The names are new, so nothing here can be refused; a test calls each of them.
    let _ = env.add_extension(extensions::strings);
    let _ = env.add_overload("decimal", "to_decimal", vec![DYN_TYPE], decimal);
    let _ = env.add_overload("string", "number_to_string", vec![NUMBER.to_owned()], number_text);
    let _ = env.add_overload("string", "decimal_to_string", vec![DECIMAL.to_owned()], decimal_text);
    let pattern = || PATTERN.to_owned();
    let _ = env.add_overload("matches", "matches_pattern", vec![STRING_TYPE, pattern()], matches);
    let _ = env.add_member_overload(
        "matches",
        "string_matches_pattern",
        STRING_TYPE,
        vec![pattern()],
        matches,
    );
    let networks = NETWORKS.to_owned();
    let _ = env.add_overload("ip_in", "ip_in_networks", vec![STRING_TYPE, networks], ip_in);
    let money = || vec![DYN_TYPE, DYN_TYPE];
    let _ = env.add_overload("minor_units", "minor_units_of", money(), minor_units);
    let _ = env.add_overload("major_units", "major_units_of", money(), major_units);
    Arc::new(env)
});

type Returned<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;

fn decimal<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Returned<'b, 'v> {
    let Some(value) = arguments.into_iter().next() else { return Err(unfit("decimal")) };
    let number = match value.downcast_ref::<CelString>() {
        Some(text) => text.inner().parse::<Decimal>().ok(),
        None if value.downcast_ref::<Number>().is_some() => exact(value.as_ref()),
        None => return exact(value.as_ref()).map(CowVal::owned).ok_or_else(|| unfit("decimal")),
    };
    number
        .map(CowVal::owned)
        .ok_or_else(|| ExecutionError::function_error("decimal", "not a decimal number"))
}

fn number_text<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Returned<'b, 'v> {
    let number = arguments.first().and_then(|value| value.downcast_ref::<Number>());
    let text = number.map(|number| number.text().to_owned()).ok_or_else(|| unfit("string"))?;
    Ok(CowVal::owned(CelString::from(text)))
}

fn decimal_text<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Returned<'b, 'v> {
    let number = arguments.first().and_then(|value| value.downcast_ref::<Decimal>());
    let text = number.map(ToString::to_string).ok_or_else(|| unfit("string"))?;
    Ok(CowVal::owned(CelString::from(text)))
}

fn matches<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Returned<'b, 'v> {
    match arguments.as_slice() {
        [text, pattern] => {
            match (text.downcast_ref::<CelString>(), pattern.downcast_ref::<Pattern>()) {
                (Some(text), Some(pattern)) => {
                    Ok(CowVal::owned(CelBool::from(pattern.0.is_match(text.inner()))))
                }
                _ => Err(unfit("matches")),
            }
        }
        _ => Err(unfit("matches")),
    }
}

fn ip_in<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Returned<'b, 'v> {
    let [address, networks] = arguments.as_slice() else { return Err(unfit("ip_in")) };
    let (Some(address), Some(networks)) =
        (address.downcast_ref::<CelString>(), networks.downcast_ref::<Networks>())
    else {
        return Err(unfit("ip_in"));
    };
    let address: IpAddr = address
        .inner()
        .parse()
        .map_err(|_| ExecutionError::function_error("ip_in", "not an address"))?;
    Ok(CowVal::owned(CelBool::from(networks.contain(address))))
}

fn minor_units<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Returned<'b, 'v> {
    let (amount, currency) = money("minor_units", &arguments)?;
    let minor = match amount.downcast_ref::<CelString>() {
        Some(text) => currency.minor_units(text.inner()),
        None => exact(amount).ok_or(AmountError).and_then(|number| currency.minor_units_of(number)),
    };
    minor
        .map(|minor| CowVal::owned(CelInt::from(minor)))
        .map_err(|error| ExecutionError::function_error(AMOUNT, error))
}

fn major_units<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Returned<'b, 'v> {
    let (minor, currency) = money("major_units", &arguments)?;
    exact(minor)
        .and_then(Decimal::as_i64)
        .ok_or(AmountError)
        .and_then(|minor| currency.major_units(minor))
        .map(|text| CowVal::owned(CelString::from(text)))
        .map_err(|error| ExecutionError::function_error(AMOUNT, error))
}

fn money<'a, 'v>(
    function: &str,
    arguments: &'a [CowVal<'_, 'v>],
) -> Result<(&'a (dyn Val + 'v), Currency), ExecutionError> {
    let [amount, code] = arguments else { return Err(unfit(function)) };
    let currency = code
        .downcast_ref::<CelString>()
        .and_then(|code| Currency::of(code.inner()))
        .ok_or_else(|| ExecutionError::function_error(CURRENCY, "not a currency"))?;
    Ok((amount.as_ref(), currency))
}

fn unfit(function: &str) -> ExecutionError {
    ExecutionError::no_such_overload(function, Vec::new())
}
