use std::{net::SocketAddr, time::Duration};

use rcgen::date_time_ymd;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
};

use super::support::{
    self, Bench, Ca, Server, exchange, exchange_at, pick, server_tls, spec, specs, within,
};
use crate::upstream::{
    ConnectError, EndpointSpec, Evidence, Failure, FailureKind, PickError, Reuse, TlsFailure,
    TlsSpec, Upstream, UpstreamSpec,
};

async fn refusal(upstream: &Upstream) -> ConnectError {
    within(upstream.connect(&mut pick(upstream).await, Reuse::Any)).await.err().expect("refused")
}

fn trusting(ca: &Ca, server: &Server) -> UpstreamSpec {
    let mut spec = spec(true, server.address);
    spec.tls.trust = Some(ca.trust());
    spec
}

/// An address where connecting hangs: its queue of waiting connections is full.
async fn blackhole() -> (SocketAddr, Vec<TcpStream>, TcpListener) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) =
        tokio::time::timeout(Duration::from_millis(500), TcpStream::connect(address)).await
    {
        waiting.push(stream.unwrap());
    }
    (address, waiting, listener)
}

#[tokio::test]
async fn a_trusted_server_is_reached_over_tls_by_ip_address_and_by_name() {
    let ca = Ca::new("ours");
    let server = Server::start(Some(server_tls(&ca.leaf("127.0.0.1"), None, &[]))).await;
    let upstream = Bench::new().upstream(trusting(&ca, &server));
    assert_eq!(
        exchange(&upstream, Reuse::Any).await,
        "1 -",
        "the IP address is in the certificate"
    );

    let server = Server::start(Some(server_tls(&ca.leaf("pay.example"), None, &[]))).await;
    let mut named = trusting(&ca, &server);
    named.tls.server_name = Some("pay.example".to_owned());
    let upstream = Bench::new().upstream(named);
    assert_eq!(exchange(&upstream, Reuse::Any).await, "1 -", "the configured name is");
}

#[tokio::test]
async fn an_untrusted_a_wrong_and_an_expired_certificate_are_refused() {
    let (ours, theirs) = (Ca::new("ours"), Ca::new("theirs"));
    let expired = ours.leaf_with("127.0.0.1", |params| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    });
    let future = ours.leaf_with("127.0.0.1", |params| {
        params.not_before = date_time_ymd(2090, 1, 1);
        params.not_after = date_time_ymd(2091, 1, 1);
    });
    let table = [
        (theirs.leaf("127.0.0.1"), TlsFailure::UntrustedIssuer),
        (ours.leaf("127.0.0.2"), TlsFailure::WrongName),
        (ours.leaf("localhost"), TlsFailure::WrongName),
        (expired, TlsFailure::NotValidNow),
        (future, TlsFailure::NotValidNow),
    ];
    for (pair, expected) in table {
        let server = Server::start(Some(server_tls(&pair, None, &[]))).await;
        let upstream = Bench::new().upstream(trusting(&ours, &server));
        assert_eq!(refusal(&upstream).await, ConnectError::Tls(expected), "{expected:?}");
        assert_eq!(
            upstream.status()[0].last_error,
            Some(ConnectError::Tls(expected).as_str()),
            "seen"
        );
    }
}

#[tokio::test]
async fn without_a_bundle_the_systems_authorities_decide_and_do_not_know_ours() {
    let ca = Ca::new("ours");
    let server = Server::start(Some(server_tls(&ca.leaf("127.0.0.1"), None, &[]))).await;
    let mut spec = trusting(&ca, &server);
    spec.tls.trust = None;
    let bench = Bench::new();
    // A machine without authorities refuses the configuration, which is as good.
    if let Ok(upstream) = Upstream::new(spec, bench.clock.clone(), &bench.state) {
        let expected = ConnectError::Tls(TlsFailure::UntrustedIssuer);
        assert_eq!(refusal(&upstream).await, expected, "not trusted");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_not_spoken_to_in_the_clear() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut spec = spec(true, listener.local_addr().unwrap());
    spec.tls.trust = Some(Ca::new("ours").trust());
    let upstream = Bench::new().upstream(spec);
    let plain = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        let mut seen = Vec::new();
        stream.read_to_end(&mut seen).await.unwrap();
        seen
    };
    let (error, seen) = tokio::join!(refusal(&upstream), within(plain));
    assert!(matches!(error, ConnectError::Tls(TlsFailure::Broken(_))), "it breaks off: {error}");
    assert_eq!(seen.first(), Some(&0x16), "all it ever saw is a handshake");
}

#[tokio::test]
async fn nobody_listening_is_refused_with_the_system_error() {
    let address = Server::apart().await.stop().await;
    let upstream = Bench::new().upstream(spec(false, address));
    let error = refusal(&upstream).await;
    assert_eq!(error, ConnectError::Refused(Some(111)), "ECONNREFUSED");
    assert_eq!(error.to_string(), "connection refused (os error 111)", "what the log says");
}

