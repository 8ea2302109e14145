//! Which part of a message is protected.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use tollgate_api::{SettingError, json::FieldPath};

use super::CompiledFields;

/// Which part of a message is encrypted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The whole body, of any media type.
    #[default]
    Body,
    /// The whole JSON body, inside an object with one member of this name:
    /// `{ envelope: encData }` sends `{"encData":"…"}`.
    Envelope(String),
    /// Named fields of a JSON body; all other bytes stay as they are.
    Fields(FieldList),
}

/// Paths of fields: a list, all of them required, or `{ required: […], optional: […] }`.
/// `items[*].number` names the field in every element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldList {
    /// A message without one of these is refused.
    pub required: Vec<FieldPath>,
    /// These may be absent.
    pub optional: Vec<FieldPath>,
}

/// The long form.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LongFieldList {
    /// A message without one of these is refused.
    #[serde(default)]
    required: Vec<FieldPath>,
    /// These may be absent.
    #[serde(default)]
    optional: Vec<FieldPath>,
}

/// A scope whose settings were checked.
#[derive(Debug)]
pub(crate) enum CompiledScope {
    Body,
    Envelope(String),
    Fields(CompiledFields),
}

impl Scope {
    pub(crate) fn compile(
        self,
        pointer: &str,
        most: usize,
        errors: &mut Vec<SettingError>,
    ) -> CompiledScope {
        match self {
            Self::Body => CompiledScope::Body,
            Self::Envelope(name) => {
                if name.is_empty() || name.len() > LONGEST_NAME {
                    errors.push(SettingError::new(
                        format!("{pointer}/envelope"),
                        format!("expected a member name of 1 to {LONGEST_NAME} bytes"),
                    ));
                }
                CompiledScope::Envelope(name)
            }
            Self::Fields(list) => {
                let pointer = format!("{pointer}/fields");
                CompiledScope::Fields(CompiledFields::new(list, &pointer, most, errors))
            }
        }
    }
}

impl<'de> Deserialize<'de> for FieldList {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        struct ListVisitor;
        impl<'de> Visitor<'de> for ListVisitor {
            type Value = FieldList;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a list of field paths, or `required` and `optional` lists")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<FieldList, A::Error> {
                let mut list = FieldList::default();
                while let Some(path) = items.next_element()? {
                    list.required.push(path);
                }
                Ok(list)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FieldList, A::Error> {
                LongFieldList::deserialize(MapAccessDeserializer::new(map))
                    .map(|LongFieldList { required, optional }| FieldList { required, optional })
                    .map_err(A::Error::custom)
            }
        }
        source.deserialize_any(ListVisitor)
    }
}

impl JsonSchema for FieldList {
    fn schema_name() -> Cow<'static, str> {
        "FieldList".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Paths of fields: a list, all required, or `{ required: […], optional: […] }`.",
            "anyOf": [
                generator.subschema_for::<Vec<FieldPath>>(),
                generator.subschema_for::<LongFieldList>()
            ]
        })
    }
}

const LONGEST_NAME: usize = 256;
