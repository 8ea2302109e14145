//! The pages: one for each plugin, the configuration, faults, metrics, and an index.

use std::fmt::Write;

use tollgate_api::{Definition, Role, Sides};

use super::{faults, settings, words};
use crate::{config::schema_json, pipeline, telemetry::Metrics};

/// A page of the reference.
pub(super) struct Page {
    /// What it is asked for by.
    pub name: &'static str,
    /// One line about it.
    pub summary: String,
    /// Markdown.
    pub text: String,
}

impl Page {
    /// Its file below `docs/reference`.
    pub fn file(&self) -> String {
        format!("{}.md", if self.name == INDEX { "README" } else { self.name })
    }
}

/// Every page, the index first.
pub(super) fn all() -> Vec<Page> {
    let mut pages = vec![configuration(), faults_page(), metrics()];
    pages.extend(pipeline::DEFINITIONS.iter().map(plugin));
    pages.insert(0, index(&pages));
    pages
}

/// What `tollgate reference` may be asked for.
pub fn names() -> Vec<&'static str> {
    let fixed = ["configuration", "faults", "metrics"].into_iter();
    fixed.chain(pipeline::DEFINITIONS.iter().map(|plugin| plugin.kind)).collect()
}

fn index(pages: &[Page]) -> Page {
    let mut text = format!("# Reference\n\n{GENERATED}\n\n| page | about |\n|---|---|\n");
    for page in pages {
        let _ = writeln!(text, "| [{}]({}) | {} |", page.name, page.file(), page.summary);
    }
    Page { name: INDEX, summary: String::new(), text }
}

fn configuration() -> Page {
    let root = schema_json();
    let table = settings::render(root, root);
    let text =
        format!("# Configuration\n\n{GENERATED}\n\n{CONFIGURATION}\n\n## Settings\n\n{table}");
    Page { name: "configuration", summary: "Every setting of the configuration file.".into(), text }
}

fn faults_page() -> Page {
    let text = format!("# Faults\n\n{GENERATED}\n\n{FAULTS}\n{}", faults::render());
    Page {
        name: "faults",
        summary: "Every fault code, its status, and whose fault it is.".into(),
        text,
    }
}

fn metrics() -> Page {
    let table = Metrics::new().reference_table();
    let text = format!("# Metrics\n\n{GENERATED}\n\n{METRICS}\n\n{table}");
    Page { name: "metrics", summary: "Every metric family at `/metrics`.".into(), text }
}

fn plugin(plugin: &Definition) -> Page {
    let root = schema_json();
    let schema = root.pointer(&format!("/$defs/Plugin/properties/{}", plugin.kind)).unwrap_or(root);
    let schema = words::resolved(schema, root);
    let about = settings::paragraphs(words::description(schema));
    let summary = about.split("\n\n").next().unwrap_or_default().to_owned();
    let mut text = format!("# `{}`\n\n{GENERATED}\n\n", plugin.kind);
    let _ = write!(
        text,
        "| stands on | what it does to an exchange | `mode: shadow` |\n|---|---|---|\n| {} | {} | {} |\n\n",
        sides(plugin.sides),
        role(plugin.role),
        if plugin.role.may_be_shadowed() { "yes" } else { "no" },
    );
    text.push_str(&guide(plugin.kind));
    let _ = write!(text, "\n## Settings\n\n{about}\n\n{}", settings::render(root, schema));
    if plugin.example == plugin.example_on_route {
        let _ = write!(text, "\n## Example\n\n```yaml\n{}```\n", entry(plugin.example));
    } else {
        for (side, example) in
            [("an upstream", plugin.example), ("a route", plugin.example_on_route)]
        {
            let _ = write!(text, "\n## Example on {side}\n\n```yaml\n{}```\n", entry(example));
        }
    }
    Page { name: plugin.kind, summary, text }
}

