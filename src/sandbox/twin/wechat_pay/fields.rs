//! Fields of a request's body, and what is wrong with them.

use serde_json::Value;

use super::refused::Refused;
use crate::sandbox::Request;

/// A JSON body.
pub(super) struct Fields(Value);

impl Fields {
    /// The body of a request.
    pub fn read(request: &Request) -> Result<Self, Refused> {
        if !request.is_of_type("application/json") {
            let issue = "expected application/json";
            return Err(Refused::parameter("header", "Content-Type", issue));
        }
        match serde_json::from_slice(&request.body) {
            Ok(body @ Value::Object(_)) => Ok(Self(body)),
            _ => Err(Refused::parameter("body", "/", "expected a JSON object")),
        }
    }

    /// The whole body.
    pub fn whole(&self) -> &Value {
        &self.0
    }

    /// A text of `least` to `most` characters, at this pointer.
    pub fn text(&self, pointer: &str, least: usize, most: usize) -> Result<&str, Refused> {
        let text = self.0.pointer(pointer).and_then(Value::as_str);
        let fits = |text: &&str| (least..=most).contains(&text.chars().count());
        text.filter(fits).ok_or_else(|| {
            let issue = format!("expected a text of {least} to {most} characters");
            Refused::parameter("body", pointer, &issue)
        })
    }

    /// Such a text, or none.
    pub fn optional(&self, pointer: &str, most: usize) -> Result<Option<&str>, Refused> {
        match self.0.pointer(pointer) {
            None | Some(Value::Null) => Ok(None),
            Some(_) => self.text(pointer, 0, most).map(Some),
        }
    }

    /// A number of the merchant's own: letters, digits and some marks.
    pub fn number(&self, pointer: &str, least: usize, most: usize) -> Result<&str, Refused> {
        let number = self.text(pointer, least, most)?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-|*@".contains(&byte);
        if number.bytes().all(allowed) {
            Ok(number)
        } else {
            let issue = "expected letters, digits, `_`, `-`, `|`, `*` or `@`";
            Err(Refused::parameter("body", pointer, issue))
        }
    }

    /// An amount in fen: a whole number of at least one.
    pub fn amount(&self, pointer: &str) -> Result<u64, Refused> {
        let amount = self.0.pointer(pointer).and_then(Value::as_u64);
        amount.filter(|amount| (1..=MOST).contains(amount)).ok_or_else(|| {
            Refused::parameter("body", pointer, "expected a whole number of fen, at least 1")
        })
    }

    /// `CNY`, which is meant where nothing is said but in refunds.
    pub fn currency(&self, pointer: &str) -> Result<(), Refused> {
        match self.0.pointer(pointer) {
            None => Ok(()),
            Some(Value::String(currency)) if currency == "CNY" => Ok(()),
            Some(_) => Err(Refused::parameter("body", pointer, "expected `CNY`")),
        }
    }

    /// An address for notifications: HTTPS or HTTP, without a query.
    pub fn address(&self, pointer: &str) -> Result<&str, Refused> {
        let address = self.text(pointer, 1, 255)?;
        let url = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"));
        match url {
            Some(rest) if !rest.is_empty() && !rest.contains(['?', '#', ' ']) => Ok(address),
            _ => Err(Refused::parameter("body", pointer, "expected a URL without a query")),
        }
    }
}

/// A hundred million yuan.
const MOST: u64 = 10_000_000_000;
