//! What a failure tells, reduced to facts without text.
//!
//! An error of the layer below is never formatted: it can carry raw bytes of a message. Its type,
//! the operating system's error number and the HTTP/2 reason are facts; its own opinion whether to
//! retry is ignored, because it calls some answered failures retryable.

use std::{
    fmt,
    io::{self, ErrorKind},
};

use pingora::ErrorType;
use tollgate_api::{Code, Fault, codes};

use crate::upstream::attempt::Evidence;

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// A deadline passed.
    Timeout,
    /// The peer closed the connection where more was due.
    Closed,
    /// The connection or stream was reset.
    Reset,
    /// TLS broke: an alert, a bad record.
    Tls,
    /// What the peer sent is not valid HTTP.
    Protocol,
    /// HTTP/2: the stream was refused before it was processed (RFC 9113 section 8.7).
    RefusedStream,
    /// HTTP/2: the connection went away and the stream was not processed (RFC 9113 section 6.8).
    GoAway,
    /// HTTP/2: the provider asks for HTTP/1.1.
    Http11Required,
    /// Nothing of the above.
    Other,
}

impl FailureKind {
    /// The word used in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Closed => "closed",
            Self::Reset => "reset",
            Self::Tls => "tls",
            Self::Protocol => "protocol",
            Self::RefusedStream => "refused_stream",
            Self::GoAway => "goaway",
            Self::Http11Required => "http_1_1_required",
            Self::Other => "other",
        }
    }
}

/// Facts about an error on either side: all of it that may be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Facts {
    /// What went wrong.
    pub kind: FailureKind,
    /// The operating system's error number, if it had one.
    pub os_error: Option<i32>,
}

impl Facts {
    /// Reduces an error, of a session with the caller or with the provider.
    pub fn of(error: &pingora::Error) -> Self {
        let cause = error.root_cause();
        let (kind, os_error) = if let Some(h2) = cause.downcast_ref::<h2::Error>() {
            (http2_kind(h2), h2.get_io().and_then(io::Error::raw_os_error))
        } else if let Some(io) = cause.downcast_ref::<io::Error>() {
            (io_kind(io), io.raw_os_error())
        } else {
            (FailureKind::Other, None)
        };
        let kind = match error.etype() {
            ErrorType::ReadTimedout
            | ErrorType::WriteTimedout
            | ErrorType::ConnectTimedout
            | ErrorType::TLSHandshakeTimedout => FailureKind::Timeout,
            ErrorType::ConnectionClosed => FailureKind::Closed,
            ErrorType::H2Downgrade => FailureKind::Http11Required,
            ErrorType::InvalidHTTPHeader | ErrorType::H1Error | ErrorType::InvalidH2 => {
                FailureKind::Protocol
            }
            _ => kind,
        };
        Self { kind, os_error }
    }
}

impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.as_str())?;
        self.os_error.map_or(Ok(()), |number| write!(f, " (os error {number})"))
    }
}

/// An attempt without a valid answer: what went wrong, and whether the provider may have acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("provider: {}", Facts { kind: *.kind, os_error: *.os_error })]
pub struct Failure {
    /// What went wrong.
    pub kind: FailureKind,
    /// The operating system's error number, if it had one.
    pub os_error: Option<i32>,
    /// Whether the provider may have acted.
    pub evidence: Evidence,
}

impl Failure {
    /// A failure that was noticed without an error, such as a deadline of our own.
    pub fn new(kind: FailureKind, evidence: Evidence) -> Self {
        Self { kind, os_error: None, evidence }
    }

    /// Reduces the error of an attempt, given what was known before it. An HTTP/2 provider can
    /// prove afterwards that it did not process a stream.
    pub fn reduce(error: &pingora::Error, before: Evidence) -> Self {
        let Facts { kind, os_error } = Facts::of(error);
        let unprocessed = matches!(kind, FailureKind::RefusedStream | FailureKind::GoAway);
        let evidence = match before {
            Evidence::Unknown if unprocessed => Evidence::NothingSent,
            before => before,
        };
        Self { kind, os_error, evidence }
    }

