//! How Alipay says no, whatever the protocol.

use serde_json::{Value, json};

/// A refusal: what the application is told, and what its developer can look up beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub kind: Kind,
    /// `invalid-signature`, or of a business `ACQ.TRADE_NOT_EXIST`.
    pub code: &'static str,
    pub message: &'static str,
    /// In words, for a developer.
    pub why: String,
    /// What the twin would have accepted, or what it computed.
    pub expected: Option<String>,
    /// The order it is about.
    pub subject: Option<String>,
}

/// What kind of refusal it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nobody knows who asks: not even the answer can be signed.
    Stranger,
    /// Something is missing.
    Missing,
    /// Something is not as it should be.
    Invalid,
    /// There is nothing at this path.
    NotFound,
    /// What is asked for cannot be done.
    Business,
}

impl Refused {
    pub fn new(
        kind: Kind,
        code: &'static str,
        message: &'static str,
        why: impl Into<String>,
    ) -> Self {
        Self { kind, code, message, why: why.into(), expected: None, subject: None }
    }

    /// What is asked for cannot be done.
    pub fn business(code: &'static str, message: &'static str, why: impl Into<String>) -> Self {
        Self::new(Kind::Business, code, message, why)
    }

    /// A field of the content is not as it should be.
    pub fn field(name: &str, issue: &str) -> Self {
        Self::business("ACQ.INVALID_PARAMETER", "参数无效", format!("`{name}`: {issue}"))
    }

    /// The signature is not one of this text.
    pub fn signature(expected: String) -> Self {
        let why = "the signature is not one of `expected` with the application's key";
        let message = "验签出错，建议检查签名字符串或签名私钥与应用公钥是否匹配";
        let refused = Self::new(Kind::Invalid, "invalid-signature", message, why);
        Self { expected: Some(expected), ..refused }
    }

    /// It is about this order.
    pub fn about(self, subject: &str) -> Self {
        Self { subject: Some(subject.to_owned()), ..self }
    }

    /// The content of an answer of v2.
    pub fn v2(&self) -> Value {
        let (code, word) = match self.kind {
            Kind::Missing => ("40001", "Missing Required Arguments"),
            Kind::Business => ("40004", "Business Failed"),
            Kind::Stranger | Kind::Invalid | Kind::NotFound => ("40002", "Invalid Arguments"),
        };
        let prefix = if self.kind == Kind::Business { "" } else { "isv." };
        json!({
            "code": code,
            "msg": word,
            "sub_code": format!("{prefix}{}", self.code),
            "sub_msg": self.message,
        })
    }

    /// The body of an answer of v3.
    pub fn v3(&self) -> Value {
        json!({
            "code": self.code,
            "message": self.message,
            "links": [{ "link": "https://open.alipay.com/api/errCheck", "desc": "解决方案" }],
        })
    }
}
