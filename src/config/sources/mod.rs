//! The one door to files and environment variables while a configuration is loaded.
//!
//! Everything that is read goes through here, once: a second reader gets the same bytes, so one
//! load never sees two versions of a file. What was read is recorded, missing files included, so
//! that a reload knows what to watch and whether anything changed. Files are regular and bounded;
//! their bytes are zeroed when the last reader is done with them.

mod backend;
mod within;

use std::collections::BTreeMap;
use std::fmt::{self, Debug, Formatter};
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use zeroize::Zeroizing;

use self::backend::{Backend, Fake, Real};
use super::hash::{ContentHash, Hasher};

pub use backend::FAKE_BASE;
pub use within::Within;

/// Why something could not be read. Names what was asked for, never what it holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// Nothing has this name.
    #[error("`{0}` does not exist")]
    NotFound(String),
    /// The operating system refuses.
    #[error("`{0}` may not be read by this process")]
    Denied(String),
    /// A folder, a device, a pipe.
    #[error("`{0}` is not a regular file")]
    NotAFile(String),
    /// Larger than [`LARGEST_FILE`].
    #[error("`{0}` is larger than {limit} MiB", limit = LARGEST_FILE >> 20)]
    TooLarge(String),
    /// Anything else that the operating system reports.
    #[error("`{0}` cannot be read: {1}")]
    Io(String, std::io::ErrorKind),
    /// The environment has no such variable.
    #[error("the environment variable `{0}` is not set")]
    NoVariable(String),
    /// The variable is set to nothing.
    #[error("the environment variable `{0}` is empty")]
    EmptyVariable(String),
    /// The variable is not Unicode.
    #[error("the environment variable `{0}` is not text")]
    NotText(String),
}

/// A file as it was read.
#[derive(Clone)]
pub struct FileContent {
    /// The bytes.
    pub bytes: Bytes,
    /// Whether every user of the machine may read it.
    pub public: bool,
}

/// Shows no byte of the file.
impl Debug for FileContent {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileContent")
            .field("length", &self.bytes.len())
            .field("public", &self.public)
            .finish()
    }
}

/// Something to watch for changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// The file or folder, as it was named, symbolic links not followed.
    pub path: PathBuf,
    /// Its content when it was read; for a folder, the names of its configuration files; for
    /// what could not be read, nothing.
    pub hash: Option<ContentHash>,
}

/// See the module.
pub struct Sources {
    base: PathBuf,
    backend: Box<dyn Backend>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    files: BTreeMap<PathBuf, Result<FileContent, SourceError>>,
    folders: BTreeMap<PathBuf, Result<Vec<PathBuf>, SourceError>>,
    variables: BTreeMap<String, Result<Bytes, SourceError>>,
}

impl Sources {
    /// The real file system and environment. Relative paths that no file names start from
    /// `base`, which is made absolute.
    pub fn real(base: impl AsRef<Path>) -> Self {
        let base = base.as_ref();
        let base = std::path::absolute(base).unwrap_or_else(|_| base.to_owned());
        Self::over(base, Box::new(Real))
    }

