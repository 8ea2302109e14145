//! The associated data of a message, put together so that it can be read in one way only.

use std::borrow::Cow;

use http::HeaderMap;
use tollgate_api::json::{Document, FieldPath, Kind};

use super::{AssociatedData, Part};

impl AssociatedData {
    /// The bytes; `None` if a part is missing, is there twice or contains the separator.
    pub(super) fn bytes(
        &self,
        headers: &HeaderMap,
        document: Option<&Document>,
    ) -> Option<Vec<u8>> {
        let parts: Vec<Cow<'_, [u8]>> =
            self.parts.iter().map(|part| value(part, headers, document)).collect::<Option<_>>()?;
        match (parts.as_slice(), &self.separator) {
            ([only], _) => Some(only.to_vec()),
            (parts, None) => {
                let mut bytes = Vec::new();
                for part in parts {
                    bytes.extend_from_slice(&u64::try_from(part.len()).ok()?.to_be_bytes());
                    bytes.extend_from_slice(part);
                }
                Some(bytes)
            }
            (parts, Some(separator)) => {
                let separator = separator.as_bytes();
                let ambiguous = |part: &Cow<'_, [u8]>| {
                    !separator.is_empty()
                        && part.windows(separator.len()).any(|window| window == separator)
                };
                (!parts.iter().any(ambiguous)).then(|| parts.join(separator))
            }
        }
    }
}

/// The value of the header, if there is exactly one.
pub(super) fn single<'a>(headers: &'a HeaderMap, name: &http::HeaderName) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    let only = values.next()?;
    values.next().is_none().then_some(only.as_bytes())
}

fn value<'a>(
    part: &'a Part,
    headers: &'a HeaderMap,
    document: Option<&'a Document>,
) -> Option<Cow<'a, [u8]>> {
    match part {
        Part::Text(text) => Some(Cow::Borrowed(text.as_bytes())),
        Part::Header(name) => single(headers, name.name()).map(Cow::Borrowed),
        Part::Field(path) => field(document?, path),
    }
}

fn field<'a>(document: &'a Document, path: &FieldPath) -> Option<Cow<'a, [u8]>> {
    let value = document.get(path)?;
    match value.kind() {
        Kind::String => value.as_str().map(|text| match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        }),
        Kind::Number | Kind::Bool => Some(Cow::Borrowed(value.raw().as_bytes())),
        Kind::Null | Kind::Array | Kind::Object => None,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderValue;
    use tollgate_api::json::Limits;

    use super::*;

    fn parts(separator: Option<&str>) -> AssociatedData {
        AssociatedData {
            parts: vec![
                Part::Text("v1".into()),
                Part::Header("x-id".parse().unwrap()),
                Part::Field("merchant.id".parse().unwrap()),
            ],
            separator: separator.map(str::to_owned),
        }
    }

    fn joined(
        separator: Option<&str>,
        header: &'static str,
        body: &'static str,
    ) -> Option<Vec<u8>> {
        let mut headers = HeaderMap::new();
        headers.insert("x-id", HeaderValue::from_static(header));
        let document = Document::parse(&Bytes::from(body), Limits::default()).unwrap();
        parts(separator).bytes(&headers, Some(&document))
    }

    #[test]
    fn parts_are_joined_by_length_or_by_the_separator() {
        let body = "{\"merchant\":{\"id\":\"m\\u0031\"}}";
        assert_eq!(joined(Some("|"), "a", body), Some(b"v1|a|m1".to_vec()), "as text");
        assert_eq!(joined(Some(""), "a", body), Some(b"v1am1".to_vec()), "run together");
        assert_eq!(
            joined(None, "a", body),
            Some(b"\0\0\0\0\0\0\0\x02v1\0\0\0\0\0\0\0\x01a\0\0\0\0\0\0\0\x02m1".to_vec()),
            "each after its length"
        );
        let number = "{\"merchant\":{\"id\":1.50}}";
        assert_eq!(joined(Some("|"), "a", number), Some(b"v1|a|1.50".to_vec()), "as written");
    }

    #[test]
    fn a_part_with_the_separator_in_it_a_missing_and_a_double_one_are_refused() {
        let body = "{\"merchant\":{\"id\":\"m\"}}";
        assert_eq!(joined(Some("|"), "a|b", body), None, "ambiguous");
        for body in ["{}", "{\"merchant\":{\"id\":null}}", "{\"merchant\":{\"id\":[]}}"] {
            assert_eq!(joined(None, "a", body), None, "`{body}` has no such value");
        }
        let mut headers = HeaderMap::new();
        assert_eq!(parts(None).bytes(&headers, None), None, "no header");
        headers.append("x-id", HeaderValue::from_static("a"));
        headers.append("x-id", HeaderValue::from_static("a"));
        assert_eq!(single(&headers, &"x-id".parse().unwrap()), None, "two are ambiguous");
    }

    #[test]
    fn one_part_stands_for_itself() {
        let one = |separator: Option<&str>| AssociatedData {
            parts: vec![Part::Text("a|b".into())],
            separator: separator.map(str::to_owned),
        };
        for separator in [None, Some("|"), Some("")] {
            let bytes = one(separator).bytes(&HeaderMap::new(), None);
            assert_eq!(bytes, Some(b"a|b".to_vec()), "nothing is added to it");
        }
    }
}
