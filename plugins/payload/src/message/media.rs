//! Media types, and the header fields that speak about a body that is gone.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use tollgate_api::SettingError;

/// A media type as a setting or a header writes it: `type/subtype`, parameters allowed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct MediaType {
    value: HeaderValue,
    essence: String,
}

impl MediaType {
    /// Parses `type/subtype; parameters`, at most 255 bytes.
    pub fn parse(text: &str) -> Option<Self> {
        let essence = text.split(';').next()?.trim().to_ascii_lowercase();
        let (kind, subtype) = essence.split_once('/')?;
        let fits = text.len() <= LONGEST && is_token(kind) && is_token(subtype);
        let value = HeaderValue::from_str(text.trim()).ok().filter(|_| fits)?;
        Some(Self { value, essence })
    }

    /// Parses a setting.
    pub fn setting(pointer: &str, text: &str, errors: &mut Vec<SettingError>) -> Option<Self> {
        let parsed = Self::parse(text);
        if parsed.is_none() {
            let expected = "expected a media type such as `application/json`";
            errors.push(SettingError::new(pointer, expected));
        }
        parsed
    }

    /// The `cty` of a token, whose `application/` may have been left out (RFC 7516 section 4.1.12).
    pub fn from_cty(cty: &str) -> Option<Self> {
        if cty.contains('/') {
            Self::parse(cty)
        } else {
            Self::parse(&format!("application/{cty}"))
        }
    }

    /// As `cty`: without `application/` if that can be left out.
    pub fn to_cty(&self) -> Option<&str> {
        let text = self.value.to_str().ok()?;
        match text.split_once('/') {
            Some((kind, rest)) if kind.eq_ignore_ascii_case("application") => {
                Some(if rest.contains(['/', ';']) { text } else { rest })
            }
            _ => Some(text),
        }
    }

    /// As a header value.
    pub fn value(&self) -> &HeaderValue {
        &self.value
    }

    /// Whether both name the same type, parameters aside.
    pub fn same(&self, other: &Self) -> bool {
        self.essence == other.essence
    }
}

/// The media type of a message, if it has exactly one that parses.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<MediaType> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let only = values.next().filter(|_| values.next().is_none())?;
    MediaType::parse(only.to_str().ok()?)
}

/// Whether a message says it is JSON: `application/json` or a type that ends in `+json`.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    media_type(headers).is_some_and(|found| {
        found.essence == "application/json" || found.essence.ends_with("+json")
    })
}

/// Whether a message says it is a form.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    media_type(headers).is_some_and(|found| found.essence == "application/x-www-form-urlencoded")
}

/// Says what the body is now.
pub(crate) fn set_content_type(headers: &mut HeaderMap, value: &HeaderValue) {
    headers.insert(header::CONTENT_TYPE, value.clone());
}

/// Removes what was said about the bytes that were replaced: digests, entity tags, ranges. A digest
/// of a short plaintext would also give it away.
pub(crate) fn forget_stale(headers: &mut HeaderMap) {
    for name in &STALE {
        headers.remove(name);
    }
}

/// Whether [`forget_stale`] removes this field.
pub(crate) fn is_stale(name: &HeaderName) -> bool {
    STALE.contains(name)
}

fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
}

const LONGEST: usize = 255;

static STALE: [HeaderName; 7] = [
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-md5"),
    header::ETAG,
    header::CONTENT_RANGE,
    header::ACCEPT_RANGES,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_is_read_strictly_and_compared_without_parameters() {
        let json = MediaType::parse("Application/JSON; charset=utf-8").unwrap();
        assert!(json.same(&MediaType::parse("application/json").unwrap()), "parameters aside");
        for wrong in ["", "json", "a/b/c", "/json", "application/", "text plain", "a/b\r\nx: y"] {
            assert_eq!(MediaType::parse(wrong), None, "`{wrong}` is no media type");
        }
        assert_eq!(MediaType::parse(&format!("a/{}", "b".repeat(300))), None, "bounded");
    }

    #[test]
    fn a_cty_leaves_out_the_prefix_only_where_it_can_be_put_back() {
        for (media, cty) in [
            ("application/json", "json"),
            ("application/json; charset=utf-8", "application/json; charset=utf-8"),
            ("text/plain", "text/plain"),
        ] {
            let media = MediaType::parse(media).unwrap();
            assert_eq!(media.to_cty(), Some(cty), "short where possible");
            assert_eq!(MediaType::from_cty(cty), Some(media), "and back");
        }
    }

    #[test]
    fn two_content_types_are_none() {
        let mut headers = HeaderMap::new();
        headers.append(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        assert!(is_json(&headers), "one is read");
        headers.append(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        assert!(!is_json(&headers), "two are ambiguous");
    }
}
