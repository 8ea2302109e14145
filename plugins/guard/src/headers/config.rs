//! The settings of `headers`. The comments on the fields are the user documentation.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};
use tollgate_api::{Build, Built, Role, Settings, Sides, setting::SecretRef};

/// Sets, adds and removes header fields of the request and of the answer.
///
/// Of each message, fields are removed first, then set, then added. Framing, connection fields,
/// `Host` and `Tollgate-*` belong to the gateway and are refused here.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Headers {
    /// Changes to the request.
    #[serde(default)]
    pub request: ChangeSettings,

    /// Changes to the answer, the gateway's own answers included.
    #[serde(default)]
    pub response: ChangeSettings,
}

/// Changes to the header fields of one message.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeSettings {
    /// Fields that have exactly this value afterwards, whatever was there before.
    #[serde(default)]
    pub set: BTreeMap<String, ValueSettings>,

    /// Fields that are added to those that are there.
    #[serde(default)]
    pub add: BTreeMap<String, ValueSettings>,

    /// Names of fields that are removed.
    #[serde(default)]
    pub remove: Vec<String>,
}

/// The value of a field: a text, `{secret: {file: …}}`, `{secret: {env: …}}` or `{expression: …}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueSettings {
    /// The value itself.
    Literal(String),
    /// The value is read from a file or an environment variable and never shown. One line break at
    /// its end is dropped.
    Secret(SecretRef),
    /// The value is computed for each request. An empty result leaves the field out.
    Expression(String),
}

/// The forms of a value that are not a plain text.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reference {
    /// Read from a file or an environment variable, and never shown.
    Secret(SecretRef),
    /// A CEL expression over the request and the identity.
    Expression(String),
}

impl<'de> Deserialize<'de> for ValueSettings {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = ValueSettings;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a text in quotes, `{secret: …}` or `{expression: …}`")
    }

    fn visit_str<E>(self, text: &str) -> Result<ValueSettings, E> {
        Ok(ValueSettings::Literal(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ValueSettings, A::Error> {
        Reference::deserialize(MapAccessDeserializer::new(map)).map(|reference| match reference {
            Reference::Secret(secret) => ValueSettings::Secret(secret),
            Reference::Expression(text) => ValueSettings::Expression(text),
        })
    }
}

impl JsonSchema for ValueSettings {
    fn schema_name() -> Cow<'static, str> {
        "HeaderValue".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let secret = generator.subschema_for::<SecretRef>();
        json_schema!({
            "description": "A text, a reference to a secret, or an expression.",
            "anyOf": [
                { "description": "The value itself.", "type": "string" },
                {
                    "description": "Read from a file or an environment variable, and never shown.",
                    "type": "object",
                    "properties": { "secret": secret },
                    "required": ["secret"],
                    "additionalProperties": false
                },
                {
                    "description": "A CEL expression over the request and the identity.",
                    "type": "object",
                    "properties": { "expression": { "type": "string", "format": "expression" } },
                    "required": ["expression"],
                    "additionalProperties": false
                }
            ]
        })
    }
}

impl Settings for Headers {
    const KIND: &'static str = "headers";
    const SIDES: Sides = Sides::Both;
    const ROLE: Role = Role::Transform;
    const EXAMPLE: &'static str = include_str!("example.yaml");

    fn build(self, build: &mut Build<'_>) -> Built {
        super::build::plugin(self, build)
    }
}
