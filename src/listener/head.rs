//! Finds the end of an HTTP/1 request head, and refuses what could be read in two ways.
//!
//! Pure and incremental: each byte is looked at once, however the head is cut into segments. What
//! is refused here although Pingora's parser takes it: a bare LF or CR, a target with spaces, an
//! empty line too many, a version that is not HTTP/1.0 or HTTP/1.1, folded lines, a fragment, a
//! `Transfer-Encoding` that is not exactly `chunked`, and both framings at once (RFC 9112 section
//! 6.1 lets a server read them, but whoever reads them differently in front of us would see other
//! requests).

use tollgate_api::{Code, codes};

use super::Limits;

/// How far the head has been read.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    /// Bytes that were looked at.
    position: usize,
    /// Where the current line starts.
    line: usize,
    /// Lines that are complete, the request line included.
    lines: usize,
    /// The request is of a version that has chunks.
    knows_chunks: bool,
    /// A `Content-Length` was seen.
    length: bool,
    /// A `Transfer-Encoding` was seen.
    coding: bool,
}

/// What the bytes so far are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// The head's end has not come yet.
    Incomplete,
    /// A head is complete.
    Complete,
    /// It will never be a head that is served.
    Refused(&'static Code),
}

impl Scanner {
    /// Whether nothing of a request has been seen.
    pub(super) fn is_at_start(&self) -> bool {
        self.position == 0
    }

    /// Looks at what was added to the buffer since the last call.
    pub(super) fn advance(&mut self, buffer: &[u8], limits: &Limits) -> Progress {
        while let Some(found) = buffer
            .get(self.position..)
            .and_then(|rest| rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')))
        {
            let end = self.position + found;
            match (buffer.get(end), buffer.get(end + 1)) {
                (Some(b'\r'), Some(b'\n')) => {}
                (Some(b'\r'), None) => {
                    // The LF may follow in the next segment.
                    self.position = end;
                    return self.bounded(buffer.len(), limits);
                }
                _ => return Progress::Refused(&codes::MALFORMED_REQUEST),
            }
            let line = buffer.get(self.line..end).unwrap_or_default();
            self.position = end + 2;
            self.line = self.position;
            if self.position > limits.head_bytes {
                return Progress::Refused(self.too_long());
            }
            if line.is_empty() {
                // Before the request line only what `skip_empty_line` takes may be empty.
                return if self.lines == 0 {
                    Progress::Refused(&codes::MALFORMED_REQUEST)
                } else {
                    Progress::Complete
                };
            }
            self.lines += 1;
            if self.lines == 1 && !is_request_line(line) {
                return Progress::Refused(&codes::MALFORMED_REQUEST);
            }
            if self.lines > 1 && line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
                return Progress::Refused(&codes::MALFORMED_REQUEST);
            }
            if !self.is_framed_one_way(line) {
                return Progress::Refused(&codes::MALFORMED_REQUEST);
            }
            if self.lines - 1 > limits.head_fields.min(PARSER_FIELDS) {
                return Progress::Refused(&codes::HEADERS_TOO_LARGE);
            }
        }
        self.position = buffer.len();
        self.bounded(buffer.len(), limits)
    }

    /// Whether there is one way to tell where the body ends, as far as this line goes.
    fn is_framed_one_way(&mut self, line: &[u8]) -> bool {
        if self.lines == 1 {
            self.knows_chunks = !line.ends_with(b"HTTP/1.0");
            return true;
        }
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let (name, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if name.eq_ignore_ascii_case(b"content-length") {
            self.length = true;
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            let again = std::mem::replace(&mut self.coding, true);
            if again || !self.knows_chunks || !value.trim_ascii().eq_ignore_ascii_case(b"chunked") {
                return false;
            }
        }
        !(self.length && self.coding)
    }

    fn bounded(&self, length: usize, limits: &Limits) -> Progress {
        if length > limits.head_bytes {
            Progress::Refused(self.too_long())
        } else {
            Progress::Incomplete
        }
    }

    fn too_long(&self) -> &'static Code {
        if self.lines == 0 { &codes::TARGET_TOO_LONG } else { &codes::HEADERS_TOO_LARGE }
    }
}

/// `method SP target SP HTTP/1.x`, with exactly these two spaces (RFC 9112 section 3).
fn is_request_line(line: &[u8]) -> bool {
    let mut parts = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    !method.is_empty()
        && !target.is_empty()
        && target.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#')
        && matches!(version, b"HTTP/1.1" | b"HTTP/1.0")
}