#[tokio::test]
async fn a_silent_address_is_given_up_within_the_connect_timeout() {
    let (address, _waiting, _listener) = blackhole().await;
    let mut spec = spec(false, address);
    spec.timeouts.connect = Duration::from_millis(100);
    let upstream = Bench::new().upstream(spec);
    assert_eq!(refusal(&upstream).await, ConnectError::Timeout, "TCP hangs");
}

#[tokio::test]
async fn a_silent_handshake_is_given_up_within_the_connect_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut spec = spec(true, listener.local_addr().unwrap());
    spec.tls.trust = Some(Ca::new("ours").trust());
    spec.timeouts.connect = Duration::from_millis(100);
    let upstream = Bench::new().upstream(spec);
    assert_eq!(refusal(&upstream).await, ConnectError::Timeout, "TLS hangs");
    assert_eq!(upstream.open_connections(), 0, "what was given up is closed");
}

#[tokio::test]
async fn an_endpoint_that_refused_is_avoided_for_a_while() {
    let dead = Server::apart().await.stop().await;
    let alive = Server::start(None).await;
    let both = [dead, alive.address]
        .map(|address| EndpointSpec::new(false, address.ip().to_string(), address.port()));
    let bench = Bench::new();
    let upstream = bench.upstream(specs(&both));
    let mut picked = pick(&upstream).await;
    while picked.index() != 0 {
        picked = pick(&upstream).await;
    }
    let refused = upstream.connect(&mut picked, Reuse::Any).await.err();
    assert!(matches!(refused, Some(ConnectError::Refused(_))), "the dead one refuses");
    for _ in 0..6 {
        assert_eq!(pick(&upstream).await.index(), 1, "only the live one is chosen");
    }
    bench.clock.advance(Duration::from_secs(6));
    let chosen: Vec<_> = [pick(&upstream).await.index(), pick(&upstream).await.index()].into();
    assert!(chosen.contains(&0), "after a while it is given another chance: {chosen:?}");
}

#[tokio::test]
async fn the_cap_on_connections_holds_and_idle_ones_give_way() {
    let (first, second) = (Server::start(None).await, Server::start(None).await);
    let both = [first.address, second.address]
        .map(|address| EndpointSpec::new(false, address.ip().to_string(), address.port()));
    let mut spec = specs(&both);
    spec.connections = 1;
    let upstream = Bench::new().upstream(spec);
    exchange(&upstream, Reuse::Any).await;
    exchange(&upstream, Reuse::Any).await;
    assert_eq!((first.accepted(), second.accepted()), (1, 1), "the idle one gave way");
    let held = support::connect(&upstream, Reuse::Any).await;
    assert_eq!(refusal(&upstream).await, ConnectError::Overloaded, "a busy one does not");
    drop(held);
    assert_eq!(upstream.open_connections(), 0, "and its place is free again");
    exchange(&upstream, Reuse::Any).await;
}

#[tokio::test]
async fn bad_trust_and_identities_are_refused_before_anything_is_opened() {
    let ca = Ca::new("ours");
    assert!(crate::upstream::Trust::from_pem(b"").is_err(), "an empty bundle trusts nobody");
    assert!(crate::upstream::Trust::from_pem(b"nonsense").is_err(), "no PEM");
    let (one, other) = (ca.leaf("one"), ca.leaf("other"));
    let key = |pair: &support::Pair| tollgate_crypto::Secret::new(pair.key.clone().into_bytes());
    let identity = crate::upstream::ClientIdentity::from_pem(one.chain.as_bytes(), key(&other));
    let mut spec = spec(true, "127.0.0.1:1".parse().unwrap());
    spec.tls = TlsSpec { trust: Some(ca.trust()), identity: identity.ok(), server_name: None };
    let bench = Bench::new();
    let error = Upstream::new(spec, bench.clock.clone(), &bench.state).unwrap_err();
    assert!(error.contains("do not belong together"), "{error}");
    let nonsense = tollgate_crypto::Secret::new(b"nonsense".to_vec());
    let unreadable = crate::upstream::ClientIdentity::from_pem(one.chain.as_bytes(), nonsense);
    assert!(unreadable.is_err(), "no key");
    let shown =
        format!("{:?}", crate::upstream::ClientIdentity::from_pem(one.chain.as_bytes(), key(&one)));
    assert!(!shown.contains("PRIVATE") && !shown.contains("Secret"), "no key in Debug: {shown}");
}

