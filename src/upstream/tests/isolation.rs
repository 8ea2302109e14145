use std::sync::Arc;

use rustls::ServerConfig;

use super::support::{Bench, Ca, Server, exchange, pick, server_tls, spec};
use crate::upstream::{ConnectError, Protocol, Reuse, TlsFailure, TlsSpec, Upstream, UpstreamSpec};

const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];

fn mutual(ca: &Ca, alpn: &[&[u8]]) -> Arc<ServerConfig> {
    server_tls(&ca.leaf("127.0.0.1"), Some(ca), alpn)
}

fn with(server: &Server, tls: TlsSpec) -> UpstreamSpec {
    UpstreamSpec { tls, ..spec(true, server.address) }
}

#[tokio::test]
async fn a_connection_made_under_one_trust_is_never_used_under_another() {
    let (ours, theirs) = (Ca::new("ours"), Ca::new("theirs"));
    for alpn in [&ALPN[..], &ALPN[1..]] {
        let server = Server::start(Some(mutual(&ours, alpn))).await;
        let bench = Bench::new();
        let tls = |ca: &Ca| TlsSpec { trust: Some(ca.trust()), ..TlsSpec::default() };
        let good = bench.upstream(with(&server, tls(&ours)));
        exchange(&good, Reuse::Any).await;
        assert_eq!(good.status()[0].idle, 1, "a connection lies in the pool");
        // The same name, the same address, the same state: only the trust differs.
        let bad = bench.upstream(with(&server, tls(&theirs)));
        let error = bad.connect(&mut pick(&bad).await, Reuse::Any).await.err();
        assert_eq!(error, Some(ConnectError::Tls(TlsFailure::UntrustedIssuer)), "not reused");
    }
}

#[tokio::test]
async fn each_identity_has_connections_of_its_own() {
    let ca = Ca::new("ours");
    let server = Server::start(Some(mutual(&ca, &ALPN[1..]))).await;
    let bench = Bench::new();
    let tls = |identity| TlsSpec { trust: Some(ca.trust()), identity, server_name: None };
    let shop = bench.upstream(with(&server, tls(Some(ca.identity("shop")))));
    let bank = bench.upstream(with(&server, tls(Some(ca.identity("bank")))));
    let nobody = bench.upstream(with(&server, tls(None)));
    for round in 0..3 {
        assert_eq!(exchange(&shop, Reuse::Any).await, "1 shop", "round {round}");
        assert_eq!(exchange(&bank, Reuse::Any).await, "2 bank", "round {round}");
        assert_eq!(exchange(&nobody, Reuse::Any).await, "3 -", "round {round}");
    }
}

#[tokio::test]
async fn a_server_name_and_a_protocol_have_connections_of_their_own() {
    let ca = Ca::new("ours");
    let server = Server::start(Some(mutual(&ca, &ALPN))).await;
    let bench = Bench::new();
    let tls = |name: Option<&str>| TlsSpec {
        trust: Some(ca.trust()),
        identity: None,
        server_name: name.map(str::to_owned),
    };
    let right = bench.upstream(with(&server, tls(None)));
    assert_eq!(exchange(&right, Reuse::Any).await, "1 h2", "ALPN agrees on HTTP/2");
    let wrong = bench.upstream(with(&server, tls(Some("other.example"))));
    let error = wrong.connect(&mut pick(&wrong).await, Reuse::Any).await.err();
    assert_eq!(error, Some(ConnectError::Tls(TlsFailure::WrongName)), "not reused");
    let mut http1 = with(&server, tls(None));
    http1.protocol = Protocol::Http1;
    assert_eq!(exchange(&bench.upstream(http1), Reuse::Any).await, "3 -", "HTTP/1.1 when told so");
}

#[tokio::test]
async fn two_upstreams_of_the_same_place_share_nothing() {
    let server = Server::start(None).await;
    let bench = Bench::new();
    let named = |name: &str| -> Upstream {
        let mut spec = spec(false, server.address);
        spec.name = name.into();
        bench.upstream(spec)
    };
    let (one, other) = (named("one"), named("other"));
    assert_eq!(exchange(&one, Reuse::Any).await, "1 -", "its own connection");
    assert_eq!(exchange(&other, Reuse::Any).await, "2 -", "another");
    assert_eq!(exchange(&one, Reuse::Any).await, "1 -", "still its own");
}
