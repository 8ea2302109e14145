//! The parser's complaints in words for somebody who edits a file at night.

use serde_saphyr::granit_parser::{ErrorKind, ScanError};

use super::diagnostic::Diagnostic;
use super::files::{FileId, Files, Span, floor_char_boundary};

/// Where and why a text is not YAML.
pub(super) fn diagnostic(files: &Files, file: FileId, error: &ScanError) -> Diagnostic {
    let text = files.text(file);
    let at = floor_char_boundary(text, error.marker().byte_offset().unwrap_or(text.len()));
    let here = Span { file, start: at, end: at };
    match error.kind() {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInIndentation
        | ErrorKind::TabInPlainScalar => tab(text, here),
        ErrorKind::UnclosedQuotedScalar | ErrorKind::DocumentIndicatorInQuotedScalar => {
            Diagnostic::error("a quotation mark is not closed")
                .at(quote(text, here), "opened here")
                .hint("close it, or write a quotation mark inside of text as `\\\"` or `''`")
        }
        ErrorKind::UnclosedFlowCollection { open } => {
            Diagnostic::error(format!("a `{open}` is not closed")).at(here, "opened here")
        }
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            Diagnostic::error(format!("a `{open}` is closed by `{close}`")).at(here, "closed here")
        }
        ErrorKind::ExpectedFlowMappingSeparator => {
            Diagnostic::error("expected `,` or `}`").at(here, "found this instead")
        }
        ErrorKind::ExpectedFlowSequenceSeparator => {
            Diagnostic::error("expected `,` or `]`").at(here, "found this instead")
        }
        ErrorKind::SimpleKeyExpected => Diagnostic::error("expected `key: value`")
            .at(here, "a key without a `:`")
            .hint("a colon and a space stand between a key and its value"),
        ErrorKind::MappingValueNotAllowed
        | ErrorKind::InvalidColonPlacement
        | ErrorKind::InvalidMappingValueWhitespace => {
            Diagnostic::error("a `:` where none can stand").at(here, "here").hint(
                "look at the lines above for a missing `: ` or an open bracket; \
                 put quotes around text that contains `: `",
            )
        }
        ErrorKind::ExpectedBlockMappingKey | ErrorKind::ExpectedBlockSequenceEntry => {
            Diagnostic::error("this does not line up with anything above")
                .at(here, "here")
                .hint("keys of one mapping, and items of one list, start in the same column")
        }
        ErrorKind::InvalidIndentation | ErrorKind::MappingKeyNotAllowed => {
            Diagnostic::error(format!("the indentation is wrong: {}", error.kind()))
                .at(here, "here")
        }
        ErrorKind::UnknownAnchor => Diagnostic::error("an alias without an anchor")
            .at(here, "nothing above has this name")
            .hint("put quotes around text that starts with `*`"),
        ErrorKind::UnexpectedCharacter { character } => {
            Diagnostic::error(format!("a value cannot start with `{}`", character.escape_default()))
                .at(here, "here")
                .hint("put quotes around it")
        }
        ErrorKind::RecursionLimitExceeded => {
            Diagnostic::error("too many collections inside one another").at(here, "too deep here")
        }
        ErrorKind::DirectiveDisallowed => Diagnostic::error("directives are not supported")
            .at(here, "here")
            .hint("remove the line that starts with `%`"),
        kind => Diagnostic::error(format!("not valid YAML: {kind}")).at(here, "here"),
    }
}

/// The nearest tab: the parser may stop in front of the white space that it is part of.
fn tab(text: &str, here: Span) -> Diagnostic {
    let line_start = text.get(..here.start).and_then(|t| t.rfind('\n')).map_or(0, |at| at + 1);
    let found = [here.start, line_start].into_iter().find_map(|from| {
        let line = text.get(from..)?.lines().next()?;
        line.find('\t').map(|at| from + at)
    });
    let span = found.map_or(here, |start| Span { start, end: start + 1, ..here });
    Diagnostic::error("a tab cannot be used as indentation")
        .at(span, "a tab")
        .hint("indent with spaces")
}

/// The quotation mark that was left open, if it can be told: the parser reports where it gave up.
fn quote(text: &str, here: Span) -> Span {
    let is_quote = |at: usize| text.get(at..).is_some_and(|rest| rest.starts_with(['"', '\'']));
    if is_quote(here.start) {
        return Span { end: here.start + 1, ..here };
    }
    here
}
