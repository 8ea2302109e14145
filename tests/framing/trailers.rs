//! Trailer fields.

use crate::support::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trailers_of_an_answer_pass_between_http2_sides_and_no_other() {
    let authority = Authority::new();
    let reply = |_: &Received| {
        Reply::new(200, "body")
            .in_chunks(2)
            .with_trailer("x-sum", "1")
            .with_trailer("content-length", "9999")
            .with_trailer("tollgate-error", "token_expired")
            .with_trailer("host", "evil.example")
    };
    let provider = Provider::http2(reply).await;
    let gateway = Recipe::to(&provider).tls(&authority).upstream("protocol: http2").start();
    let mut caller = gateway.http2(&authority).await;
    let answer = caller.call("POST", "/", &[], b"1", None).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "body"), "{answer:?}");
    let names: Vec<&str> = answer.trailers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["x-sum"], "what frames, routes or is the gateway's does not pass");
    let mut caller = gateway.http1().await;
    for _ in 0..2 {
        let answer = caller.call("POST", "/", &[], b"1", None).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "body"), "{answer:?}");
        assert!(answer.trailers.is_empty(), "dropped towards HTTP/1.1: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trailers_of_a_request_smuggle_nothing() {
    let authority = Authority::new();
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let gateway = Recipe::to(&provider).tls(&authority).start();
    let mut caller = gateway.http1().await;
    let head = "POST /x HTTP/1.1\r\nHost: pay.example\r\nTransfer-Encoding: chunked\r\n\r\n";
    let trailers = "Content-Length: 50\r\nAuthorization: Bearer x\r\nX-Sum: 1\r\n\r\n";
    caller.send(format!("{head}4\r\nbody\r\n0\r\n{trailers}")).await;
    let answer = caller.answer("POST").await;
    if answer.status == 200 {
        let request = provider.only_request();
        assert_eq!(request.body, b"body", "the body is what it was: {request:?}");
        assert!(request.trailers.is_empty(), "trailers are dropped: {request:?}");
        assert_eq!(request.header("authorization"), None, "they become no fields: {request:?}");
    } else {
        assert_eq!(answer.status, 400, "or the request is refused: {answer:?}");
        assert!(provider.requests().iter().all(|request| !request.complete), "and not passed on");
    }
    let mut caller = gateway.http2(&authority).await;
    let (response, mut stream) = caller.begin(http2::request("POST", "/y", &[]), false).await;
    stream.send_data("body".into(), false).unwrap();
    let mut trailers = http::HeaderMap::new();
    trailers.insert("x-sum", "1".parse().unwrap());
    stream.send_trailers(trailers).unwrap();
    let answer = within("an answer", http2::read(response)).await.unwrap();
    assert_eq!(answer.status, 200, "over HTTP/2: {answer:?}");
    let request = provider.requests().pop().unwrap();
    assert_eq!((request.target.as_str(), request.body.as_slice()), ("/y", &b"body"[..]), "whole");
}
