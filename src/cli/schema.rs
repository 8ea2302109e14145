//! `tollgate schema`: the JSON Schema of the configuration.

use std::process::ExitCode;

use super::print;
use crate::config;

pub(super) fn run() -> ExitCode {
    print(&format!("{:#}\n", config::schema_json()))
}
