//! Files and environment variables from memory.

use std::collections::HashMap;

use bytes::Bytes;
use tollgate_crypto::Secret;

use crate::{
    Sources,
    setting::{FileRef, SecretRef},
};

/// What references resolve to.
#[derive(Default)]
pub struct MemorySources {
    files: HashMap<String, Bytes>,
    variables: HashMap<String, Bytes>,
}

impl MemorySources {
    /// Puts a file.
    pub fn put_file(&mut self, path: &str, content: impl Into<Bytes>) {
        self.files.insert(path.to_owned(), content.into());
    }

    /// Sets an environment variable.
    pub fn put_variable(&mut self, name: &str, value: impl Into<Bytes>) {
        self.variables.insert(name.to_owned(), value.into());
    }

    fn find_file(&self, path: &std::path::Path) -> Result<Bytes, String> {
        let found = path.to_str().and_then(|path| self.files.get(path));
        found.cloned().ok_or_else(|| "the file cannot be read".to_owned())
    }
}

impl Sources for MemorySources {
    fn secret(&mut self, reference: &SecretRef) -> Result<Secret, String> {
        let bytes = match reference {
            SecretRef::File(path) => self.find_file(path)?,
            SecretRef::Env(name) => self
                .variables
                .get(name)
                .cloned()
                .ok_or_else(|| "the environment variable is not set".to_owned())?,
        };
        Ok(Secret::new(bytes.to_vec()))
    }

    fn file(&mut self, reference: &FileRef) -> Result<Bytes, String> {
        self.find_file(&reference.file)
    }
}
