use std::{net::SocketAddr, time::Duration};

use tokio::net::TcpStream;

use super::support::*;
use crate::listener::*;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// Waits until nobody listens there.
async fn refuses(address: SocketAddr) {
    within(async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn every_listener_that_cannot_be_bound_is_named_with_its_address_and_reason() {
    let stand = Stand::plain();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = |name: &str, address: SocketAddr| ListenerSpec {
        address,
        ..spec(name, None, Limits::default())
    };
    let busy = taken.local_addr().unwrap();
    let nowhere = "192.0.2.1:8443".parse().unwrap();
    let errors = stand
        .listeners
        .prepare(vec![
            at("busy", busy),
            at("nowhere", nowhere),
            at("fine", "127.0.0.1:0".parse().unwrap()),
            at("overlapping", ([0, 0, 0, 0], stand.address.port()).into()),
        ])
        .err()
        .expect("it is refused");
    let errors = errors.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        errors,
        [
            format!("listener `busy` cannot listen on `{busy}`: another process has the address"),
            format!(
                "listener `nowhere` cannot listen on `{nowhere}`: no network interface has the address"
            ),
            format!(
                "listener `overlapping` cannot listen on `0.0.0.0:{}`: it overlaps with the present address of listener `main`, which needs a restart",
                stand.address.port()
            ),
        ],
        "all at once"
    );
    let mut client = stand.connect().await;
    client.send(GET).await;
    assert_eq!(client.answer().await.1, "0", "what ran before still runs");
}

#[tokio::test]
async fn two_listeners_of_one_configuration_cannot_share_an_address() {
    let stand = Stand::plain();
    // On an address of its own, where nobody else takes the port in the meantime.
    let [.., third, last] = std::process::id().to_be_bytes();
    let own = std::net::Ipv4Addr::new(127, 1, third, last);
    let free = std::net::TcpListener::bind((own, 0)).unwrap().local_addr().unwrap();
    let at = |name: &str| ListenerSpec { address: free, ..spec(name, None, Limits::default()) };
    let errors = stand.listeners.prepare(vec![at("one"), at("twin")]).err().expect("refused");
    assert_eq!(errors.len(), 1, "the first could be bound: {errors:?}");
    assert_eq!(
        errors[0].to_string(),
        format!("listener `twin` cannot listen on `{free}`: listener `one` has the same address"),
        "the twin is named"
    );
}

#[tokio::test]
async fn a_reload_adds_and_removes_listeners_and_keeps_the_connections_of_those_that_stay() {
    let stand = Stand::plain();
    let mut kept = stand.connect().await;
    kept.send(GET).await;
    kept.answer().await;
    let main = || spec("main", None, Limits::default());
    let prepared = stand
        .listeners
        .prepare(vec![main(), spec("second", None, Limits::default())])
        .expect("bound");
    stand.listeners.commit(prepared);
    let addresses = stand.listeners.addresses();
    assert_eq!(addresses.len(), 2, "both are reported");
    assert_eq!(addresses[0].1, stand.address, "the first kept its socket");
    let second = addresses[1].1;
    let mut client = Client(TcpStream::connect(second).await.unwrap());
    client.send(GET).await;
    assert_eq!(client.answer().await.1, "0", "the new one serves");
    stand.listeners.commit(stand.listeners.prepare(vec![main()]).expect("nothing to bind"));
    refuses(second).await;
    assert_eq!(client.rest().await, "", "its idle connection was closed");
    kept.send(GET).await;
    assert_eq!(kept.answer().await.1, "0", "the other's connection was not disturbed");
}

#[tokio::test]
async fn what_was_prepared_but_not_committed_leaves_no_trace() {
    let stand = Stand::plain();
    let prepared = stand.listeners.prepare(vec![spec("other", None, Limits::default())]);
    drop(prepared);
    assert_eq!(stand.listeners.addresses().len(), 1, "nothing changed");
    let mut client = stand.connect().await;
    client.send(GET).await;
    assert_eq!(client.answer().await.1, "0", "it still serves");
}

#[tokio::test]
async fn a_reload_changes_certificate_name_and_limits_without_a_new_socket() {
    let (old, new) = (Authority::new(), Authority::new());
    let stand = Stand::with(Some(simple_tls(&old)), Limits::default());
    let before =
        stand.secure(old.client(&["http/1.1"], None), "pay.example").await.expect("the old");
    let mut before = Client(before);
    before.send(GET).await;
    before.answer().await;
    let changed =
        spec("main", Some(simple_tls(&new)), Limits { head_bytes: 100, ..Limits::default() });
    let prepared = stand.listeners.prepare(vec![changed]).expect("nothing to bind");
    stand.listeners.commit(prepared);
    assert!(
        stand.secure(old.client(&["http/1.1"], None), "pay.example").await.is_err(),
        "the old certificate is no longer shown"
    );
    let after =
        stand.secure(new.client(&["http/1.1"], None), "pay.example").await.expect("the new");
    let mut after = Client(after);
    after.send(format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(100))).await;
    assert!(after.answer().await.0.starts_with("http/1.1 414"), "the new limit holds");
    before.send(GET).await;
    assert_eq!(before.answer().await.1, "0", "connections of before go on");
}

