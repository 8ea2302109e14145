//! Where messages end.

use crate::support::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_http2_upload_without_a_length_is_chunked_towards_http1() {
    let authority = Authority::new();
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let gateway = Recipe::to(&provider).tls(&authority).start();
    let mut caller = gateway.http2(&authority).await;
    let answer = caller.call("PUT", "/file", &[], b"content", Some(3)).await;
    assert_eq!(answer.status, 200, "accepted: {}", answer.text());
    let request = provider.only_request();
    assert_eq!(request.header("transfer-encoding").as_deref(), Some("chunked"), "{request:?}");
    assert_eq!(request.header("content-length"), None, "never both: {request:?}");
    assert_eq!(request.body, b"content", "it does not arrive empty");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_without_a_body_has_no_framing_unless_its_method_expects_one() {
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let gateway = Recipe::to(&provider).start();
    let mut caller = gateway.http1().await;
    for (method, length) in
        [("GET", None), ("DELETE", None), ("POST", Some("0")), ("PUT", Some("0"))]
    {
        caller.send(format!("{method} /x HTTP/1.1\r\nHost: pay.example\r\n\r\n")).await;
        assert_eq!(caller.answer(method).await.status, 200, "{method} is served");
        let request = provider.requests().pop().unwrap();
        assert_eq!(request.header("content-length").as_deref(), length, "{method}: {request:?}");
        assert_eq!(request.header("transfer-encoding"), None, "{method}: {request:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chunk_that_comes_in_parts_never_ends_the_body_of_the_next_hop() {
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let gateway = Recipe::to(&provider).start();
    let mut caller = gateway.http1().await;
    caller
        .send("POST /x HTTP/1.1\r\nHost: pay.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        .await;
    let arrived = |body: &'static [u8]| {
        move |requests: &[Received]| requests.first().is_some_and(|request| request.body == body)
    };
    provider.until("the first chunk arrives", arrived(b"hello")).await;
    // A chunk's size without its data, then bytes that would be a request if the body had ended.
    for part in [
        "2",
        "d\r\n",
        "GET /smuggle",
        "d HTTP/1.1\r\nHost: pay.example\r\n\r\n",
        "\r",
        "\n",
        "0\r\n",
        "\r\n",
    ] {
        caller.send(part).await;
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(caller.answer("POST").await.status, 200, "it is one request with one answer");
    let request = provider.only_request();
    let expected = "helloGET /smuggled HTTP/1.1\r\nHost: pay.example\r\n\r\n";
    assert_eq!(String::from_utf8_lossy(&request.body), expected, "the whole body arrives");
    let answer = caller.call("GET", "/next", &[], b"", None).await;
    assert_eq!(answer.status, 200, "the connection goes on: {}", answer.text());
    let targets: Vec<String> =
        provider.requests().into_iter().map(|request| request.target).collect();
    assert_eq!(targets, ["/x", "/next"], "and nothing was smuggled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_without_a_body_leave_both_connections_usable() {
    let authority = Authority::new();
    for provider_http2 in [false, true] {
        let reply = |request: &Received| match request.target.as_str() {
            "/204" => Reply::new(204, ""),
            "/304" => Reply::new(304, "").with("ETag", "\"1\""),
            _ => Reply::new(200, if request.method == "HEAD" { "" } else { "body" }),
        };
        let provider = if provider_http2 {
            Provider::http2(reply).await
        } else {
            Provider::raw(move |mut peer: Peer| async move {
                while let Some(request) = peer.request().await {
                    if request.method == "HEAD" {
                        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n").await;
                    } else if peer.reply(&reply(&request)).await.is_err() {
                        return;
                    }
                }
            })
            .await
        };
        let protocol = if provider_http2 { "protocol: http2" } else { "protocol: http1" };
        let recipe = || Recipe::to(&provider).tls(&authority).upstream(protocol);
        let held = recipe().assemble(|edit| edit.plugin("holding", std::sync::Arc::new(Holding)));
        for (gateway, kind) in [(recipe().start(), "streamed"), (held, "held")] {
            for http2 in [false, true] {
                let what = format!("{kind}, caller http2={http2}, provider http2={provider_http2}");
                let mut caller = gateway.caller(http2, &authority).await;
                for (method, path, status) in [
                    ("HEAD", "/x", 200),
                    ("GET", "/204", 204),
                    ("GET", "/304", 304),
                    ("HEAD", "/x", 200),
                ] {
                    let answer = caller.call(method, path, &[], b"", None).await;
                    assert_eq!(answer.status, status, "{method} {path}: {what}: {answer:?}");
                    assert!(answer.body.is_empty(), "no body: {method} {path}: {what}: {answer:?}");
                    assert_eq!(answer.header("transfer-encoding"), None, "{what}: {answer:?}");
                    if method == "HEAD" && !provider_http2 && kind == "streamed" {
                        let length = answer.header("content-length");
                        assert_eq!(length.as_deref(), Some("12345"), "as GET would say: {what}");
                    }
                    let answer = caller.call("GET", "/200", &[], b"", None).await;
                    assert_eq!(answer.text(), "body", "after {method} {path}: {what}");
                }
            }
            let connections = gateway.metrics().await.count("tollgate_connections_total", &[]);
            assert_eq!(connections, 2, "each caller kept its connection: {kind}");
        }
        // A connection may come back to the pool a moment after the caller has its answer.
        let opened = provider.connections();
        assert!(opened <= 8, "so did the gateway, for 64 requests: {opened}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_of_http_1_0_gets_an_answer_it_can_read() {
    let provider = Provider::http1(|_| Reply::new(200, "some body").in_chunks(4)).await;
    let gateway = Recipe::to(&provider).start();
    for connection in ["", "Connection: keep-alive\r\n"] {
        let mut caller = gateway.http1().await;
        let head = "POST /x HTTP/1.0\r\nHost: pay.example\r\nContent-Length: 2\r\n";
        caller.send(format!("{head}{connection}\r\n{{}}")).await;
        let text = String::from_utf8(caller.rest().await).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        assert!(head.split(' ').nth(1) == Some("200"), "it is answered: {head}");
        assert!(!head.to_lowercase().contains("transfer-encoding"), "it knows no chunks: {head}");
        assert_eq!(body, "some body", "the end of the connection is the end of the body");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_ends_with_its_connection_gets_a_framing_of_its_own() {
    let authority = Authority::new();
    let provider = Provider::raw(|mut peer: Peer| async move {
        peer.request().await;
        peer.write("HTTP/1.1 200 OK\r\nX-A: b\r\n\r\nuntil the").await;
        peer.write(" end").await;
    })
    .await;
    let gateway = Recipe::to(&provider).tls(&authority).start();
    for http2 in [false, true] {
        let mut caller = gateway.caller(http2, &authority).await;
        for _ in 0..2 {
            let answer = caller.call("GET", "/", &[], b"", None).await;
            assert_eq!(answer.text(), "until the end", "http2={http2}: {answer:?}");
        }
    }
    let connections =
        gateway.metrics().await.count("tollgate_connections_total", &[("listener", "tls")]);
    assert_eq!(connections, 2, "the callers' connections go on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_whose_end_is_in_doubt_is_not_passed_on_as_whole() {
    let authority = Authority::new();
    for (name, answer) in [
        ("two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde"),
        ("a bad length", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nabcde"),
        ("a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabcde"),
        ("a length that is cut short", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabcde"),
        (
            "chunks that are cut short",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n",
        ),
        (
            "a chunk that is none",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\nzz\r\n",
        ),
        ("a coding that is not known", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabcde"),
    ] {
        let provider = Provider::raw(move |mut peer: Peer| async move {
            peer.request().await;
            peer.write(answer).await;
        })
        .await;
        let gateway = Recipe::to(&provider).tls(&authority).start();
        let mut caller = gateway.http1_tls(&authority).await;
        caller.send("POST /x HTTP/1.1\r\nHost: pay.example\r\nContent-Length: 1\r\n\r\n1").await;
        match caller.try_answer("POST").await {
            Ok(answer) => {
                assert_eq!(
                    answer.status, 502,
                    "{name}, HTTP/1.1: refused, or left incomplete: {answer:?}"
                );
            }
            Err(cut) => assert!(cut.contains("ended in the middle"), "{name}, HTTP/1.1: {cut}"),
        }
        let mut caller = gateway.http2(&authority).await;
        let (response, mut stream) = caller.begin(http2::request("POST", "/x", &[]), false).await;
        stream.send_data("1".into(), true).unwrap();
        if let Ok(answer) = within("an end", http2::read(response)).await {
            assert_eq!(answer.status, 502, "{name}, HTTP/2: refused, or reset: {answer:?}");
        }
        assert_eq!(provider.requests().len(), 2, "{name}: each request was sent once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_framings_at_once_are_read_one_way_or_not_at_all() {
    let provider = Provider::raw(|mut peer: Peer| async move {
        while peer.request().await.is_some() {
            let head = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n";
            peer.write(format!("{head}4\r\nwhol\r\n1\r\ne\r\n0\r\n\r\n")).await;
        }
    })
    .await;
    let gateway = Recipe::to(&provider).start();
    let mut caller = gateway.http1().await;
    let answer = caller.call("GET", "/", &[], b"", None).await;
    if answer.status == 200 {
        assert_eq!(answer.text(), "whole", "the chunks count (RFC 9112 section 6.3): {answer:?}");
        assert_eq!(
            answer.header("content-length"),
            None,
            "the length is not passed on: {answer:?}"
        );
    } else {
        assert_eq!(answer.status, 502, "or it is refused: {answer:?}");
    }
    let answer = gateway.http1().await.call("GET", "/", &[], b"", None).await;
    assert!(matches!(answer.status, 200 | 502), "no rest is taken for an answer: {answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_come_before_their_turn_are_answered_in_their_order() {
    let provider = Provider::http1(|request| Reply::new(200, request.target.clone())).await;
    let gateway = Recipe::to(&provider).start();
    let mut caller = gateway.http1().await;
    let request = |number| {
        format!("POST /{number} HTTP/1.1\r\nHost: pay.example\r\nContent-Length: 4\r\n\r\nbody")
    };
    let requests: Vec<String> = (1..=5).map(request).collect();
    caller.send(requests.concat()).await;
    for number in 1..=5 {
        let answer = caller.answer("POST").await;
        assert_eq!(answer.text(), format!("/{number}"), "each its own: {answer:?}");
    }
    let bodies = provider.requests().into_iter().map(|request| request.body);
    assert!(bodies.eq(std::iter::repeat_n(b"body".to_vec(), 5)), "each with its own body");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_that_come_before_their_turn_are_answered_or_the_connection_says_that_it_closes()
{
    let provider = Provider::http1(|request| Reply::new(200, request.target.clone())).await;
    let gateway = Recipe::to(&provider).start();
    let mut caller = gateway.http1().await;
    caller.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let answer = caller.answer("GET").await;
    assert_eq!(answer.text(), "/1", "the first is answered: {answer:?}");
    if answer.header("connection").as_deref() == Some("close") {
        assert!(caller.closed().await, "the second may be sent again elsewhere");
        assert_eq!(provider.requests().len(), 1, "for it was not served");
    } else {
        assert_eq!(caller.answer("GET").await.text(), "/2", "the second is answered");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_wants_the_connection_closed_has_it_closed() {
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let gateway = Recipe::to(&provider).start();
    let mut caller = gateway.http1().await;
    let answer = caller.call("GET", "/", &[("Connection", "close")], b"", None).await;
    assert_eq!(answer.header("connection").as_deref(), Some("close"), "it is told so: {answer:?}");
    assert!(caller.closed().await, "and it is closed");
}
