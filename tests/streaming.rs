//! Bodies of any size pass through memory of a fixed size.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;

use crate::support::*;

const GIBIBYTE: u64 = 1024 * 1024 * 1024;
/// What the gateway may take more than before, however large a body is.
const ALLOWED: u64 = 48 * 1024 * 1024;

/// Counts what it is sent and answers with as much as it is asked for.
async fn warehouse(received: Arc<AtomicU64>) -> Provider {
    Provider::raw(move |mut peer: Peer| {
        let received = received.clone();
        async move {
            while let Some(head) = peer.head().await {
                if head.method == "PUT" {
                    let length: u64 = head.header("content-length").unwrap().parse().unwrap();
                    if peer.line.skip(length).await.is_err() {
                        return;
                    }
                    received.fetch_add(length, Ordering::SeqCst);
                    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
                } else {
                    peer.write(format!("HTTP/1.1 200 OK\r\nContent-Length: {GIBIBYTE}\r\n\r\n"))
                        .await;
                    let piece = vec![b'x'; 1024 * 1024];
                    for _ in 0..GIBIBYTE / 1024 / 1024 {
                        if peer.line.write(&piece).await.is_err() {
                            return;
                        }
                    }
                }
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gibibyte_in_each_direction_takes_no_more_memory_than_a_byte() {
    let received = Arc::new(AtomicU64::new(0));
    let provider = warehouse(received.clone()).await;
    let program = Recipe::to(&provider).route("limits: { request_body: 2GiB }").run().await;

    let mut caller = program.http1().await;
    assert_eq!(caller.call("PUT", "/up", &[], b"x", None).await.status, 200, "a byte passes");
    let before = program.memory("VmRSS");

    caller
        .send(format!(
            "PUT /up HTTP/1.1\r\nHost: pay.example\r\nContent-Length: {GIBIBYTE}\r\n\r\n"
        ))
        .await;
    let piece = vec![b'y'; 1024 * 1024];
    for _ in 0..GIBIBYTE / 1024 / 1024 {
        caller.send(&piece).await;
    }
    assert_eq!(caller.answer("PUT").await.status, 200, "a gibibyte goes up");
    assert_eq!(received.load(Ordering::SeqCst), GIBIBYTE + 1, "all of it");

    caller.send("GET /down HTTP/1.1\r\nHost: pay.example\r\n\r\n").await;
    let head = within("a head", caller.line.head()).await.unwrap().unwrap();
    assert_eq!(head.field("content-length"), Some(GIBIBYTE.to_string()), "a gibibyte comes down");
    let skipping = caller.line.skip(GIBIBYTE);
    tokio::time::timeout(2 * PATIENCE, skipping).await.expect("in time").expect("all of it");

    // The peak since the start, so that nothing in between is missed.
    let peak = program.memory("VmHWM");
    assert!(peak < before + ALLOWED, "{before} bytes before, {peak} at the peak");
    eprintln!("memory: {} MiB before, {} MiB at the peak", before >> 20, peak >> 20);
    let record = program.record("the upload is recorded", |record| record["bytes_in"] == GIBIBYTE);
    assert_eq!(record.await["status"], 200, "with its size");
    let record =
        program.record("the download is recorded", |record| record["bytes_out"] == GIBIBYTE);
    assert_eq!(record.await["status"], 200, "with its size");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_is_not_read_faster_than_the_caller_reads() {
    let provider = warehouse(Arc::default()).await;
    let program = Recipe::to(&provider)
        .listener("limits: { write_timeout: 1s }")
        .upstream("timeouts: { progress: 1s }")
        .run()
        .await;
    let before = program.memory("VmRSS");
    let mut caller = program.http1().await;
    caller.send("GET /down HTTP/1.1\r\nHost: pay.example\r\n\r\n").await;
    let gone = |record: &serde_json::Value| record["caller_gone"] == true;
    program.record("the caller that does not read is given up", gone).await;
    let peak = program.memory("VmHWM");
    assert!(peak < before + ALLOWED, "{before} bytes before, {peak} at the peak");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_of_http2_on_both_sides_take_no_more_memory_either() {
    const SIZE: u64 = GIBIBYTE / 4;
    let authority = Authority::new();
    let tls = authority.server(&["h2"], false);
    let provider = Provider::streams_over(Some(tls), |mut stream: Stream| async move {
        let mut received = 0;
        while let Some(Ok(piece)) = stream.incoming.data().await {
            received += piece.len() as u64;
            let _ = stream.incoming.flow_control().release_capacity(piece.len());
        }
        let head = http::Response::builder().header("x-received", received);
        let Ok(mut body) = stream.respond.send_response(head.body(()).unwrap(), false) else {
            return;
        };
        let piece = Bytes::from(vec![b'x'; 1024 * 1024]);
        for at in 1..=SIZE >> 20 {
            if http2::push(&mut body, piece.clone(), at == SIZE >> 20).await.is_err() {
                return;
            }
        }
    })
    .await;
    let program = Recipe::to(&provider)
        .tls(&authority)
        .route("limits: { request_body: 2GiB }")
        .upstream("tls: { trust: ca.pem }")
        .upstream("protocol: http2")
        .run()
        .await;
    let mut caller = program.http2(&authority).await;
    let before = program.memory("VmRSS");
    let (response, mut stream) = caller.begin(http2::request("PUT", "/x", &[]), false).await;
    let piece = Bytes::from(vec![b'y'; 1024 * 1024]);
    for at in 1..=SIZE >> 20 {
        let pushing = http2::push(&mut stream, piece.clone(), at == SIZE >> 20);
        within("a piece goes up", pushing).await.expect("the stream is open");
    }
    let (head, mut body) = within("a head", response).await.expect("an answer").into_parts();
    assert_eq!(head.headers["x-received"], SIZE.to_string(), "all of it goes up");
    let mut down = 0;
    while let Some(piece) = within("a piece comes down", body.data()).await {
        let piece = piece.expect("the stream is whole");
        let _ = body.flow_control().release_capacity(piece.len());
        down += piece.len() as u64;
    }
    assert_eq!(down, SIZE, "all of it comes down");
    let peak = program.memory("VmHWM");
    eprintln!("memory: {} MiB before, {} MiB at the peak", before >> 20, peak >> 20);
    assert!(peak < before + ALLOWED, "{before} bytes before, {peak} at the peak");
}
