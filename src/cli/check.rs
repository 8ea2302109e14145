//! `tollgate check`: everything a start would find, without starting.

use std::{fmt::Write, path::Path, process::ExitCode, sync::Arc};

use serde_json::json;
use tollgate_api::{SystemClock, SystemEntropy};

use super::{BAD_CONFIGURATION, print, say, selftest};
use crate::{
    config::{self, Environment, Style},
    snapshot::Snapshot,
    telemetry::Metrics,
};

pub(super) fn run(path: &Path, json: bool, strict: bool) -> ExitCode {
    // A binary that computes wrongly reads keys wrongly: nothing it says of them is worth reading.
    let selftest = strict.then(selftest::results);
    if let Some(results) = &selftest
        && !selftest::passed(results)
    {
        if json {
            let tried = selftest::to_json(results);
            print(&format!("{:#}\n", json!({ "valid": false, "findings": [], "selftest": tried })));
        }
        return selftest::conclude(results);
    }
    let environment = Environment::new(
        Arc::new(SystemClock::new()),
        Arc::new(SystemEntropy),
        Arc::new(Metrics::new()),
    );
    let (snapshot, report) = match config::build(path, &environment, 1) {
        Ok((snapshot, report)) => (Some(snapshot), report),
        Err(refusal) => (None, refusal.report),
    };
    let warnings = report.findings.warnings();
    let snapshot = snapshot.filter(|_| !strict || warnings == 0);
    if json {
        let mut answer = json!({ "valid": snapshot.is_some(), "findings": report.to_json() });
        if let (Some(results), Some(answer)) = (&selftest, answer.as_object_mut()) {
            answer.insert("selftest".to_owned(), selftest::to_json(results));
        }
        print(&format!("{answer:#}\n"));
    } else {
        if !report.findings.is_empty() {
            say(&report.render(Style::for_stderr()));
        }
        match &snapshot {
            Some(snapshot) => {
                let mut text = summary(path, snapshot);
                if strict {
                    text.push_str("  selftest every known answer is given\n");
                }
                print(&text);
            }
            None => say(&refusal(path, report.findings.errors(), warnings)),
        }
    }
    if snapshot.is_some() { ExitCode::SUCCESS } else { ExitCode::from(BAD_CONFIGURATION) }
}

/// Why it is not valid. Without an error it is `--strict` that refuses warnings.
fn refusal(path: &Path, errors: usize, warnings: usize) -> String {
    let counted = |count: usize, noun: &str| match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    };
    let path = path.display();
    match errors {
        0 => format!("`{path}` is not valid with `--strict`: {}", counted(warnings, "warning")),
        _ => format!("`{path}` is not valid: {}", counted(errors, "error")),
    }
}

/// What a person wants to see confirmed.
fn summary(path: &Path, snapshot: &Snapshot) -> String {
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
