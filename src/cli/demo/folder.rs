//! The folder of a demonstration or a sandbox: a new temporary one that is removed, or one that was
//! named and stays.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use thiserror::Error;
use tollgate_api::{Entropy, SystemEntropy};
use tollgate_crypto::to_hex;

use crate::sandbox::write_private;

/// A folder to write into.
pub(in crate::cli) struct Folder {
    path: PathBuf,
    temporary: bool,
}

/// A folder that cannot be used.
#[derive(Debug, Error)]
pub(in crate::cli) enum FolderError {
    #[error("`{0}` holds files that are not a demo's\nhint: name a new folder, or none")]
    Foreign(PathBuf),
    #[error("`{0}` cannot be used: {1}")]
    Io(PathBuf, io::Error),
}

impl Folder {
    /// Makes a temporary folder, or takes the named one if it is new, empty or an earlier demo's.
    pub fn open(named: Option<PathBuf>) -> Result<Self, FolderError> {
        match named {
            None => Self::temporary("demo"),
            Some(path) => Self::named(path),
        }
    }

    /// Makes a temporary folder that is named after what uses it.
    pub fn temporary(user: &str) -> Result<Self, FolderError> {
        let mut name = [0_u8; 6];
        SystemEntropy.fill(&mut name);
        let path = std::env::temp_dir().join(format!("tollgate-{user}-{}", to_hex(&name)));
        let folder = Self { temporary: true, path };
        folder.make().map_err(|error| FolderError::Io(folder.path.clone(), error))?;
        Ok(folder)
    }

    fn named(path: PathBuf) -> Result<Self, FolderError> {
        let path = std::path::absolute(&path).unwrap_or(path);
        let folder = Self { temporary: false, path };
        let failed = |error| FolderError::Io(folder.path.clone(), error);
        match fs::read_dir(&folder.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                folder.make().map_err(failed)?;
            }
            Err(error) => return Err(failed(error)),
            Ok(mut entries) => {
                if entries.next().is_some() && !folder.path.join(MARK).exists() {
                    return Err(FolderError::Foreign(folder.path.clone()));
                }
            }
        }
        write_private(&folder.path.join(MARK), "This folder was made by `tollgate demo`.\n")
            .map_err(failed)?;
        Ok(folder)
    }

    fn make(&self) -> io::Result<()> {
        DirBuilder::new().recursive(!self.temporary).mode(0o700).create(&self.path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it if it was made for this demonstration.
    pub fn remove(&mut self) {
        if std::mem::take(&mut self.temporary) {
            // What cannot be removed from a temporary folder is left to the system.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Names a folder as a demo's own.
const MARK: &str = ".tollgate-demo";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_temporary_folder_is_private_and_removed() {
        let folder = Folder::open(None).unwrap();
        let path = folder.path().to_owned();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "only its owner may look inside");
        fs::write(path.join("key"), "secret").unwrap();
        drop(folder);
        assert!(!path.exists(), "nothing is left");
    }

    #[test]
    fn a_temporary_folder_is_named_after_what_uses_it() {
        for user in ["demo", "sandbox"] {
            let folder = Folder::temporary(user).unwrap();
            let name = folder.path().file_name().unwrap().to_str().unwrap();
            assert!(name.starts_with(&format!("tollgate-{user}-")), "{name}");
        }
    }

    #[test]
    fn a_named_folder_is_kept_and_taken_again_but_a_foreign_one_is_not_touched() {
        let scratch = Folder::open(None).unwrap();
        let named = scratch.path().join("demo");
        for turn in 0..2 {
            drop(Folder::open(Some(named.clone())).unwrap());
            assert!(named.exists(), "kept after {turn} demonstrations before");
        }
        let foreign = scratch.path().join("foreign");
        fs::create_dir(&foreign).unwrap();
        fs::write(foreign.join("tollgate.yaml"), "mine").unwrap();
        assert!(
            matches!(Folder::open(Some(foreign.clone())), Err(FolderError::Foreign(_))),
            "somebody's own files are in it"
        );
        assert_eq!(fs::read_dir(&foreign).unwrap().count(), 1, "nothing was written");
    }
}
