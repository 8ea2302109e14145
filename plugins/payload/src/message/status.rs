//! Statuses as settings write them: `404` or `4xx`.

use std::{borrow::Cow, fmt};

use http::StatusCode;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};

/// One status, `404`, or a class of them, `4xx`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StatusPattern {
    /// Exactly this status.
    One(u16),
    /// Every status with this first digit.
    Class(u16),
}

impl StatusPattern {
    /// Whether the status is meant.
    pub fn matches(self, status: StatusCode) -> bool {
        match self {
            Self::One(one) => status.as_u16() == one,
            Self::Class(class) => status.as_u16() / 100 == class,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        match text.as_bytes() {
            [class @ b'2'..=b'5', b'x' | b'X', b'x' | b'X'] => {
                Some(Self::Class(u16::from(class - b'0')))
            }
            _ => Self::one(text.parse().ok()?),
        }
    }

    fn one(status: u64) -> Option<Self> {
        u16::try_from(status).ok().filter(|status| (200..600).contains(status)).map(Self::One)
    }
}

impl<'de> Deserialize<'de> for StatusPattern {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        struct StatusVisitor;
        impl Visitor<'_> for StatusVisitor {
            type Value = StatusPattern;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(EXPECTED)
            }

            fn visit_u64<E: Error>(self, status: u64) -> Result<StatusPattern, E> {
                StatusPattern::one(status).ok_or_else(|| E::custom(format!("expected {EXPECTED}")))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<StatusPattern, E> {
                StatusPattern::parse(text).ok_or_else(|| E::custom(format!("expected {EXPECTED}")))
            }
        }
        source.deserialize_any(StatusVisitor)
    }
}

impl JsonSchema for StatusPattern {
    fn schema_name() -> Cow<'static, str> {
        "StatusPattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A status such as `404`, or a class such as `4xx`.",
            "x-expected": EXPECTED,
            "anyOf": [
                { "type": "integer", "minimum": 200, "maximum": 599 },
                { "type": "string", "pattern": "^([2-5][0-9][0-9]|[2-5][xX][xX])$" }
            ]
        })
    }
}

const EXPECTED: &str = "a status from 200 to 599, or a class such as `4xx`";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_or_a_class_is_read_and_nothing_else() {
        let read = |text: &str| serde_json::from_str::<StatusPattern>(text).ok();
        assert_eq!(read("404"), Some(StatusPattern::One(404)), "a number");
        assert_eq!(read("\"404\""), Some(StatusPattern::One(404)), "its text");
        assert_eq!(read("\"4xx\""), Some(StatusPattern::Class(4)), "a class");
        for wrong in ["99", "600", "\"1xx\"", "\"6xx\"", "\"4x\"", "\"\"", "true", "-1", "4.5"] {
            assert_eq!(read(wrong), None, "{wrong} is refused");
        }
        assert!(StatusPattern::Class(4).matches(StatusCode::NOT_FOUND), "in its class");
        assert!(!StatusPattern::Class(4).matches(StatusCode::BAD_GATEWAY), "in another class");
        assert!(!StatusPattern::One(404).matches(StatusCode::GONE), "another status");
    }
}
