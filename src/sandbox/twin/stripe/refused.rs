//! How Stripe says no.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::super::Answer;

/// A refusal.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refused {
    pub status: StatusCode,
    /// `type`.
    pub kind: &'static str,
    pub code: Option<&'static str>,
    pub message: String,
    pub param: Option<String>,
    /// Further members of the error.
    pub more: Option<Box<Map<String, Value>>>,
    /// Whether Stripe had begun to do what was asked for: only then it keeps the result for the key.
    pub begun: bool,
    /// What it is about.
    pub subject: Option<Box<str>>,
}

impl Refused {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            status,
            kind,
            code: None,
            message,
            param: None,
            more: None,
            begun: false,
            subject: None,
        }
    }

    /// Something of the request is wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message)
    }

    /// A parameter is wrong.
    pub fn parameter(name: &str, code: &'static str, message: impl Into<String>) -> Self {
        Self { code: Some(code), param: Some(name.to_owned()), ..Self::invalid(message) }
    }

    /// A parameter is missing.
    pub fn missing(name: &str) -> Self {
        Self::parameter(name, "parameter_missing", format!("Missing required param: {name}."))
    }

    /// There is no such thing.
    pub fn no_such(what: &str, name: &str, id: &str) -> Self {
        let refused = Self::parameter(name, "resource_missing", format!("No such {what}: '{id}'"));
        Self { status: StatusCode::NOT_FOUND, ..refused }
    }

    /// It cannot be done as things are.
    pub fn state(code: &'static str, message: impl Into<String>) -> Self {
        Self { code: Some(code), begun: true, ..Self::invalid(message) }
    }

    /// Who asks is not proven.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_request_error", message)
    }

    /// The key stands for something else, or for something that is being done.
    pub fn idempotency(status: StatusCode, code: Option<&'static str>, message: String) -> Self {
        let kind = "idempotency_error";
        Self { code, ..Self::new(status, kind, message) }
    }

    /// The card was declined.
    pub fn card(code: &'static str, message: &str, more: Map<String, Value>) -> Self {
        let refused = Self::new(StatusCode::PAYMENT_REQUIRED, "card_error", message);
        Self { code: Some(code), more: Some(Box::new(more)), begun: true, ..refused }
    }

    /// Stripe's own error.
    pub fn api_error() -> Self {
        let message = "An unexpected error occurred at Stripe.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "api_error", message)
    }

    /// It is about this.
    pub fn about(self, subject: &str) -> Self {
        Self { subject: Some(subject.into()), ..self }
    }

    pub fn answer(&self) -> Answer {
        let mut error = json!({ "type": self.kind, "message": self.message });
        if let Some(members) = error.as_object_mut() {
            if let Some(code) = self.code {
                members.insert("code".to_owned(), code.into());
                let page =
                    format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-"));
                members.insert("doc_url".to_owned(), page.into());
            }
            if let Some(param) = &self.param {
                members.insert("param".to_owned(), param.as_str().into());
            }
            members.extend(self.more.as_deref().cloned().unwrap_or_default());
        }
        let mut answer = Answer::json(self.status, &json!({ "error": error }));
        if self.status == StatusCode::UNAUTHORIZED {
            answer.put("www-authenticate", "Basic realm=\"Stripe\"");
        }
        answer.subject = self.subject.as_deref().map(str::to_owned);
        answer
    }
}
