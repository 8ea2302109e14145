//! A request that the provider answers before it has read it: the answer counts, the connection is
//! never used again, because the next request would be written into the first one's body.

use crate::support::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_with_a_half_sent_request_is_never_used_again() {
    let provider = Provider::raw(|mut peer: Peer| async move {
        let Some(request) = peer.head().await else { return };
        if request.method == "POST" {
            // It says that it goes on with this connection, and does not read.
            let _ = peer.reply(&Reply::new(413, "too much")).await;
            peer.silence().await;
        } else {
            let _ = peer.reply(&Reply::new(200, "for the next caller")).await;
        }
    })
    .await;
    let gateway = Recipe::to(&provider)
        .held()
        .route("limits: { request_body: 64MiB }")
        .upstream("timeouts: { progress: 1s }")
        .assemble(|_| {});
    // More than the sockets between can take.
    let body = format!("\"{}\"", "x".repeat(32 << 20));
    let answer = gateway.http1().await.call("POST", "/pay", &[], body.as_bytes(), None).await;
    assert_eq!((answer.status, answer.text().as_str()), (413, "too much"), "the answer counts");
    let answer = gateway.http1().await.call("GET", "/next", &[], b"", None).await;
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (200, "for the next caller"),
        "the next request is not part of the first one's body"
    );
    assert_eq!(provider.connections(), 2, "it went out on a connection of its own");
}
