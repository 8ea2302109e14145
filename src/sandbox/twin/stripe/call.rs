//! A request, read: its parameters, whose it is, and what numbers it may make.

use serde_json::{Map, Value};

use super::{super::Desk, form, refused::Refused};
use crate::sandbox::Request;

/// A request, read.
pub(super) struct Call {
    parameters: Map<String, Value>,
    /// The connected account that it is about (`Stripe-Account`).
    pub account: Option<String>,
    /// `Idempotency-Key`, on POST.
    pub key: Option<String>,
}

impl Call {
    pub fn read(request: &Request) -> Result<Self, Refused> {
        let mut parameters = form::tree(request.query.as_deref().unwrap_or_default())?;
        if !request.body.is_empty() {
            if !request.is_of_type("application/x-www-form-urlencoded") {
                let message = "Request bodies are application/x-www-form-urlencoded.";
                return Err(Refused::invalid(message));
            }
            let body = str::from_utf8(&request.body);
            let body = body.map_err(|_| Refused::invalid("The body is not UTF-8."))?;
            for (name, value) in form::tree(body)? {
                if parameters.insert(name.clone(), value).is_some() {
                    let message = format!("{name} is in the query and in the body");
                    return Err(Refused::parameter(&name, "parameter_unknown", message));
                }
            }
        }
        let only = |name: &str| {
            if !request.headers.contains_key(name) {
                return Ok(None);
            }
            let wrong = || Refused::invalid(format!("{name} came twice, or is not text"));
            request.only_header(name).map(|value| Some(value.to_owned())).ok_or_else(wrong)
        };
        let key = only("idempotency-key")?.filter(|_| request.method == http::Method::POST);
        if key.as_ref().is_some_and(|key| key.is_empty() || key.len() > 255) {
            let message = "Idempotency keys have 1 to 255 characters.";
            return Err(Refused::invalid(message));
        }
        let account = only("stripe-account")?;
        if account.as_ref().is_some_and(|account| !account.starts_with("acct_")) {
            return Err(Refused::invalid("The Stripe-Account header begins with acct_."));
        }
        Ok(Self { parameters, account, key })
    }

    /// Whether nothing but these parameters is there.
    pub fn knows(&self, names: &[&str]) -> Result<(), Refused> {
        let known = |name: &&String| names.contains(&name.as_str()) || *name == "expand";
        match self.parameters.keys().find(|name| !known(name)) {
            None => Ok(()),
            Some(name) => {
                let message = format!("Received unknown parameter: {name}");
                Err(Refused::parameter(name, "parameter_unknown", message))
            }
        }
    }

    /// A parameter as it came.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.parameters.get(name)
    }

    /// Whether an object is wanted in the place of its number (`expand[]`).
    pub fn expands(&self, name: &str) -> bool {
        let wanted = self.parameters.get("expand").and_then(Value::as_array);
        wanted.is_some_and(|wanted| wanted.iter().any(|other| other == name))
    }

    /// A text that is not empty, or none.
    pub fn text(&self, name: &str) -> Result<Option<&str>, Refused> {
        match self.parameters.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) if text.len() <= 5_000 => Ok(Some(text)),
            Some(_) => {
                let message = format!("Invalid string: {name}");
                Err(Refused::parameter(name, "parameter_invalid_string", message))
            }
        }
    }

    /// A whole number of at least one, in the smallest unit of the currency.
    pub fn amount(&self, name: &str) -> Result<Option<u64>, Refused> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let digits = text.len() <= 8 && text.bytes().all(|byte| byte.is_ascii_digit());
        let amount = text.parse().ok().filter(|amount: &u64| digits && *amount > 0);
        amount.map(Some).ok_or_else(|| {
            let message = format!("Invalid integer: {text}");
            Refused::parameter(name, "parameter_invalid_integer", message)
        })
    }

    pub fn flag(&self, name: &str) -> Result<bool, Refused> {
        match self.text(name)? {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => {
                let message = format!("Invalid boolean: {other}");
                Err(Refused::parameter(name, "parameter_invalid_boolean", message))
            }
        }
    }

    /// Metadata: at most fifty texts. An empty one is to be removed.
    pub fn metadata(&self) -> Result<Map<String, Value>, Refused> {
        let wrong = || {
            let message = "Metadata is a set of keys and texts, at most fifty.";
            Refused::parameter("metadata", "parameter_invalid_string", message)
        };
        match self.parameters.get("metadata") {
            None => Ok(Map::new()),
            Some(Value::Object(members)) => {
                let fits = |(name, value): (&String, &Value)| {
                    name.len() <= 40 && value.as_str().is_some_and(|text| text.len() <= 500)
                };
                let good = members.len() <= 50 && members.iter().all(fits);
                if good { Ok(members.clone()) } else { Err(wrong()) }
            }
            Some(_) => Err(wrong()),
        }
    }

    /// A number of Stripe's for something new, the same for the same seed and the same key, or the same
    /// `metadata[order_id]`. `taken` says whether a number stands for something already.
    pub fn number(&self, prefix: &str, desk: &Desk, taken: impl Fn(&str) -> bool) -> String {
        let order = self.parameters.get("metadata").and_then(|metadata| metadata.get("order_id"));
        let subject = self.key.as_deref().or(order.and_then(Value::as_str)).unwrap_or_default();
        let number = |turn: u64| {
            let subject = format!("{subject} {turn}");
            format!("{prefix}_3{}", desk.seed().letters(prefix, &subject, 23, ALPHABET))
        };
        // As many as were made for the same subject, and one more.
        (0..u64::MAX).map(number).find(|number| !taken(number)).unwrap_or_default()
    }
}

pub(super) const ALPHABET: &[u8; 62] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
