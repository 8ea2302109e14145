//! One file with a key, or several while a key is being changed: how settings name them.

use std::{borrow::Cow, fmt, path::PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor, value::SeqAccessDeserializer},
};

/// Files with a key each: a file, or a list of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFiles {
    /// The files, as they were written.
    pub files: Vec<PathBuf>,
    /// Whether they were written as a list.
    pub listed: bool,
}

impl KeyFiles {
    /// Each file, and where it stands below this pointer.
    pub(super) fn iter(&self, pointer: &'static str) -> impl Iterator<Item = (String, &PathBuf)> {
        let listed = self.listed;
        self.files.iter().enumerate().map(move |(nth, file)| {
            (if listed { format!("{pointer}/{nth}") } else { pointer.to_owned() }, file)
        })
    }
}

impl<'de> Deserialize<'de> for KeyFiles {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(KeyFilesVisitor)
    }
}

struct KeyFilesVisitor;

impl<'de> Visitor<'de> for KeyFilesVisitor {
    type Value = KeyFiles;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(EXPECTED)
    }

    fn visit_str<E: Error>(self, file: &str) -> Result<KeyFiles, E> {
        Ok(KeyFiles { files: vec![file.into()], listed: false })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<KeyFiles, A::Error> {
        let files = Vec::deserialize(SeqAccessDeserializer::new(list))?;
        Ok(KeyFiles { files, listed: true })
    }
}

impl JsonSchema for KeyFiles {
    fn schema_name() -> Cow<'static, str> {
        "AlipayKeyFiles".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let file = json_schema!({ "type": "string", "format": "file", "minLength": 1 });
        json_schema!({
            "description": "A file with a key, or a list of such files.",
            "x-expected": EXPECTED,
            "anyOf": [file, { "type": "array", "items": file, "minItems": 1, "maxItems": MOST }]
        })
    }
}

const EXPECTED: &str = "a file or a list of files";
/// Keys at once: each is one more signature to try for whoever forges.
pub(super) const MOST: usize = 4;