    /// The fault code that the caller is told.
    pub fn code(&self) -> &'static Code {
        match (self.kind, self.evidence) {
            (FailureKind::Timeout, _) => &codes::UPSTREAM_TIMEOUT,
            (FailureKind::Protocol, _) => &codes::UPSTREAM_INVALID_ANSWER,
            (_, Evidence::NothingSent) => &codes::UPSTREAM_UNREACHABLE,
            _ => &codes::UPSTREAM_BROKEN,
        }
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self::new(failure.code()).caused_by(failure)
    }
}

fn http2_kind(error: &h2::Error) -> FailureKind {
    if let Some(io) = error.get_io() {
        return io_kind(io);
    }
    let reason = error.reason();
    match (error.is_remote(), error.is_reset(), error.is_go_away()) {
        (true, true, _) if reason == Some(h2::Reason::REFUSED_STREAM) => FailureKind::RefusedStream,
        (true, true, _) if reason == Some(h2::Reason::HTTP_1_1_REQUIRED) => {
            FailureKind::Http11Required
        }
        (true, true, _) => FailureKind::Reset,
        // The library gives this error to streams above the last one that the GOAWAY names, and to
        // those that were never opened. A stream at or below it ends by an answer, a reset, or the
        // end of the connection, which is an I/O error.
        (true, _, true) => FailureKind::GoAway,
        _ => FailureKind::Protocol,
    }
}

fn io_kind(error: &io::Error) -> FailureKind {
    if error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()).is_some() {
        return FailureKind::Tls;
    }
    match error.kind() {
        ErrorKind::TimedOut => FailureKind::Timeout,
        ErrorKind::UnexpectedEof => FailureKind::Closed,
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            FailureKind::Reset
        }
        _ => FailureKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use pingora::Error;

    use super::*;

    #[test]
    fn an_error_never_changes_what_was_known_by_itself() {
        let error = Error::new(ErrorType::ConnectionClosed);
        for before in [Evidence::NothingSent, Evidence::Unknown, Evidence::Answered] {
            assert_eq!(Failure::reduce(&error, before).evidence, before, "{before:?}");
        }
    }

    #[test]
    fn a_retry_mark_of_the_layer_below_changes_nothing() {
        for mark in [true, false] {
            let mut error = Error::new(ErrorType::InvalidH2);
            error.retry = mark.into();
            let failure = Failure::reduce(&error, Evidence::Unknown);
            assert_eq!(failure.evidence, Evidence::Unknown, "marked {mark}");
            assert_eq!(failure.kind, FailureKind::Protocol, "marked {mark}");
        }
    }

    #[test]
    fn facts_carry_the_system_error_and_no_text() {
        let io = io::Error::from_raw_os_error(104);
        let error = Error::because(ErrorType::ReadError, "Bearer secret-token", io);
        let failure = Failure::reduce(&error, Evidence::Unknown);
        assert_eq!(failure.kind, FailureKind::Reset, "ECONNRESET");
        assert_eq!(failure.os_error, Some(104), "its number");
        let shown = format!("{failure} {failure:?}");
        assert!(!shown.contains("secret"), "no text of the error: {shown}");
        assert_eq!(failure.to_string(), "provider: reset (os error 104)", "what the log says");
    }

    #[test]
    fn a_nested_cause_is_found() {
        let inner = Error::because(ErrorType::WriteError, "", io::Error::from_raw_os_error(32));
        let outer = Error::because(ErrorType::WriteError, "", inner);
        let facts = Facts::of(&outer);
        assert_eq!((facts.kind, facts.os_error), (FailureKind::Reset, Some(32)), "EPIPE inside");
    }

    #[test]
    fn a_timeout_and_an_undecodable_answer_stay_unknown() {
        for (etype, kind) in [
            (ErrorType::ReadTimedout, FailureKind::Timeout),
            (ErrorType::InvalidHTTPHeader, FailureKind::Protocol),
            (ErrorType::WriteError, FailureKind::Other),
        ] {
            let failure = Failure::reduce(&Error::new(etype), Evidence::Unknown);
            assert_eq!(failure.kind, kind, "the kind");
            assert_eq!(failure.evidence, Evidence::Unknown, "the provider may have acted");
        }
    }
}
