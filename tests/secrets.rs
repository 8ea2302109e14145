//! What must not be told is told nowhere, whatever the log filter says.

use std::sync::Arc;

use rustix::process::Signal;
use serde_json::json;

use crate::support::*;

/// A token, a card number, a password, a body: as a caller or a provider would send them.
const SECRETS: [&str; 6] = [
    "eyJhbGciOiJSUzI1NiJ9.c2VjcmV0LWNsYWltcw.c2lnbmF0dXJl",
    "4111111111111111",
    "5500005555555559",
    "hunter2-hunter2",
    "one-time-session-77",
    "iban-DE02120300000000202051",
];

/// Heads of requests that are malformed in different places, with secrets around them.
fn requests() -> Vec<String> {
    let [token, card, other, password, session, iban] = SECRETS;
    let fields = format!(
        "Host: pay.example\r\nAuthorization: Bearer {token}\r\nCookie: session={session}\r\nX-Card: {card}\r\n"
    );
    let body = format!("{{\"card\":\"{other}\",\"password\":\"{password}\",\"iban\":\"{iban}\"}}");
    let length = body.len();
    vec![
        format!(
            "POST /{card} HTTP/1.1\r\n{fields}Content-Length: 5\r\nContent-Length: 6\r\n\r\n{body}"
        ),
        format!(
            "POST /{card}?p={password} HTTP/1.1\r\n{fields}Content-Length: {length}x\r\n\r\n{body}"
        ),
        format!("POST /x?token={token} HTTP/9.9\r\n{fields}\r\n{body}"),
        format!("{token} {card} {password}\r\n{fields}\r\n{body}"),
        format!("POST /x HTTP/1.1\r\n{fields}Transfer-Encoding: chunked\r\n\r\n{token}\r\n{body}"),
        format!("POST /x HTTP/1.1\r\n{fields}Transfer-Encoding: {password}\r\n\r\n{body}"),
        format!("POST /x HTTP/1.1\r\n{fields}{token}\r\n\r\n{body}"),
        format!("POST /x HTTP/1.1\r\n{fields}X-{password}\u{1}: {card}\r\n\r\n{body}"),
        format!("GET /{card}/../{password} HTTP/1.1\r\n{fields}\r\n"),
        format!("GET /x HTTP/1.1\r\n{fields}Connection: {password}\u{7f}, host\r\n\r\n"),
        format!("GET /x HTTP/1.1\r\nHost: {password}@pay.example\r\nX-Card: {card}\r\n\r\n"),
        format!("CONNECT {password}:443 HTTP/1.1\r\n{fields}\r\n"),
        format!("GET /x HTTP/1.1\r\n{fields}Upgrade: {password}\r\n\r\n"),
        format!(
            "POST /x HTTP/1.1\r\n{fields}Expect: {password}\r\nContent-Length: {length}\r\n\r\n{body}"
        ),
        // Good ones, which pass: their values are nobody's business either.
        format!("POST /x?p={password} HTTP/1.1\r\n{fields}Content-Length: {length}\r\n\r\n{body}"),
        format!("POST /bad HTTP/1.1\r\n{fields}Content-Length: {length}\r\n\r\n{body}"),
        format!("POST /part HTTP/1.1\r\n{fields}Content-Length: 5000\r\n\r\n{body}"),
    ]
}

