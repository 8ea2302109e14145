//! What is wrong with a configuration, in words and with the places it is about.
//!
//! A message is one line without a full stop, literals in backticks, and reads well without
//! colour; the hint says what to do about it. [`Diagnostics`] collects all of them, so that one
//! run shows everything there is to mend.

use std::io::IsTerminal;

use serde_json::{Value as Json, json};

use super::files::{Files, Span};
use super::render;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The configuration is not taken.
    Error,
    /// It is taken, but somebody should look.
    Warning,
}

/// A place and what is to be said about it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// The words next to the caret; may be empty.
    pub text: String,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Diagnostic {
    /// How much it matters.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// Where: the first is the place itself, the others explain it.
    pub labels: Vec<Label>,
    /// What to do about it.
    pub hint: Option<String>,
}

/// How a rendering looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Text alone.
    Plain,
    /// With the terminal's colours.
    Coloured,
}

impl Style {
    /// Colours if standard error is a terminal and nobody asked for none (`NO_COLOR`).
    pub fn for_stderr() -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if !plain && std::io::stderr().is_terminal() { Self::Coloured } else { Self::Plain }
    }
}

impl Diagnostic {
    /// An error without a place yet.
    pub fn error(message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, message: message.into(), labels: Vec::new(), hint: None }
    }

    /// A warning without a place yet.
    pub fn warning(message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message) }
    }

    /// Adds a place; the first one added is the primary.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Sets the hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Sets the hint if there is one.
    #[must_use]
    pub fn hint_if(self, hint: Option<String>) -> Self {
        match hint {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }

    /// The primary place.
    pub fn span(&self) -> Option<Span> {
        self.labels.first().map(|label| label.span)
    }

    fn to_json(&self, files: &Files) -> Json {
        let place = |label: &Label| {
            let position = files.position(label.span);
            json!({
                "file": files.name(label.span.file),
                "line": position.line,
                "column": position.column,
                "label": label.text,
            })
        };
        let mut finding = self.labels.first().map_or_else(|| json!({}), place);
        if let Json::Object(finding) = &mut finding {
            let severity = match self.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            finding.insert("severity".into(), severity.into());
            finding.insert("message".into(), self.message.clone().into());
            if let Some(hint) = &self.hint {
                finding.insert("hint".into(), hint.clone().into());
            }
            if self.labels.len() > 1 {
                let related = self.labels.iter().skip(1).map(place).collect();
                finding.insert("related".into(), Json::Array(related));
            }
        }
        finding
    }
}

/// All findings of a load.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Diagnostics {
    findings: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds a finding.
    pub fn push(&mut self, finding: Diagnostic) {
        self.findings.push(finding);
    }

    /// Adds all findings of another collection.
    pub fn append(&mut self, mut other: Self) {
        self.findings.append(&mut other.findings);
    }

    /// Whether the configuration cannot be taken.
    pub fn has_errors(&self) -> bool {
        self.errors() > 0
    }

    /// How many errors there are.
    pub fn errors(&self) -> usize {
        self.count(Severity::Error)
    }

    /// How many warnings there are.
    pub fn warnings(&self) -> usize {
        self.count(Severity::Warning)
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }

    /// The findings by file and position, those without a place first; each once.
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut sorted: Vec<_> = self.findings.iter().collect();
        sorted.sort_by_key(|finding| finding.span());
        let mut seen = std::collections::HashSet::new();
        sorted.retain(|finding| seen.insert(*finding));
        sorted
    }

    /// Draws the findings with the lines they are about. Of a very long list only the first are
    /// drawn, and it is said how many there are.
    pub fn render(&self, files: &Files, style: Style) -> String {
        let mut sorted = self.sorted();
        let more = sorted.len().saturating_sub(MOST_DRAWN);
        sorted.truncate(MOST_DRAWN);
        let more = (more > 0).then(|| Diagnostic::error(format!("and {more} more like these")));
        sorted.extend(more.as_ref());
        render::render(&sorted, files, style)
    }

    /// The findings for a machine: `file`, `line`, `column`, `severity`, `message`, `hint` and
    /// further places under `related`. No line of the configuration itself is quoted. Of a very
    /// long list only the first are given.
    pub fn to_json(&self, files: &Files) -> Json {
        self.sorted().into_iter().take(MOST_DRAWN).map(|finding| finding.to_json(files)).collect()
    }

    fn count(&self, severity: Severity) -> usize {
        self.sorted().iter().filter(|finding| finding.severity == severity).count()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(finding: Diagnostic) -> Self {
        Self { findings: vec![finding] }
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<T: IntoIterator<Item = Diagnostic>>(&mut self, findings: T) {
        self.findings.extend(findings);
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<T: IntoIterator<Item = Diagnostic>>(findings: T) -> Self {
        Self { findings: findings.into_iter().collect() }
    }
}

/// More than anybody mends in one go.
const MOST_DRAWN: usize = 200;
