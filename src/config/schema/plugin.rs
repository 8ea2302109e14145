//! An entry of `plugins`: one plugin's settings, and how it runs.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap};
use serde_json::{Map, Value, json};

use crate::pipeline::DEFINITIONS;

/// An entry of `plugins`: `{ rate_limit: { … }, mode: shadow, name: per-client }`.
#[derive(Debug, Clone)]
pub struct PluginEntry {
    /// The plugin's kind, such as `rate_limit`.
    pub kind: String,
    /// Its settings, not yet looked at.
    pub settings: Value,
    /// Tells two plugins of a kind in one chain apart, and keeps their state across reloads.
    pub name: Option<String>,
    /// Whether its decision counts.
    pub mode: PluginMode,
}

/// Whether a plugin's decision counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PluginMode {
    /// It does.
    #[default]
    Enforced,
    /// It runs, its verdict is recorded and counted, and has no effect.
    Shadow,
}

impl<'de> Deserialize<'de> for PluginEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = PluginEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping with one plugin and its settings")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<PluginEntry, A::Error> {
                let (mut plugin, mut name, mut mode) = (None, None, PluginMode::default());
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "name" => name = Some(map.next_value()?),
                        "mode" => mode = map.next_value()?,
                        _ if plugin.is_some() => {
                            return Err(de::Error::custom(
                                "an entry of `plugins` names exactly one plugin",
                            ));
                        }
                        _ => plugin = Some((key, map.next_value::<Value>()?)),
                    }
                }
                let (kind, settings) = plugin.ok_or_else(|| {
                    de::Error::custom("an entry of `plugins` names exactly one plugin")
                })?;
                Ok(PluginEntry { kind, settings, name, mode })
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

impl Serialize for PluginEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(&self.kind, &self.settings)?;
        map.serialize_entry("mode", &self.mode)?;
        if let Some(name) = &self.name {
            map.serialize_entry("name", name)?;
        }
        map.end()
    }
}

impl JsonSchema for PluginEntry {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Plugin".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut properties = Map::new();
        for definition in DEFINITIONS {
            let schema = (definition.schema)(generator);
            properties.insert(definition.kind.to_owned(), schema.to_value());
        }
        let mut mode = generator.subschema_for::<PluginMode>();
        mode.insert("default".to_owned(), json!(PluginMode::default()));
        properties.insert("mode".to_owned(), mode.to_value());
        properties.insert(
            "name".to_owned(),
            json!({
                "type": "string",
                "pattern": "^[a-z0-9][a-z0-9_-]{0,63}$",
                "description": "Tells two plugins of a kind in one chain apart, and keeps their state across reloads."
            }),
        );
        let mut schema = Map::new();
        schema.insert("type".to_owned(), json!("object"));
        schema.insert(
            "description".to_owned(),
            json!("One plugin and its settings, and how it runs."),
        );
        schema.insert("properties".to_owned(), Value::Object(properties));
        schema.insert("additionalProperties".to_owned(), json!(false));
        schema.insert("x-noun".to_owned(), json!("plugin"));
        let one_of: Vec<Value> =
            DEFINITIONS.iter().map(|definition| json!({ "required": [definition.kind] })).collect();
        schema.insert("oneOf".to_owned(), Value::Array(one_of));
        schema.into()
    }
}
