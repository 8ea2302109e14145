use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::support::{
    Bench, Ca, Server, ask, connect, exchange, exchange_at, pick, server_tls, spec, specs, until,
    within,
};
use crate::upstream::{
    ConnectError, EndpointSpec, Evidence, Failure, FailureKind, Protocol, Released, Reuse,
    Upstream, UpstreamSpec,
};

const UNSAFE: Reuse = Reuse::FresherThan(Duration::from_secs(1));

async fn secure(alpn: &[&[u8]]) -> (Server, UpstreamSpec) {
    let ca = Ca::new("ours");
    let server = Server::start(Some(server_tls(&ca.leaf("127.0.0.1"), None, alpn))).await;
    let mut spec = spec(true, server.address);
    spec.tls.trust = Some(ca.trust());
    (server, spec)
}

/// A server that speaks frames by hand: answers PINGs while it is told to, and sends `script` when
/// the head of a request has come.
struct Raw {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    pings: Arc<AtomicUsize>,
    answers_pings: Arc<AtomicBool>,
}

impl Raw {
    async fn start(script: &'static [u8], then_close: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let raw = Self {
            address: listener.local_addr().unwrap(),
            accepted: Arc::default(),
            pings: Arc::default(),
            answers_pings: Arc::new(AtomicBool::new(true)),
        };
        let (accepted, pings) = (Arc::clone(&raw.accepted), Arc::clone(&raw.pings));
        let answers = Arc::clone(&raw.answers_pings);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepted.fetch_add(1, Ordering::SeqCst);
                let (pings, answers) = (Arc::clone(&pings), Arc::clone(&answers));
                tokio::spawn(async move {
                    let _ = Self::serve(stream, &pings, &answers, script, then_close).await;
                });
            }
        });
        raw
    }

    async fn serve(
        mut stream: TcpStream,
        pings: &AtomicUsize,
        answers: &AtomicBool,
        script: &[u8],
        then_close: bool,
    ) -> std::io::Result<()> {
        let mut preface = [0; 24];
        stream.read_exact(&mut preface).await?;
        stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await?;
        loop {
            let mut head = [0; 9];
            stream.read_exact(&mut head).await?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
            let mut payload = vec![0; length];
            stream.read_exact(&mut payload).await?;
            match (head[3], head[4]) {
                (6, 0) => {
                    pings.fetch_add(1, Ordering::SeqCst);
                    if answers.load(Ordering::SeqCst) {
                        stream.write_all(&[0, 0, 8, 6, 1, 0, 0, 0, 0]).await?;
                        stream.write_all(&payload).await?;
                    }
                }
                (1, _) => {
                    stream.write_all(script).await?;
                    if then_close {
                        return Ok(());
                    }
                }
                _ => {}
            }
        }
    }

    fn upstream(&self, bench: &Bench) -> Upstream {
        let mut spec = spec(false, self.address);
        spec.protocol = Protocol::Http2;
        bench.upstream(spec)
    }
}