/// Answers that are malformed in different places, with secrets around them, one after the other.
async fn careless_provider(tls: Option<Arc<rustls::ServerConfig>>) -> Provider {
    let [token, card, other, password, session, iban] = SECRETS;
    let fields = format!("Set-Cookie: session={session}\r\nX-Token: {token}\r\nX-Card: {card}\r\n");
    let body = format!("{{\"card\":\"{other}\",\"password\":\"{password}\",\"iban\":\"{iban}\"}}");
    let answers = [
        format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: {}\r\n\r\n{body}", body.len()),
        format!("HTTP/1.1 {password} OK\r\n{fields}\r\n{body}"),
        format!("{token} {card}\r\n{fields}\r\n{body}"),
        format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: {password}\r\n\r\n{body}"),
        format!("HTTP/1.1 200 OK\r\n{fields}{password}\r\n\r\n{body}"),
        format!("HTTP/1.1 200 OK\r\n{fields}Transfer-Encoding: chunked\r\n\r\n{token}\r\n{body}"),
        format!("HTTP/1.1 200 OK\r\n{fields}Transfer-Encoding: {password}\r\n\r\n{body}"),
        format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 5000\r\n\r\n{body}"),
        format!("HTTP/1.1 101 {password}\r\n{fields}Upgrade: {token}\r\n\r\n{body}"),
        format!("HTTP/1.1 200 OK\r\n{fields}X-{password}\u{1}: {card}\r\n\r\n{body}"),
        // Cut short in the middle of the head.
        format!("HTTP/1.1 200 OK\r\n{fields}X-More: {password}"),
    ];
    let next = std::sync::atomic::AtomicUsize::new(0);
    Provider::scripted(tls, move |mut peer: Peer| {
        let at = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let answer = answers[at % answers.len()].clone();
        async move {
            if peer.request().await.is_some() {
                peer.write(answer).await;
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_of_a_caller_or_provider_reaches_any_sink_even_at_trace() {
    let (authority, issuer) = (Authority::new(), Issuer::new("k1"));
    for provider_tls in [false, true] {
        let tls = provider_tls.then(|| authority.server(&["http/1.1"], false));
        let provider = careless_provider(tls).await;
        let yaml = format!(
            r#"
listeners:
  plain: {{ address: 127.0.0.1:0, limits: {{ header_timeout: 1s }} }}
  tls:
    address: 127.0.0.1:0
    tls: {{ certificates: [{{ chain: tls/gateway.pem, key: {{ file: tls/gateway.key }} }}] }}
routes:
  open:
    unauthenticated: true
    match: {{ path_prefix: / }}
    limits: {{ body_timeout: 300ms }}
    send_to: [{{ upstream: provider }}]
  known:
    match: {{ path_prefix: /known }}
    plugins: [{{ {plugin} }}]
    send_to:
      - {{ when: 'body.card == "none"', upstream: provider }}
      - {{ upstream: provider }}
upstreams:
  provider:
    endpoints: [{url}]
    tls: {{ trust: ca.pem }}
    timeouts: {{ first_byte: 1s, progress: 300ms }}
"#,
            plugin = Issuer::plugin(),
            url = provider.url(),
        );
        let mut program = Recipe::new(yaml)
            .tls(&authority)
            .file("jwks.json", issuer.jwks())
            .run_with(&[("TOLLGATE_LOG", "trace")])
            .await;
        let mut answered = 0;
        for tls in [false, true] {
            for request in requests() {
                let mut caller = if tls {
                    Http1::connect_tls(program.address("tls"), &authority).await
                } else {
                    program.http1().await
                };
                caller.try_send(request).await;
                answered += usize::from(caller.try_answer("POST").await.is_ok());
            }
        }
        assert!(answered > 20, "most are answered, if only with a refusal: {answered}");
        let [token, card, other, password, session, iban] = SECRETS;
        let good = issuer.token(&json!({ "password": password }));
        let bearers = [token.to_owned(), good.clone()].map(|token| format!("Bearer {token}"));
        for bearer in &bearers {
            let fields = [
                ("authorization", bearer.as_str()),
                ("cookie", session),
                ("x-card", card),
                ("x-request-id", password),
            ];
            let path = format!("/known/{other}?iban={iban}");
            let body = format!("{{\"card\":\"{other}\",\"card\":\"{password}\"}}");
            let mut caller = program.http2(&authority).await;
            caller.call("POST", &path, &fields[..3], body.as_bytes(), None).await;
            let body = format!("{{\"card\":\"{other}\",\"iban\":\"{iban}\"}}");
            caller.call("POST", &path, &fields[..3], body.as_bytes(), Some(4)).await;
            // What a library refuses before anyone sees a request.
            let mut refused = program.http2(&authority).await;
            let (response, _) = refused
                .begin(http2::request("GET", "/x", &[("host", password), ("x-card", card)]), true)
                .await;
            let _ = within("an end", http2::read(response)).await;
        }
        let metrics = program.metrics().await;
        let requests = metrics.count("tollgate_requests_total", &[]);
        assert!(requests > 20, "the sinks have something to say: {requests}");
        program.signal(Signal::HUP);
        program.signal(Signal::TERM);
        assert!(program.ended().await.success(), "the program ends well");

        let signature = good.rsplit('.').next().unwrap();
        let secrets: Vec<&str> = SECRETS.into_iter().chain([signature]).collect();
        for (sink, text) in [
            ("the access log", program.records().text()),
            ("standard error", program.talk()),
            ("the audit log", program.folder.read("audit.jsonl")),
            ("the metrics", metrics.0),
        ] {
            assert!(text.len() > 100, "{sink} says something: {text}");
            for secret in &secrets {
                let found = text.lines().find(|line| line.contains(secret));
                assert_eq!(found, None, "{sink} tells `{secret}`");
            }
        }
        let talk = program.talk();
        assert!(
            talk.contains("TRACE") || talk.contains("DEBUG") || talk.contains("INFO"),
            "{talk}"
        );
    }
}
