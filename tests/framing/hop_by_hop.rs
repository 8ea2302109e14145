//! Hop-by-hop fields and what they ask for.

use crate::support::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_of_the_callers_connection_do_not_reach_the_provider() {
    for http2 in [false, true] {
        let ok = |_: &Received| Reply::new(200, "ok");
        let provider = if http2 { Provider::http2(ok).await } else { Provider::http1(ok).await };
        let protocol = if http2 { "protocol: http2" } else { "protocol: http1" };
        let gateway = Recipe::to(&provider).upstream(protocol).start();
        let fields = [
            ("Connection", "keep-alive, X-Hop"),
            ("X-Hop", "1"),
            ("Keep-Alive", "timeout=5"),
            ("TE", "trailers"),
            ("Trailer", "X-Sum"),
            ("Proxy-Authorization", "Basic c2VjcmV0"),
            ("Proxy-Connection", "keep-alive"),
            ("X-End", "2"),
            ("X-End", "3"),
        ];
        let answer = gateway.http1().await.call("POST", "/", &fields, b"x", None).await;
        assert_eq!(answer.status, 200, "the request is fine: {}", answer.text());
        let request = provider.only_request();
        for name in ["x-hop", "keep-alive", "te", "trailer", "proxy-authorization"] {
            assert_eq!(request.header(name), None, "`{name}` ends here: {request:?}");
        }
        assert_eq!(request.header("proxy-connection"), None, "so does that: {request:?}");
        let connection = request.header("connection").unwrap_or_default();
        assert!(!connection.to_lowercase().contains("x-hop"), "no nomination: {connection}");
        assert_eq!(request.header("x-end").as_deref(), Some("2, 3"), "the rest arrives, in order");
        assert_eq!(request.header("via").as_deref(), Some("1.1 tollgate"), "and who passed it on");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_cannot_have_fields_removed_that_a_check_or_the_framing_needs() {
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let gateway = Recipe::to(&provider).start();
    let names = ["Host", "Authorization", "Content-Length", "X-Forwarded-For", "Idempotency-Key"];
    for name in names.into_iter().chain(["Forwarded", "Content-Type", "Signature", "a b", ":path"])
    {
        let fields = [("Connection", name), ("Authorization", "Bearer x")];
        let answer = gateway.http1().await.call("POST", "/", &fields, b"x", None).await;
        assert_eq!(answer.status, 400, "nominating `{name}` is refused: {}", answer.text());
        assert_eq!(answer.fault().as_deref(), Some("invalid_connection_header"), "for that reason");
    }
    let many: Vec<String> = (0..50).map(|number| format!("x-{number}")).collect();
    let fields = [("Connection", many.join(",").leak() as &str)];
    let answer = gateway.http1().await.call("GET", "/", &fields, b"", None).await;
    assert_eq!(answer.fault().as_deref(), Some("invalid_connection_header"), "nor too many");
    assert_eq!(provider.requests().len(), 0, "the provider is not asked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_of_the_providers_connection_do_not_reach_the_caller() {
    let authority = Authority::new();
    let provider = Provider::http1(|_| {
        Reply::new(200, "ok")
            .with("Connection", "X-Hop")
            .with("X-Hop", "1")
            .with("Keep-Alive", "timeout=5")
            .with("Proxy-Authenticate", "Basic")
            .with("Trailer", "X-Sum")
            .with("Upgrade", "h2c")
            .with("Tollgate-Error", "token_expired")
            .with("Tollgate-Anything", "x")
            .with("X-End", "2")
            .with("X-End", "3")
    })
    .await;
    let gateway = Recipe::to(&provider).tls(&authority).start();
    for http2 in [false, true] {
        let mut caller = gateway.caller(http2, &authority).await;
        let answer = caller.call("GET", "/", &[], b"", None).await;
        assert_eq!(answer.status, 200, "http2={http2}: {}", answer.text());
        for name in ["x-hop", "keep-alive", "proxy-authenticate", "trailer", "upgrade"] {
            assert_eq!(answer.header(name), None, "`{name}` ends here: {answer:?}");
        }
        assert_eq!(answer.fault(), None, "a provider cannot pretend to be the gateway: {answer:?}");
        assert_eq!(answer.header("tollgate-anything"), None, "in no way: {answer:?}");
        assert_eq!(answer.header("x-end").as_deref(), Some("2, 3"), "the rest arrives, in order");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connect_is_refused() {
    let authority = Authority::new();
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let gateway = Recipe::to(&provider).tls(&authority).start();
    let mut caller = gateway.http1().await;
    caller.send("CONNECT pay.example:443 HTTP/1.1\r\nHost: pay.example:443\r\n\r\n").await;
    let answer = caller.answer("CONNECT").await;
    assert_eq!(answer.status, 405, "over HTTP/1.1: {}", answer.text());
    assert_eq!(answer.fault().as_deref(), Some("connect_refused"), "for that reason");
    let mut caller = gateway.http2(&authority).await;
    let request = http::Request::connect("pay.example:443").body(()).unwrap();
    let (response, _stream) = caller.begin(request, false).await;
    if let Ok(response) = within("an answer or a reset", response).await {
        assert!(response.status().is_client_error(), "over HTTP/2: {response:?}");
    }
    assert_eq!(provider.connections(), 0, "the provider hears nothing of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn upgrades_are_refused() {
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let gateway = Recipe::to(&provider).start();
    for protocol in ["websocket", "h2c"] {
        let fields = [
            ("Connection", "Upgrade"),
            ("Upgrade", protocol),
            ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
        ];
        let answer = gateway.http1().await.call("GET", "/", &fields, b"", None).await;
        assert_eq!(answer.status, 400, "`{protocol}` is refused: {}", answer.text());
        assert_eq!(answer.fault().as_deref(), Some("upgrade_refused"), "for that reason");
    }
    assert_eq!(provider.requests().len(), 0, "the provider is not asked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switch_of_protocols_that_nobody_asked_for_is_not_an_answer() {
    let authority = Authority::new();
    let provider = Provider::raw(|mut peer: Peer| async move {
        peer.request().await;
        peer.write(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nmine",
        )
        .await;
        peer.silence().await;
    })
    .await;
    let gateway = Recipe::to(&provider).tls(&authority).start();
    for http2 in [false, true] {
        let mut caller = gateway.caller(http2, &authority).await;
        let answer = caller.call("POST", "/", &[], b"x", None).await;
        assert_eq!(answer.status, 502, "http2={http2}: {}", answer.text());
        assert!(answer.fault().is_some(), "the gateway says so: {answer:?}");
        assert!(!answer.text().contains("mine"), "nothing of it arrives: {}", answer.text());
    }
}
