use tokio::net::TcpListener;

use super::support::{Bench, Ca, Server, job, pick, server_tls, spec, within};
use crate::upstream::{HealthKind, HealthSpec, PickError, Protocol, Upstream, UpstreamSpec};

fn http(path: &str) -> HealthSpec {
    let kind = HealthKind::Http { path: path.to_owned(), expect: Vec::new(), host: None };
    HealthSpec { unhealthy_after: 1, ..HealthSpec::new(kind) }
}

async fn check(upstream: &Upstream) -> bool {
    within((job(upstream, "/health").run)()).await;
    upstream.status()[0].healthy
}

#[tokio::test]
async fn health_flips_after_enough_checks_in_a_row_and_back() {
    let server = Server::apart().await;
    let mut spec = spec(false, server.address);
    spec.health = Some(HealthSpec::new(HealthKind::Tcp));
    let upstream = Bench::new().upstream(spec);
    assert!(upstream.status()[0].healthy, "innocent until checked");
    assert!(check(&upstream).await, "it accepts");
    let address = server.stop().await;
    assert!(check(&upstream).await, "one failure is not enough");
    assert!(!check(&upstream).await, "two are");
    assert_eq!(upstream.pick(&[]).await.err(), Some(PickError::NoHealthyEndpoint), "not chosen");
    let _again = Server::on(TcpListener::bind(address).await.unwrap(), None);
    assert!(!check(&upstream).await, "one success is not enough");
    assert!(check(&upstream).await, "two are");
    pick(&upstream).await;
}

#[tokio::test]
async fn an_http_check_looks_at_the_status() {
    let server = Server::start(None).await;
    let upstream = |health: HealthSpec| {
        Bench::new().upstream(UpstreamSpec { health: Some(health), ..spec(false, server.address) })
    };
    assert!(check(&upstream(http("/"))).await, "200");
    assert!(!check(&upstream(http("/sick"))).await, "503");
    assert!(!check(&upstream(http("/garbage"))).await, "no HTTP");
    assert!(!check(&upstream(http("/drop"))).await, "no answer");
    let kind = HealthKind::Http {
        path: "/sick".to_owned(),
        expect: vec![503],
        host: Some("x".to_owned()),
    };
    assert!(
        check(&upstream(HealthSpec { unhealthy_after: 1, ..HealthSpec::new(kind) })).await,
        "503 expected"
    );
}

#[tokio::test]
async fn a_silent_check_fails_within_its_timeout() {
    let server = Server::start(None).await;
    let mut health = http("/silent");
    health.timeout = std::time::Duration::from_millis(50);
    let upstream =
        Bench::new().upstream(UpstreamSpec { health: Some(health), ..spec(false, server.address) });
    assert!(!check(&upstream).await, "no answer in time");
}

#[tokio::test]
async fn a_check_speaks_tls_as_exchanges_do() {
    let (ours, theirs) = (Ca::new("ours"), Ca::new("theirs"));
    let tls = server_tls(&ours.leaf("127.0.0.1"), None, &[b"h2", b"http/1.1"]);
    let server = Server::start(Some(tls)).await;
    for protocol in [Protocol::Auto, Protocol::Http1, Protocol::Http2] {
        for (ca, healthy) in [(&ours, true), (&theirs, false)] {
            let mut spec = spec(true, server.address);
            spec.tls.trust = Some(ca.trust());
            spec.protocol = protocol;
            spec.health = Some(http("/"));
            let upstream = Bench::new().upstream(spec);
            assert_eq!(check(&upstream).await, healthy, "{protocol:?}");
            assert_eq!(upstream.open_connections(), 0, "checks take no place of exchanges");
        }
    }
}