/// Resets stream 1 with `REFUSED_STREAM`.
const REFUSE: &[u8] = &[0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 7];
/// GOAWAY that names stream 0: nothing was processed.
const AWAY_BEFORE: &[u8] = &[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// GOAWAY that names stream 1: it was processed, or may have been.
const AWAY_AFTER: &[u8] = &[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];
/// An answer of status 200 without body on stream 1: HEADERS with `END_STREAM` and
/// `END_HEADERS`.
const ANSWER: &[u8] = &[0, 0, 1, 1, 5, 0, 0, 0, 1, 0x88];

async fn failure(upstream: &Upstream, path: &str) -> Failure {
    let mut session = connect(upstream, Reuse::Any).await;
    let error = within(ask(&mut session, path)).await.err().unwrap();
    let failure = session.failure(&error, false);
    upstream.release(session, Released::Broken);
    failure
}

#[tokio::test]
async fn many_first_requests_share_one_connection() {
    let (server, spec) = secure(&[b"h2", b"http/1.1"]).await;
    let upstream = Bench::new().upstream(spec);
    let answers = join_all((0..20).map(|_| exchange(&upstream, UNSAFE))).await;
    assert!(answers.iter().all(|answer| answer == "1 h2"), "{answers:?}");
    assert_eq!(server.accepted(), 1, "one connection for all");
    let session = connect(&upstream, UNSAFE).await;
    assert!(session.is_http2() && session.is_reused(), "a stream on it");
}

#[tokio::test]
async fn http_1_is_spoken_where_http_2_is_not_offered_and_refused_where_it_is_required() {
    let (_server, spec) = secure(&[b"http/1.1"]).await;
    let upstream = Bench::new().upstream(spec.clone());
    assert_eq!(exchange(&upstream, Reuse::Any).await, "1 -", "ALPN agrees on HTTP/1.1");
    assert_eq!(exchange(&upstream, Reuse::Any).await, "1 -", "and it is pooled");
    let strict = Bench::new().upstream(UpstreamSpec { protocol: Protocol::Http2, ..spec });
    let error = strict.connect(&mut pick(&strict).await, Reuse::Any).await.err();
    assert!(
        matches!(error, Some(ConnectError::Tls(_) | ConnectError::Protocol)),
        "nothing is sent to a server that cannot: {error:?}"
    );
    let (_server, mute) = secure(&[]).await;
    let strict = Bench::new().upstream(UpstreamSpec { protocol: Protocol::Http2, ..mute });
    let error = strict.connect(&mut pick(&strict).await, Reuse::Any).await.err();
    assert_eq!(error, Some(ConnectError::Protocol), "nor to one that does not say");
}

#[tokio::test]
async fn prior_knowledge_is_proved_by_a_ping_before_anything_is_sent() {
    let raw = Raw::start(ANSWER, false).await;
    let upstream = raw.upstream(&Bench::new());
    assert_eq!(exchange(&upstream, Reuse::Any).await, "", "HTTP/2 without TLS");
    assert_eq!(raw.pings.load(Ordering::SeqCst), 1, "it was asked first");

    let http1 = Server::start(None).await;
    let mut wrong = spec(false, http1.address);
    wrong.protocol = Protocol::Http2;
    let upstream = Bench::new().upstream(wrong);
    let error = within(upstream.connect(&mut pick(&upstream).await, Reuse::Any)).await.err();
    assert_eq!(
        error,
        Some(ConnectError::Protocol),
        "a server that speaks HTTP/1.1 gets no request"
    );
}

#[tokio::test]
async fn a_refused_stream_and_a_goaway_below_it_prove_that_nothing_was_processed() {
    let table = [
        (REFUSE, false, FailureKind::RefusedStream, Evidence::NothingSent),
        (AWAY_BEFORE, false, FailureKind::GoAway, Evidence::NothingSent),
        (AWAY_BEFORE, true, FailureKind::GoAway, Evidence::NothingSent),
        (AWAY_AFTER, true, FailureKind::Reset, Evidence::Unknown),
        (b"", true, FailureKind::Reset, Evidence::Unknown),
        (b"\0\0\0\0\0\0\0\0\0", true, FailureKind::Protocol, Evidence::Unknown),
    ];
    for (script, then_close, kind, evidence) in table {
        let raw = Raw::start(script, then_close).await;
        let failure = failure(&raw.upstream(&Bench::new()), "/").await;
        assert_eq!(failure.evidence, evidence, "{script:?}: {failure:?}");
        assert_eq!(failure.kind, kind, "{script:?}");
    }
}

#[tokio::test]
async fn a_refused_stream_over_tls_leaves_the_connection_to_others() {
    let (server, spec) = secure(&[b"h2"]).await;
    let upstream = Bench::new().upstream(spec);
    exchange(&upstream, Reuse::Any).await;
    let mut session = connect(&upstream, Reuse::Any).await;
    let error = within(ask(&mut session, "/refuse")).await.err().unwrap();
    assert_eq!(session.failure(&error, false).evidence, Evidence::NothingSent, "refused");
    upstream.release(session, Released::Cancelled);
    assert_eq!(exchange(&upstream, Reuse::Any).await, "1 h2", "the same connection");
    assert_eq!(server.accepted(), 1, "only one");
}

#[tokio::test]
async fn a_quiet_connection_answers_a_ping_before_a_payment_trusts_it() {
    let bench = Bench::new();
    let (server, spec) = secure(&[b"h2"]).await;
    let upstream = bench.upstream(spec);
    exchange(&upstream, UNSAFE).await;
    bench.clock.advance(Duration::from_secs(10));
    assert_eq!(exchange(&upstream, UNSAFE).await, "1 h2", "it answered");
    server.hang_up();
    until(|| {
        upstream.0.sweep();
        upstream.status()[0].idle == 0
    })
    .await;
    bench.clock.advance(Duration::from_secs(10));
    assert_eq!(exchange(&upstream, UNSAFE).await, "2 h2", "a dead one is replaced");
}

#[tokio::test]
async fn a_connection_that_answers_no_ping_is_replaced() {
    let bench = Bench::new();
    let raw = Raw::start(ANSWER, false).await;
    let upstream = raw.upstream(&bench);
    exchange(&upstream, UNSAFE).await;
    let pings = raw.pings.load(Ordering::SeqCst);
    bench.clock.advance(Duration::from_secs(10));
    drop(connect(&upstream, UNSAFE).await);
    assert_eq!(raw.pings.load(Ordering::SeqCst), pings + 1, "one PING decides");
    assert_eq!(raw.accepted.load(Ordering::SeqCst), 1, "answered: the same connection");
    bench.clock.advance(Duration::from_secs(10));
    raw.answers_pings.store(false, Ordering::SeqCst);
    let mut picked = pick(&upstream).await;
    let error = within(upstream.connect(&mut picked, UNSAFE)).await.err();
    assert_eq!(
        error,
        Some(ConnectError::Protocol),
        "unanswered: a new one is tried, and fails too"
    );
    assert_eq!(raw.accepted.load(Ordering::SeqCst), 2, "which was a new connection");
}

#[tokio::test]
async fn a_connection_that_fell_silent_takes_no_new_streams() {
    let (server, spec) = secure(&[b"h2"]).await;
    let upstream = Bench::new().upstream(spec);
    let mut session = connect(&upstream, Reuse::Any).await;
    session.set_timeouts(Some(Duration::from_millis(50)), None);
    let error = within(ask(&mut session, "/silent")).await.err().unwrap();
    let failure = session.failure(&error, false);
    assert_eq!(
        (failure.kind, failure.evidence),
        (FailureKind::Timeout, Evidence::Unknown),
        "silent"
    );
    upstream.release(session, Released::Broken);
    assert_eq!(exchange(&upstream, Reuse::Any).await, "2 h2", "a new connection");
    until(|| upstream.open_connections() == 1).await;
    assert_eq!(server.accepted(), 2, "and the old one is gone");
}

#[tokio::test]
async fn a_dropped_session_gives_its_stream_back() {
    let (server, spec) = secure(&[b"h2"]).await;
    let upstream = Bench::new().upstream(spec);
    for _ in 0..300 {
        drop(connect(&upstream, Reuse::Any).await);
    }
    assert_eq!(exchange(&upstream, Reuse::Any).await, "1 h2", "no stream leaked");
    assert_eq!(server.accepted(), 1, "one connection for all");
    assert_eq!(upstream.status()[0].idle, 1, "which is idle");
}

#[tokio::test]
async fn a_full_connection_is_joined_by_another() {
    let (server, spec) = secure(&[b"h2"]).await;
    let upstream = Bench::new().upstream(spec);
    let mut held = Vec::new();
    for _ in 0..150 {
        held.push(connect(&upstream, Reuse::Any).await);
    }
    assert_eq!(server.accepted(), 2, "a hundred streams each");
    drop(held);
    assert_eq!(upstream.status()[0].idle, 2, "both are idle now");
}

#[tokio::test]
async fn idle_connections_are_closed_in_time() {
    let bench = Bench::new();
    let (_server, spec) = secure(&[b"h2"]).await;
    let upstream = bench.upstream(spec);
    exchange(&upstream, Reuse::Any).await;
    bench.clock.advance(Duration::from_secs(31));
    upstream.0.sweep();
    until(|| upstream.open_connections() == 0).await;
    assert_eq!(exchange(&upstream, Reuse::Any).await, "2 h2", "and a new one is made");
}

#[tokio::test]
async fn a_provider_that_asks_for_http_1_gets_it_from_then_on() {
    let (_server, spec) = secure(&[b"h2", b"http/1.1"]).await;
    let upstream = Bench::new().upstream(spec);
    let failure = failure(&upstream, "/http1").await;
    assert_eq!(failure.kind, FailureKind::Http11Required, "it asked");
    assert_eq!(failure.evidence, Evidence::Unknown, "which proves nothing about the request");
    assert_eq!(exchange_at(&upstream, Reuse::Any, "/").await, "2 -", "HTTP/1.1");
}

#[tokio::test]
async fn an_idle_connection_gives_way_to_one_that_is_needed_elsewhere() {
    let ca = Ca::new("ours");
    let tls = server_tls(&ca.leaf("127.0.0.1"), None, &[b"h2"]);
    let (first, second) =
        (Server::start(Some(Arc::clone(&tls))).await, Server::start(Some(tls)).await);
    let both = [first.address, second.address]
        .map(|address| EndpointSpec::new(true, address.ip().to_string(), address.port()));
    let mut spec = specs(&both);
    spec.tls.trust = Some(ca.trust());
    spec.connections = 1;
    let upstream = Bench::new().upstream(spec);
    for round in 1..4 {
        exchange(&upstream, Reuse::Any).await;
        exchange(&upstream, Reuse::Any).await;
        assert_eq!((first.accepted(), second.accepted()), (round, round), "in turn");
    }
    let held = connect(&upstream, Reuse::Any).await;
    let error = upstream.connect(&mut pick(&upstream).await, Reuse::Any).await.err();
    assert_eq!(error, Some(ConnectError::Overloaded), "a busy one does not");
    drop(held);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_fills_each_connection_and_retires_none() {
    let (server, spec) = secure(&[b"h2"]).await;
    let upstream = Bench::new().upstream(spec);
    let held: Vec<_> = (0..300)
        .map(|_| {
            let upstream = upstream.clone();
            tokio::spawn(async move { connect(&upstream, Reuse::Any).await })
        })
        .collect();
    let sessions = within(join_all(held)).await;
    assert_eq!(server.accepted(), 3, "three times a hundred streams");
    drop(sessions);
    assert_eq!(exchange(&upstream, Reuse::Any).await, "1 h2", "the first is as good as before");
}
