//! One file or a folder of files becomes one document.
//!
//! In a folder the files are put together in the order of their names: sections such as
//! `routes` may be spread over files, and whatever is defined in two of them is an error that
//! names both places.

use std::path::Path;

use super::diagnostic::{Diagnostic, Diagnostics};
use super::document::parse;
use super::files::{FileId, Files};
use super::node::{Entry, Node, Value};
use super::sources::Sources;

/// Reads and parses a configuration. The texts are kept in `files` also when it fails, since the
/// errors are drawn from them.
pub fn read(path: &Path, sources: &Sources, files: &mut Files) -> Result<Node, Diagnostics> {
    if !sources.is_folder(path) {
        let file = add(path, sources, files)?;
        return parse(files, file).and_then(|root| mapping(&root).map(|()| root));
    }
    let paths = sources.list(path).map_err(|error| Diagnostic::error(error.to_string()))?;
    if paths.is_empty() {
        return Err(
            Diagnostic::error(format!("`{}` holds no `*.yaml` file", sources.name(path))).into()
        );
    }
    if paths.len() > MOST_FILES {
        return Err(Diagnostic::error(format!(
            "`{}` holds more than {MOST_FILES} files",
            sources.name(path)
        ))
        .into());
    }
    let mut findings = Diagnostics::default();
    let mut merged: Option<Node> = None;
    for path in paths {
        let root = add(&path, sources, files).and_then(|file| parse(files, file));
        match root.and_then(|root| mapping(&root).map(|()| root)) {
            Ok(root) => match &mut merged {
                None => merged = Some(root),
                Some(merged) => merge(merged, root, &mut findings),
            },
            Err(found) => findings.append(found),
        }
    }
    match merged {
        Some(document) if !findings.has_errors() => Ok(document),
        _ => Err(findings),
    }
}

fn add(path: &Path, sources: &Sources, files: &mut Files) -> Result<FileId, Diagnostics> {
    let bytes = sources.read(path).map_err(|error| Diagnostic::error(error.to_string()))?;
    let name = sources.name(path);
    if bytes.len() > LARGEST_TEXT {
        let limit = LARGEST_TEXT >> 20;
        return Err(Diagnostic::error(format!("`{name}` is larger than {limit} MiB")).into());
    }
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) => text.to_owned(),
        Err(error) => {
            let line =
                bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count() + 1;
            return Err(Diagnostic::error(format!("`{name}` is not UTF-8 in line {line}")).into());
        }
    };
    Ok(files.add(name, sources.resolve(Path::new(""), path), text))
}

fn mapping(root: &Node) -> Result<(), Diagnostics> {
    match &root.value {
        Value::Mapping(_) => Ok(()),
        _ => Err(Diagnostic::error("a configuration is a mapping of settings")
            .at(root.caret(None), "this is not a mapping")
            .hint("it starts with a line such as `listeners:`")
            .into()),
    }
}

fn merge(merged: &mut Node, added: Node, findings: &mut Diagnostics) {
    let (Value::Mapping(sections), Value::Mapping(added)) = (&mut merged.value, added.value) else {
        return;
    };
    for section in added {
        match sections.iter_mut().find(|existing| existing.key == section.key) {
            None => sections.push(section),
            Some(existing) => merge_section(existing, section, findings),
        }
    }
}

fn merge_section(existing: &mut Entry, added: Entry, findings: &mut Diagnostics) {
    match (&mut existing.value.value, added.value.value) {
        (Value::Mapping(entries), Value::Mapping(added)) => {
            for entry in added {
                match entries.iter().find(|existing| existing.key == entry.key) {
                    Some(first) => findings.push(twice(first, &entry, Some(&existing.key))),
                    None => entries.push(entry),
                }
            }
        }
        (_, added_value) => {
            let added = Entry { value: Node { value: added_value, ..added.value }, ..added };
            findings.push(twice(existing, &added, None));
        }
    }
}

fn twice(first: &Entry, second: &Entry, section: Option<&str>) -> Diagnostic {
    let inside = section.map(|section| format!(" in `{section}`")).unwrap_or_default();
    Diagnostic::error(format!("`{}` is defined twice{inside}", second.key))
        .at(second.key_span, "defined again here")
        .at(first.key_span, "first defined here")
}

const LARGEST_TEXT: usize = 4 << 20;
const MOST_FILES: usize = 1_000;
