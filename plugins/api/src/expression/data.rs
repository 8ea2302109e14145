//! Values on their way into an expression: borrowed, converted only where they are looked at.

use std::{borrow::Cow, collections::HashMap};

use cel::common::{
    types::{CelBool, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString},
    value::Val,
};
use http::{HeaderMap, header};
use serde_json::Value;

use super::{
    decimal::Decimal,
    error::{EvalError, EvalErrorKind},
    shape::Shape,
    value::Number,
};
use crate::json::{Kind, ValueRef};

/// A value that a [`Variables`](super::Variables) supplies.
#[derive(Clone, Debug)]
pub enum Data<'v> {
    /// Text.
    Text(Cow<'v, str>),
    /// An integer.
    Int(i64),
    /// A boolean.
    Bool(bool),
    /// A list.
    List(Vec<Data<'v>>),
    /// A map; the names differ.
    Map(Vec<(Cow<'v, str>, Data<'v>)>),
    /// A part of a body, or the whole.
    Json(ValueRef<'v>),
    /// Claims of a token.
    Value(&'v Value),
    /// Claims of a token, as the map they are.
    Claims(&'v serde_json::Map<String, Value>),
    /// Header fields. Several of one name are joined with `, ` in their order (RFC 9110, section
    /// 5.3), those of `cookie` with `; `. Bytes that are not UTF-8 become U+FFFD.
    Headers(&'v HeaderMap),
}

impl<'v> Data<'v> {
    /// Text that is borrowed.
    pub fn text(text: &'v str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// A query string without its `?` as a map of decoded parameters (`+` is a space). One that
    /// occurs once is a text, one that occurs several times the list of its texts.
    pub fn query(query: &'v str) -> Self {
        let mut members: Vec<(Cow<'v, str>, Vec<Data<'v>>)> = Vec::new();
        let mut places = HashMap::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name), Data::Text(decode(value)));
            let place = *places.entry(name.clone()).or_insert(members.len());
            match members.get_mut(place) {
                Some((_, values)) => values.push(value),
                None => members.push((name, vec![value])),
            }
        }
        Self::Map(
            members
                .into_iter()
                .map(|(name, mut values)| match (values.len(), values.pop()) {
                    (1, Some(only)) => (name, only),
                    (_, last) => (name, Data::List(values.into_iter().chain(last).collect())),
                })
                .collect(),
        )
    }
}

/// Converts what an expression looks at. `most` bounds the members of any one list or map.
pub(super) struct Conversion {
    pub(super) most: usize,
}

type Boxed<'v> = Box<dyn Val + 'v>;

impl Conversion {
    pub(super) fn data<'v>(&self, data: Data<'v>, shape: &Shape) -> Result<Boxed<'v>, EvalError> {
        Ok(match data {
            Data::Text(text) => Box::new(CelString::from(text)),
            Data::Int(number) => Box::new(CelInt::from(number)),
            Data::Bool(value) => Box::new(CelBool::from(value)),
            Data::List(items) => {
                self.list(items.into_iter().map(|item| self.data(item, &whole())))?
            }
            Data::Map(members) => self.map(members.into_iter().filter_map(|(name, data)| {
                let part = part(shape, &name)?;
                Some(self.data(data, part.get()).map(|value| (name, value)))
            }))?,
            Data::Json(value) => self.json(value, shape)?,
            Data::Value(value) => self.value(value, shape)?,
            Data::Claims(claims) => self.claims(claims, shape)?,
            Data::Headers(headers) if shape.is_all() => {
                self.map(headers.keys().filter_map(|name| {
                    let value: Boxed<'v> = Box::new(CelString::from(joined(headers, name)?));
                    Some(Ok((Cow::Borrowed(name.as_str()), value)))
                }))?
            }
            Data::Headers(headers) => self.map(shape.children().filter_map(|(name, _)| {
                let name: header::HeaderName = name.parse().ok()?;
                let value: Boxed<'v> = Box::new(CelString::from(joined(headers, &name)?));
                Some(Ok((Cow::Owned(name.as_str().to_owned()), value)))
            }))?,
        })
    }

    fn json<'v>(&self, value: ValueRef<'v>, shape: &Shape) -> Result<Boxed<'v>, EvalError> {
        if shape.is_presence() {
            return Ok(Box::new(CelNull));
        }
        Ok(match value.kind() {
            Kind::Null => Box::new(CelNull),
            Kind::Bool => Box::new(CelBool::from(value.as_bool().unwrap_or_default())),
            Kind::Number => number(value.number_text().unwrap_or_default()),
            Kind::String => Box::new(CelString::from(value.as_str().unwrap_or_default())),
            Kind::Array => {
                self.list(value.elements().map(|element| self.json(element, &whole())))?
            }
            Kind::Object => {
                let members = value.members().filter_map(|member| {
                    let part = part(shape, &member.name)?;
                    let value = self.json(member.value, part.get());
                    Some(value.map(|value| (member.name, value)))
                });
                self.map(members)?
            }
        })
    }

    fn value<'v>(&self, value: &'v Value, shape: &Shape) -> Result<Boxed<'v>, EvalError> {
        Ok(match value {
            Value::Null => Box::new(CelNull),
            Value::Bool(value) => Box::new(CelBool::from(*value)),
            Value::Number(value) => number(&value.to_string()),
            Value::String(text) => Box::new(CelString::from(text.as_str())),
            Value::Array(items) => {
                self.list(items.iter().map(|item| self.value(item, &whole())))?
            }
            Value::Object(members) => self.claims(members, shape)?,
        })
    }

    fn claims<'v>(
        &self,
        claims: &'v serde_json::Map<String, Value>,
        shape: &Shape,
    ) -> Result<Boxed<'v>, EvalError> {
        self.map(claims.iter().filter_map(|(name, value)| {
            let part = part(shape, name)?;
            Some(self.value(value, part.get()).map(|value| (Cow::Borrowed(name.as_str()), value)))
        }))
    }

    fn list<'v>(
        &self,
        items: impl Iterator<Item = Result<Boxed<'v>, EvalError>>,
    ) -> Result<Boxed<'v>, EvalError> {
        let items = items.take(self.most + 1).collect::<Result<Vec<_>, _>>()?;
        self.within(items.len())?;
        Ok(Box::new(CelList::from(items)))
    }

    fn map<'v>(
        &self,
        members: impl Iterator<Item = Result<(Cow<'v, str>, Boxed<'v>), EvalError>>,
    ) -> Result<Boxed<'v>, EvalError> {
        let mut map: HashMap<CelMapKey<'v>, Boxed<'v>> = HashMap::new();
        for member in members.take(self.most + 1) {
            let (name, value) = member?;
            map.insert(CelMapKey::String(CelString::from(name)), value);
        }
        self.within(map.len())?;
        Ok(Box::new(CelMap::from(map)))
    }

    fn within(&self, length: usize) -> Result<(), EvalError> {
        if length > self.most {
            return Err(EvalError::new(EvalErrorKind::TooLarge));
        }
        Ok(())
    }
}

