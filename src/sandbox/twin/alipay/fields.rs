//! Fields of a request's content, and what is wrong with them.

use serde_json::{Map, Value};

use super::{
    form::Parameters,
    money,
    refused::{Kind, Refused},
};

/// A content: a JSON object, or the parameters of a query.
#[derive(Debug, Default)]
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// Of JSON text.
    pub fn json(content: &[u8]) -> Result<Self, Refused> {
        if let Ok(Value::Object(fields)) = serde_json::from_slice(content) {
            return Ok(Self(fields));
        }
        let why = "the content is not a JSON object";
        Err(Refused::new(Kind::Invalid, "illegal-json", "非法的JSON参数", why))
    }

    /// Of a query.
    pub fn query(query: &str) -> Result<Self, Refused> {
        let parameters = Parameters::parse(query)
            .ok_or_else(|| Refused::field("query", "not percent-encoded, or something is twice"))?;
        let field = |(name, value): (&str, &str)| (name.to_owned(), value.into());
        Ok(Self(parameters.iter().map(field).collect()))
    }

    /// A text of at least one and at most so many characters.
    pub fn text(&self, name: &str, most: usize) -> Result<&str, Refused> {
        let text = self.optional(name, most)?;
        text.ok_or_else(|| Refused::field(name, &format!("expected 1 to {most} characters")))
    }

    /// Such a text, or none. Nothing and an empty text are the same.
    pub fn optional(&self, name: &str, most: usize) -> Result<Option<&str>, Refused> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) if text.chars().count() <= most => Ok(Some(text)),
            Some(_) => Err(Refused::field(name, &format!("expected at most {most} characters"))),
        }
    }

    /// A number of the merchant's own: letters, digits and underscores.
    pub fn number(&self, name: &str) -> Result<Option<&str>, Refused> {
        let number = self.optional(name, 64)?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        match number {
            Some(number) if !number.bytes().all(allowed) => {
                Err(Refused::field(name, "expected letters, digits, `_` and `-`"))
            }
            number => Ok(number),
        }
    }

    /// An amount in fen, of yuan in a text or a number.
    pub fn amount(&self, name: &str) -> Result<u64, Refused> {
        let text = match self.0.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        money::fen(&text).ok_or_else(|| {
            Refused::field(name, "expected yuan with at most two decimals, at least 0.01")
        })
    }

    /// These fields, as far as they are there: what a repetition must say again.
    pub fn terms(&self, names: &[&str]) -> Value {
        let field = |name: &&str| Some(((*name).to_owned(), self.0.get(*name)?.clone()));
        Value::Object(names.iter().filter_map(field).collect())
    }
}
