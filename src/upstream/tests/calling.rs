//! Calls on the gateway's own behalf.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::Method;
use tollgate_api::{Call, Caller, FetchError};

use super::support::{Bench, Ca, Server, checksum, server_tls, spec, within};
use crate::upstream::{TlsSpec, UpstreamCaller, UpstreamSpec};

const LONG: Duration = Duration::from_secs(10);

fn caller(spec: UpstreamSpec) -> UpstreamCaller {
    UpstreamCaller::new(Arc::new(Bench::new().upstream(spec)), None)
}

async fn get(caller: &UpstreamCaller, target: &str) -> Result<String, FetchError> {
    let answer = within(caller.call(Call::get(target), 100, LONG)).await?;
    Ok(String::from_utf8(answer.body.to_vec()).unwrap())
}

#[tokio::test]
async fn calls_share_the_connections_of_the_upstream() {
    let server = Server::start(None).await;
    let caller = caller(spec(false, server.address));
    for round in 0..3 {
        assert_eq!(get(&caller, "/").await, Ok("1 -".to_owned()), "round {round}");
    }
}

#[tokio::test]
async fn a_call_trusts_whom_the_upstream_trusts_over_both_protocols() {
    let (ours, other) = (Ca::new("ours"), Ca::new("other"));
    for (alpn, answer) in [(&[][..], "1 -"), (&[b"h2".as_slice()][..], "1 h2")] {
        let server = Server::start(Some(server_tls(&ours.leaf("127.0.0.1"), None, alpn))).await;
        let with = |ca: &Ca| {
            let tls = TlsSpec { trust: Some(ca.trust()), ..TlsSpec::default() };
            caller(UpstreamSpec { tls, ..spec(true, server.address) })
        };
        assert_eq!(get(&with(&ours), "/").await, Ok(answer.to_owned()), "{answer}: trusted");
        assert_eq!(get(&with(&other), "/").await, Err(FetchError::Untrusted), "{answer}: not");
    }
}

#[tokio::test]
async fn a_body_arrives_as_it_was_given() {
    let server = Server::start(None).await;
    let body = Bytes::from_static(b"{\"amount\": 1}");
    let call = Call { method: Method::POST, body: body.clone(), ..Call::get("/sum") };
    let caller = caller(spec(false, server.address));
    let answer = within(caller.call(call, 100, LONG)).await.unwrap();
    assert_eq!(answer.body, format!("{} {}", body.len(), checksum(&body)), "length and checksum");
}

#[tokio::test]
async fn what_goes_wrong_is_told_as_a_kind_and_bounded() {
    let server = Server::apart().await;
    let caller = caller(spec(false, server.address));
    let short = within(caller.call(Call::get("/"), 2, LONG)).await.map(drop);
    assert_eq!(short, Err(FetchError::TooLarge), "three bytes where two are allowed");
    let silent = caller.call(Call::get("/silent"), 100, Duration::from_millis(50));
    assert_eq!(within(silent).await.map(drop), Err(FetchError::Timeout), "no answer");
    for (target, error) in [("/garbage", FetchError::Invalid), ("/drop", FetchError::Invalid)] {
        assert_eq!(get(&caller, target).await, Err(error), "{target}");
    }
    assert_eq!(get(&caller, "/").await, Ok("5 -".to_owned()), "broken connections are not reused");
    let address = server.stop().await;
    let gone = UpstreamCaller::new(Arc::new(Bench::new().upstream(spec(false, address))), None);
    assert_eq!(get(&gone, "/").await, Err(FetchError::Unreachable), "nobody there");
}
