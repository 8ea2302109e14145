//! Heads that are not HTTP, or that another server might read differently.

use crate::support::*;

const HOST: &str = "Host: pay.example\r\n";

/// What nobody may take for the next request.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: pay.example\r\n\r\n";

/// Each with a name, without its last empty line.
fn heads() -> Vec<(&'static str, String)> {
    let post = |fields: &str| format!("POST /x HTTP/1.1\r\n{HOST}{fields}");
    vec![
        ("two lengths", post("Content-Length: 5\r\nContent-Length: 49\r\n")),
        ("two lengths in one field", post("Content-Length: 5, 49\r\n")),
        ("a length with a sign", post("Content-Length: +5\r\n")),
        ("a negative length", post("Content-Length: -5\r\n")),
        ("a hexadecimal length", post("Content-Length: 0x5\r\n")),
        ("an empty length", post("Content-Length:\r\n")),
        ("a length beyond all bounds", post("Content-Length: 99999999999999999999999\r\n")),
        ("a length with letters", post("Content-Length: 5a\r\n")),
        ("both framings", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")),
        (
            "both framings, the other way round",
            post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
        ),
        ("an unknown coding", post("Transfer-Encoding: gzip\r\n")),
        ("a coding after chunked", post("Transfer-Encoding: chunked, gzip\r\n")),
        ("a coding before chunked", post("Transfer-Encoding: gzip, chunked\r\n")),
        ("chunked twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")),
        ("chunked and identity", post("Transfer-Encoding: chunked, identity\r\n")),
        (
            "an unknown coding and a length",
            post("Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n"),
        ),
        ("a coding with a vertical tab", post("Transfer-Encoding: \u{b}chunked\r\n")),
        ("a quoted coding", post("Transfer-Encoding: \"chunked\"\r\n")),
        ("a space before the colon", post("Transfer-Encoding : chunked\r\n")),
        ("a space before the colon of a length", post("Content-Length : 5\r\n")),
        ("a folded field", post("X-A: b\r\n c\r\nContent-Length: 5\r\n")),
        ("a folded coding", post("Transfer-Encoding:\r\n chunked\r\n")),
        ("a bare line feed", post("X-A: b\nContent-Length: 5\r\n")),
        ("a bare carriage return", post("X-A: b\rContent-Length: 5\r\n")),
        ("a field without a colon", post("Content-Length\r\n")),
        ("a field without a name", post(": 5\r\n")),
        ("a space in a name", post("Content Length: 5\r\n")),
        ("NUL in a value", post("X-A: b\0c\r\n")),
        ("a control character in a name", post("X-\u{1}A: b\r\n")),
        ("chunks in HTTP/1.0", format!("POST /x HTTP/1.0\r\n{HOST}Transfer-Encoding: chunked\r\n")),
        ("no host", "POST /x HTTP/1.1\r\nContent-Length: 5\r\n".to_owned()),
        ("two hosts", post("Host: other.example\r\nContent-Length: 5\r\n")),
        ("HTTP/2.0", format!("POST /x HTTP/2.0\r\n{HOST}")),
        ("HTTP/1.2", format!("POST /x HTTP/1.2\r\n{HOST}")),
        ("HTTP/0.9", "GET /x\r\n".to_owned()),
        ("no method", format!(" /x HTTP/1.1\r\n{HOST}")),
        ("a method that is none", format!("P(ST /x HTTP/1.1\r\n{HOST}")),
        ("two spaces", format!("POST  /x HTTP/1.1\r\n{HOST}")),
        ("a space in the target", format!("POST /x y HTTP/1.1\r\n{HOST}")),
        ("a target beyond ASCII", format!("POST /\u{e9} HTTP/1.1\r\n{HOST}")),
        ("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n".to_owned()),
        ("TLS where there is none", "\u{16}\u{3}\u{1}\0\u{a5}\u{1}\0\0\r\n".to_owned()),
        ("a nomination of the length", post("Connection: content-length\r\nContent-Length: 5\r\n")),
        (
            "an upgrade to HTTP/2",
            post(
                "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\nContent-Length: 49\r\n",
            ),
        ),
    ]
}