const fn sides(sides: Sides) -> &'static str {
    match sides {
        Sides::Route => "routes: it speaks to the caller",
        Sides::Upstream => "upstreams: it speaks to the provider",
        Sides::Both => "routes and upstreams: it speaks to the party on its side",
    }
}

const fn role(role: Role) -> &'static str {
    match role {
        Role::Authentication => "proves who is calling",
        Role::Check => "allows or refuses",
        Role::Transform => "changes messages",
        Role::Dialect => "proves that the provider sent a message, and changes messages",
    }
}

/// The plugin's own README, which leads to other plugins' pages here.
fn guide(kind: &str) -> String {
    let readme = GUIDES.iter().find(|(name, _)| *name == kind).map_or("", |(_, text)| text);
    let body = readme.split_once('\n').map_or("", |(_, rest)| rest).trim();
    let mut text = format!("{body}\n");
    for plugin in pipeline::DEFINITIONS {
        text = text.replace(
            &format!("](../{}/README.md)", plugin.kind),
            &format!("]({}.md)", plugin.kind),
        );
    }
    text
}

/// An example as an entry of `plugins`.
fn entry(example: &str) -> String {
    let (comments, settings): (Vec<&str>, Vec<&str>) =
        example.lines().partition(|line| line.starts_with('#'));
    let mut text = String::new();
    for comment in comments {
        let _ = writeln!(text, "{comment}");
    }
    text.push_str("plugins:\n");
    for (nth, line) in settings.into_iter().enumerate() {
        let indent = if nth == 0 { "  - " } else { "    " };
        let _ = writeln!(text, "{}", format!("{indent}{line}").trim_end());
    }
    text
}

/// The name of the page that lists the others.
pub(super) const INDEX: &str = "index";

/// The guides of plugins, written by hand beside their code.
pub(super) const GUIDES: &[(&str, &str)] = &[
    ("jwt", include_str!("../../../plugins/access/src/jwt/README.md")),
    ("ip_filter", include_str!("../../../plugins/access/src/ip_filter/README.md")),
    ("rate_limit", include_str!("../../../plugins/traffic/src/rate_limit/README.md")),
    ("jwe", include_str!("../../../plugins/payload/src/jwe/README.md")),
    ("aes_gcm", include_str!("../../../plugins/payload/src/aes_gcm/README.md")),
    ("map", include_str!("../../../plugins/payload/src/map/README.md")),
    ("stripe", include_str!("../../../plugins/providers/src/stripe/README.md")),
    ("wechat_pay", include_str!("../../../plugins/providers/src/wechat_pay/README.md")),
    ("alipay", include_str!("../../../plugins/providers/src/alipay/README.md")),
    ("headers", include_str!("../../../plugins/guard/src/headers/README.md")),
];

const GENERATED: &str = "<!-- Generated: `tollgate reference --out docs/reference`. A test fails when this page is out of date. -->";

const CONFIGURATION: &str = "One YAML file, or a folder of `.yaml` files that make one configuration together. Unknown keys, \
duplicate keys and values out of range are errors, and `tollgate check` reports all of them at once. Paths are relative to the \
file that names them. Secrets are never written out: `{ file: … }` or `{ env: … }` says where they are.

A value under `NAME` has a name of your choice: lower-case letters, digits, `-` and `_`. It is what metrics, logs and other \
settings call the thing.";

const FAULTS: &str = "An answer that the gateway made itself carries `Tollgate-Error: <code>` and an `application/problem+json` \
body (RFC 9457) with the same code. Its member `error` repeats code and title for clients that tell an error by that member \
and not by the status, as Stripe's library for Node.js does. An answer without that header is the provider's. The code is also the label of \
`tollgate_faults_total` and a member of the access-log line. [The operations manual](../operations.md) says what to do about each.";

const METRICS: &str = "`GET /metrics` on the admin listener, in the Prometheus text format. Label values are names from the \
configuration or one of a closed set. [The operations manual](../operations.md) says which alerts to set.";
