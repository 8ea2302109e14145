use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;

use super::support::{Bench, Server, exchange, job, specs, until, within};
use crate::upstream::{ConnectError, EndpointSpec, PickError, Resolve, Reuse, Upstream};

/// Answers what it is told to; nothing means that it never answers.
#[derive(Default)]
struct Script {
    answer: Mutex<Option<Result<Vec<SocketAddr>, ()>>>,
    asked: AtomicUsize,
}

impl Script {
    fn answering(addresses: &[SocketAddr]) -> Arc<Self> {
        let script = Self::default();
        *script.answer.lock() = Some(Ok(addresses.to_vec()));
        Arc::new(script)
    }

    fn set(&self, answer: Option<Result<&[SocketAddr], ()>>) {
        *self.answer.lock() = answer.map(|answer| answer.map(<[_]>::to_vec));
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Resolve for Script {
    fn resolve(&self, _: String, _: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answer.lock().clone();
        async move {
            match answer {
                Some(answer) => answer.map_err(|()| io::Error::other("no such name")),
                None => std::future::pending().await,
            }
        }
        .boxed()
    }
}

fn upstream(bench: &Bench, resolver: &Arc<Script>) -> Upstream {
    let mut spec = specs(&[EndpointSpec::new(false, "provider.example", 80)]);
    spec.timeouts.connect = Duration::from_secs(1);
    Upstream::with_resolver(spec, bench.clock.clone(), &bench.state, resolver.clone()).unwrap()
}

#[tokio::test]
async fn the_first_request_resolves_by_itself() {
    let server = Server::start(None).await;
    let resolver = Script::answering(&[server.address]);
    let upstream = upstream(&Bench::new(), &resolver);
    assert_eq!(exchange(&upstream, Reuse::Any).await, "1 -", "before any job has run");
    exchange(&upstream, Reuse::Any).await;
    assert_eq!(resolver.asked(), 1, "and the addresses are kept");
}

#[tokio::test]
async fn many_first_requests_share_one_look_up() {
    let resolver = Arc::new(Script::default());
    let upstream = upstream(&Bench::new(), &resolver);
    let picks = (0..20).map(|_| upstream.pick(&[]));
    let results = within(futures::future::join_all(picks)).await;
    assert!(
        results.iter().all(|result| result.as_ref().err() == Some(&PickError::Unresolved)),
        "a resolver that hangs is given up within the connect timeout"
    );
    assert_eq!(resolver.asked(), 1, "one look-up for all");
    assert_eq!(upstream.pick(&[]).await.err(), Some(PickError::Unresolved), "later as well");
    assert_eq!(resolver.asked(), 1, "and while it hangs no other is started");
}

#[tokio::test]
async fn a_failed_look_up_is_not_repeated_by_every_request() {
    let bench = Bench::new();
    let resolver = Arc::new(Script::default());
    resolver.set(Some(Err(())));
    let upstream = upstream(&bench, &resolver);
    for _ in 0..5 {
        assert_eq!(upstream.pick(&[]).await.err(), Some(PickError::Unresolved), "no such name");
    }
    assert_eq!(resolver.asked(), 1, "the failure is remembered for a second");
    assert_eq!(upstream.status()[0].last_error, Some("unresolved"), "operators see it");
    bench.clock.advance(Duration::from_secs(2));
    resolver.set(Some(Ok(&["127.0.0.1:1".parse().unwrap()])));
    assert!(upstream.pick(&[]).await.is_ok(), "then it is asked again");
}

#[tokio::test]
async fn a_failing_resolver_keeps_the_last_good_addresses() {
    let server = Server::start(None).await;
    let resolver = Script::answering(&[server.address]);
    let upstream = upstream(&Bench::new(), &resolver);
    exchange(&upstream, Reuse::Any).await;
    for answer in [Some(Err(())), Some(Ok(&[][..]))] {
        resolver.set(answer);
        within((job(&upstream, "/resolve").run)()).await;
        assert_eq!(upstream.status()[0].addresses, [server.address], "kept");
        assert_eq!(upstream.status()[0].last_error, Some("unresolved"), "and said");
    }
    assert_eq!(exchange(&upstream, Reuse::Any).await, "1 -", "the pool too");
}

#[tokio::test]
async fn new_addresses_take_over_and_old_connections_are_closed() {
    let (old, new) = (Server::start(None).await, Server::start(None).await);
    let resolver = Script::answering(&[old.address]);
    let upstream = upstream(&Bench::new(), &resolver);
    exchange(&upstream, Reuse::Any).await;
    let held = super::support::connect(&upstream, Reuse::Any).await;
    assert!(held.is_reused(), "an exchange is under way to the old address");
    resolver.set(Some(Ok(&[new.address])));
    within((job(&upstream, "/resolve").run)()).await;
    assert_eq!(exchange(&upstream, Reuse::Any).await, "1 -", "on the new server");
    assert_eq!(new.accepted(), 1, "which has its first connection");
    let mut held = held;
    within(super::support::ask(&mut held, "/")).await.unwrap();
    upstream.release(held, crate::upstream::Released::Reusable);
    until(|| upstream.open_connections() == 1).await;
    assert_eq!(upstream.status()[0].addresses, [new.address], "the old one is forgotten");
}

#[tokio::test]
async fn an_address_that_cannot_be_reached_gives_way_to_the_next_one() {
    let dead = Server::apart().await.stop().await;
    let alive = Server::apart().await;
    let resolver = Script::answering(&[dead, alive.address]);
    let upstream = upstream(&Bench::new(), &resolver);
    for round in 0..4 {
        assert_eq!(
            exchange(&upstream, Reuse::FresherThan(Duration::ZERO)).await,
            format!("{} -", round + 1)
        );
    }
    assert_eq!(upstream.status()[0].in_flight, 0, "every count was given back");
    alive.stop().await;
    let error = upstream
        .connect(&mut upstream.pick(&[]).await.unwrap(), Reuse::FresherThan(Duration::ZERO))
        .await;
    assert!(matches!(error.err(), Some(ConnectError::Refused(_))), "until none is left");
}

#[tokio::test]
async fn too_many_and_repeated_addresses_are_bounded() {
    let many: Vec<SocketAddr> =
        (0..100).map(|index| SocketAddr::from(([127, 0, 0, 1], 1 + index / 2))).collect();
    let resolver = Script::answering(&many);
    let upstream = upstream(&Bench::new(), &resolver);
    upstream.pick(&[]).await.unwrap();
    assert_eq!(upstream.status()[0].addresses.len(), 16, "sixteen, each once");
}

#[tokio::test]
async fn the_systems_resolver_finds_localhost_and_literals_need_none() {
    let server = Server::start(None).await;
    let bench = Bench::new();
    let port = server.address.port();
    let upstream = bench.upstream(specs(&[EndpointSpec::new(false, "localhost", port)]));
    assert_eq!(exchange(&upstream, Reuse::Any).await, "1 -", "by name");
    let literal = bench.upstream(specs(&[EndpointSpec::new(false, "127.0.0.1", port)]));
    assert!(!literal.jobs().iter().any(|job| job.name.ends_with("/resolve")), "nothing to resolve");
}