    /// A file system and an environment in memory, rooted at [`FAKE_BASE`].
    pub fn fake<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
        variables: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let base = PathBuf::from(FAKE_BASE);
        let files = files
            .into_iter()
            .map(|(path, text)| (clean(&base.join(path)), text.as_bytes().to_vec()));
        let variables =
            variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let fake = Fake { files: files.collect(), variables: variables.collect() };
        Self::over(base, Box::new(fake))
    }

    fn over(base: PathBuf, backend: Box<dyn Backend>) -> Self {
        Self { base, backend, seen: Mutex::default() }
    }

    /// Where a path leads that stands in the file `named_in`.
    pub fn resolve(&self, named_in: &Path, path: impl AsRef<Path>) -> PathBuf {
        let folder = named_in.parent().unwrap_or(Path::new(""));
        clean(&self.base.join(folder).join(path))
    }

    /// The same sources as a plugin sees them whose settings stand in the file `named_in`.
    pub fn within<'a>(&'a self, named_in: &'a Path) -> Within<'a> {
        Within::new(self, named_in)
    }

    /// How a path is called in messages: relative to the base where it lies below.
    pub fn name(&self, path: impl AsRef<Path>) -> String {
        let path = clean(&self.base.join(path));
        let name = path.strip_prefix(&self.base).ok().filter(|name| !name.as_os_str().is_empty());
        name.unwrap_or(&path).display().to_string()
    }

    /// Reads a file; a relative path starts from the base.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Bytes, SourceError> {
        self.read_file(path).map(|content| content.bytes)
    }

    /// Reads a file with what is known about who else can.
    pub fn read_file(&self, path: impl AsRef<Path>) -> Result<FileContent, SourceError> {
        let path = clean(&self.base.join(path));
        let mut seen = self.seen();
        seen.files
            .entry(path)
            .or_insert_with_key(|path| self.backend.read(path, &self.name(path)))
            .clone()
    }

    /// The configuration files of a folder, sorted. Hidden files, editors' backups and anything
    /// that does not end in `.yaml` or `.yml` are passed over.
    pub fn list(&self, folder: impl AsRef<Path>) -> Result<Vec<PathBuf>, SourceError> {
        let folder = clean(&self.base.join(folder));
        let mut seen = self.seen();
        seen.folders
            .entry(folder)
            .or_insert_with_key(|folder| {
                let mut files = self.backend.list(folder, &self.name(folder))?;
                files.retain(|path| is_configuration(path));
                files.sort();
                Ok(files)
            })
            .clone()
    }

    /// Whether a path is a folder.
    pub fn is_folder(&self, path: impl AsRef<Path>) -> bool {
        self.backend.is_folder(&clean(&self.base.join(path)))
    }

    /// The value of an environment variable. An empty one is an error: nothing that is
    /// configured by reference may be nothing.
    pub fn env(&self, name: &str) -> Result<Bytes, SourceError> {
        let mut seen = self.seen();
        seen.variables
            .entry(name.to_owned())
            .or_insert_with(|| match self.backend.env(name)? {
                value if value.is_empty() => Err(SourceError::EmptyVariable(name.into())),
                value => Ok(shared(value.into_bytes())),
            })
            .clone()
    }

    /// Every file and folder that was asked for, by path.
    pub fn watched(&self) -> Vec<Watched> {
        let seen = self.seen();
        let files = seen.files.iter().map(|(path, content)| Watched {
            path: path.clone(),
            hash: content.as_ref().ok().map(|content| ContentHash::of(&content.bytes)),
        });
        let folders = seen.folders.iter().map(|(path, listed)| Watched {
            path: path.clone(),
            hash: listed.as_ref().ok().map(|files| hash_of_names(files)),
        });
        let mut watched: Vec<_> = files.chain(folders).collect();
        watched.sort_by(|a, b| a.path.cmp(&b.path));
        watched
    }

    /// One hash over everything that was read: the configuration, the files it refers to and the
    /// environment variables. Equal hashes mean that a reload would change nothing. It is made
    /// from secrets too; among processes it may be compared, to guess a weak secret it may be
    /// used, so it is shown to operators only.
    pub fn content_hash(&self) -> ContentHash {
        let seen = self.seen();
        let mut hasher = Hasher::new();
        for (path, content) in &seen.files {
            let name = path.strip_prefix(&self.base).unwrap_or(path);
            hasher.field(b"file").field(name.as_os_str().as_encoded_bytes());
            hasher.field(content.as_ref().map_or(&[], |content| &content.bytes));
        }
        for (path, files) in &seen.folders {
            let name = path.strip_prefix(&self.base).unwrap_or(path);
            hasher.field(b"folder").field(name.as_os_str().as_encoded_bytes());
            hasher.field(
                files.as_ref().map(|files| hash_of_names(files)).unwrap_or_default().as_bytes(),
            );
        }
        for (name, value) in &seen.variables {
            hasher.field(b"variable").field(name.as_bytes());
            hasher.field(value.as_ref().map_or(&[], |value| value));
        }
        hasher.finish()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows no content.
impl Debug for Sources {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").field("base", &self.base).finish_non_exhaustive()
    }
}

/// Bytes that are zeroed when the last clone goes.
fn shared(bytes: Vec<u8>) -> Bytes {
    Bytes::from_owner(Zeroizing::new(bytes))
}

fn hash_of_names(files: &[PathBuf]) -> ContentHash {
    let mut hasher = Hasher::new();
    for name in files.iter().filter_map(|path| path.file_name()) {
        hasher.field(name.as_encoded_bytes());
    }
    hasher.finish()
}

fn is_configuration(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    let ending = path.extension().and_then(|ending| ending.to_str());
    matches!(ending, Some("yaml" | "yml")) && !name.starts_with(['.', '#', '~'])
}

/// Removes `.` and resolves `..` by name, so that one file has one name.
fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(clean.components().next_back(), Some(Component::Normal(_))) =>
            {
                clean.pop();
            }
            part => clean.push(part),
        }
    }
    clean
}

/// The largest file that is read: certificates, keys and key sets are far smaller.
pub const LARGEST_FILE: u64 = 16 << 20;

#[cfg(test)]
mod tests;
