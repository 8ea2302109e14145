use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use http::Request;

use super::support::*;
use crate::listener::*;

type Ended = tokio::task::JoinHandle<Result<(), h2::Error>>;

async fn connect(stand: &Stand, authority: &Authority) -> SendRequest<Bytes> {
    connect_and_watch(stand, authority).await.0
}

/// A connection, and how it ends.
async fn connect_and_watch(stand: &Stand, authority: &Authority) -> (SendRequest<Bytes>, Ended) {
    let stream = stand
        .secure(authority.client(&["h2", "http/1.1"], None), "pay.example")
        .await
        .expect("a handshake");
    let (sender, connection) = within(h2::client::handshake(stream)).await.expect("a preface");
    let ended = tokio::spawn(connection);
    (within(sender.ready()).await.expect("ready"), ended)
}

fn stand(limits: Limits) -> (Stand, Authority) {
    let authority = Authority::new();
    (Stand::with(Some(simple_tls(&authority)), limits), authority)
}

async fn get(sender: &mut SendRequest<Bytes>, path: &str) -> Result<(u16, String), h2::Error> {
    let request =
        Request::builder().uri(format!("https://pay.example{path}")).body(()).expect("a request");
    let (answer, _) = sender.send_request(request, true)?;
    read(answer).await
}

async fn read(answer: h2::client::ResponseFuture) -> Result<(u16, String), h2::Error> {
    within(async {
        let (head, mut body) = answer.await?.into_parts();
        let mut all = Vec::new();
        while let Some(chunk) = body.data().await {
            let chunk = chunk?;
            body.flow_control().release_capacity(chunk.len())?;
            all.extend_from_slice(&chunk);
        }
        Ok((head.status.as_u16(), String::from_utf8(all).expect("text")))
    })
    .await
}

#[tokio::test]
async fn exchanges_run_side_by_side_on_one_connection() {
    let (stand, authority) = stand(Limits::default());
    let mut sender = connect(&stand, &authority).await;
    let request = Request::builder().uri("https://pay.example/hold").body(()).unwrap();
    let (held, _) = sender.send_request(request, true).unwrap();
    within(stand.tiny.entered.acquire()).await.unwrap().forget();
    let (status, said) = get(&mut sender, "/who").await.unwrap();
    assert_eq!(status, 200, "the second is not held up by the first");
    assert!(said.contains("protocol=h2"), "over HTTP/2: {said}");
    let (status, large) = get(&mut sender, "/large").await.unwrap();
    assert_eq!((status, large.len()), (200, 200_000), "larger than every window");
    stand.tiny.release.add_permits(1);
    assert_eq!(read(held).await.unwrap(), (200, "held".to_owned()), "the first ends in its time");
    assert_eq!(stand.tiny.count(Event::Opened), 1, "one connection");
}

#[tokio::test]
async fn a_request_body_is_read_over_http2() {
    let (stand, authority) = stand(Limits::default());
    let mut sender = connect(&stand, &authority).await;
    let request =
        Request::builder().method("POST").uri("https://pay.example/pay").body(()).unwrap();
    let (answer, mut body) = sender.send_request(request, false).unwrap();
    body.send_data(Bytes::from(vec![b'x'; 30_000]), true).unwrap();
    assert_eq!(read(answer).await.unwrap(), (200, "30000".to_owned()), "all of it arrived");
}

#[tokio::test]
async fn rejected_requests_are_reported_and_too_many_end_the_connection() {
    let (stand, authority) = stand(Limits { http2_rejections: 3, ..Limits::default() });
    let (mut sender, ended) = connect_and_watch(&stand, &authority).await;
    let mut answered = 0;
    while answered < 10 {
        let request = Request::builder()
            .uri("https://pay.example/")
            .header("host", "one.example")
            .header("host", "two.example")
            .body(())
            .unwrap();
        let Ok((answer, _)) = sender.send_request(request, true) else { break };
        let Ok((status, _)) = read(answer).await else { break };
        assert_eq!(status, 400, "a malformed request is answered");
        answered += 1;
    }
    assert_eq!(answered, 3, "as many as the budget allows");
    let reason = within(ended).await.unwrap().expect_err("the connection ends").reason();
    assert_eq!(reason, Some(h2::Reason::ENHANCE_YOUR_CALM), "with the reason");
    assert_eq!(*stand.tiny.refused.lock(), ["malformed_request"; 4], "each was reported");
    stand.tiny.until(|tiny| tiny.count(Event::Closed) == 1).await;
}

