//! Parameters: of a query and a form together, of a notification, and the text that is signed.

use crate::sandbox::{Request, http::form_decoded};

/// Names and values, decoded once, in the order in which they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Those of a request: of its query and its form. The name of one that came twice, or what else
    /// is wrong, otherwise.
    pub fn of(request: &Request) -> Result<Self, String> {
        let mut all = Self::default();
        all.read(request.query.as_deref().unwrap_or_default())?;
        if !request.body.is_empty() {
            if !request.is_of_type("application/x-www-form-urlencoded") {
                return Err("the body is not a form".to_owned());
            }
            let body = str::from_utf8(&request.body);
            all.read(body.map_err(|_| "the form is not percent-encoded UTF-8".to_owned())?)?;
        }
        Ok(all)
    }

    /// Those of a form that came whole. `None` if it is none, or says something twice.
    pub fn parse(text: &str) -> Option<Self> {
        let mut all = Self::default();
        all.read(text).ok().map(|()| all)
    }

    fn read(&mut self, text: &str) -> Result<(), String> {
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) = (form_decoded(name), form_decoded(value)) else {
                return Err("a parameter is not percent-encoded UTF-8".to_owned());
            };
            if self.0.iter().any(|(other, _)| *other == name) {
                return Err(format!("`{name}` came twice"));
            }
            if self.0.len() == MOST {
                return Err("too many parameters".to_owned());
            }
            self.0.push((name, value));
        }
        Ok(())
    }

    /// A value that is not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Sets one, in the place of what it was before. Empty values are left out.
    pub fn set(&mut self, name: &str, value: &str) {
        self.0.retain(|(other, _)| other != name);
        if !value.is_empty() {
            self.0.push((name.to_owned(), value.to_owned()));
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// What is signed: sorted, without these and without empty values, nothing encoded.
    pub fn text_to_sign(&self, without: &[&str]) -> String {
        let mut parts: Vec<(&str, &str)> = self
            .iter()
            .filter(|(name, value)| !value.is_empty() && !without.contains(name))
            .collect();
        parts.sort_unstable();
        let parts = parts.iter().map(|(name, value)| format!("{name}={value}"));
        parts.collect::<Vec<_>>().join("&")
    }

    /// As `application/x-www-form-urlencoded`.
    pub fn encoded(&self) -> String {
        let parts = self.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
        parts.collect::<Vec<_>>().join("&")
    }
}

/// As Java's `URLEncoder` does it.
fn encode(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => {
            char::from(byte).to_string()
        }
        b' ' => "+".to_owned(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

const MOST: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_survives_being_encoded_and_is_signed_sorted_and_without_what_is_empty() {
        let mut form = Parameters::default();
        for (name, value) in [("b", "测试 a=b&c%25 +"), ("a", "1"), ("sign", "x"), ("c", "")] {
            form.set(name, value);
        }
        assert_eq!(Parameters::parse(&form.encoded()), Some(form.clone()), "nothing is lost");
        assert_eq!(form.text_to_sign(&["sign"]), "a=1&b=测试 a=b&c%25 +", "sorted and as it is");
        for (text, what) in [("a=1&a=2", "twice"), ("a=%4", "half a digit"), ("a=%ff", "no UTF-8")]
        {
            assert_eq!(Parameters::parse(text), None, "{what}");
        }
    }
}
