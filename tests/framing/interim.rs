//! Interim answers, and callers that wait for one.

use serde_json::json;

use crate::support::*;

const EXPECTING: &str =
    "POST /x HTTP/1.1\r\nHost: pay.example\r\nContent-Length: 4\r\nExpect: 100-continue\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_waits_is_told_to_go_on_by_the_gateway() {
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    for (recipe, kind) in
        [(Recipe::to(&provider), "streamed"), (Recipe::to(&provider).held(), "held")]
    {
        let gateway = recipe.start();
        let mut caller = gateway.http1().await;
        for _ in 0..2 {
            caller.send(format!("{EXPECTING}\r\n")).await;
            let head = within("an interim answer", caller.line.head()).await.unwrap().unwrap();
            assert!(head.first.starts_with("HTTP/1.1 100"), "{kind}: {head:?}");
            caller.send("1234").await;
            let answer = caller.answer("POST").await;
            assert_eq!(answer.status, 200, "{kind}: {}", answer.text());
            assert!(answer.interim.is_empty(), "{kind}: told once: {:?}", answer.interim);
            let request = provider.requests().pop().unwrap();
            assert_eq!(request.body, b"1234", "{kind}: the body arrives");
            assert_eq!(request.header("expect"), None, "{kind}: the provider is not asked for it");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_is_not_told_to_go_on_before_it_is_known() {
    let issuer = Issuer::new("k1");
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    for held in [false, true] {
        let recipe =
            Recipe::to(&provider).file("jwks.json", issuer.jwks()).plugin(&Issuer::plugin());
        let gateway = if held { recipe.held() } else { recipe }.start();
        let mut caller = gateway.http1().await;
        caller.send(format!("{EXPECTING}\r\n")).await;
        let answer = caller.answer("POST").await;
        assert_eq!(answer.status, 401, "held={held}: refused: {}", answer.text());
        assert!(answer.interim.is_empty(), "held={held}: without its body: {:?}", answer.interim);
        assert!(caller.closed().await, "held={held}: whether the body follows is not known");
        let mut caller = gateway.http1().await;
        let token = issuer.token(&json!({}));
        caller.send(format!("{EXPECTING}Authorization: Bearer {token}\r\n\r\n")).await;
        let head = within("an interim answer", caller.line.head()).await.unwrap().unwrap();
        assert!(head.first.starts_with("HTTP/1.1 100"), "held={held}: whoever is known is told");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expectation_that_is_not_known_is_refused() {
    let provider = Provider::http1(|_| Reply::new(200, "ok")).await;
    let gateway = Recipe::to(&provider).start();
    let answer =
        gateway.http1().await.call("POST", "/", &[("Expect", "a-miracle")], b"1", None).await;
    assert_eq!(answer.status, 417, "refused: {}", answer.text());
    assert_eq!(provider.requests().len(), 0, "the provider is not asked");
}

/// Sends hints before its answer, and what only the gateway may say.
async fn hinting() -> Provider {
    Provider::raw(|mut peer: Peer| async move {
        while peer.request().await.is_some() {
            peer.write("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nTollgate-Error: x\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\n").await;
            peer.write("HTTP/1.1 102 Processing\r\n\r\n").await;
            if peer.reply(&Reply::new(200, "ok")).await.is_err() {
                return;
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interim_answers_are_relayed_over_http1_and_dropped_over_http2() {
    let authority = Authority::new();
    let provider = hinting().await;
    let gateway = Recipe::to(&provider).tls(&authority).start();
    for (method, body) in [("POST", &b"1"[..]), ("GET", b"")] {
        let mut caller = gateway.http1().await;
        let answer = caller.call(method, "/", &[], body, None).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "ok"), "{method}: {answer:?}");
        let statuses: Vec<u16> = answer.interim.iter().map(|(status, _)| *status).collect();
        assert_eq!(statuses, [103, 102], "{method}: in order: {answer:?}");
        let fields = &answer.interim[0].1;
        assert!(fields.iter().any(|(name, value)| name == "link" && value == "</a>"), "{fields:?}");
        let stripped = |name: &str| !fields.iter().any(|(other, _)| other == name);
        assert!(stripped("tollgate-error"), "nobody pretends to be the gateway: {fields:?}");
        assert!(stripped("x-hop"), "what belongs to the connection stays there: {fields:?}");
        let mut caller = gateway.http2(&authority).await;
        let answer = caller.call(method, "/", &[], body, None).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "ok"), "{method}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_of_http_1_0_gets_no_interim_answer() {
    let provider = hinting().await;
    let gateway = Recipe::to(&provider).start();
    let mut caller = gateway.http1().await;
    let head = "POST /x HTTP/1.0\r\nHost: pay.example\r\nExpect: 100-continue\r\nContent-Length: 1";
    caller.send(format!("{head}\r\n\r\n1")).await;
    let text = String::from_utf8(caller.rest().await).unwrap();
    assert!(text.split(' ').nth(1) == Some("200"), "the answer comes first: {text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_held_answer_arrives_before_it_was_checked_interim_answers_included() {
    let provider = hinting().await;
    let gateway =
        Recipe::to(&provider).assemble(|edit| edit.plugin("holding", std::sync::Arc::new(Holding)));
    let answer = gateway.http1().await.call("POST", "/", &[], b"1", None).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "ok"), "{answer:?}");
    assert!(answer.interim.is_empty(), "no hints of it: {:?}", answer.interim);
}
