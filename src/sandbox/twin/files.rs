//! What a twin and its merchant have in files: read from a folder where they are, else made.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use thiserror::Error;

use crate::sandbox::{MakeError, write_private};

/// A file.
#[derive(Debug, Clone)]
pub struct File {
    /// Its name in the folder.
    pub name: &'static str,
    /// What is in it.
    pub text: String,
    /// What it is for.
    pub what: &'static str,
}

/// A folder with files of an earlier twin, or of the merchant's own.
#[derive(Debug, Clone, Default)]
pub struct Kept(Option<PathBuf>);

/// The materials of a twin cannot be had.
#[derive(Debug, Error)]
pub enum OpenError {
    /// A key or certificate could not be made.
    #[error(transparent)]
    Make(#[from] MakeError),
    /// A file could not be read or written.
    #[error("`{0}`: {1}")]
    Io(PathBuf, io::Error),
    /// A file holds something else than it should.
    #[error("`{0}` is not {1}")]
    Invalid(PathBuf, &'static str),
    /// A file of somebody else's would be replaced.
    #[error("`{0}` is there and is not this sandbox's: move it away, or name another folder")]
    Foreign(PathBuf),
    /// A key that was just made cannot be used.
    #[error("a key that was just made cannot be used")]
    Unusable,
}

impl Kept {
    /// The files of this folder, where there are any.
    pub fn of(folder: &Path) -> Self {
        Self(Some(folder.to_owned()))
    }

    /// The text of a file; `None` if there is none.
    pub fn read(&self, name: &str) -> Result<Option<String>, OpenError> {
        let Some(path) = self.path(name) else { return Ok(None) };
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(OpenError::Io(path, error)),
        }
    }

    /// A file is not what it should be.
    pub fn invalid(&self, name: &str, expected: &'static str) -> OpenError {
        match self.path(name) {
            Some(path) => OpenError::Invalid(path, expected),
            None => OpenError::Unusable,
        }
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.0.as_ref().map(|folder| folder.join(name))
    }
}

/// Writes files into a folder, readable for their owner alone. What is there already and says the
/// same is left as it is; what says something else is replaced only in a folder of a sandbox, which is
/// known by the provider's own keys in it.
pub fn write(folder: &Path, files: &[File]) -> Result<(), OpenError> {
    let is_ours = folder.join("provider").is_dir();
    let mut missing = Vec::new();
    for file in files {
        let path = folder.join(file.name);
        match fs::read_to_string(&path) {
            Ok(text) if text.trim_end() == file.text.trim_end() => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => missing.push((path, file)),
            _ if is_ours => missing.push((path, file)),
            _ => return Err(OpenError::Foreign(path)),
        }
    }
    fs::create_dir_all(folder).map_err(|error| OpenError::Io(folder.to_owned(), error))?;
    for (path, file) in missing {
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .and_then(|()| write_private(&path, &file.text))
            .map_err(|error| OpenError::Io(path, error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_somebody_elses_is_never_replaced() {
        let folder = std::env::temp_dir().join(format!("tollgate-files-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let file = |name, text: &str| File { name, text: text.to_owned(), what: "a file" };
        let ours = [file("apiclient_key.pem", "ours\n"), file("provider/key.pem", "secret\n")];
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("apiclient_key.pem"), "theirs").unwrap();
        let refused = write(&folder, &ours).unwrap_err();
        assert!(refused.to_string().contains("apiclient_key.pem"), "it is named: {refused}");
        assert!(!folder.join("provider").exists(), "nothing was written before it was noticed");
        let kept = fs::read_to_string(folder.join("apiclient_key.pem")).unwrap();
        assert_eq!(kept, "theirs", "it is as it was");
        fs::write(folder.join("apiclient_key.pem"), "ours").unwrap();
        write(&folder, &ours).unwrap();
        let kept = fs::read_to_string(folder.join("apiclient_key.pem")).unwrap();
        assert_eq!(kept, "ours", "a line break less is no difference");
        let renewed = [file("apiclient_key.pem", "new\n")];
        write(&folder, &renewed).unwrap();
        let text = fs::read_to_string(folder.join("apiclient_key.pem")).unwrap();
        assert_eq!(text, "new\n", "in a sandbox's own folder what it makes is renewed");
        fs::remove_dir_all(&folder).unwrap();
    }
}
