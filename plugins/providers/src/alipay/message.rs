//! Small pieces that every protocol needs of a message.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use tollgate_api::{Body, Entropy, Fault, codes};
use tollgate_crypto::to_hex;

/// The body, which is in memory because the plugin said that it needs it.
pub(super) fn whole(body: &Body) -> Result<Bytes, Fault> {
    body.whole().ok_or_else(|| {
        Fault::new(&codes::INTERNAL).caused_by("a body was streamed past a plugin that reads it")
    })
}

pub(super) fn held(body: impl Into<Bytes>) -> Body {
    let body = body.into();
    if body.is_empty() { Body::Empty } else { Body::Held(body) }
}

/// The media type, without parameters, in lower case.
pub(super) fn media_type(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// Sets a field. Text that no field can hold is a fault of the gateway's own.
pub(super) fn set(
    headers: &mut HeaderMap,
    name: &'static str,
    value: &str,
    sensitive: bool,
) -> Result<(), Fault> {
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        Fault::new(&codes::INTERNAL).caused_by("a header field cannot hold its text")
    })?;
    value.set_sensitive(sensitive);
    headers.insert(name, value);
    Ok(())
}

/// A random UUID (RFC 9562 section 5.4).
pub(super) fn uuid(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
    *version = *version & 0x0f | 0x40;
    *variant = *variant & 0x3f | 0x80;
    let digits = to_hex(&bytes);
    let part = |from, to| digits.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

#[cfg(test)]
mod tests {
    use tollgate_api::SeededEntropy;

    use super::*;

    #[test]
    fn a_uuid_says_that_it_is_random_and_differs() {
        let entropy = SeededEntropy::new(7);
        let (one, other) = (uuid(&entropy), uuid(&entropy));
        assert_ne!(one, other, "two of them");
        for id in [one, other] {
            let parts: Vec<usize> = id.split('-').map(str::len).collect();
            assert_eq!(parts, [8, 4, 4, 4, 12], "{id}");
            assert_eq!(id.as_bytes()[14], b'4', "the version: {id}");
            assert!(matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "the variant: {id}");
        }
    }
}
