//! What of a faulty document is sound enough to be compiled, so that its other mistakes show in the
//! same run. Nothing compiled from it is ever put in force.

use std::collections::{BTreeMap, HashSet};

use serde::de::DeserializeOwned;

use crate::config::{
    Diagnostic, Diagnostics, Node, Severity, Span, decode, node::join_pointer, schema::Config,
};

/// What is already known to be wrong.
#[derive(Default)]
pub(super) struct Faults {
    /// Where errors were found.
    spans: Vec<Span>,
    /// Pointers of what could not be decoded at all.
    broken: HashSet<String>,
}

impl Faults {
    /// Whether anything is.
    pub fn any(&self) -> bool {
        !self.spans.is_empty()
    }

    /// Whether what a pointer leads to holds an error that was reported.
    pub fn within(&self, document: &Node, pointer: &str) -> bool {
        let node = document.pointer(pointer).node;
        self.spans.iter().any(|span| {
            span.file == node.span.file
                && node.span.start <= span.start
                && span.start <= node.span.end
        })
    }

    /// Whether this was left out because it could not be decoded.
    pub fn is_broken(&self, pointer: &str) -> bool {
        self.broken.contains(pointer)
    }

    /// Whether something of this section was left out.
    pub fn hides_some_of(&self, section: &str) -> bool {
        self.broken.iter().any(|pointer| pointer.starts_with(section))
    }

    /// What was found beyond these faults: no second error at the same place, and no warnings, which
    /// may only be the lack of what was left out.
    pub fn beyond(&self, findings: &Diagnostics) -> Diagnostics {
        let overlaps = |finding: &Diagnostic| {
            finding.span().is_some_and(|span| {
                self.spans.iter().any(|other| {
                    other.file == span.file && other.start <= span.end && span.start <= other.end
                })
            })
        };
        let new = findings
            .sorted()
            .into_iter()
            .filter(|finding| finding.severity == Severity::Error && !overlaps(finding));
        new.cloned().collect()
    }
}

/// The sections and entries that can be decoded. Keys that nobody knows are left out first, so that
/// a misspelt one does not hide its neighbours.
pub(super) fn parts(
    document: &Node,
    unknown: &[Span],
    findings: &Diagnostics,
) -> (Config, Node, Faults) {
    let pruned = document.without(unknown);
    let errors = findings.sorted().into_iter();
    let errors = errors.filter(|finding| finding.severity == Severity::Error);
    let mut faults =
        Faults { spans: errors.filter_map(Diagnostic::span).collect(), broken: HashSet::new() };
    let config = Config {
        admin: section(&pruned, "/admin", &mut faults),
        audit: section(&pruned, "/audit", &mut faults),
        log: section(&pruned, "/log", &mut faults),
        drain: section(&pruned, "/drain", &mut faults),
        limits: section(&pruned, "/limits", &mut faults),
        listeners: entries(&pruned, "/listeners", &mut faults),
        routes: entries(&pruned, "/routes", &mut faults),
        upstreams: entries(&pruned, "/upstreams", &mut faults),
    };
    (config, pruned, faults)
}

fn section<T: DeserializeOwned + Default>(
    document: &Node,
    pointer: &str,
    faults: &mut Faults,
) -> T {
    if !document.pointer(pointer).is_exact() {
        return T::default();
    }
    decode(document, pointer).unwrap_or_else(|_| {
        faults.broken.insert(pointer.to_owned());
        T::default()
    })
}

fn entries<T: DeserializeOwned>(
    document: &Node,
    pointer: &str,
    faults: &mut Faults,
) -> BTreeMap<String, T> {
    let found = document.pointer(pointer);
    let mut sound = BTreeMap::new();
    for entry in found.node.entries().iter().filter(|_| found.is_exact()) {
        let pointer = join_pointer(pointer, &entry.key);
        match decode(document, &pointer) {
            Ok(value) => {
                sound.insert(entry.key.clone(), value);
            }
            Err(_) => {
                faults.broken.insert(pointer);
            }
        }
    }
    sound
}
