//! What every part of the compilation uses: the document for carets, the sources, the findings.

use std::{path::Path, time::Duration};

use bytes::Bytes;
use tollgate_api::{Jobs, setting::SecretRef};
use tollgate_crypto::Secret;

use super::{Environment, sound::Faults};
use crate::config::{
    Diagnostic, Diagnostics, Files, Node, Sources, Span,
    node::join_pointer,
    schema::{CertificateFiles, Config},
    sources::Within,
};
use crate::snapshot::Expiry;

/// A compilation under way.
pub(super) struct Context<'a> {
    pub document: &'a Node,
    pub files: &'a Files,
    pub sources: &'a Sources,
    pub environment: &'a Environment,
    pub faults: Faults,
    pub findings: Diagnostics,
    /// What must not be shown although it stands where no secret belongs.
    pub secrets: Vec<Span>,
    pub jobs: Jobs,
    pub expiries: Vec<Expiry>,
}

impl<'a> Context<'a> {
    /// Reports an error at a place.
    pub fn error(&mut self, pointer: &str, message: impl Into<String>, label: &str) {
        self.findings.push(self.finding(Diagnostic::error(message), pointer, label));
    }

    /// Reports an error and what would help.
    pub fn error_with_hint(
        &mut self,
        pointer: &str,
        message: impl Into<String>,
        label: &str,
        hint: impl Into<String>,
    ) {
        self.findings.push(self.finding(Diagnostic::error(message), pointer, label).hint(hint));
    }

    /// Reports an error and what would help, if anything is known to.
    pub fn error_hinted(
        &mut self,
        pointer: &str,
        message: impl Into<String>,
        label: &str,
        hint: Option<String>,
    ) {
        let finding = self.finding(Diagnostic::error(message), pointer, label).hint_if(hint);
        self.findings.push(finding);
    }

    /// Reports an error at a key rather than at its value.
    pub fn error_at_key(
        &mut self,
        pointer: &str,
        message: impl Into<String>,
        label: &str,
        hint: Option<String>,
    ) {
        let found = self.document.pointer(pointer);
        let caret = found.key_span.unwrap_or_else(|| found.caret());
        self.findings.push(Diagnostic::error(message).at(caret, label).hint_if(hint));
    }

    /// Reports something that works and is probably not meant.
    pub fn warning(
        &mut self,
        pointer: &str,
        message: impl Into<String>,
        label: &str,
        hint: impl Into<String>,
    ) {
        self.findings.push(self.finding(Diagnostic::warning(message), pointer, label).hint(hint));
    }

    fn finding(&self, diagnostic: Diagnostic, pointer: &str, label: &str) -> Diagnostic {
        diagnostic.at(self.document.pointer(pointer).caret(), label)
    }

    /// Whether what stands there is known to be wrong: then nothing more needs to be said about it.
    pub fn is_faulty(&self, pointer: &str) -> bool {
        self.faults.any() && self.faults.within(self.document, pointer)
    }

    /// Hides what stands there from everything that will be shown.
    pub fn hide(&mut self, pointer: &str) {
        self.secrets.push(self.document.pointer(pointer).node.span);
    }

    /// The sources as seen from the file in which this place stands.
    pub fn within(&self, pointer: &str) -> Within<'a> {
        let file = self.document.pointer(pointer).node.span.file;
        self.sources.within(self.files.path(file))
    }

    /// A file; a failure is reported at its name.
    pub fn file(&mut self, pointer: &str, path: &Path) -> Option<Bytes> {
        match self.within(pointer).read(path) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                self.error(pointer, error.to_string(), "named here");
                None
            }
        }
    }

    /// A secret; a failure is reported at its reference.
    pub fn secret(&mut self, pointer: &str, reference: &SecretRef) -> Option<Secret> {
        match self.within(pointer).resolve_secret(reference) {
            Ok(secret) => Some(secret),
            Err(error) => {
                // What a reference lacks was said at its name.
                if !self.is_faulty(pointer) {
                    self.error(pointer, error.to_string(), "named here");
                }
                None
            }
        }
    }

    /// Chain and key of a certificate.
    pub fn certificate(
        &mut self,
        pointer: &str,
        files: &CertificateFiles,
    ) -> Option<(Bytes, Secret)> {
        let chain = self.file(&join_pointer(pointer, "chain"), &files.chain);
        let key = self.secret(&join_pointer(pointer, "key"), &files.key);
        Some((chain?, key?))
    }

    /// Takes note of when a certificate at this place expires, and warns if that is soon.
    pub fn expires(&mut self, pointer: &str, files: &CertificateFiles, at: Duration) {
        let chain = join_pointer(pointer, "chain");
        let now = self.environment.clock.unix();
        if at <= now {
            self.warning(
                &chain,
                "this certificate has expired",
                "expired",
                "it will be refused; renew it, and a reload picks the new one up",
            );
        } else if at < now + EXPIRES_SOON {
            self.warning(
                &chain,
                "this certificate expires within 7 days",
                "expires soon",
                "renew it; a reload picks the new one up",
            );
        }
        let used_by = pointer.trim_start_matches('/').split("/tls").next().unwrap_or_default();
        self.expiries.push(Expiry {
            used_by: used_by.replace("~1", "/").replace("~0", "~"),
            certificate: files.chain.display().to_string(),
            at,
        });
    }

    /// Names are labels of metrics and keys of state: they are short and plain.
    pub fn check_names(&mut self, config: &Config) {
        for (section, names) in [
            ("/listeners", config.listeners.keys().collect::<Vec<_>>()),
            ("/routes", config.routes.keys().collect()),
            ("/upstreams", config.upstreams.keys().collect()),
        ] {
            for name in names {
                if !is_name(name) {
                    self.error_with_hint(
                        &join_pointer(section, name),
                        format!("`{name}` is not a valid name"),
                        "this name",
                        "names are at most 64 characters of a-z, 0-9, `-` and `_`, and begin with a letter or digit",
                    );
                }
            }
        }
    }

    /// What exists that is spelled like this.
    pub fn suggest<'n>(name: &str, known: impl Iterator<Item = &'n String>) -> Option<String> {
        known
            .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
            .filter(|(likeness, _)| *likeness > 0.8)
            .max_by(|(one, _), (other, _)| one.total_cmp(other))
            .map(|(_, candidate)| format!("did you mean `{candidate}`?"))
    }
}

const EXPIRES_SOON: Duration = Duration::from_hours(7 * 24);

fn is_name(name: &str) -> bool {
    name.len() <= 64
        && name
            .bytes()
            .next()
            .is_some_and(|first| first.is_ascii_lowercase() || first.is_ascii_digit())
        && name.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
        })
}
