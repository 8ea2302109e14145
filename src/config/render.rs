//! Draws findings for people: the message, the line, a caret, the hint.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::diagnostic::{Diagnostic, Severity, Style};
use super::files::{FileId, Files, Span, floor_char_boundary};

pub(super) fn render(findings: &[&Diagnostic], files: &Files, style: Style) -> String {
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Coloured => Renderer::styled(),
    }
    .term_width(TERM_WIDTH);
    let mut drawn = String::new();
    for finding in findings {
        if !drawn.is_empty() {
            drawn.push('\n');
        }
        let report = report(finding, files);
        for line in renderer.render(&[report]).lines() {
            drawn.push_str(line.trim_end());
            drawn.push('\n');
        }
    }
    drawn
}

fn report<'a>(finding: &'a Diagnostic, files: &'a Files) -> Group<'a> {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(finding.message.as_str()));
    let mut named: Vec<FileId> = Vec::new();
    for label in &finding.labels {
        if !named.contains(&label.span.file) {
            named.push(label.span.file);
        }
    }
    for file in named {
        let text = files.text(file);
        let mut snippet = Snippet::source(text).path(files.name(file));
        for (index, label) in finding.labels.iter().enumerate() {
            if label.span.file != file {
                continue;
            }
            let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            let words = (!label.text.is_empty()).then_some(label.text.as_str());
            snippet = snippet.annotation(kind.span(first_line(text, label.span)).label(words));
        }
        group = group.element(snippet);
    }
    if let Some(hint) = &finding.hint {
        group = group.element(Level::HELP.with_name("hint").message(printable(hint)));
    }
    group
}

/// The part of a span on its first line: a caret under ten lines of PEM helps nobody.
fn first_line(text: &str, span: Span) -> std::ops::Range<usize> {
    let start = floor_char_boundary(text, span.start);
    let end = floor_char_boundary(text, span.end).max(start);
    let under = text.get(start..end).unwrap_or_default();
    let line = under.split('\n').next().unwrap_or_default();
    start..start + line.trim_end().len()
}

/// Hints may quote what stands in a file; a terminal must not obey it.
fn printable(text: &str) -> String {
    text.chars().filter(|c| *c == '\n' || !c.is_control()).collect()
}

/// Fixed, so that a message looks the same in a terminal, a log and a test.
const TERM_WIDTH: usize = 120;
