//! Where an exchange stands in a distributed trace (W3C Trace Context, level 1), and its id.
//!
//! The gateway always makes its own request id. A caller's `X-Request-Id` of 1 to 64 letters,
//! digits, `.`, `_` and `-` is kept beside it, for the log alone; any other is ignored. A valid
//! `traceparent` is continued with a span of ours; any other begins a new trace and drops its
//! `tracestate`.

use std::{fmt::Write, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue};
use tollgate_api::Entropy;

/// `traceparent`.
pub static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// `tracestate`.
pub static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// `x-request-id`.
pub static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The trace an exchange belongs to, and our span in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    /// Id of the trace.
    pub trace: [u8; 16],
    /// Id of our span.
    pub span: [u8; 8],
    /// The caller's span, if the trace is the caller's.
    pub parent: Option<[u8; 8]>,
    /// The caller records this trace.
    pub sampled: bool,
}

impl TraceContext {
    /// Continues the caller's trace, or begins one.
    pub fn of(headers: &HeaderMap, entropy: &dyn Entropy) -> Self {
        let mut span = [0; 8];
        fill(entropy, &mut span);
        if let Some((trace, parent, sampled)) = single(headers, &TRACEPARENT).and_then(parse) {
            return Self { trace, span, parent: Some(parent), sampled };
        }
        let mut trace = [0; 16];
        fill(entropy, &mut trace);
        Self { trace, span, parent: None, sampled: false }
    }

    /// Writes the trace headers for the provider: our span is its parent.
    pub fn write(&self, headers: &mut HeaderMap) {
        if self.parent.is_none() {
            headers.remove(&TRACESTATE);
        }
        let text =
            format!("00-{}-{}-{:02x}", hex(&self.trace), hex(&self.span), u8::from(self.sampled));
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(TRACEPARENT.clone(), value);
        }
    }
}

/// An id for an exchange: 128 random bits in hexadecimal.
pub fn request_id(entropy: &dyn Entropy) -> Arc<str> {
    let mut id = [0; 16];
    entropy.fill(&mut id);
    hex(&id).into()
}

/// The caller's own id, if it sent one that is safe to log.
pub fn caller_request_id(headers: &HeaderMap) -> Option<&str> {
    let id = single(headers, &X_REQUEST_ID)?;
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    ((1..=64).contains(&id.len()) && id.bytes().all(safe)).then_some(id)
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Random and not all zero, which the standard forbids.
fn fill(entropy: &dyn Entropy, buffer: &mut [u8]) {
    entropy.fill(buffer);
    if let (true, Some(last)) = (buffer.iter().all(|byte| *byte == 0), buffer.last_mut()) {
        *last = 1;
    }
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// Section 3.2 of the standard; later versions may append fields, version `ff` is invalid.
fn parse(header: &str) -> Option<([u8; 16], [u8; 8], bool)> {
    let mut fields = header.split('-');
    let version: [u8; 1] = unhex(fields.next()?)?;
    let trace: [u8; 16] = unhex(fields.next()?)?;
    let parent: [u8; 8] = unhex(fields.next()?)?;
    let flags: [u8; 1] = unhex(fields.next()?)?;
    let extra = fields.next().is_some();
    let valid =
        version != [0xff] && !(version == [0] && extra) && trace != [0; 16] && parent != [0; 8];
    valid.then_some((trace, parent, flags[0] & 1 == 1))
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != N * 2 || !text.bytes().all(lower) {
        return None;
    }
    let mut bytes = [0; N];
    for (to, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *to = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use tollgate_api::SeededEntropy;

    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(traceparent: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(&TRACEPARENT, HeaderValue::from_static(traceparent));
        headers.insert(&TRACESTATE, HeaderValue::from_static("vendor=1"));
        headers
    }

    #[test]
    fn a_valid_trace_is_continued_with_a_span_of_ours() {
        let mut headers = headers(VALID);
        let context = TraceContext::of(&headers, &SeededEntropy::new(1));
        assert_eq!(hex(&context.trace), "4bf92f3577b34da6a3ce929d0e0e4736", "same trace");
        assert_eq!(
            context.parent.as_ref().map(|parent| hex(parent)).as_deref(),
            Some("00f067aa0ba902b7"),
            "the caller's span is the parent"
        );
        assert!(context.sampled, "the flag is kept");
        context.write(&mut headers);
        let sent = headers[&TRACEPARENT].to_str().unwrap();
        assert_eq!(
            sent,
            format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{}-01", hex(&context.span)),
            "the provider sees our span"
        );
        assert_eq!(headers[&TRACESTATE], "vendor=1", "the state of a continued trace is kept");
    }

    #[test]
    fn an_invalid_traceparent_begins_a_new_trace() {
        for invalid in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            let mut headers = headers(invalid);
            let context = TraceContext::of(&headers, &SeededEntropy::new(1));
            assert_eq!(context.parent, None, "`{invalid}` is not continued");
            assert_ne!(context.trace, [0; 16], "a new trace has an id");
            context.write(&mut headers);
            assert!(headers.get(&TRACESTATE).is_none(), "the state of `{invalid}` is dropped");
        }
    }

    #[test]
    fn two_traceparents_are_as_good_as_none() {
        let mut headers = headers(VALID);
        headers.append(&TRACEPARENT, HeaderValue::from_static(VALID));
        let context = TraceContext::of(&headers, &SeededEntropy::new(1));
        assert_eq!(context.parent, None, "ambiguous, so not continued");
    }

    #[test]
    fn a_later_version_may_append_fields() {
        let headers = headers("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what");
        let context = TraceContext::of(&headers, &SeededEntropy::new(1));
        assert!(context.parent.is_some(), "the known fields are used");
    }

    #[test]
    fn a_callers_request_id_is_kept_only_if_it_is_safe_to_log() {
        for (id, kept) in
            [("order-1.2_3", true), ("", false), ("a b", false), ("a\"b", false), ("x/y", false)]
        {
            let mut headers = HeaderMap::new();
            headers.insert(&X_REQUEST_ID, HeaderValue::from_static(id));
            assert_eq!(caller_request_id(&headers).is_some(), kept, "`{id}`");
        }
        for (length, kept) in [(64, true), (65, false)] {
            let mut headers = HeaderMap::new();
            headers.insert(&X_REQUEST_ID, "a".repeat(length).try_into().unwrap());
            assert_eq!(caller_request_id(&headers).is_some(), kept, "{length} characters");
        }
    }

    #[test]
    fn our_ids_are_random_and_hexadecimal() {
        let entropy = SeededEntropy::new(1);
        let (first, second) = (request_id(&entropy), request_id(&entropy));
        assert_ne!(first, second, "each exchange has its own");
        assert_eq!(first.len(), 32, "128 bits");
    }
}
