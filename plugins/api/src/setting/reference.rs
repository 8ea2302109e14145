//! References to files and environment variables, in place of the values themselves.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a secret is found. The secret itself never stands in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
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
