//! Where files and variables come from: the operating system, or memory in tests.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::{FileContent, LARGEST_FILE, SourceError, shared};

pub(super) trait Backend: Send + Sync {
    fn read(&self, path: &Path, name: &str) -> Result<FileContent, SourceError>;
    fn list(&self, folder: &Path, name: &str) -> Result<Vec<PathBuf>, SourceError>;
    fn is_folder(&self, path: &Path) -> bool;
    fn env(&self, name: &str) -> Result<String, SourceError>;
}

pub(super) struct Real;

impl Backend for Real {
    fn read(&self, path: &Path, name: &str) -> Result<FileContent, SourceError> {
        let failed = |error: std::io::Error| io_error(name, error.kind());
        // Looked at before it is opened: opening a pipe would wait for its writer.
        if !fs::metadata(path).map_err(failed)?.is_file() {
            return Err(SourceError::NotAFile(name.into()));
        }
        let file = File::open(path).map_err(failed)?;
        let about = file.metadata().map_err(failed)?;
        if !about.is_file() {
            return Err(SourceError::NotAFile(name.into()));
        }
        if about.len() > LARGEST_FILE {
            return Err(SourceError::TooLarge(name.into()));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or(0));
        file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
        let content = FileContent { bytes: shared(bytes), public: is_public(&about) };
        if content.bytes.len() as u64 > LARGEST_FILE {
            return Err(SourceError::TooLarge(name.into()));
        }
        Ok(content)
    }

    fn list(&self, folder: &Path, name: &str) -> Result<Vec<PathBuf>, SourceError> {
        let failed = |error: std::io::Error| io_error(name, error.kind());
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            // Through symbolic links, as mounted configuration often is.
            if !path.is_dir() {
                files.push(path);
            }
        }
        Ok(files)
    }

    fn is_folder(&self, path: &Path) -> bool {
        path.is_dir()
    }

    fn env(&self, name: &str) -> Result<String, SourceError> {
        // These names make `std::env::var` panic on some systems or are never set.
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(SourceError::NoVariable(name.into()));
        }
        std::env::var(name).map_err(|error| match error {
            std::env::VarError::NotPresent => SourceError::NoVariable(name.into()),
            std::env::VarError::NotUnicode(_) => SourceError::NotText(name.into()),
        })
    }
}

pub(super) struct Fake {
    pub(super) files: BTreeMap<PathBuf, Vec<u8>>,
    pub(super) variables: BTreeMap<String, String>,
}

impl Backend for Fake {
    fn read(&self, path: &Path, name: &str) -> Result<FileContent, SourceError> {
        match self.files.get(path) {
            Some(bytes) => Ok(FileContent { bytes: shared(bytes.clone()), public: false }),
            None if self.is_folder(path) => Err(SourceError::NotAFile(name.into())),
            None => Err(SourceError::NotFound(name.into())),
        }
    }

    fn list(&self, folder: &Path, name: &str) -> Result<Vec<PathBuf>, SourceError> {
        if !self.is_folder(folder) {
            return Err(SourceError::NotFound(name.into()));
        }
        Ok(self.files.keys().filter(|path| path.parent() == Some(folder)).cloned().collect())
    }

    fn is_folder(&self, path: &Path) -> bool {
        self.files.keys().any(|file| file.parent().is_some_and(|parent| parent.starts_with(path)))
    }

    fn env(&self, name: &str) -> Result<String, SourceError> {
        self.variables.get(name).cloned().ok_or_else(|| SourceError::NoVariable(name.into()))
    }
}

fn io_error(name: &str, kind: ErrorKind) -> SourceError {
    match kind {
        ErrorKind::NotFound | ErrorKind::NotADirectory => SourceError::NotFound(name.into()),
        ErrorKind::PermissionDenied => SourceError::Denied(name.into()),
        kind => SourceError::Io(name.into(), kind),
    }
}

#[cfg(unix)]
fn is_public(about: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    about.permissions().mode() & 0o004 != 0
}

#[cfg(not(unix))]
fn is_public(_: &fs::Metadata) -> bool {
    false
}

/// The root of the file system in memory.
pub const FAKE_BASE: &str = "/etc/tollgate";
