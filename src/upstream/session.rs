//! One exchange's hold on a connection to a provider.

use std::{sync::Arc, time::Duration};

use futures::FutureExt;
use pingora::protocols::{
    IO,
    http::{client::HttpSession, v1::client::HttpSession as Http1Session},
};
use tollgate_api::Tick;

use crate::upstream::{
    attempt::Evidence,
    endpoint::{Speaks, Target},
    evidence::{Failure, FailureKind},
    http2::Http2Connection,
    transport::Counters,
    wire::Wire,
};

/// Which connections an exchange may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reuse {
    /// Any that is alive.
    Any,
    /// One idle for less than this (HTTP/2: or one that answers a PING), else a new one. For
    /// requests that must not be repeated: a stale connection would turn them into *unknown*.
    FresherThan(Duration),
}

/// In which state an exchange leaves its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Released {
    /// Request and answer are complete.
    Reusable,
    /// The exchange was given up; the connection itself is not to blame.
    Cancelled,
    /// The connection failed, or the provider fell silent on it.
    Broken,
}

/// A connection, or an HTTP/2 stream, for one exchange.
///
/// Dropped without [`Upstream::release`](crate::upstream::Upstream::release) it is given up:
/// HTTP/1.1 is closed, HTTP/2 resets its stream.
pub struct Session {
    /// Pingora's session. Its own timeouts are unset ([`Session::set_timeouts`]).
    pub client: HttpSession,
    reused: bool,
    connect_time: Duration,
    sent_before: u64,
    counters: Option<Arc<Counters>>,
    connection: Option<Arc<Http2Connection>>,
    target: Arc<Target>,
}

impl Session {
    pub(super) fn http1(target: Arc<Target>, wire: Box<Wire>, reused: bool) -> Self {
        let counters = Arc::clone(wire.counters());
        let client = HttpSession::H1(super::connect::http1(wire));
        Self {
            client,
            reused,
            connect_time: Duration::ZERO,
            sent_before: counters.sent(),
            counters: Some(counters),
            connection: None,
            target,
        }
    }

    pub(super) fn http2(
        target: Arc<Target>,
        connection: Arc<Http2Connection>,
        stream: pingora::protocols::http::v2::client::Http2Session,
        reused: bool,
    ) -> Self {
        Self {
            client: HttpSession::H2(stream),
            reused,
            connect_time: Duration::ZERO,
            sent_before: 0,
            counters: None,
            connection: Some(connection),
            target,
        }
    }

    /// Whether HTTP/2 is spoken.
    pub fn is_http2(&self) -> bool {
        self.connection.is_some()
    }

    /// Whether the connection was used before.
    pub fn is_reused(&self) -> bool {
        self.reused
    }

    /// How long it took to get it.
    pub fn connect_time(&self) -> Duration {
        self.connect_time
    }

    /// The address at the other end.
    pub fn address(&self) -> std::net::SocketAddr {
        self.target.address()
    }

    /// Bounds each single read and write from now on; `None` lifts a bound. The bound for a whole
    /// exchange is the caller's to keep.
    pub fn set_timeouts(&mut self, read: Option<Duration>, write: Option<Duration>) {
        self.client.set_read_timeout(read);
        self.client.set_write_timeout(write);
    }

    /// Whether any byte of this exchange's request was taken over by the connection. On HTTP/1.1
    /// this is what the kernel accepted; on HTTP/2, whether the head was queued.
    pub fn sent_anything(&self) -> bool {
        match (&self.client, &self.counters) {
            (HttpSession::H2(stream), _) => stream.request_header().is_some(),
            (_, Some(counters)) => counters.sent() != self.sent_before,
            _ => true,
        }
    }

    /// What is known of this exchange's request. `answered` says whether a valid answer head, not
    /// an informational one, was read.
    pub fn evidence(&self, answered: bool) -> Evidence {
        if answered {
            Evidence::Answered
        } else if self.sent_anything() {
            Evidence::Unknown
        } else {
            Evidence::NothingSent
        }
    }

    /// Reduces an error of this exchange to facts and evidence, and remembers for the next ones
    /// when the provider asks for HTTP/1.1.
    pub fn failure(&self, error: &pingora::Error, answered: bool) -> Failure {
        let failure = Failure::reduce(error, self.evidence(answered));
        if failure.kind == FailureKind::Http11Required {
            self.target.learn(Speaks::Http1Required);
        }
        failure
    }

    pub(super) fn took(&mut self, time: Duration) {
        self.connect_time = time;
    }

    pub(super) fn release(self, how: Released, now: Tick, idle: Duration, cap: usize) {
        match (self.client, self.connection) {
            (HttpSession::H1(client), _) => {
                if how == Released::Reusable
                    && !self.target.is_retired()
                    && let Some((wire, idle)) = keep(client, idle)
                {
                    self.target.idle.put(wire, now, idle, cap);
                }
            }
            (HttpSession::H2(mut stream), Some(connection)) => match how {
                Released::Reusable => connection.touch(now),
                Released::Cancelled | Released::Broken => {
                    if let Some(mut body) = stream.take_request_body_writer() {
                        body.send_reset(h2::Reason::CANCEL);
                    }
                    if how == Released::Broken {
                        connection.retire();
                    }
                }
            },
            _ => {}
        }
    }
}

/// The connection below a finished HTTP/1.1 exchange, if both sides want to keep it.
fn keep(mut client: Http1Session, idle: Duration) -> Option<(Box<Wire>, Duration)> {
    client.respect_keepalive();
    if !client.will_keepalive() {
        return None;
    }
    let promised =
        client.get_header(KEEP_ALIVE).and_then(|value| keep_alive_timeout(value.as_bytes()));
    let idle = match promised {
        // A second less than promised: the provider counts from an earlier moment.
        Some(seconds) => idle.min(Duration::from_secs(seconds.saturating_sub(1))),
        None => idle,
    };
    // Ready at once for a connection that is kept; one that is not would be shut down politely,
    // which is not worth waiting for.
    let stream = client.reuse().now_or_never().flatten()?;
    let wire = IO::into_any(stream).downcast::<Wire>().ok()?;
    (!idle.is_zero()).then_some((wire, idle))
}

/// The seconds of `Keep-Alive: timeout=5, max=100`.
fn keep_alive_timeout(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value)
        .ok()?
        .split(',')
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("timeout"))
        .and_then(|(_, seconds)| seconds.trim().parse().ok())
}

const KEEP_ALIVE: &str = "keep-alive";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_promised_keep_alive_time_is_read() {
        let table = [
            (&b"timeout=5, max=1000"[..], Some(5)),
            (b"max=3,Timeout = 7", Some(7)),
            (b"max=3", None),
            (b"timeout=soon", None),
            (b"\xff", None),
        ];
        for (value, expected) in table {
            assert_eq!(keep_alive_timeout(value), expected, "{value:?}");
        }
    }
}
