//! `tollgate check`: everything a start would find, without starting.

use std::{path::Path, process::ExitCode, sync::Arc};

use tollgate_api::{SystemClock, SystemEntropy};

use super::{BAD_CONFIGURATION, print, say};
use crate::{
    config::{self, Environment, Style},
    snapshot::Snapshot,
    telemetry::Metrics,
};

pub(super) fn run(path: &Path, json: bool) -> ExitCode {
    let environment = Environment::new(
        Arc::new(SystemClock::new()),
        Arc::new(SystemEntropy),
        Arc::new(Metrics::new()),
    );
    let style = Style::for_stderr();
    match config::build(path, &environment, 1) {
        Ok((snapshot, report)) => {
            if json {
                let findings = report.to_json();
                return print(&format!(
                    "{:#}\n",
                    serde_json::json!({ "valid": true, "findings": findings })
                ));
            }
            if !report.findings.is_empty() {
                say(&report.render(style));
            }
            print(&summary(path, &snapshot))
        }
        Err(refusal) => {
            if json {
                let findings = refusal.report.to_json();
                print(&format!(
                    "{:#}\n",
                    serde_json::json!({ "valid": false, "findings": findings })
                ));
            } else {
                say(&refusal.report.render(style));
                let errors = refusal.report.findings.errors();
                let noun = if errors == 1 { "error" } else { "errors" };
                say(&format!("`{}` is not valid: {errors} {noun}", path.display()));
            }
            ExitCode::from(BAD_CONFIGURATION)
        }
    }
}

/// What a person wants to see confirmed.
fn summary(path: &Path, snapshot: &Snapshot) -> String {
    use std::fmt::Write;
    let mut text = format!("`{}` is valid\n", path.display());
    for listener in &snapshot.listeners {
        let tls = if listener.tls.is_some() { "TLS" } else { "plaintext" };
        let _ = writeln!(text, "  listener {:<20} {} ({tls})", listener.name, listener.address);
    }
    for route in &snapshot.routes {
        let plugins: Vec<&str> = route.chain.entries().map(|entry| entry.kind).collect();
        let plugins =
            if plugins.is_empty() { "no plugins".to_owned() } else { plugins.join(" > ") };
        let _ = writeln!(text, "  route    {:<20} {plugins}", route.name);
    }
    for provider in &snapshot.upstreams {
        let endpoints: Vec<String> =
            provider.upstream.status().into_iter().map(|endpoint| endpoint.endpoint).collect();
        let _ = writeln!(text, "  upstream {:<20} {}", provider.name, endpoints.join(", "));
    }
    let _ = writeln!(text, "  hash     {}", snapshot.hash);
    text
}