#[tokio::test]
async fn an_undecodable_answer_is_unknown_and_its_connection_is_not_kept() {
    let server = Server::start(None).await;
    let upstream = Bench::new().upstream(spec(false, server.address));
    for path in ["/garbage", "/drop"] {
        let mut session = support::connect(&upstream, Reuse::Any).await;
        let error = within(support::ask(&mut session, path)).await.err().unwrap();
        let failure = session.failure(&error, false);
        assert_eq!(failure.evidence, Evidence::Unknown, "{path}: the provider may have acted");
        upstream.release(session, crate::upstream::Released::Broken);
    }
    assert_eq!(upstream.status()[0].idle, 0, "nothing is kept");
    assert_eq!(exchange_at(&upstream, Reuse::Any, "/").await, "3 -", "a new connection is used");
}

#[tokio::test]
async fn a_provider_that_refuses_our_missing_certificate_after_the_request_leaves_it_unknown() {
    let ca = Ca::new("ours");
    let server = Server::start(Some(support::strict_tls(&ca.leaf("127.0.0.1"), &ca))).await;
    let upstream = Bench::new().upstream(trusting(&ca, &server));
    // TLS 1.3 lets a client finish before the server has judged its certificate.
    let mut session = support::connect(&upstream, Reuse::Any).await;
    let error = within(support::ask(&mut session, "/")).await.err().unwrap();
    let failure = session.failure(&error, false);
    assert_eq!(failure.evidence, Evidence::Unknown, "bytes have left: {failure}");
    let mut proper = trusting(&ca, &server);
    proper.tls.identity = Some(ca.identity("shop"));
    assert_eq!(exchange(&Bench::new().upstream(proper), Reuse::Any).await, "2 shop", "with one");
}

#[test]
fn every_failure_to_connect_has_a_code_a_word_and_no_text_of_others() {
    let table = [
        (ConnectError::Timeout, "upstream_connect_timeout", "timeout"),
        (ConnectError::Refused(None), "upstream_unreachable", "refused"),
        (ConnectError::Unreachable(Some(113)), "upstream_unreachable", "unreachable"),
        (ConnectError::Tls(TlsFailure::WrongName), "upstream_tls_failed", "tls_wrong_name"),
        (ConnectError::Protocol, "upstream_unreachable", "protocol"),
        (ConnectError::Overloaded, "overloaded", "overloaded"),
    ];
    for (error, code, word) in table {
        assert_eq!(error.as_str(), word, "the label");
        assert_eq!(tollgate_api::Fault::from(error).code().name, code, "what the caller is told");
    }
    let table = [
        (PickError::NoHealthyEndpoint, "no_healthy_endpoint"),
        (PickError::Unresolved, "upstream_unresolved"),
    ];
    for (error, code) in table {
        assert_eq!(tollgate_api::Fault::from(error).code().name, code, "{error}");
    }
    let table = [
        (FailureKind::Timeout, Evidence::Unknown, "upstream_timeout"),
        (FailureKind::Protocol, Evidence::Unknown, "upstream_invalid_answer"),
        (FailureKind::GoAway, Evidence::NothingSent, "upstream_unreachable"),
        (FailureKind::Reset, Evidence::Unknown, "upstream_broken"),
        (FailureKind::Closed, Evidence::Answered, "upstream_broken"),
    ];
    for (kind, evidence, code) in table {
        let fault = tollgate_api::Fault::from(Failure::new(kind, evidence));
        assert_eq!(fault.code().name, code, "{kind:?} {evidence:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_never_opens_more_connections_than_the_cap() {
    let server = Server::start(None).await;
    let mut spec = spec(false, server.address);
    spec.connections = 8;
    let upstream = Bench::new().upstream(spec);
    let crowd = (0..32).map(|_| {
        let upstream = upstream.clone();
        tokio::spawn(async move {
            let (mut answered, mut turned_away) = (0, 0);
            for _ in 0..10 {
                let mut picked = upstream.pick(&[]).await.unwrap();
                match upstream.connect(&mut picked, Reuse::Any).await {
                    Ok(mut session) => {
                        assert!(upstream.open_connections() <= 8, "the cap holds");
                        within(support::ask(&mut session, "/")).await.unwrap();
                        upstream.release(session, crate::upstream::Released::Reusable);
                        answered += 1;
                    }
                    Err(ConnectError::Overloaded) => turned_away += 1,
                    Err(error) => panic!("{error}"),
                }
            }
            (answered, turned_away)
        })
    });
    let mut total = (0, 0);
    for task in crowd.collect::<Vec<_>>() {
        let (answered, turned_away) = within(task).await.unwrap();
        total = (total.0 + answered, total.1 + turned_away);
    }
    assert_eq!(total.0 + total.1, 320, "nobody was left without an answer");
    assert!(total.0 > 0, "and many were answered: {total:?}");
    let status = upstream.status();
    assert_eq!(status[0].in_flight, 0, "every count was given back");
    assert_eq!(status[0].idle, upstream.open_connections(), "what is open is idle");
}
