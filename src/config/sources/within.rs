//! What a plugin's constructor sees of the sources.

use std::path::Path;

use bytes::Bytes;
use tollgate_api::setting::{FileRef, SecretRef};
use tollgate_crypto::Secret;

use super::{SourceError, Sources};

/// Sources seen from one configuration file: relative paths start from its folder.
#[derive(Debug, Clone, Copy)]
pub struct Within<'a> {
    sources: &'a Sources,
    named_in: &'a Path,
}

impl<'a> Within<'a> {
    pub(super) fn new(sources: &'a Sources, named_in: &'a Path) -> Self {
        Self { sources, named_in }
    }

    /// The bytes that a reference to a secret leads to.
    pub fn resolve_secret(&self, reference: &SecretRef) -> Result<Secret, SourceError> {
        let bytes = match reference {
            SecretRef::File(path) => self.read(path)?,
            SecretRef::Env(name) => self.sources.env(name)?,
        };
        Ok(Secret::new(bytes.to_vec()))
    }

    /// The bytes of a file.
    pub fn read(&self, path: &Path) -> Result<Bytes, SourceError> {
        self.sources.read(self.sources.resolve(self.named_in, path))
    }
}

impl tollgate_api::Sources for Within<'_> {
    fn secret(&mut self, reference: &SecretRef) -> Result<Secret, String> {
        self.resolve_secret(reference).map_err(|error| error.to_string())
    }

    fn file(&mut self, reference: &FileRef) -> Result<Bytes, String> {
        self.read(&reference.file).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use tollgate_api::Sources as _;

    use super::*;

    #[test]
    fn a_plugin_reads_relative_to_the_file_that_holds_its_settings() {
        let sources = Sources::fake([("conf/key", "k\n"), ("key", "other")], [("PIN", "1234")]);
        let file = sources.resolve(Path::new(""), "conf/a.yaml");
        let mut within = sources.within(&file);
        let key = within.secret(&SecretRef::File("key".into())).unwrap();
        assert_eq!(key.expose(), b"k\n", "beside the file, to the last byte");
        assert_eq!(
            within.secret(&SecretRef::Env("PIN".into())).unwrap().expose(),
            b"1234",
            "a variable"
        );
        assert_eq!(
            within.file(&FileRef { file: "../key".into() }).unwrap(),
            "other",
            "the folder above"
        );
        let error = within.file(&FileRef { file: "absent".into() }).unwrap_err();
        assert_eq!(error, "`conf/absent` does not exist", "in words");
    }
}
