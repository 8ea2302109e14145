//! An envelope: a JSON object that holds nothing but the protected whole.

use std::borrow::Cow;

use bytes::Bytes;
use tollgate_api::json::{Document, Limits};

use super::Problem;

/// Parses what should be an envelope.
pub(crate) fn parse(body: &Bytes) -> Result<Document, Problem> {
    Document::parse(body, Limits::default()).map_err(|_| Problem::Json)
}

/// The texts of exactly these members. Another member is refused: nothing protects it, and it has
/// no place in the message that comes out.
pub(crate) fn texts<'a, const N: usize>(
    document: &'a Document,
    names: [&str; N],
) -> Result<[Cow<'a, str>; N], Problem> {
    let root = document.root();
    if root.members().count() != N {
        return Err(Problem::Field);
    }
    let mut texts = [const { Cow::Borrowed("") }; N];
    for (text, name) in texts.iter_mut().zip(names) {
        *text = root.get(name).and_then(|value| value.as_str()).ok_or(Problem::Field)?;
    }
    Ok(texts)
}
