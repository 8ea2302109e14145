//! Listeners that come, change and go.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU8, Ordering},
};

use tokio::net::TcpStream;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_is_added_and_removed_while_others_serve() {
    let provider = Provider::raw(|mut peer| async move {
        while let Some(request) = peer.request().await {
            if request.target == "/slow" {
                peer.silence().await;
            }
            if peer.reply(&Reply::new(200, "ok")).await.is_err() {
                return;
            }
        }
    })
    .await;
    let program = Recipe::to(&provider).run().await;
    let mut steady = program.http1().await;
    let free = free_address();
    edit(&program, "listeners:\n", &format!("listeners:\n  extra:\n    address: {free}\n"));
    generation(&program, 2).await;
    let mut caller = Http1::connect(free).await;
    let answer = caller.call("GET", "/", &[], b"", None).await;
    assert_eq!(answer.status, 200, "the new one serves");
    edit(&program, &format!("  extra:\n    address: {free}\n"), "");
    generation(&program, 3).await;
    within("the removed one is closed", async {
        while TcpStream::connect(free).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(caller.closed().await, "its idle connections are closed");
    let answer = steady.call("GET", "/", &[], b"", None).await;
    assert_eq!(answer.status, 200, "the other never noticed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exchange_on_a_listener_that_is_removed_is_finished() {
    let release = std::sync::Arc::new(tokio::sync::Notify::new());
    let (waiting, released) = (std::sync::Arc::new(tokio::sync::Notify::new()), release.clone());
    let arrived = waiting.clone();
    let provider = Provider::raw(move |mut peer| {
        let (arrived, released) = (arrived.clone(), released.clone());
        async move {
            while peer.request().await.is_some() {
                arrived.notify_one();
                released.notified().await;
                if peer.reply(&Reply::new(200, "late")).await.is_err() {
                    return;
                }
            }
        }
    })
    .await;
    let free = free_address();
    let program = Recipe::to(&provider).run().await;
    edit(&program, "listeners:\n", &format!("listeners:\n  extra:\n    address: {free}\n"));
    generation(&program, 2).await;
    let mut caller = Http1::connect(free).await;
    let call = tokio::spawn(async move { caller.call("POST", "/", &[], b"x", None).await });
    within("the request reaches the provider", waiting.notified()).await;
    edit(&program, &format!("  extra:\n    address: {free}\n"), "");
    generation(&program, 3).await;
    release.notify_one();
    let answer = call.await.unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "late"), "it was finished");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_cannot_be_had_refuses_the_whole_reload() {
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let program = Recipe::to(&provider).run().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    edit(&program, "listeners:\n", &format!("listeners:\n  extra:\n    address: {address}\n"));
    let found = ready_when(&program, "the refusal shows", |found| {
        found["last_reload"]["outcome"] == "refused"
    })
    .await;
    let report = found["last_reload"]["report"].to_string();
    assert!(report.contains("extra") && report.contains("has the address"), "why: {report}");
    let answer = program.http1().await.call("GET", "/", &[], b"", None).await;
    assert_eq!(answer.status, 200, "everything else goes on");
    drop(taken);
    let outcome = reload(&program).await;
    assert_eq!(outcome["outcome"], "applied", "once it is free it can be had: {outcome}");
}

/// A port that stays free until it is taken: on a loopback address that nobody else uses.
fn free_address() -> SocketAddr {
    static NEXT: AtomicU8 = AtomicU8::new(100);
    let [.., third, last] = std::process::id().to_be_bytes();
    let host = [127, NEXT.fetch_add(1, Ordering::Relaxed), third, last];
    std::net::TcpListener::bind((std::net::Ipv4Addr::from(host), 0)).unwrap().local_addr().unwrap()
}