#[tokio::test]
async fn a_panic_is_answered_and_its_neighbours_go_on() {
    let (stand, authority) = stand(Limits::default());
    let mut sender = connect(&stand, &authority).await;
    let (status, body) = get(&mut sender, "/panic").await.unwrap();
    assert_eq!(status, 500, "it is answered: {body}");
    assert!(body.contains(r#""code":"internal""#), "as a problem: {body}");
    assert_eq!(get(&mut sender, "/mute").await.unwrap().0, 500, "so is a missing answer");
    assert_eq!(get(&mut sender, "/").await.unwrap().0, 200, "the connection goes on");
    assert_eq!(stand.tiny.count(Event::Panicked), 1, "the panic is counted");
}

#[tokio::test]
async fn an_idle_connection_is_told_to_go_away() {
    let (stand, authority) =
        stand(Limits { idle_timeout: Duration::from_secs(1), ..Limits::default() });
    let mut sender = connect(&stand, &authority).await;
    assert_eq!(get(&mut sender, "/").await.unwrap().0, 200, "it works at first");
    stand.tiny.until(|tiny| tiny.count(Event::Closed) == 1).await;
}

#[tokio::test]
async fn a_caller_that_never_speaks_http2_is_cut_at_the_handshake_deadline() {
    let (stand, authority) =
        stand(Limits { handshake_timeout: Duration::from_secs(3), ..Limits::default() });
    let client = authority.client(&["h2"], None);
    let mut silent = Client(stand.secure(client, "pay.example").await.expect("a TLS handshake"));
    let _ = within(tokio::io::AsyncReadExt::read_to_end(&mut silent.0, &mut Vec::new())).await;
    stand.tiny.until(|tiny| tiny.count(Event::Closed) == 1).await;
}

#[tokio::test]
async fn a_caller_that_resets_its_requests_cannot_begin_any_number_of_exchanges() {
    let (stand, authority) =
        stand(Limits { http2_streams: 2, http2_rejections: 1, ..Limits::default() });
    let (mut sender, ended) = connect_and_watch(&stand, &authority).await;
    let request = || Request::builder().uri("https://pay.example/hold").body(()).unwrap();
    for _ in 0..4 {
        let (answer, mut stream) = sender.send_request(request(), true).unwrap();
        within(stand.tiny.entered.acquire()).await.unwrap().forget();
        stream.send_reset(h2::Reason::CANCEL);
        drop(answer);
    }
    let (answer, _) = sender.send_request(request(), true).unwrap();
    assert_eq!(read(answer).await.unwrap().0, 503, "four exchanges run, a fifth does not");
    let _ = sender.send_request(request(), true);
    let reason = within(ended).await.unwrap().expect_err("the connection ends").reason();
    assert_eq!(reason, Some(h2::Reason::ENHANCE_YOUR_CALM), "for a caller that goes on");
    assert_eq!(*stand.tiny.refused.lock(), ["overloaded"; 2], "and it is reported");
    assert_eq!(stand.tiny.seen.lock().len(), 4, "the handler saw no more");
    stand.tiny.release.add_permits(4);
    stand.tiny.until(|tiny| tiny.count(Event::Closed) == 1).await;
}

#[tokio::test]
async fn a_head_with_too_many_fields_is_refused_over_http2_too() {
    let (stand, authority) = stand(Limits { head_fields: 3, ..Limits::default() });
    let mut sender = connect(&stand, &authority).await;
    let mut request = Request::builder().uri("https://pay.example/");
    for _ in 0..4 {
        request = request.header("x", "1");
    }
    let (answer, _) = sender.send_request(request.body(()).unwrap(), true).unwrap();
    let (status, body) = read(answer).await.unwrap();
    assert_eq!(status, 431, "it is answered: {body}");
    assert!(body.contains("headers_too_large"), "as a problem: {body}");
    assert_eq!(get(&mut sender, "/").await.unwrap().0, 200, "the connection goes on");
}

#[tokio::test]
async fn an_exchange_goes_on_when_its_caller_hangs_up() {
    let (stand, authority) = stand(Limits::default());
    let mut sender = connect(&stand, &authority).await;
    let request = Request::builder().uri("https://pay.example/hold").body(()).unwrap();
    let (answer, _) = sender.send_request(request, true).unwrap();
    within(stand.tiny.entered.acquire()).await.unwrap().forget();
    drop((answer, sender));
    let listeners = stand.listeners.clone();
    let drain = tokio::spawn(async move { listeners.drain(Duration::from_secs(29)).await });
    assert!(stand.tiny.count(Event::Closed) == 0, "the exchange is still under way");
    stand.tiny.release.add_permits(1);
    assert!(within(drain).await.unwrap(), "the drain waited for it");
    assert_eq!(stand.tiny.release.available_permits(), 0, "it ran to its end");
}

#[tokio::test]
async fn a_drain_lets_the_exchange_end_and_refuses_no_answer() {
    let (stand, authority) = stand(Limits::default());
    let mut sender = connect(&stand, &authority).await;
    let _idle = connect(&stand, &authority).await;
    let request = Request::builder().uri("https://pay.example/hold").body(()).unwrap();
    let (answer, _) = sender.send_request(request, true).unwrap();
    within(stand.tiny.entered.acquire()).await.unwrap().forget();
    let listeners = stand.listeners.clone();
    let drain = tokio::spawn(async move { listeners.drain(Duration::from_secs(29)).await });
    stand.tiny.until(|tiny| tiny.count(Event::Closed) == 1).await;
    stand.tiny.release.add_permits(1);
    assert_eq!(read(answer).await.unwrap().0, 200, "the exchange under way is answered");
    assert!(within(drain).await.unwrap(), "the drain ends when it ended");
}