#[tokio::test]
async fn a_drain_ends_right_after_the_exchange_in_flight_which_is_told_to_close() {
    let stand = Stand::plain();
    let mut idle = stand.connect().await;
    idle.send(GET).await;
    idle.answer().await;
    let mut busy = stand.connect().await;
    busy.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n").await;
    within(stand.tiny.entered.acquire()).await.unwrap().forget();
    let listeners = stand.listeners.clone();
    let drain = tokio::spawn(async move { listeners.drain(Duration::from_mins(1)).await });
    assert_eq!(idle.rest().await, "", "the idle connection is closed");
    refuses(stand.address).await;
    assert!(!drain.is_finished(), "the drain waits for the exchange");
    let started = Stopwatch::new();
    stand.tiny.release.add_permits(1);
    let (head, body) = busy.answer().await;
    assert_eq!(body, "held", "the exchange is answered");
    assert!(head.contains("connection: close"), "and told to close: {head}");
    drop(busy);
    assert!(within(drain).await.unwrap(), "everything ended in time");
    assert!(started.elapsed() < Duration::from_secs(30), "the drain does not wait any longer");
}

#[tokio::test]
async fn a_drain_is_bounded_by_its_grace_period() {
    let stand = Stand::plain();
    let mut busy = stand.connect().await;
    busy.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n").await;
    within(stand.tiny.entered.acquire()).await.unwrap().forget();
    assert!(!stand.listeners.drain(Duration::from_millis(100)).await, "one exchange is left");
    stand.tiny.release.add_permits(1);
    assert_eq!(busy.answer().await.1, "held", "it was not cut off");
    drop(busy);
    assert!(within(stand.listeners.drain(Duration::from_secs(29))).await, "now all have ended");
}

#[tokio::test]
async fn a_caller_that_has_just_connected_may_still_ask_when_the_drain_begins() {
    let stand = Stand::plain();
    let mut client = stand.connect().await;
    stand.tiny.until(|tiny| tiny.count(Event::Opened) == 1).await;
    let listeners = stand.listeners.clone();
    let drain = tokio::spawn(async move { listeners.drain(Duration::from_secs(29)).await });
    refuses(stand.address).await;
    client.send(GET).await;
    let (head, _) = client.answer().await;
    assert!(head.contains("connection: close"), "it is served once: {head}");
    drop(client);
    assert!(within(drain).await.unwrap(), "then the drain ends");
}

#[tokio::test]
async fn a_caller_that_never_finishes_its_handshake_does_not_hold_up_a_drain() {
    let authority = Authority::new();
    let limits = Limits { handshake_timeout: Duration::from_mins(1), ..Limits::default() };
    let stand = Stand::with(Some(simple_tls(&authority)), limits);
    let _silent = stand.connect().await;
    let client = authority.client(&["h2"], None);
    let _wordless = stand.secure(client, "pay.example").await.expect("a handshake");
    stand.tiny.until(|tiny| tiny.count(Event::Opened) == 2).await;
    assert!(
        within(stand.listeners.drain(Duration::from_secs(29))).await,
        "it ends before the grace"
    );
}

#[tokio::test]
async fn a_drain_without_connections_ends_at_once() {
    let stand = Stand::plain();
    let started = Stopwatch::new();
    assert!(stand.listeners.drain(Duration::from_mins(1)).await, "there is nothing to wait for");
    assert!(started.elapsed() < Duration::from_secs(30), "and nothing is waited for");
    assert!(stand.listeners.addresses().is_empty(), "nobody listens any more");
}

#[tokio::test]
async fn an_idle_connection_costs_little_memory() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let local = listener.local_addr().unwrap();
    let stream = TcpStream::connect(local).await.unwrap();
    let limits = Limits::default();
    let admission = std::sync::Arc::new(admission::Admission::default());
    let accepted = connection::Accepted {
        stream,
        peer: local,
        local,
        permit: admission.admit(local.ip(), &limits).expect("the first"),
        spec: spec("main", None, limits).into(),
        handler: Tiny::new(),
        clock: std::sync::Arc::new(tollgate_api::SystemClock::new()),
        drain: drain::DrainControl::new().1,
    };
    let size = std::mem::size_of_val(&accepted.serve());
    assert!(size <= 2048, "the task of an idle connection takes {size} bytes");
}
