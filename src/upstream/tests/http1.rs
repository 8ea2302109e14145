use std::{io::ErrorKind, time::Duration};

use bytes::Bytes;
use pingora::http::RequestHeader;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::support::{
    Bench, Ca, Server, ask, checksum, connect, exchange, exchange_at, pick, send, server_tls, spec,
    until, within,
};
use crate::upstream::{Evidence, FailureKind, Released, Reuse};

const UNSAFE: Reuse = Reuse::FresherThan(Duration::from_secs(1));

#[tokio::test]
async fn a_finished_exchange_leaves_its_connection_to_the_next() {
    let server = Server::start(None).await;
    let upstream = Bench::new().upstream(spec(false, server.address));
    for round in 0..3 {
        assert_eq!(exchange(&upstream, UNSAFE).await, "1 -", "round {round}");
    }
    let session = connect(&upstream, Reuse::Any).await;
    assert!(session.is_reused() && !session.is_http2(), "it is the pooled connection");
    assert_eq!(session.address(), server.address, "to the server");
    drop(session);
    assert_eq!(exchange(&upstream, Reuse::Any).await, "2 -", "what was dropped is not reused");
}

#[tokio::test]
async fn an_unsafe_request_never_takes_an_old_idle_connection_and_a_safe_one_may() {
    let server = Server::start(None).await;
    let bench = Bench::new();
    let upstream = bench.upstream(spec(false, server.address));
    assert_eq!(exchange(&upstream, UNSAFE).await, "1 -", "fresh");
    bench.clock.advance(Duration::from_millis(999));
    assert_eq!(exchange(&upstream, UNSAFE).await, "1 -", "idle for less than a second");
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(exchange(&upstream, UNSAFE).await, "2 -", "idle for a second: a fresh one");
    bench.clock.advance(Duration::from_secs(5));
    assert_eq!(exchange(&upstream, Reuse::Any).await, "2 -", "a safe one takes the freshest");
}

#[tokio::test]
async fn idle_connections_are_closed_in_time() {
    let server = Server::start(None).await;
    let bench = Bench::new();
    let upstream = bench.upstream(spec(false, server.address));
    exchange(&upstream, Reuse::Any).await;
    bench.clock.advance(Duration::from_secs(31));
    assert_eq!(exchange(&upstream, Reuse::Any).await, "2 -", "beyond the idle time it is not used");
    bench.clock.advance(Duration::from_secs(31));
    assert_eq!(upstream.status()[0].idle, 1, "it lies there");
    (super::support::job(&upstream, "/tend").run)().await;
    assert_eq!(upstream.status()[0].idle, 0, "until it is tended to");
    assert_eq!(upstream.open_connections(), 0, "and closed");
}

#[tokio::test]
async fn a_provider_that_promises_less_time_is_believed() {
    let server = Server::start(None).await;
    let bench = Bench::new();
    let upstream = bench.upstream(spec(false, server.address));
    exchange_at(&upstream, Reuse::Any, "/keep").await;
    bench.clock.advance(Duration::from_millis(1_900));
    assert_eq!(
        exchange_at(&upstream, Reuse::Any, "/keep").await,
        "1 -",
        "within its three seconds"
    );
    bench.clock.advance(Duration::from_secs(2));
    assert_eq!(exchange(&upstream, Reuse::Any).await, "2 -", "a second before they end");
}

#[tokio::test]
async fn a_connection_that_the_provider_closes_is_not_kept() {
    let server = Server::start(None).await;
    let upstream = Bench::new().upstream(spec(false, server.address));
    exchange_at(&upstream, Reuse::Any, "/close").await;
    assert_eq!(upstream.status()[0].idle, 0, "it said close");
}

#[tokio::test]
async fn a_dead_pooled_connection_is_noticed_before_it_is_used() {
    let server = Server::start(None).await;
    let upstream = Bench::new().upstream(spec(false, server.address));
    exchange(&upstream, Reuse::Any).await;
    server.hang_up();
    until(|| {
        upstream.0.sweep();
        upstream.status()[0].idle == 0
    })
    .await;
    assert_eq!(exchange(&upstream, UNSAFE).await, "2 -", "a new connection is used");
}