async fn one_answer_and_no_second(
    gateway: &Gateway,
    provider: &Provider,
    segments: &[&str],
    name: &str,
) {
    let mut caller = gateway.http1().await;
    for segment in segments {
        caller.try_send(segment).await;
    }
    let text = String::from_utf8_lossy(&caller.rest().await).into_owned();
    let answers = text.matches("HTTP/1.").count();
    assert_eq!(answers, 1, "{name}: one answer, then the end: {text}");
    let status = text.split(' ').nth(1).unwrap_or_default();
    assert!(status.starts_with('4') || status == "501", "{name}: it is refused: {text}");
    assert!(text.to_lowercase().contains("connection: close"), "{name}: it says so: {text}");
    let problem = text.contains("application/problem+json");
    assert!(problem, "{name}: it is a refusal of the gateway like any other: {text}");
    assert_eq!(provider.requests().len(), 0, "{name}: the provider hears nothing of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_malformed_head_gets_one_answer_and_its_body_none() {
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let gateway = Recipe::to(&provider).start();
    for (name, head) in heads() {
        let whole = format!("{head}\r\n");
        one_answer_and_no_second(&gateway, &provider, &[&whole, SMUGGLED], name).await;
        let at_once = format!("{whole}{SMUGGLED}");
        one_answer_and_no_second(&gateway, &provider, &[&at_once], name).await;
        let (first, second) = head.split_at(head.floor_char_boundary(head.len() / 2));
        let second = format!("{second}\r\n");
        one_answer_and_no_second(&gateway, &provider, &[first, &second, SMUGGLED], name).await;
    }
    let answer = gateway.http1().await.call("GET", "/", &[], b"", None).await;
    assert_eq!(answer.status, 200, "others are served: {}", answer.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_malformed_head_in_front_of_a_good_one_on_a_used_connection_ends_it_too() {
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let gateway = Recipe::to(&provider).start();
    for (name, head) in heads() {
        let before = provider.requests().len();
        let mut caller = gateway.http1().await;
        assert_eq!(caller.call("GET", "/good", &[], b"", None).await.status, 200, "{name}: served");
        caller.try_send(format!("{head}\r\n")).await;
        caller.try_send(SMUGGLED).await;
        let text = String::from_utf8_lossy(&caller.rest().await).into_owned();
        assert_eq!(text.matches("HTTP/1.").count(), 1, "{name}: one answer, then the end: {text}");
        assert_eq!(provider.requests().len(), before + 1, "{name}: nothing was smuggled");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_malformed_chunk_ends_the_connection_and_is_never_completed() {
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let gateway = Recipe::to(&provider).start();
    for (name, body) in [
        ("a size that is none", "zz\r\nhello\r\n0\r\n\r\n"),
        ("a negative size", "-5\r\nhello\r\n0\r\n\r\n"),
        ("a size with a prefix", "0x5\r\nhello\r\n0\r\n\r\n"),
        ("a size beyond all bounds", "fffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
        ("more data than its size", "3\r\nhello\r\n0\r\n\r\n"),
        ("data without its end", "5\r\nhello0\r\n\r\n"),
        ("a bare line feed after a size", "5\nhello\r\n0\r\n\r\n"),
    ] {
        let before = provider.requests().len();
        let mut caller = gateway.http1().await;
        let head = format!("POST /x HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n");
        caller.try_send(format!("{head}{body}{SMUGGLED}")).await;
        let text = String::from_utf8_lossy(&caller.rest().await).into_owned();
        assert!(text.matches("HTTP/1.").count() <= 1, "{name}: no second answer: {text}");
        assert!(!text.starts_with("HTTP/1.1 2"), "{name}: it is not accepted: {text}");
        let requests = provider.requests();
        let whole = requests[before..].iter().any(|request| request.complete);
        assert!(!whole, "{name}: the provider never gets a complete request: {requests:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_beyond_their_bounds_are_refused() {
    let authority = Authority::new();
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let gateway =
        Recipe::to(&provider).tls(&authority).listener("limits: { header_size: 8KiB }").start();
    let (long, many) = ("x".repeat(9_000), "X-A: b\r\n".repeat(300));
    for (head, statuses) in [
        (format!("GET /{long} HTTP/1.1\r\n{HOST}\r\n"), [414, 431]),
        (format!("GET / HTTP/1.1\r\n{HOST}X-Long: {long}\r\n\r\n"), [431, 431]),
        (format!("GET / HTTP/1.1\r\n{HOST}{many}\r\n"), [431, 431]),
    ] {
        let mut caller = gateway.http1().await;
        caller.try_send(head).await;
        let answer = caller.answer("GET").await;
        assert!(statuses.contains(&answer.status), "refused: {answer:?}");
    }
    let mut caller = gateway.http2(&authority).await;
    let answer = caller.call("GET", "/", &[("x-long", &long)], b"", None).await;
    assert_eq!(answer.status, 431, "over HTTP/2 as well: {answer:?}");
    assert_eq!(provider.requests().len(), 0, "the provider hears nothing of it");
}
