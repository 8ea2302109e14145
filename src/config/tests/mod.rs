//! The stages together, on small settings of the product's shape: what an operator reads when
//! something is wrong.

mod entries;
mod masking;
mod reading;
mod structure;
mod syntax;

use std::collections::BTreeMap;
use std::path::Path;

use schemars::{JsonSchema, schema_for};
use serde::Deserialize;
use serde_json::Value as Json;
use tollgate_api::setting::{FileRef, SecretRef};

use super::*;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema matters")]
struct Settings {
    #[serde(default)]
    admin: Option<Admin>,
    #[serde(default)]
    #[schemars(extend("x-noun" = "route"))]
    routes: BTreeMap<String, Route>,
    #[serde(default)]
    upstreams: BTreeMap<String, Upstream>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema matters")]
struct Admin {
    #[schemars(extend("format" = "socket-address"))]
    address: String,
    token: Option<SecretRef>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema matters")]
struct Route {
    #[schemars(length(min = 1))]
    listeners: Vec<String>,
    methods: Option<Vec<Method>>,
    #[serde(default)]
    plugins: Vec<Plugin>,
    /// Who answers.
    send_to: Vec<SendTo>,
    #[serde(default)]
    unauthenticated: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum Method {
    Get,
    Post,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[schemars(extend("x-noun" = "plugin"))]
#[expect(dead_code, reason = "only the schema matters")]
enum Plugin {
    /// Who is calling.
    Jwt(Jwt),
    RateLimit(RateLimit),
    Trace,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema matters")]
struct Jwt {
    issuer: String,
    audience: String,
    #[schemars(extend("format" = "duration"))]
    leeway: Option<String>,
    keys: Option<Keys>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema matters")]
enum Keys {
    File(FileRef),
    Secret(SecretRef),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema matters")]
struct RateLimit {
    per: Per,
    #[schemars(range(min = 1, max = 1000))]
    burst: Option<u32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema matters")]
enum Per {
    /// The client's identity.
    Client,
    /// The client's address.
    Address,
    Header(String),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema matters")]
struct SendTo {
    #[schemars(extend("format" = "expression"))]
    when: Option<String>,
    upstream: String,
    weight: Option<u8>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema matters")]
struct Upstream {
    endpoints: Vec<String>,
    #[schemars(extend("format" = "duration"))]
    connect: Option<String>,
    api_key: Option<SecretRef>,
    merchant: Option<String>,
}

fn schema() -> Json {
    schema_for!(Settings).to_value()
}

fn formats() -> Formats {
    let duration = |text: &str| match text.strip_suffix('s').map(str::parse::<u32>) {
        Some(Ok(_)) => Ok(()),
        _ => Err("expected a duration such as `10s`".to_owned()),
    };
    Formats::standard().with("duration", Format::described(duration))
}

fn load_files(path: &str, files: &[(&str, &str)]) -> Result<Loaded, Report> {
    let sources = Sources::fake(files.iter().copied(), [("TOKEN", "hunter2")]);
    load(Path::new(path), &sources, &schema(), &formats())
}

/// What an operator reads about one file.
fn complaints(text: &str) -> String {
    match load_files("tollgate.yaml", &[("tollgate.yaml", text)]) {
        Ok(loaded) => loaded.report.render(Style::Plain),
        Err(report) => report.render(Style::Plain),
    }
}

const GOOD: &str = "\
admin: { address: 127.0.0.1:9180, token: { env: TOKEN } }
routes:
  pay:
    listeners: [partners]
    methods: [POST]
    plugins:
      - jwt: { issuer: a, audience: b, leeway: 30s, keys: { file: { file: jwks.json } } }
      - rate_limit: { per: client, burst: 10 }
      - rate_limit: { per: { header: x-partner } }
      - trace
    send_to: [{ upstream: acquirer, weight: 1 }]
upstreams:
  acquirer:
    endpoints: [https://api.acquirer.example]
    api_key: { file: secrets/key }
";
