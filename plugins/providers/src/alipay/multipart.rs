//! A form with files (`multipart/form-data`, RFC 7578): v3 signs its `data` part alone.
//!
//! Read strictly: one part of that name, and no way to see another.

use bytes::Bytes;
use http::{HeaderMap, header};

/// Why the part cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum MultipartError {
    #[error("the content type of the form names no boundary")]
    Boundary,
    #[error("the form is malformed")]
    Malformed,
    #[error("the form has not exactly one part `data`")]
    Data,
}

/// The content of the part `data`.
pub(super) fn data(headers: &HeaderMap, body: &Bytes) -> Result<Bytes, MultipartError> {
    let boundary = boundary(headers).ok_or(MultipartError::Boundary)?;
    let mut found = None;
    for part in parts(&boundary, body)? {
        let (head, content) = split(&part).ok_or(MultipartError::Malformed)?;
        if name(&head)? == "data" && found.replace(content).is_some() {
            return Err(MultipartError::Data);
        }
    }
    found.ok_or(MultipartError::Data)
}

fn boundary(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let value = values.next()?.to_str().ok()?;
    let mut named = value.split(';').skip(1).filter_map(|parameter| {
        let (name, value) = parameter.trim().split_once('=')?;
        name.eq_ignore_ascii_case("boundary").then(|| value.trim_matches('"').to_owned())
    });
    let boundary = named.next()?;
    // RFC 2046 section 5.1.1.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(&byte);
    let sound = (1..=70).contains(&boundary.len()) && boundary.bytes().all(plain);
    (sound && values.next().is_none() && named.next().is_none()).then_some(boundary)
}

/// The parts between the delimiters. Nothing stands before the first or after the last.
fn parts(boundary: &str, body: &Bytes) -> Result<Vec<Bytes>, MultipartError> {
    let first = format!("--{boundary}");
    let next = format!("\r\n--{boundary}");
    if !body.starts_with(first.as_bytes()) {
        return Err(MultipartError::Malformed);
    }
    let (mut parts, mut at) = (Vec::new(), first.len());
    loop {
        let rest = body.get(at..).unwrap_or_default();
        if let Some(end) = rest.strip_prefix(b"--") {
            let over = matches!(end, b"" | b"\r\n") && !parts.is_empty();
            return if over { Ok(parts) } else { Err(MultipartError::Malformed) };
        }
        let rest = rest.strip_prefix(b"\r\n").ok_or(MultipartError::Malformed)?;
        let length = find(rest, next.as_bytes()).ok_or(MultipartError::Malformed)?;
        let start = at + 2;
        parts.push(body.slice(start..start + length));
        at = start + length + next.len();
    }
}

/// A part's fields and its content.
fn split(part: &Bytes) -> Option<(String, Bytes)> {
    let end = find(part, b"\r\n\r\n")?;
    let head = std::str::from_utf8(part.get(..end)?).ok()?;
    Some((head.to_owned(), part.slice(end + 4..)))
}

/// The name in the one `Content-Disposition`. Escapes and other spellings (`name*`) are refused.
fn name(head: &str) -> Result<String, MultipartError> {
    let mut found = head.split("\r\n").filter_map(|line| {
        let (field, value) = line.split_once(':')?;
        field.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    });
    let (Some(value), None) = (found.next(), found.next()) else {
        return Err(MultipartError::Malformed);
    };
    let mut names = value.split(';').skip(1).filter_map(|parameter| {
        let (key, value) = parameter.trim().split_once('=')?;
        let key = key.trim().to_ascii_lowercase();
        (key == "name" || key == "name*").then_some((key, value.trim()))
    });
    match (names.next(), names.next()) {
        (Some((key, value)), None) if key == "name" => {
            let bare = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            let bare = bare.unwrap_or(value);
            let odd = bare.contains(['"', '\\']);
            if odd { Err(MultipartError::Malformed) } else { Ok(bare.to_owned()) }
        }
        _ => Err(MultipartError::Malformed),
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(content_type: &str, body: &str) -> Result<String, MultipartError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        data(&headers, &Bytes::copy_from_slice(body.as_bytes()))
            .map(|data| String::from_utf8(data.to_vec()).unwrap())
    }

    const TYPE: &str = "multipart/form-data; boundary=XX";
    const FILE: &str = "--XX\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a;b.jpg\"\r\n\r\n\x01\r\n--X\r\n";

    #[test]
    fn the_data_part_is_found_among_files() {
        let body = format!(
            "{FILE}--XX\r\nContent-Type: application/json\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n{{\"a\":\r\n1}}\r\n--XX--\r\n"
        );
        assert_eq!(read(TYPE, &body).as_deref(), Ok("{\"a\":\r\n1}"), "as it stands");
        let quoted = "multipart/form-data; charset=utf-8; boundary=\"XX\"";
        assert!(read(quoted, &body).is_ok(), "a quoted boundary");
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        let data = "--XX\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n1\r\n";
        for (kind, body, error) in [
            ("multipart/form-data", format!("{data}--XX--"), MultipartError::Boundary),
            ("multipart/form-data; boundary=", format!("{data}--XX--"), MultipartError::Boundary),
            (
                "multipart/form-data; boundary=XX; boundary=YY",
                format!("{data}--XX--"),
                MultipartError::Boundary,
            ),
            (TYPE, format!("{FILE}--XX--"), MultipartError::Data),
            (TYPE, format!("{data}{data}--XX--"), MultipartError::Data),
            (TYPE, format!("preamble\r\n{data}--XX--"), MultipartError::Malformed),
            (TYPE, format!("{data}--XX--\r\nepilogue"), MultipartError::Malformed),
            (TYPE, data.to_owned(), MultipartError::Malformed),
            (TYPE, "--XX--".to_owned(), MultipartError::Malformed),
            (
                TYPE,
                data.replace("name=\"data\"", "name*=data") + "--XX--",
                MultipartError::Malformed,
            ),
            (
                TYPE,
                data.replace("name=\"data\"", "name=\"data\"; name=\"x\"") + "--XX--",
                MultipartError::Malformed,
            ),
            (TYPE, data.replace("\"data\"", "\"da\\ta\"") + "--XX--", MultipartError::Malformed),
            (
                TYPE,
                data.replace("\r\n\r\n", "\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n")
                    + "--XX--",
                MultipartError::Malformed,
            ),
            (TYPE, String::new(), MultipartError::Malformed),
        ] {
            assert_eq!(read(kind, &body), Err(error), "`{kind}` with `{body}`");
        }
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(body in "(--XX|\r\n|--|:|name=\"data\"|Content-Disposition|;|a){0,20}") {
            let _ = read(TYPE, &body);
        }
    }
}
