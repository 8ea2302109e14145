//! How WeChat Pay says no.

use http::StatusCode;
use serde_json::{Value, json};

use super::super::Answer;

/// A refusal: what the merchant is told, and what its developer can look up beside it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refused {
    pub status: StatusCode,
    pub code: &'static str,
    pub message: &'static str,
    pub detail: Option<Box<Value>>,
    /// In words, for a developer.
    pub why: String,
    /// What the twin would have accepted, or what it computed.
    pub expected: Option<String>,
    /// The order it is about.
    pub subject: Option<String>,
}

impl Refused {
    pub fn new(
        status: StatusCode,
        code: &'static str,
        message: &'static str,
        why: impl Into<String>,
    ) -> Self {
        Self { status, code, message, detail: None, why: why.into(), expected: None, subject: None }
    }

    /// Who asks is not proven.
    pub fn sign(message: &'static str, why: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "SIGN_ERROR", message, why)
    }

    /// A field of the request is not as it should be. `place` is `body`, `query`, `url` or `header`.
    pub fn parameter(place: &str, field: &str, issue: &str) -> Self {
        let refused = Self::new(
            StatusCode::BAD_REQUEST,
            "PARAM_ERROR",
            "参数错误",
            format!("{place} `{field}`: {issue}"),
        );
        let detail = json!({ "location": place, "field": field, "issue": issue });
        Self { detail: Some(Box::new(detail)), ..refused }
    }

    /// It is about this order.
    pub fn about(self, subject: &str) -> Self {
        Self { subject: Some(subject.to_owned()), ..self }
    }

    pub fn answer(&self) -> Answer {
        let mut body = json!({ "code": self.code, "message": self.message });
        if let (Some(members), Some(detail)) = (body.as_object_mut(), &self.detail) {
            members.insert("detail".to_owned(), Value::clone(detail));
        }
        let answer = Answer::json(self.status, &body);
        match &self.subject {
            Some(subject) => answer.about(subject),
            None => answer,
        }
    }
}