/// Every number that is whole and fits is an int, however it was written, so that two spellings of
/// one amount are equal.
fn number<'v>(text: &str) -> Boxed<'v> {
    let whole = text.parse().ok().or_else(|| text.parse::<Decimal>().ok()?.as_i64());
    match whole {
        Some(whole) => Box::new(CelInt::from(whole)),
        None => Box::new(Number::new(text)),
    }
}

enum Part<'s> {
    Of(&'s Shape),
    Whole(Shape),
}

impl Part<'_> {
    fn get(&self) -> &Shape {
        match self {
            Self::Of(shape) => shape,
            Self::Whole(shape) => shape,
        }
    }
}

/// The shape of a member; `None` if nobody looks at it.
fn part<'s>(shape: &'s Shape, name: &str) -> Option<Part<'s>> {
    if shape.is_all() {
        return Some(Part::Whole(whole()));
    }
    shape.children().find(|(child, _)| *child == name).map(|(_, child)| Part::Of(child))
}

fn whole() -> Shape {
    let mut shape = Shape::default();
    shape.add(&[], true);
    shape
}

fn joined<'v>(headers: &'v HeaderMap, name: &header::HeaderName) -> Option<Cow<'v, str>> {
    let mut values =
        headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let first = values.next()?;
    let separator = if name == header::COOKIE { "; " } else { ", " };
    let mut joined = first;
    for value in values {
        let text = joined.to_mut();
        text.push_str(separator);
        text.push_str(&value);
    }
    Some(joined)
}

/// Percent-decoding of `application/x-www-form-urlencoded`; a `%` without two digits stays.
fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => match after.split_at_checked(2).and_then(|(pair, left)| {
                Some((u8::from_str_radix(pair_of_digits(pair)?, 16).ok()?, left))
            }) {
                Some((decoded, left)) => {
                    bytes.push(decoded);
                    rest = left;
                }
                None => bytes.push(b'%'),
            },
            other => bytes.push(*other),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

fn pair_of_digits(pair: &[u8]) -> Option<&str> {
    std::str::from_utf8(pair).ok().filter(|pair| pair.bytes().all(|b| b.is_ascii_hexdigit()))
}
