//! What a plugin says of itself is true: what it reads, which hooks it has, what survives a reload.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tollgate_api::{
    Answer, AnswerHead, Blame, Body, BodyNeed, Exchange, Fault, Flow, Identity, Origin, Plugin,
    Side, Which, codes, testing,
};

use super::bench::everywhere;

#[tokio::test]
async fn a_plugin_that_does_not_ask_for_a_body_does_without_it() {
    for bench in everywhere() {
        let plugin = bench.plugin(&bench.snapshot());
        let needs = plugin.needs();
        assert_eq!(needs, plugin.needs(), "{} answers the same every time", bench.name());
        for mut exchange in requests(|| Body::Streamed) {
            if needs.request != BodyNeed::Whole {
                let verdict = plugin.on_request(&mut exchange).resolve().await;
                sane(&bench.name(), "a streamed request", verdict.as_ref().err());
                assert_eq!(exchange.request.body, Body::Streamed, "{} left it", bench.name());
            }
            if needs.answer != BodyNeed::Whole {
                exchange.answer = Some(answer(Body::Streamed));
                let verdict = plugin.on_response(&mut exchange).resolve().await;
                sane(&bench.name(), "a streamed answer", verdict.as_ref().err());
                let body = exchange.answer.map(|answer| answer.body);
                assert_eq!(body, Some(Body::Streamed), "{} left it", bench.name());
            }
        }
    }
}

#[test]
fn a_plugin_watches_only_what_it_said_it_would() {
    for bench in everywhere() {
        let plugin = bench.plugin(&bench.snapshot());
        let exchange = testing::exchange();
        for (which, need) in
            [(Which::Request, plugin.needs().request), (Which::Answer, plugin.needs().answer)]
        {
            let watches = plugin.observer(&exchange, which).is_some();
            assert!(!watches || need >= BodyNeed::Observe, "{}: {which:?}", bench.name());
        }
        let headers = HeaderMap::new();
        for status in [StatusCode::OK, StatusCode::BAD_GATEWAY] {
            let head = AnswerHead { status, headers: &headers };
            let wanted = plugin.needs_answer(&exchange, &head);
            assert!(wanted <= plugin.needs().answer, "{} wants more than it said", bench.name());
        }
    }
}

#[tokio::test]
async fn a_hook_that_a_plugin_says_it_has_not_does_nothing() {
    for bench in everywhere() {
        let plugin = bench.plugin(&bench.snapshot());
        for mut exchange in requests(|| Body::Empty) {
            if !plugin.hooks().request {
                let before = format!("{exchange:?}");
                let verdict = plugin.on_request(&mut exchange).resolve().await;
                assert!(matches!(verdict, Ok(Flow::Continue)), "{} lets it pass", bench.name());
                assert_eq!(format!("{exchange:?}"), before, "{} changes nothing", bench.name());
            }
            if !plugin.hooks().response {
                exchange.answer = Some(answer(Body::Empty));
                let before = format!("{exchange:?}");
                let verdict = plugin.on_response(&mut exchange).resolve().await;
                assert!(verdict.is_ok(), "{} lets the answer pass", bench.name());
                assert_eq!(format!("{exchange:?}"), before, "{} changes nothing", bench.name());
            }
        }
    }
}

