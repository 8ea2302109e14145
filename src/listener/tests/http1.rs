use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::support::*;
use crate::listener::*;

#[tokio::test]
async fn requests_are_served_on_one_connection_one_after_another() {
    let stand = Stand::plain();
    let mut client = stand.connect().await;
    client.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let (head, _) = client.answer().await;
    assert!(head.contains("connection: keep-alive"), "the connection stays open: {head}");
    client.send("POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe").await;
    client.send("llo").await;
    assert_eq!(client.answer().await.1, "5", "the body arrived");
    client
        .send("POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        .await;
    assert_eq!(client.answer().await.1, "3", "the chunked body arrived");
    assert_eq!(*stand.tiny.seen.lock(), ["/a", "/b", "/c"], "in their order");
    assert_eq!(stand.tiny.count(Event::Opened), 1, "on one connection");
}

#[tokio::test]
async fn pipelined_requests_and_a_head_in_single_bytes_are_served() {
    let stand = Stand::plain();
    let mut client = stand.connect().await;
    client
        .send(
            "\r\nPOST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhiGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HT",
        )
        .await;
    assert_eq!(client.answer().await.1, "2", "the first has a body");
    assert_eq!(client.answer().await.1, "0", "the second came with it");
    for byte in b"TP/1.1\r\nHost: a\r\n\r\n" {
        client.send([*byte]).await;
    }
    assert_eq!(client.answer().await.1, "0", "the third came in pieces");
    assert_eq!(*stand.tiny.seen.lock(), ["/1", "/2", "/3"], "nothing was lost");
}

#[tokio::test]
async fn a_connection_closes_after_the_answer_when_the_caller_asks_for_it() {
    let stand = Stand::plain();
    let mut client = stand.connect().await;
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    let answer = client.rest().await.to_ascii_lowercase();
    assert!(answer.contains("connection: close"), "it says so: {answer}");
    let mut client = stand.connect().await;
    client.send("GET /large HTTP/1.0\r\n\r\n").await;
    assert!(client.rest().await.ends_with("xxx"), "HTTP/1.0 closes by itself, after all of it");
}

#[tokio::test]
async fn a_caller_that_has_said_all_it_will_say_is_still_answered() {
    let stand = Stand::plain();
    let mut client = stand.connect().await;
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    client.0.shutdown().await.unwrap();
    assert!(client.rest().await.starts_with("HTTP/1.1 200 "), "a half-closed socket is served");
}

/// What a request parser in front of or behind us could read differently.
const MALFORMED: &[&str] = &[
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
    "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST / HTTP/1.1\r\nHost : a\r\nContent-Length: 3\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 3\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\n folded: 1\r\nContent-Length: 3\r\n\r\n",
    "POST / HTTP/1.1\nHost: a\nContent-Length: 3\n\n",
    "POST /a b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n",
    "POST / HTTP/3.0\r\nHost: a\r\nContent-Length: 3\r\n\r\n",
    "POST /\r\nContent-Length: 3\r\n\r\n",
    "\x16\x03\x01\x02\r\n\r\n",
    "P\u{0}ST / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nX: \u{0}\r\n\r\n",
];

#[tokio::test]
async fn a_malformed_head_gets_exactly_one_answer_whatever_follows_it() {
    let stand = Stand::plain();
    for head in MALFORMED {
        let mut client = stand.connect().await;
        client.send(head).await;
        let (answer, body) = client.answer().await;
        assert!(answer.starts_with("http/1.1 400 "), "{head:?} is refused: {answer}");
        assert!(answer.contains("connection: close"), "{head:?} closes: {answer}");
        assert!(answer.contains("tollgate-error: malformed_request"), "{head:?}: {answer}");
        assert!(body.contains(r#""code":"malformed_request""#), "{head:?} gets a problem: {body}");
        client.send("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(client.rest().await, "", "{head:?} gets no second answer");
    }
    assert!(stand.tiny.seen.lock().is_empty(), "none of it became an exchange");
    assert_eq!(
        *stand.tiny.refused.lock(),
        vec!["malformed_request"; MALFORMED.len()],
        "each is reported once"
    );
}

#[tokio::test]
async fn a_dripped_head_is_cut_at_its_total_deadline() {
    let limits = Limits { header_timeout: Duration::from_millis(200), ..Limits::default() };
    let stand = Stand::with(None, limits);
    let (mut reader, mut writer) = tokio::io::split(stand.connect().await.0);
    let started = Stopwatch::new();
    let drip = tokio::spawn(async move {
        writer.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        let mut pace = tokio::time::interval(Duration::from_millis(20));
        loop {
            pace.tick().await;
            if writer.write_all(b"X-Slow: 1\r\n").await.is_err() {
                return;
            }
        }
    });
    let mut answer = Vec::new();
    within(reader.read_to_end(&mut answer)).await.ok();
    drip.abort();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "it is answered: {answer}");
    assert!(answer.contains("header_timeout"), "with the code: {answer}");
    assert!(started.elapsed() >= Duration::from_millis(200), "not before the deadline");
    assert!(started.elapsed() < Duration::from_secs(20), "soon after the deadline");
    assert_eq!(*stand.tiny.refused.lock(), ["header_timeout"], "and reported");
}

#[tokio::test]
async fn half_a_head_then_the_end_is_reported_and_a_clean_end_is_not() {
    let stand = Stand::plain();
    drop(stand.connect().await);
    stand.tiny.until(|tiny| tiny.count(Event::Closed) == 1).await;
    assert!(stand.tiny.refused.lock().is_empty(), "a connection without a byte is silent");
    let mut client = stand.connect().await;
    client.send("GET / HTTP/1.1\r\nHo").await;
    drop(client);
    stand.tiny.until(|tiny| tiny.count(Event::Closed) == 2).await;
    assert_eq!(*stand.tiny.refused.lock(), ["caller_incomplete"], "half a head is reported");
}

#[tokio::test]
async fn an_idle_connection_is_closed_silently_before_and_between_requests() {
    let limits = Limits { idle_timeout: Duration::from_secs(1), ..Limits::default() };
    let stand = Stand::with(None, limits);
    assert_eq!(stand.connect().await.rest().await, "", "it never spoke");
    let mut client = stand.connect().await;
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    client.answer().await;
    assert_eq!(client.rest().await, "", "it spoke once");
    assert!(stand.tiny.refused.lock().is_empty(), "nothing to report");
}

#[tokio::test]
async fn a_head_beyond_its_size_is_refused_while_it_still_comes() {
    let stand = Stand::with(None, Limits { head_bytes: 1000, head_fields: 5, ..Limits::default() });
    let field = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(1000));
    let target = format!("GET /{}", "x".repeat(1000));
    let fields = format!("GET / HTTP/1.1\r\n{}\r\n", "X: 1\r\n".repeat(6));
    for (head, status, code) in [
        (field, "431", "headers_too_large"),
        (target, "414", "target_too_long"),
        (fields, "431", "headers_too_large"),
    ] {
        let mut client = stand.connect().await;
        client.send(head).await;
        let (answer, _) = client.answer().await;
        assert!(answer.starts_with(&format!("http/1.1 {status} ")), "{code}: {answer}");
        assert!(answer.contains(code), "{code}: {answer}");
        assert_eq!(client.rest().await, "", "{code}: it closes");
    }
}

#[tokio::test]
async fn a_panic_and_a_handler_that_forgets_to_answer_are_answered_internal() {
    let stand = Stand::plain();
    for path in ["/panic", "/mute"] {
        let mut client = stand.connect().await;
        client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        let (answer, _) = client.answer().await;
        assert!(answer.starts_with("http/1.1 500 "), "{path}: {answer}");
        assert!(answer.contains("tollgate-error: internal"), "{path}: {answer}");
    }
    assert_eq!(stand.tiny.count(Event::Panicked), 1, "the panic is counted");
}

#[tokio::test]
async fn connections_beyond_the_cap_are_closed_at_once_and_counted() {
    let stand = Stand::with(
        None,
        Limits { connections: 1, connections_per_address: Some(1), ..Limits::default() },
    );
    let mut first = stand.connect().await;
    first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    first.answer().await;
    assert_eq!(stand.connect().await.rest().await, "", "one too many");
    assert_eq!(stand.tiny.count(Event::TurnedAway(TurnedAway::Listener)), 1, "it is counted");
    drop(first);
    stand.tiny.until(|tiny| tiny.count(Event::Closed) == 1).await;
    let mut next = stand.connect().await;
    next.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(next.answer().await.1, "0", "a place became free");
}

#[tokio::test]
async fn an_answer_to_a_request_whose_body_is_still_coming_reaches_the_caller() {
    let stand = Stand::plain();
    let mut client = stand.connect().await;
    client.send("POST /pay HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 60000\r\n\r\n").await;
    client.send("x".repeat(60_000)).await;
    let answer = client.rest().await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "no reset swallows it: {answer}");
}