/// The most header fields that Pingora's parser takes.
const PARSER_FIELDS: usize = 256;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Pieces of heads, good and bad.
    fn pieces() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop::sample::select(vec![
            &b"GET / HTTP/1.1\r\n"[..],
            b"POST /pay HTTP/1.0\r\n",
            b"Host: a\r\n",
            b"X: yyyyyyyyyyyyyyyyyyyyyyyy\r\n",
            b"\r\n",
            b"\n",
            b"\r",
            b" ",
            b"x",
            b"\0",
        ]);
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn the_verdict_does_not_depend_on_how_the_head_is_cut(
            head in pieces(),
            cuts in prop::collection::vec(0_usize..200, 0..6),
        ) {
            let limits = Limits { head_bytes: 80, head_fields: 4, ..Limits::default() };
            let whole = Scanner::default().advance(&head, &limits);
            let mut cuts = cuts;
            cuts.sort_unstable();
            cuts.push(head.len());
            let mut scanner = Scanner::default();
            let mut verdict = Progress::Incomplete;
            for cut in cuts {
                let part = head.get(..cut).unwrap_or(&head);
                verdict = scanner.advance(part, &limits);
                if verdict != Progress::Incomplete {
                    break;
                }
            }
            // A head may be too long before it is malformed, but never served in one case only.
            let refused = |verdict: &Progress| matches!(verdict, Progress::Refused(_));
            if !(refused(&whole) && refused(&verdict)) {
                prop_assert_eq!(whole, verdict, "the same verdict");
            }
        }
    }

    const GOOD: &[u8] = b"POST /pay?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}";

    fn scan(head: &[u8]) -> Progress {
        Scanner::default().advance(head, &Limits::default())
    }

    #[test]
    fn a_head_is_complete_at_its_end_however_it_is_cut() {
        for cut in 0..GOOD.len() {
            let mut scanner = Scanner::default();
            let first = scanner.advance(&GOOD[..cut], &Limits::default());
            if first == Progress::Complete {
                assert!(cut >= GOOD.len() - 2, "complete only after the empty line: {cut}");
                continue;
            }
            assert_eq!(first, Progress::Incomplete, "a part of a good head is no error: {cut}");
            assert_eq!(
                scanner.advance(GOOD, &Limits::default()),
                Progress::Complete,
                "the rest completes it: {cut}"
            );
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_malformed() {
        for head in [
            &b"GET / HTTP/1.1\nHost: a\n\n"[..],
            b"GET / HTTP/1.1\r\nHost: a\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
            b"GET /a b HTTP/1.1\r\n\r\n",
            b"GET  / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1 \r\n\r\n",
            b"GET /\r\n\r\n",
            b"GET / HTTP/2.0\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"GET /\x01 HTTP/1.1\r\n\r\n",
            b"GET /\xff HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
            b"GET / HTTP/1.1\r\n\tHost: a\r\n\r\n",
            b"\r\n\r\n",
            b"GET /a#b HTTP/1.1\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\nCONTENT-LENGTH: 5\r\n\r\n",
        ] {
            assert_eq!(
                scan(head),
                Progress::Refused(&codes::MALFORMED_REQUEST),
                "{:?} is refused",
                head.escape_ascii().to_string()
            );
        }
    }

    #[test]
    fn a_head_beyond_a_bound_is_refused_before_it_ends() {
        let limits = Limits { head_bytes: 64, head_fields: 2, ..Limits::default() };
        let refused = |head: &[u8]| Scanner::default().advance(head, &limits);
        assert_eq!(
            refused(&[b'A'; 65]),
            Progress::Refused(&codes::TARGET_TOO_LONG),
            "a request line without end"
        );
        let mut long = b"GET / HTTP/1.1\r\nX: ".to_vec();
        long.resize(65, b'x');
        assert_eq!(
            refused(&long),
            Progress::Refused(&codes::HEADERS_TOO_LARGE),
            "a field without end"
        );
        long.extend_from_slice(b"\r\n\r\n");
        assert_eq!(
            refused(&long),
            Progress::Refused(&codes::HEADERS_TOO_LARGE),
            "also when all of it came at once"
        );
        assert_eq!(
            refused(b"GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n"),
            Progress::Refused(&codes::HEADERS_TOO_LARGE),
            "a field too many"
        );
        let mut body = b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\n".to_vec();
        body.resize(200, b'x');
        assert_eq!(refused(&body), Progress::Complete, "the body does not count");
    }
}
