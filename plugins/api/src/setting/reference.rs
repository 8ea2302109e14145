//! References to files and environment variables, in place of the values themselves.

use std::{fmt, path::PathBuf};

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, MapAccess, Visitor},
};

/// Where a secret is found. The secret itself never stands in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[schemars(extend(
    "writeOnly" = true,
    "x-expected" = "a reference to a secret, `{ file: … }` or `{ env: … }`"
))]
pub enum SecretRef {
    /// A file, relative to the configuration file that names it.
    File(PathBuf),
    /// An environment variable.
    Env(String),
}

/// A file that is not secret, relative to the configuration file that names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileRef {
    /// Its path.
    #[schemars(extend("format" = "file"), length(min = 1))]
    pub file: PathBuf,
}

/// By hand, because what stands where a reference belongs may be the secret: the derived code would
/// quote it in its error.
impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(ReferenceVisitor)
    }
}

struct ReferenceVisitor;

impl<'de> Visitor<'de> for ReferenceVisitor {
    type Value = SecretRef;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a reference to a secret: `{file: …}` or `{env: …}`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SecretRef, A::Error> {
        let reference = match map.next_key::<String>()?.as_deref() {
            Some("file") => SecretRef::File(map.next_value()?),
            Some("env") => SecretRef::Env(map.next_value()?),
            _ => return Err(literal()),
        };
        if map.next_key::<String>()?.is_some() {
            return Err(A::Error::custom("expected either `file` or `env`, and nothing else"));
        }
        match &reference {
            SecretRef::File(path) if path.as_os_str().is_empty() => {
                Err(A::Error::custom("expected the path of a file"))
            }
            SecretRef::Env(name) if !is_variable_name(name) => {
                Err(A::Error::custom("expected the name of an environment variable"))
            }
            _ => Ok(reference),
        }
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<SecretRef, E> {
        Err(literal())
    }

    fn visit_bytes<E: Error>(self, _: &[u8]) -> Result<SecretRef, E> {
        Err(literal())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<SecretRef, E> {
        Err(literal())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<SecretRef, E> {
        Err(literal())
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<SecretRef, E> {
        Err(literal())
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<SecretRef, E> {
        Err(literal())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<SecretRef, E> {
        Err(literal())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<SecretRef, E> {
        Err(literal())
    }
}

fn literal<E: Error>() -> E {
    E::custom(
        "expected a reference to a secret, `{file: …}` or `{env: …}`; hint: the secret itself \
         never stands in the configuration",
    )
}

fn is_variable_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
