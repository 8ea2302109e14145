//! Everything a document refers to outside of itself is read before anything is built from it:
//! secrets, certificates, key sets. All that is missing is reported at once, at its place.

use std::path::Path;

use super::diagnostic::{Diagnostic, Diagnostics};
use super::files::{Files, Span};
use super::sources::{SourceError, Sources};

/// A place in the document that names a file or a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Where the name stands.
    pub span: Span,
    /// What it names.
    pub target: Target,
    /// Whether what it names is a secret.
    pub secret: bool,
}

/// What a reference leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A file, relative to the file that holds the reference.
    File(String),
    /// An environment variable.
    Variable(String),
}

/// Reads everything that is referred to. Errors for what cannot be read, warnings for secrets
/// that every user of the machine can read.
pub fn resolve(references: &[Reference], files: &Files, sources: &Sources) -> Diagnostics {
    references.iter().filter_map(|reference| resolve_one(reference, files, sources)).collect()
}

fn resolve_one(reference: &Reference, files: &Files, sources: &Sources) -> Option<Diagnostic> {
    match &reference.target {
        Target::File(name) => {
            let path = sources.resolve(files.path(reference.span.file), Path::new(name));
            match sources.read_file(&path) {
                Ok(content) if content.bytes.is_empty() => Some(
                    Diagnostic::error(format!("`{name}` is empty"))
                        .at(reference.span, "an empty file"),
                ),
                Ok(content) if reference.secret && content.public => Some(
                    Diagnostic::warning(format!("every user of this machine can read `{name}`"))
                        .at(reference.span, "holds a secret")
                        .hint(format!("run `chmod o-r {}`", path.display())),
                ),
                Ok(_) => None,
                Err(error) => {
                    let finding =
                        Diagnostic::error(error.to_string()).at(reference.span, "named here");
                    Some(match error {
                        SourceError::NotFound(_) if Path::new(name).is_relative() => finding.hint(
                            "a relative path starts from the folder of the file that names it",
                        ),
                        _ => finding,
                    })
                }
            }
        }
        Target::Variable(name) => sources
            .env(name)
            .err()
            .map(|error| Diagnostic::error(error.to_string()).at(reference.span, "named here")),
    }
}