#[tokio::test]
async fn whatever_a_body_holds_it_is_not_the_gateway_that_fails() {
    for bench in everywhere() {
        let plugin = bench.plugin(&bench.snapshot());
        for body in BODIES.iter().map(|body| body()) {
            for mut exchange in requests(|| held(&body)) {
                let request = plugin.on_request(&mut exchange).resolve().await;
                sane(&bench.name(), "a request", request.as_ref().err());
                for origin in [Origin::Provider, Origin::Gateway, Origin::Fault(&codes::OVERLOADED)]
                {
                    exchange.answer = Some(Answer { origin, ..answer(held(&body)) });
                    let verdict = plugin.on_response(&mut exchange).resolve().await;
                    sane(&bench.name(), "an answer", verdict.as_ref().err());
                    if bench.side == Side::Upstream
                        && origin.is_provider()
                        && let Err(fault) = verdict
                    {
                        assert_eq!(
                            fault.code().blame,
                            Blame::Upstream,
                            "{}: {fault}",
                            bench.name()
                        );
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn a_reload_changes_neither_jobs_nor_what_was_counted() {
    for bench in everywhere() {
        let before = bench.snapshot();
        let plugin = bench.plugin(&before);
        let mut verdicts = Vec::new();
        // As many as it takes to exhaust whatever is limited.
        for _ in 0..1_000 {
            verdicts.push(verdict(&*plugin).await);
        }
        let after = bench.snapshot();
        let jobs = |snapshot: &tollgate::snapshot::Snapshot| -> Vec<(String, u64)> {
            snapshot.jobs.iter().map(|job| (job.name.clone(), job.fingerprint)).collect()
        };
        assert_eq!(jobs(&before), jobs(&after), "{}: no job is started anew", bench.name());
        let next = bench.plugin(&after);
        drop((plugin, before));
        assert_eq!(
            verdict(&*next).await,
            verdicts[verdicts.len() - 1],
            "{} decides after a reload as it did before",
            bench.name()
        );
    }
}

async fn verdict(plugin: &dyn Plugin) -> &'static str {
    let mut exchange = testing::exchange_with_body("{}");
    match plugin.on_request(&mut exchange).resolve().await {
        Ok(Flow::Continue) => "continue",
        Ok(Flow::Respond(_)) => "respond",
        Err(fault) => fault.code().name,
    }
}

/// Requests that plugins treat differently, each with this body.
fn requests(body: impl Fn() -> Body) -> Vec<Exchange> {
    let identity = Identity {
        subject: Some("subject".into()),
        client_id: Some("client".into()),
        scopes: vec!["payments:write".into()],
        claims: std::sync::Arc::default(),
        proven_by: "jwt",
    };
    let headers: [&[(&str, &str)]; 5] = [
        &[],
        &[("content-type", "application/json")],
        &[("content-type", "application/jose"), ("authorization", "Bearer e30.e30.e30")],
        &[("content-type", "application/octet-stream"), ("authorization", "Basic QTpC")],
        &[("content-type", "text/\u{e4}"), ("authorization", "Bearer ")],
    ];
    let mut requests = Vec::new();
    for fields in headers {
        for identity in [None, Some(identity.clone())] {
            let mut exchange = testing::exchange_with(fields);
            exchange.identity = identity;
            exchange.request.body = body();
            requests.push(exchange);
        }
    }
    requests
}

fn answer(body: Body) -> Answer {
    Answer { body, ..testing::answer_with_body("{}") }
}

fn held(body: &Bytes) -> Body {
    if body.is_empty() { Body::Empty } else { Body::Held(body.clone()) }
}

/// A fault that callers and providers can cause at will blames one of them, or says that
/// something is missing; it is never a defect.
fn sane(plugin: &str, what: &str, fault: Option<&Fault>) {
    let Some(fault) = fault else { return };
    let code = fault.code();
    assert!(
        matches!(code.blame, Blame::Caller | Blame::Upstream) || code.status == 503,
        "{plugin} over {what}: `{}`, {:?}",
        code.name,
        fault.cause().map(ToString::to_string)
    );
}

const BODIES: [fn() -> Bytes; 12] = [
    Bytes::new,
    || Bytes::from_static(b"{}"),
    || Bytes::from_static(b"[]"),
    || Bytes::from_static(b"null"),
    || Bytes::from_static(b"\"\""),
    || Bytes::from_static(b"1e999999"),
    || Bytes::from_static(br#"{"card":{"number":1},"card":{"number":"2"},"merchant_id":[]}"#),
    || Bytes::from_static(br#"{"card":{"number":"4111111111111111"},"merchant_id":"m"}"#),
    || Bytes::from_static(br#"{"card":{"number":"","cvc":null},"merchant_id":"m"}"#),
    || Bytes::from_static(b"eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0....."),
    || Bytes::from_static(b"\xff\xfe\x00"),
    || Bytes::from("[".repeat(100_000)),
];