#[tokio::test]
async fn no_more_idle_connections_are_kept_than_configured() {
    let server = Server::start(None).await;
    let mut spec = spec(false, server.address);
    spec.idle_connections = 2;
    let upstream = Bench::new().upstream(spec);
    let mut sessions = Vec::new();
    for _ in 0..4 {
        let mut session = connect(&upstream, Reuse::Any).await;
        within(ask(&mut session, "/")).await.unwrap();
        sessions.push(session);
    }
    for session in sessions {
        upstream.release(session, Released::Reusable);
    }
    assert_eq!(upstream.status()[0].idle, 2, "two are kept");
    assert_eq!(upstream.open_connections(), 2, "two are closed");
    assert_eq!(exchange(&upstream, Reuse::Any).await, "4 -", "the last one released is first");
}

#[tokio::test]
async fn an_unfinished_answer_is_never_pooled() {
    let server = Server::start(None).await;
    let upstream = Bench::new().upstream(spec(false, server.address));
    let mut session = connect(&upstream, Reuse::Any).await;
    let mut head = RequestHeader::build("GET", b"/", None).unwrap();
    head.insert_header("host", "localhost").unwrap();
    session.client.write_request_header(Box::new(head)).await.unwrap();
    session.client.finish_request_body().await.unwrap();
    within(session.client.read_response_header()).await.unwrap();
    upstream.release(session, Released::Reusable);
    assert_eq!(upstream.status()[0].idle, 0, "its body is still to come");
    let untouched = connect(&upstream, Reuse::Any).await;
    upstream.release(untouched, Released::Reusable);
    assert_eq!(upstream.status()[0].idle, 0, "nor one that was never used");
}

#[tokio::test]
async fn a_small_request_leaves_in_one_segment() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Bench::new().upstream(spec(false, listener.local_addr().unwrap()));
    let mut session = connect(&upstream, Reuse::Any).await;
    let (mut peer, _) = listener.accept().await.unwrap();
    let mut head = RequestHeader::build("POST", b"/", None).unwrap();
    head.insert_header("host", "localhost").unwrap();
    head.insert_header("content-length", "4").unwrap();
    session.client.write_request_header(Box::new(head)).await.unwrap();
    assert_eq!(peer.try_read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::WouldBlock, "it is held");
    assert!(!session.sent_anything(), "so nothing was sent");
    assert_eq!(session.evidence(false), Evidence::NothingSent, "which is the evidence");
    session.client.write_request_body(Bytes::from_static(b"paid"), true).await.unwrap();
    assert!(session.sent_anything(), "the end of the body sends it");
    let mut seen = vec![0; 1_024];
    let read = within(peer.read(&mut seen)).await.unwrap();
    assert!(seen[..read].ends_with(b"\r\n\r\npaid"), "head and body in one read");
    assert_eq!(session.evidence(false), Evidence::Unknown, "now nobody knows");
}

#[tokio::test]
async fn whoever_reads_has_sent_the_head_even_without_a_body() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Bench::new().upstream(spec(false, listener.local_addr().unwrap()));
    let mut session = connect(&upstream, Reuse::Any).await;
    let (mut peer, _) = listener.accept().await.unwrap();
    let mut head = RequestHeader::build("POST", b"/", None).unwrap();
    head.insert_header("transfer-encoding", "chunked").unwrap();
    session.client.write_request_header(Box::new(head)).await.unwrap();
    let mut seen = vec![0; 1_024];
    // The caller's body is slow: the loop waits for an early answer meanwhile.
    tokio::select! {
        _ = session.client.read_response_header() => panic!("nobody answered"),
        read = within(peer.read(&mut seen)) => {
            assert!(seen[..read.unwrap()].ends_with(b"chunked\r\n\r\n"), "the head is there");
        }
    }
}

#[tokio::test]
async fn timeouts_of_a_session_bound_its_reads() {
    let server = Server::start(None).await;
    let upstream = Bench::new().upstream(spec(false, server.address));
    let mut session = connect(&upstream, Reuse::Any).await;
    session.set_timeouts(Some(Duration::from_millis(50)), Some(Duration::from_millis(50)));
    let error = within(ask(&mut session, "/silent")).await.err().unwrap();
    let failure = session.failure(&error, false);
    assert_eq!(failure.kind, FailureKind::Timeout, "no answer");
    assert_eq!(failure.evidence, Evidence::Unknown, "it may have paid");
    assert_eq!(
        session.failure(&error, true).evidence,
        Evidence::Answered,
        "after a head it is final"
    );
}

