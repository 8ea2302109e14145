//! What is believed of a request's head: its host, its path, what it says of others, its ids.

use serde_json::Value;

use crate::support::*;

/// Whether the gateway refuses this head, and with which code.
async fn refusal(gateway: &Gateway, head: &str) -> Option<String> {
    let mut caller = gateway.http1().await;
    caller.send(head).await;
    let answer = caller.answer("GET").await;
    assert!(answer.fault().is_none() || answer.status == 400, "{head:?}: {answer:?}");
    answer.fault()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_names_exactly_one_host() {
    let authority = Authority::new();
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let gateway = Recipe::to(&provider).tls(&authority).start();
    for head in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: user@a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n\r\n",
        "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n",
        "GET http://a/ HTTP/1.1\r\n\r\n",
    ] {
        let code = refusal(&gateway, head).await;
        let refused = matches!(code.as_deref(), Some("invalid_host" | "malformed_request"));
        assert!(refused, "{head:?} is refused: {code:?}");
    }
    let code = refusal(&gateway, "GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(code, None, "an absolute target that agrees is fine");
    let mut caller = gateway.http2(&authority).await;
    let answer = caller.call("GET", "/", &[("host", "other.example")], b"", None).await;
    assert_eq!(answer.status, 400, "HTTP/2: two that differ: {answer:?}");
    let hosts: Vec<_> = provider.requests().iter().map(|request| request.header("host")).collect();
    assert_eq!(hosts, [Some(provider.address.to_string())], "the provider is sent its own name");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_provider_is_sent_one_host_the_configured_one() {
    let authority = Authority::new();
    for provider_http2 in [false, true] {
        let ok = |_: &Received| Reply::new(200, "ok");
        let (provider, protocol) = if provider_http2 {
            (Provider::http2(ok).await, "protocol: http2")
        } else {
            (Provider::http1(ok).await, "protocol: http1")
        };
        for (setting, expected) in [
            ("host_header: endpoint", provider.address.to_string()),
            ("host_header: caller", "pay.example".to_owned()),
            ("host_header: { name: api.acquirer.example }", "api.acquirer.example".to_owned()),
        ] {
            let recipe = Recipe::to(&provider).tls(&authority).upstream(protocol);
            let gateway = recipe.upstream(setting).start();
            for http2 in [false, true] {
                let mut caller = gateway.caller(http2, &authority).await;
                assert_eq!(caller.call("GET", "/", &[], b"", None).await.status, 200, "served");
                let request = provider.requests().pop().unwrap();
                let what = format!("`{setting}`, http2={http2}, provider http2={provider_http2}");
                let name = if provider_http2 { ":authority" } else { "host" };
                assert_eq!(request.header(name), Some(expected.clone()), "{what}: {request:?}");
                if provider_http2 {
                    let host = request.header("host");
                    assert!(host.is_none_or(|host| host == expected), "{what}: no other one");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_that_could_be_read_in_two_ways_is_refused() {
    let authority = Authority::new();
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let gateway = Recipe::to(&provider).tls(&authority).start();
    let mut http2 = gateway.http2(&authority).await;
    for path in [
        "/a/../b",
        "/a/./b",
        "/..",
        "/a/%2e%2e/b",
        "/a/%2E./b",
        "/a/%252e%252e/b",
        "/a//b",
        "//a",
        "/a%2fb",
        "/a%2Fb",
        "/a%5cb",
        "/a%00b",
        "/a%0ab",
        "/a;x=1/b",
        "/a%3bx",
        "/a%zz",
        "/a%",
        "/%c0%ae%c0%ae/b",
    ] {
        let code = refusal(&gateway, &format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        assert_eq!(code.as_deref(), Some("ambiguous_path"), "{path} over HTTP/1.1");
        let answer = http2.call("GET", path, &[], b"", None).await;
        assert_eq!(answer.status, 400, "{path} over HTTP/2: {}", answer.text());
    }
    for path in ["/a\\b", "/a#b", "*", "a"] {
        let mut caller = gateway.http1().await;
        caller.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        assert_eq!(caller.answer("GET").await.status, 400, "{path} is refused");
    }
    assert_eq!(provider.requests().len(), 0, "the provider is not asked");
    for (path, forwarded) in
        [("/%70ay%2d1?q=%2e", "/pay-1?q=%2e"), ("/a%c3%a9", "/a%C3%A9"), ("/a/", "/a/")]
    {
        refusal(&gateway, &format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        let request = provider.requests().pop().unwrap();
        assert_eq!(request.target, forwarded, "{path} is forwarded in the form that was matched");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_stranger_says_of_addresses_is_replaced() {
    let authority = Authority::new();
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let gateway = Recipe::to(&provider).tls(&authority).assemble(|_| {});
    let lies = [
        ("X-Forwarded-For", "6.6.6.6"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Port", "1"),
        ("X-Forwarded-User", "admin"),
        ("X-Real-IP", "6.6.6.6"),
        ("Forwarded", "for=6.6.6.6;host=evil.example;proto=https"),
        ("Tollgate-Client", "admin"),
    ];
    for (http2, tls) in [(false, false), (false, true), (true, true)] {
        let mut caller = match (http2, tls) {
            (false, false) => Caller::Http1(Box::new(gateway.http1().await)),
            _ => gateway.caller(http2, &authority).await,
        };
        let answer = caller.call("GET", "/", &lies, b"", None).await;
        assert_eq!(answer.status, 200, "served: {}", answer.text());
        let request = provider.requests().pop().unwrap();
        let scheme = if tls { "https" } else { "http" };
        for (name, expected) in [
            ("x-forwarded-for", Some("127.0.0.1".to_owned())),
            ("x-forwarded-proto", Some(scheme.to_owned())),
            ("x-forwarded-host", Some("pay.example".to_owned())),
            ("forwarded", Some(format!("for=127.0.0.1;host=\"pay.example\";proto={scheme}"))),
            ("x-forwarded-port", None),
            ("x-forwarded-user", None),
            ("x-real-ip", None),
            ("tollgate-client", None),
        ] {
            assert_eq!(request.header(name), expected, "`{name}`, http2={http2}: {request:?}");
        }
        assert!(!format!("{request:?}").contains("6.6.6.6"), "nothing of the lie: {request:?}");
    }
    let records = gateway.records().all();
    assert!(records.iter().all(|record| record["client"] == "127.0.0.1"), "{records:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trusted_proxy_is_believed_in_the_one_header_it_is_trusted_in() {
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let fields = |value: &'static str, other: &'static str| {
        move |name: &str| {
            if name == "x_forwarded_for" {
                [("X-Forwarded-For", value), ("Forwarded", other)]
            } else {
                [("Forwarded", value), ("X-Forwarded-For", other)]
            }
        }
    };
    for (setting, value, other) in [
        ("x_forwarded_for", "6.6.6.6, 192.0.2.7", "for=9.9.9.9"),
        ("forwarded", "for=6.6.6.6, for=\"192.0.2.7:4711\"", "9.9.9.9"),
    ] {
        let gateway = Recipe::to(&provider)
            .listener("trusted_proxies: [127.0.0.0/8]")
            .listener(&format!("forwarded_by: {setting}"))
            .assemble(|_| {});
        let fields = fields(value, other)(setting);
        let answer = gateway.http1().await.call("GET", "/", &fields, b"", None).await;
        assert_eq!(answer.status, 200, "served: {}", answer.text());
        let request = provider.requests().pop().unwrap();
        let named = request.header("x-forwarded-for");
        assert_eq!(
            named.as_deref(),
            Some("192.0.2.7"),
            "{setting}: whom the proxy saw: {request:?}"
        );
        let record = gateway.record("it is recorded", |_| true).await;
        assert_eq!(record["client"], "192.0.2.7", "{setting}: {record}");
        assert_eq!(record["peer"], "127.0.0.1", "{setting}: {record}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_exchange_has_an_id_and_a_place_in_a_trace() {
    let provider = Provider::http1(|_| Reply::new(200, "ok").with("X-Request-Id", "theirs")).await;
    let gateway = Recipe::to(&provider).assemble(|_| {});
    let mut caller = gateway.http1().await;
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };

    let answer = caller.call("GET", "/none", &[], b"", None).await;
    let request = provider.requests().pop().unwrap();
    let id = answer.header("x-request-id").unwrap();
    assert!(hex(&id, 32), "one of ours is made: {id}");
    assert_eq!(request.header("x-request-id"), Some(id.clone()), "the provider is told the same");
    let record = gateway.record("recorded", |record| record["path"] == "/none").await;
    assert_eq!(record["id"], Value::from(id), "and the log: {record}");
    let trace = request.header("traceparent").unwrap();
    assert!(trace.starts_with("00-") && trace.len() == 55, "a trace is begun: {trace}");

    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let fields = [("X-Request-Id", "mine-1"), ("traceparent", parent), ("tracestate", "a=b")];
    let answer = caller.call("GET", "/mine", &fields, b"", None).await;
    let request = provider.requests().pop().unwrap();
    assert_eq!(answer.header("x-request-id").as_deref(), Some("mine-1"), "the caller's is kept");
    assert_eq!(request.header("x-request-id").as_deref(), Some("mine-1"), "towards both");
    let record = gateway.record("recorded", |record| record["path"] == "/mine").await;
    assert_eq!(record["caller_id"], "mine-1", "the log has it: {record}");
    assert_eq!(record["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736", "and the trace: {record}");
    let trace = request.header("traceparent").unwrap();
    assert!(trace.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"), "continued: {trace}");
    assert!(!trace.contains("00f067aa0ba902b7"), "with a span of ours: {trace}");
    assert_eq!(request.header("tracestate").as_deref(), Some("a=b"), "and its state");

    let long = "x".repeat(65);
    for (bad_id, bad_trace) in [
        ("with space", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x"),
        (long.as_str(), "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("{\"a\":1}", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"),
    ] {
        let fields = [("X-Request-Id", bad_id), ("traceparent", bad_trace), ("tracestate", "a=b")];
        let answer = caller.call("GET", "/bad", &fields, b"", None).await;
        let request = provider.requests().pop().unwrap();
        let id = answer.header("x-request-id").unwrap();
        assert!(hex(&id, 32), "`{bad_id}` is replaced: {id}");
        assert_eq!(request.header("x-request-id"), Some(id), "towards both");
        let trace = request.header("traceparent").unwrap();
        assert!(
            !trace.contains("4bf92f3577b34da6") && trace.len() == 55,
            "`{bad_trace}` is replaced: {trace}"
        );
        assert_eq!(request.header("tracestate"), None, "and its state is dropped");
    }
}
