//! Text goes in, settings come out, or everything that is wrong with the text.
//!
//! The stages stand apart: `text` and `document` read YAML into a tree with positions,
//! `structure` holds the tree against the schema of the settings, `references` reads what the
//! tree names, and `decode` makes typed values of its parts. [`load`] runs them in this order.
//! Files and environment variables are reached through [`sources`] alone, and every finding is a
//! [`Diagnostic`] that can be drawn with a caret.

pub mod build;
pub mod compile;
pub mod decode;
pub mod diagnostic;
pub mod document;
pub mod files;
mod hash;
pub mod node;
pub mod references;
mod render;
pub mod schema;
mod similar;
pub mod sources;
pub mod structure;
mod syntax;
pub mod text;

#[cfg(test)]
mod tests;

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use serde_json::Value as Json;

pub use build::{Refusal, build, schema_json, unchanged};
pub use compile::Environment;
pub use decode::{decode, setting_error};
pub use diagnostic::{Diagnostic, Diagnostics, Severity, Style};
pub use files::{FileId, Files, Position, Span};
pub use hash::ContentHash;
pub use node::Node;
pub use sources::{SourceError, Sources, Watched};
pub use structure::{Format, Formats};

/// A document held against its schema, with everything it refers to read.
#[derive(Debug)]
pub struct Loaded {
    /// The document.
    pub document: Node,
    /// What was found: the texts, for errors of later stages, and the findings so far.
    pub report: Report,
    /// Keys that the schema does not know.
    unknown: Vec<Span>,
}

/// Findings with the texts they are about.
#[derive(Debug, Default, Clone)]
pub struct Report {
    /// The texts, secrets masked.
    pub files: Files,
    /// The findings.
    pub findings: Diagnostics,
}

impl Report {
    /// Draws all findings.
    pub fn render(&self, style: Style) -> String {
        self.findings.render(&self.files, style)
    }

    /// All findings for a machine.
    pub fn to_json(&self) -> Json {
        self.findings.to_json(&self.files)
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Style::Plain))
    }
}

/// Reads a file or a folder of files, holds it against the schema and reads what it refers to.
/// On any error the report holds all of them.
pub fn load(
    path: &Path,
    sources: &Sources,
    schema: &Json,
    formats: &Formats,
) -> Result<Loaded, Report> {
    let loaded = examine(path, sources, schema, formats)?;
    if loaded.report.findings.has_errors() { Err(loaded.report) } else { Ok(loaded) }
}

/// The same for whoever looks on after errors: only a text that cannot be read at all is one here.
pub fn examine(
    path: &Path,
    sources: &Sources,
    schema: &Json,
    formats: &Formats,
) -> Result<Loaded, Report> {
    let mut report = Report::default();
    let document = match text::read(path, sources, &mut report.files) {
        Ok(document) => document,
        Err(findings) => {
            report.findings = findings;
            return Err(report);
        }
    };
    let found = structure::validate(&document, &report.files, schema, formats);
    report.findings.append(found.diagnostics);
    report.findings.append(references::resolve(&found.references, &report.files, sources));
    for secret in found.secrets {
        report.files.mask(secret);
    }
    Ok(Loaded { document, report, unknown: found.unknown })
}