#[tokio::test]
async fn connections_survive_a_reload_that_changes_other_things() {
    let server = Server::start(None).await;
    let bench = Bench::new();
    let before = bench.upstream(spec(false, server.address));
    exchange(&before, Reuse::Any).await;
    let mut changed = spec(false, server.address);
    changed.endpoints[0].weight = 7;
    changed.timeouts.first_byte = Duration::from_secs(1);
    let after = bench.upstream(changed);
    let prints = |upstream: &crate::upstream::Upstream| {
        upstream.jobs().into_iter().map(|job| (job.name, job.fingerprint)).collect::<Vec<_>>()
    };
    assert_eq!(prints(&before), prints(&after), "no job is restarted");
    drop(before);
    assert_eq!(exchange(&after, Reuse::Any).await, "1 -", "the pool was carried over");
    assert_eq!(pick(&after).await.endpoint().weight, 7, "and the change is in force");
}

#[tokio::test]
async fn bodies_of_all_sizes_arrive_as_they_were_sent() {
    let ca = Ca::new("ours");
    let tls = server_tls(&ca.leaf("127.0.0.1"), None, &[]);
    for (secure, tls) in [(false, None), (true, Some(tls))] {
        let server = Server::start(tls).await;
        let mut spec = spec(secure, server.address);
        spec.tls.trust = Some(ca.trust());
        let upstream = Bench::new().upstream(spec);
        for length in [0, 1, 16_000, 16_383, 16_384, 16_385, 65_535, 65_536, 1 << 20] {
            let body: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let sum = checksum(&body);
            let mut session = connect(&upstream, UNSAFE).await;
            let sent = send(&mut session, "/sum", Bytes::from(body));
            let answer = within(sent).await.unwrap_or_else(|_| panic!("an answer"));
            assert_eq!(answer, format!("{length} {sum}"), "{length} bytes, TLS: {secure}");
            upstream.release(session, Released::Reusable);
        }
    }
}

#[tokio::test]
async fn a_connection_on_which_the_provider_speaks_out_of_turn_is_not_used() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Bench::new().upstream(spec(false, listener.local_addr().unwrap()));
    let mut session = connect(&upstream, Reuse::Any).await;
    let (mut peer, _) = listener.accept().await.unwrap();
    peer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npaid").await.unwrap();
    assert_eq!(within(ask(&mut session, "/")).await.unwrap(), "paid", "the answer");
    upstream.release(session, Released::Reusable);
    assert_eq!(upstream.status()[0].idle, 1, "nothing is wrong yet");
    // An answer that nobody asked for would be taken for the next request's.
    peer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nstale").await.unwrap();
    until(|| {
        upstream.0.sweep();
        upstream.status()[0].idle == 0
    })
    .await;
}

#[tokio::test]
async fn an_answer_longer_than_announced_costs_the_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Bench::new().upstream(spec(false, listener.local_addr().unwrap()));
    let mut session = connect(&upstream, Reuse::Any).await;
    let (mut peer, _) = listener.accept().await.unwrap();
    peer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npaidHTTP/1.1").await.unwrap();
    assert_eq!(within(ask(&mut session, "/")).await.unwrap(), "paid", "the answer alone");
    upstream.release(session, Released::Reusable);
    assert_eq!(upstream.status()[0].idle, 0, "what follows is nobody's answer");
}

#[tokio::test]
async fn a_write_that_fails_still_reads_the_answer_that_came_before() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Bench::new().upstream(spec(false, listener.local_addr().unwrap()));
    let mut session = connect(&upstream, Reuse::Any).await;
    let (mut peer, _) = listener.accept().await.unwrap();
    peer.write_all(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    peer.shutdown().await.unwrap();
    let mut head = RequestHeader::build("POST", b"/", None).unwrap();
    head.insert_header("content-length", "4").unwrap();
    session.client.write_request_header(Box::new(head)).await.unwrap();
    within(session.client.read_response_header()).await.unwrap();
    assert_eq!(session.client.response_header().unwrap().status, 413, "it was answered early");
}

#[tokio::test]
async fn a_connection_that_was_reset_before_the_request_left_proves_that_nothing_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Bench::new().upstream(spec(false, listener.local_addr().unwrap()));
    let mut session = connect(&upstream, Reuse::Any).await;
    let (peer, _) = listener.accept().await.unwrap();
    peer.set_zero_linger().unwrap();
    drop(peer);
    let error = within(ask(&mut session, "/")).await.err().unwrap();
    let failure = session.failure(&error, false);
    assert_eq!(failure.evidence, Evidence::NothingSent, "the kernel took no byte: {failure}");
    assert_eq!(failure.kind, FailureKind::Reset, "{failure}");
}
