//! Claims as header fields for the upstream.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};

/// Which claim goes into which field.
#[derive(Debug)]
pub(super) struct ClaimHeaders(Vec<(HeaderName, String)>);

/// A claim that cannot be a field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unfit;

impl ClaimHeaders {
    /// The mapping; each name once.
    pub fn new(mapping: Vec<(HeaderName, String)>) -> Self {
        Self(mapping)
    }

    /// Removes what the caller sent under the names that are ours to set, and under spellings that
    /// some servers take for the same (`X_Client_Id` for `X-Client-Id`).
    pub fn strip(&self, headers: &mut HeaderMap) {
        if self.0.is_empty() {
            return;
        }
        for (name, _) in &self.0 {
            headers.remove(name);
        }
        let alike: Vec<_> = headers
            .keys()
            .filter(|name| name.as_str().contains('_'))
            .filter(|name| self.0.iter().any(|(ours, _)| is_alike(name, ours)))
            .cloned()
            .collect();
        for name in alike {
            headers.remove(name);
        }
    }

    /// Sets the fields of the claims that the token has.
    pub fn set(&self, claims: &Map<String, Value>, headers: &mut HeaderMap) -> Result<(), Unfit> {
        for (name, claim) in &self.0 {
            if let Some(value) = claims.get(claim) {
                headers.insert(name, field_value(value)?);
            }
        }
        Ok(())
    }
}

fn is_alike(name: &HeaderName, ours: &HeaderName) -> bool {
    let spelled = |name: &HeaderName| name.as_str().replace('_', "-");
    spelled(name) == spelled(ours)
}

/// Text as it is, integers and booleans as they are written in JSON.
fn field_value(claim: &Value) -> Result<HeaderValue, Unfit> {
    match claim {
        // Surrounding space would not survive the wire, and servers disagree about how to read bytes
        // beyond ASCII (RFC 9110 section 5.5): two claims would look alike.
        Value::String(text) if text.is_ascii() && text.trim() == text => {
            HeaderValue::from_str(text)
        }
        Value::Number(number) if number.is_u64() || number.is_i64() => {
            HeaderValue::from_str(&number.to_string())
        }
        Value::Bool(value) => HeaderValue::from_str(if *value { "true" } else { "false" }),
        _ => return Err(Unfit),
    }
    .map_err(|_| Unfit)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_a_field_can_carry_becomes_a_field() {
        for (claim, value) in
            [(json!("fi-1"), "fi-1"), (json!(7), "7"), (json!(-7), "-7"), (json!(true), "true")]
        {
            assert_eq!(field_value(&claim), Ok(HeaderValue::from_str(value).unwrap()), "{claim}");
        }
        for claim in [
            json!("a\r\nX-Admin: 1"),
            json!("a\u{0}"),
            json!("Zoë"),
            json!(" a"),
            json!("a\t"),
            json!(1.5),
            json!(null),
            json!(["a"]),
            json!({}),
        ] {
            assert_eq!(field_value(&claim), Err(Unfit), "{claim} is refused");
        }
    }
}
