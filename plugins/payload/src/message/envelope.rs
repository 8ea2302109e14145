//! An envelope: a JSON object that holds nothing but the protected whole.

use std::borrow::Cow;

use bytes::Bytes;
use http::HeaderMap;
use tollgate_api::json::{Document, Limits};

use super::{Problem, is_json};

/// What goes into an envelope must be JSON and say so.
pub(crate) fn check_json(headers: &HeaderMap, body: &Bytes) -> Result<(), Problem> {
    if !is_json(headers) {
        return Err(Problem::MediaType);
    }
    Document::parse(body, Limits::default()).map(drop).map_err(|_| Problem::Json)
}

/// Parses an object that has exactly these members. Another member is refused: nothing protects it,
/// and it has no place in the message that comes out.
pub(crate) fn parse(body: &Bytes, names: &[&str]) -> Result<Document, Problem> {
    let document = Document::parse(body, Limits::default()).map_err(|_| Problem::Json)?;
    if document.root().members().count() == names.len() {
        Ok(document)
    } else {
        Err(Problem::Field)
    }
}

/// The text of a member.
pub(crate) fn text<'a>(document: &'a Document, name: &str) -> Result<Cow<'a, str>, Problem> {
    document.root().get(name).and_then(|value| value.as_str()).ok_or(Problem::Field)
}
