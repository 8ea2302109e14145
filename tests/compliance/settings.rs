//! What an operator reads who has made a mistake in a plugin's settings.

use serde_json::Value;
use tollgate::config::{Diagnostic, Report, schema_json};

use super::bench::{Bench, everywhere};

#[test]
fn a_misspelt_key_is_refused_at_the_key_with_the_right_one_suggested() {
    for bench in everywhere() {
        for key in written_keys(&bench) {
            let misspelt = format!("{key}e");
            let entry =
                bench.example().replacen(&format!("\n  {key}:"), &format!("\n  {misspelt}:"), 1);
            let report = refused(&bench, &entry);
            let finding = at(&report, &misspelt);
            assert!(
                finding.message.contains(&format!("unknown key `{misspelt}`")),
                "{}: {report}",
                bench.name()
            );
            assert_eq!(
                finding.hint,
                Some(format!("did you mean `{key}`?")),
                "{}: {report}",
                bench.name()
            );
        }
    }
}

#[test]
fn a_key_that_means_nothing_is_refused_and_the_known_ones_are_named() {
    for bench in everywhere() {
        let entry = with(&bench, "qqqqqq: 1");
        let report = refused(&bench, &entry);
        let finding = at(&report, "qqqqqq");
        assert_eq!(report.findings.errors(), 1, "{}: {report}", bench.name());
        let hint = finding.hint.clone().unwrap_or_default();
        assert!(hint.starts_with("expected `"), "{} names its keys: {report}", bench.name());
    }
}

#[test]
fn a_value_of_the_wrong_type_is_refused_where_it_stands() {
    for bench in everywhere() {
        for key in known_keys(&bench) {
            if written_keys(&bench).contains(&key) {
                continue;
            }
            // No setting is a list of lists of lists.
            let entry = with(&bench, &format!("{key}: [[[7]]]"));
            let report = refused(&bench, &entry);
            let sorted = report.findings.sorted();
            let inside = sorted.iter().any(|finding| {
                finding.span().is_some_and(|span| {
                    let line = report.files.position(span).line;
                    let text = report.files.text(span.file).lines().nth(line - 1);
                    text.is_some_and(|text| text.trim_start().starts_with(&format!("{key}:")))
                })
            });
            assert!(inside, "{}, `{key}`: no caret in its line: {report}", bench.name());
        }
    }
}

#[test]
fn nothing_at_all_is_refused_without_losing_ones_way() {
    for bench in everywhere() {
        let kind = bench.definition.kind;
        for settings in ["", " {}", " []", " text", " 7", " [[[7]]]"] {
            let Err(report) = bench.compile(&format!("{kind}:{settings}\n")) else { continue };
            for finding in report.findings.sorted() {
                assert!(
                    finding.span().is_some(),
                    "{} with `{settings}` has a caret: {report}",
                    bench.name()
                );
            }
        }
    }
}

#[test]
fn every_setting_is_documented() {
    for bench in everywhere() {
        let definition = definition_of(&bench);
        assert!(definition["description"].is_string(), "{} says what it does", bench.name());
        let properties = definition["properties"].as_object().unwrap();
        for (key, schema) in properties {
            let documented = |schema: &Value| schema["description"].is_string();
            let referred = schema["$ref"].as_str().map(resolve).unwrap_or_default();
            assert!(
                documented(schema) || documented(&referred),
                "`{key}` of {} has no documentation",
                bench.name()
            );
        }
    }
}

fn refused(bench: &Bench, entry: &str) -> Report {
    match bench.compile(entry) {
        Ok(_) => panic!("{} was accepted:\n{entry}", bench.name()),
        Err(report) => report,
    }
}

/// The finding whose caret is under this text.
fn at<'a>(report: &'a Report, text: &str) -> &'a Diagnostic {
    let under = |finding: &&&Diagnostic| {
        finding.span().is_some_and(|span| report.files.slice(span) == text)
    };
    let sorted = report.findings.sorted();
    sorted.iter().find(under).unwrap_or_else(|| panic!("no caret is under `{text}`:\n{report}"))
}

/// The example with one more setting.
fn with(bench: &Bench, line: &str) -> String {
    format!("{}\n  {line}\n", bench.example().trim_end())
}

/// The settings that the example writes.
fn written_keys(bench: &Bench) -> Vec<String> {
    let lines = bench.example().lines().filter_map(|line| line.strip_prefix("  "));
    lines
        .filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()))
        .filter_map(|line| line.split_once(':').map(|(key, _)| key.to_owned()))
        .collect()
}

/// Every setting there is.
fn known_keys(bench: &Bench) -> Vec<String> {
    definition_of(bench)["properties"].as_object().unwrap().keys().cloned().collect()
}

fn definition_of(bench: &Bench) -> Value {
    let properties = &schema_json()["$defs"]["Plugin"]["properties"];
    let schema = &properties[bench.definition.kind];
    schema["$ref"].as_str().map_or_else(|| schema.clone(), resolve)
}

fn resolve(name: &str) -> Value {
    schema_json().pointer(name.trim_start_matches('#')).cloned().unwrap_or_default()
}
