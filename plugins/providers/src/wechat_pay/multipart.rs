//! Uploads: of a `multipart/form-data` body only the part named `meta` is signed. It carries the digest
//! of the file, so that the file is covered as well.

use bytes::Bytes;
use http::{HeaderMap, header};

/// Why no part can be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an upload has exactly one part named `meta`, in well-formed `multipart/form-data`")]
pub(super) struct NoMeta;

/// Whether the body is an upload.
pub(super) fn is_upload(headers: &HeaderMap) -> bool {
    media_type(headers).is_some_and(|(kind, _)| kind.eq_ignore_ascii_case("multipart/form-data"))
}

/// The bytes of the part named `meta` (RFC 7578, RFC 2046 section 5.1).
pub(super) fn meta(headers: &HeaderMap, body: &Bytes) -> Result<Bytes, NoMeta> {
    let boundary = media_type(headers)
        .and_then(|(_, parameters)| parameter(parameters, "boundary"))
        .filter(|boundary| (1..=70).contains(&boundary.len()))
        .ok_or(NoMeta)?;
    let delimiter = format!("--{boundary}");
    let mut rest = body.strip_prefix(delimiter.as_bytes()).ok_or(NoMeta)?;
    let between = format!("\r\n{delimiter}");
    let mut found = None;
    loop {
        if matches!(rest, b"--" | b"--\r\n") {
            return found.map(|part| body.slice_ref(part)).ok_or(NoMeta);
        }
        rest = rest.strip_prefix(b"\r\n").ok_or(NoMeta)?;
        let end = position(rest, between.as_bytes()).ok_or(NoMeta)?;
        let (part, after) = rest.split_at_checked(end).ok_or(NoMeta)?;
        rest = after.get(between.len()..).ok_or(NoMeta)?;
        let head_end = position(part, b"\r\n\r\n").ok_or(NoMeta)?;
        let (head, content) = part.split_at_checked(head_end).ok_or(NoMeta)?;
        if is_meta(head) && found.replace(content.get(4..).ok_or(NoMeta)?).is_some() {
            // Two readers could take different ones.
            return Err(NoMeta);
        }
    }
}

fn is_meta(head: &[u8]) -> bool {
    let Ok(head) = std::str::from_utf8(head) else { return false };
    head.split("\r\n").any(|line| {
        let Some((name, value)) = line.split_once(':') else { return false };
        let (_, parameters) = value.split_once(';').unwrap_or((value, ""));
        name.trim().eq_ignore_ascii_case("content-disposition")
            && parameter(parameters, "name").as_deref() == Some("meta")
    })
}

fn media_type(headers: &HeaderMap) -> Option<(&str, &str)> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let (kind, parameters) = value.split_once(';').unwrap_or((value, ""));
    Some((kind.trim(), parameters))
}

/// The value of a parameter, with or without quotes. Nothing that is signed here needs escapes.
fn parameter(parameters: &str, wanted: &str) -> Option<String> {
    parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim();
        let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        name.trim().eq_ignore_ascii_case(wanted).then(|| quoted.unwrap_or(value).to_owned())
    })
}

fn position(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use tollgate_api::testing::header_map;

    use super::*;

    const META: &str = "{\"filename\":\"a.png\",\"sha256\":\"00\"}";

    fn upload(body: &str) -> Result<String, NoMeta> {
        let headers = header_map(&[("content-type", "multipart/form-data; boundary=\"b 1\"")]);
        let body = Bytes::from(body.to_owned());
        meta(&headers, &body).map(|meta| String::from_utf8(meta.to_vec()).unwrap())
    }

    fn part(disposition: &str, content: &str) -> String {
        format!("--b 1\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{content}\r\n")
    }

    #[test]
    fn the_meta_part_is_found_wherever_it_stands_and_byte_for_byte() {
        let (meta, file) =
            (part("name=\"meta\"", META), part("name=file; filename=x", "\0--b\r\n"));
        for body in [format!("{meta}{file}--b 1--\r\n"), format!("{file}{meta}--b 1--")] {
            assert_eq!(upload(&body).as_deref(), Ok(META), "{body:?}");
        }
    }

    #[test]
    fn an_upload_without_one_meta_part_is_refused() {
        let meta = part("name=\"meta\"", META);
        for (why, body) in [
            ("no part of that name", format!("{}--b 1--", part("name=\"meta2\"", META))),
            ("two of them", format!("{meta}{meta}--b 1--")),
            ("no end", meta.clone()),
            ("something after the end", format!("{meta}--b 1--\r\nmore")),
            ("something before the start", format!("x{meta}--b 1--")),
            ("nothing", String::new()),
        ] {
            assert_eq!(upload(&body), Err(NoMeta), "{why}");
        }
        let headers = header_map(&[("content-type", "multipart/form-data")]);
        assert_eq!(super::meta(&headers, &Bytes::new()), Err(NoMeta), "no boundary");
    }
}
