//! A part of a document becomes a value of a type, and errors about it become carets.
//!
//! By the time something is decoded it has been held against its schema, so an error here is
//! rare: a check that only a type's own `Deserialize` makes.

use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use tollgate_api::SettingError;

use super::diagnostic::Diagnostic;
use super::node::{Node, join_pointer};

/// Decodes what a pointer leads to.
pub fn decode<T: DeserializeOwned>(document: &Node, pointer: &str) -> Result<T, Diagnostic> {
    let found = document.pointer(pointer);
    if !found.is_exact() {
        return Err(Diagnostic::error(format!(
            "`{}` is missing",
            found.rest.trim_start_matches('/')
        ))
        .at(found.caret(), "is missing here"));
    }
    serde_path_to_error::deserialize(found.node.to_json()).map_err(|error| {
        let mut inner = pointer.to_owned();
        for segment in error.path() {
            let step = match segment {
                Segment::Seq { index } => index.to_string(),
                Segment::Map { key } => key.clone(),
                Segment::Enum { variant } => variant.clone(),
                Segment::Unknown => break,
            };
            inner = join_pointer(&inner, &step);
        }
        at_pointer(document, &inner, &without_value(&error.inner().to_string()), None)
    })
}

/// What a constructor says about a setting, at its place. Its pointer starts from `base`; if the
/// setting is absent, the caret is at the nearest parent that is there.
pub fn setting_error(document: &Node, base: &str, error: &SettingError) -> Diagnostic {
    let pointer = format!("{base}{}", error.pointer);
    at_pointer(document, &pointer, &without_value(&error.expected), error.hint.clone())
}

fn at_pointer(document: &Node, pointer: &str, what: &str, hint: Option<String>) -> Diagnostic {
    let (what, said) = match what.split_once("; hint: ") {
        Some((what, hint)) => (what, Some(hint.to_owned())),
        None => (what, None),
    };
    let hint = hint.or(said);
    let found = document.pointer(pointer);
    let name = pointer.rsplit('/').find(|step| step.parse::<usize>().is_err()).unwrap_or_default();
    let name = name.replace("~1", "/").replace("~0", "~");
    let finding = if found.is_exact() {
        Diagnostic::error(format!("invalid `{name}`: {what}")).at(found.caret(), "this value")
    } else {
        let missing = found.rest.trim_start_matches('/').replace('/', ".");
        Diagnostic::error(format!("invalid `{name}`: {what}"))
            .at(found.caret(), format!("has no `{missing}`"))
    };
    finding.hint_if(hint)
}

/// `serde` quotes the value it refused, which may be a secret: only what it expected is kept.
fn without_value(message: &str) -> String {
    let quotes_value =
        ["invalid type: ", "invalid value: "].iter().any(|start| message.starts_with(start));
    match message.rfind(", expected ") {
        Some(at) if quotes_value => message.get(at + 2..).unwrap_or_default().to_owned(),
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;
    use crate::config::diagnostic::{Diagnostics, Style};
    use crate::config::document::parse;
    use crate::config::files::Files;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Limit {
        per: String,
        burst: Option<u8>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "snake_case")]
    enum Plugin {
        RateLimit(Limit),
    }

    const TEXT: &str = "routes:\n  a/b:\n    plugins:\n      - rate_limit:\n          per: client\n          burst: 300\n";

    fn document(text: &str) -> (Files, Node) {
        let mut files = Files::default();
        let file = files.add("tollgate.yaml", "/tollgate.yaml", text.into());
        let node = parse(&files, file).unwrap();
        (files, node)
    }

    #[test]
    fn a_part_of_a_document_becomes_a_value() {
        let (_, node) = document(&TEXT.replace("300", "30"));
        let plugins: Vec<Plugin> = decode(&node, "/routes/a~1b/plugins").unwrap();
        let expected = Plugin::RateLimit(Limit { per: "client".into(), burst: Some(30) });
        assert_eq!(plugins, [expected], "the list under an escaped pointer");
    }

    #[test]
    fn an_error_of_a_type_has_its_caret() {
        let (files, node) = document(TEXT);
        let error = decode::<BTreeMap<String, BTreeMap<String, Vec<Plugin>>>>(&node, "/routes")
            .unwrap_err();
        insta::assert_snapshot!(Diagnostics::from(error).render(&files, Style::Plain), @"
        error: invalid `burst`: expected u8
         --> tollgate.yaml:6:18
          |
        6 |           burst: 300
          |                  ^^^ this value
        ");
    }

    #[test]
    fn a_refused_value_is_not_quoted() {
        let (_, node) = document("burst: hunter2\nper: x\n");
        let error = decode::<Limit>(&node, "").unwrap_err();
        assert_eq!(error.message, "invalid `burst`: expected u8", "only the expectation");
        let error = SettingError::new("/burst", "invalid value: string \"hunter2\", expected u8");
        let error = setting_error(&node, "", &error);
        assert_eq!(error.message, "invalid `burst`: expected u8", "also from a constructor");
    }

    #[test]
    fn a_setting_error_points_at_the_value_or_at_the_nearest_parent() {
        let (files, node) = document(TEXT);
        let base = "/routes/a~1b/plugins/0/rate_limit";
        let findings: Diagnostics = [
            setting_error(
                &node,
                base,
                &SettingError::new("/burst", "expected at most 255").with_hint("lower it"),
            ),
            setting_error(&node, base, &SettingError::new("/keep/for", "expected a duration")),
            setting_error(&node, base, &SettingError::new("", "expected another key")),
        ]
        .into_iter()
        .collect();
        insta::assert_snapshot!(findings.render(&files, Style::Plain), @"
        error: invalid `for`: expected a duration
         --> tollgate.yaml:4:9
          |
        4 |       - rate_limit:
          |         ^^^^^^^^^^ has no `keep.for`

        error: invalid `rate_limit`: expected another key
         --> tollgate.yaml:4:9
          |
        4 |       - rate_limit:
          |         ^^^^^^^^^^ this value

        error: invalid `burst`: expected at most 255
         --> tollgate.yaml:6:18
          |
        6 |           burst: 300
          |                  ^^^ this value
          |
          = hint: lower it
        ");
    }
}
