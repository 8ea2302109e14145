//! JSON as security needs it: one meaning per document.
//!
//! Two parsers that disagree about which of two equal members counts are an attack, so a duplicate
//! member is refused at any depth (RFC 7515 section 4 allows exactly this), and so is deep nesting and
//! anything after the value. Errors never repeat what was given.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use thiserror::Error;

/// Levels of arrays and objects that are accepted.
pub const MAX_DEPTH: usize = 32;

/// The text is not one JSON object without duplicate members, nested no deeper than [`MAX_DEPTH`].
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("expected a JSON object without duplicate members and without deep nesting")]
pub struct JsonError;

/// Parses one JSON object, strictly.
pub fn parse_object(text: &[u8]) -> Result<Map<String, Value>, JsonError> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = Strict { depth: 0 }.deserialize(&mut reader).map_err(|_| JsonError)?;
    reader.end().map_err(|_| JsonError)?;
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(JsonError),
    }
}

#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom("too deep"));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(inner)?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("duplicate member"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_read_as_serde_json_reads_it() {
        let text = r#"{"a":[1,-2,1.5,true,null,"\u00e9"],"b":{"c":18446744073709551615}}"#;
        assert_eq!(
            Value::Object(parse_object(text.as_bytes()).unwrap()),
            serde_json::from_str::<Value>(text).unwrap(),
            "strictness changes no value"
        );
    }

    #[test]
    fn anything_ambiguous_is_refused() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(40), "]".repeat(40));
        for (text, why) in [
            (r#"{"a":1,"a":2}"#, "a duplicate member"),
            (r#"{"a":1,"\u0061":1}"#, "a duplicate in another spelling"),
            (r#"{"x":[{"a":1,"a":1}]}"#, "a nested duplicate"),
            (r#"{"a":1} {}"#, "a second value"),
            (r#"{"a":1}x"#, "trailing bytes"),
            ("[]", "an array"),
            ("\"text\"", "a string"),
            ("", "nothing"),
            (r#"{"a":1e999}"#, "an infinite number"),
            (&deep, "deep nesting"),
        ] {
            assert_eq!(parse_object(text.as_bytes()), Err(JsonError), "{why} is refused");
        }
        assert_eq!(parse_object(b"{\"a\":\"\xff\"}"), Err(JsonError), "invalid UTF-8 is refused");
    }
}
