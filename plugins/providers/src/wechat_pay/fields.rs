//! Sensitive fields, encrypted or decrypted one by one where they stand; every other byte stays.

use bytes::Bytes;
use tollgate_api::{
    SettingError,
    json::{Document, Edits, FieldPath, Fragment, Limits},
};

use super::{merchant::MerchantKey, platform::PlatformKey};

/// Which fields of a JSON body are meant. A body need not have them.
#[derive(Debug, Clone)]
pub(super) struct Fields(Vec<FieldPath>);

/// Why fields could not be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    /// The body is not JSON, or two readers could disagree about it.
    #[error("the body is not unambiguous JSON")]
    Json,
    /// A field is not text, or too long to encrypt, or there are too many.
    #[error("a field is not text, too long, or there are too many")]
    Field,
    /// A field does not decrypt.
    #[error("a field does not decrypt")]
    Decryption,
}

impl Fields {
    /// Paths that do not overlap.
    pub fn new(paths: Vec<FieldPath>, pointer: &str, errors: &mut Vec<SettingError>) -> Self {
        for (index, path) in paths.iter().enumerate() {
            let place = format!("{pointer}/{index}");
            if path.segments().is_empty() {
                errors.push(SettingError::new(place, "expected a field, found the whole document"));
                continue;
            }
            let earlier = paths.get(..index).unwrap_or_default();
            if earlier.iter().any(|other| path.is_within(other) || other.is_within(path)) {
                errors.push(SettingError::new(place, "expected a field apart from the others"));
            }
        }
        Self(paths)
    }

    /// Whether no field is meant.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Encrypts the fields that are there; `None` if none is, or all are empty.
    pub fn encrypt(&self, body: &Bytes, key: &PlatformKey) -> Result<Option<Bytes>, Problem> {
        self.replace(body, |text| key.encrypt(text.as_bytes()).map_err(|_| Problem::Field))
    }

    /// Decrypts the fields that are there; `None` if none is, or all are empty.
    pub fn decrypt(&self, body: &Bytes, key: &MerchantKey) -> Result<Option<Bytes>, Problem> {
        self.replace(body, |text| {
            let plain = key.decrypt(text).ok_or(Problem::Decryption)?;
            plain.expose_str().map(str::to_owned).ok_or(Problem::Decryption)
        })
    }

    fn replace(
        &self,
        body: &Bytes,
        change: impl Fn(&str) -> Result<String, Problem>,
    ) -> Result<Option<Bytes>, Problem> {
        let document = Document::parse(body, Limits::default()).map_err(|_| Problem::Json)?;
        let mut edits = Edits::new(&document);
        let mut count = 0;
        for value in self.0.iter().flat_map(|path| document.select(path)) {
            if value.is_null() {
                continue;
            }
            let text = value.as_str().ok_or(Problem::Field)?;
            // What is empty stays empty: there is nothing to hide, and SM2 has no encryption of it.
            if text.is_empty() {
                continue;
            }
            count += 1;
            if count > MOST {
                return Err(Problem::Field);
            }
            let changed = Fragment::string(&change(&text)?);
            edits.replace(value, changed).map_err(|_| Problem::Field)?;
        }
        if edits.is_empty() {
            return Ok(None);
        }
        edits.finish().map(Some).map_err(|_| Problem::Field)
    }
}

/// Fields of one body, at most: each takes around a millisecond to decrypt.
const MOST: usize = 500;
