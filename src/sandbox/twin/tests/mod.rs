//! The twin with a provider that signs nothing: what all dialects have in common.

mod plain;

use std::{sync::Mutex as Ear, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tollgate_api::{Clock, SystemClock, SystemEntropy};

use super::*;
use crate::sandbox::{Authority, Pair, Server};
use plain::Plain;

/// Hears notifications, and answers with the next of these words, or `success`.
struct Merchant {
    words: Ear<Vec<&'static str>>,
    heard: mpsc::UnboundedSender<(String, String)>,
}

impl Service for Merchant {
    async fn answer(&self, request: Request) -> Reply {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let signature = request.only_header("signature").unwrap_or_default().to_owned();
        let _ = self.heard.send((body, signature));
        let word = self.words.lock().unwrap().pop().unwrap_or("success");
        Reply::bytes(StatusCode::OK, word.into())
    }
}

struct Bench {
    twin: Arc<Twin>,
    heard: mpsc::UnboundedReceiver<(String, String)>,
    notify: String,
    _merchant: Server<Merchant>,
}

impl Bench {
    fn new(options: Options, words: Vec<&'static str>) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let (sender, heard) = mpsc::unbounded_channel();
        let merchant = Arc::new(Merchant { words: Ear::new(words), heard: sender });
        let address = ([127, 0, 0, 1], 0).into();
        let merchant =
            Server::start_at(address, "merchant", merchant, None, clock.clone()).unwrap();
        let notify = format!("http://{}/told", merchant.address());
        let options = Options { ladder_scale: 1, ..options };
        let twin = Twin::new(Box::new(Plain), options, clock, Arc::new(SystemEntropy)).unwrap();
        Self { twin, heard, notify, _merchant: merchant }
    }

    async fn order(&self, path: &str, order: &str) -> Reply {
        let said = json!({ "order": order, "amount": 500, "notify": self.notify });
        self.post(path, &said).await
    }

    async fn post(&self, path: &str, said: &Value) -> Reply {
        let body = Bytes::from(said.to_string());
        self.twin.answer(Request::new(Method::POST, path, HeaderMap::new(), body)).await
    }

    async fn hear(&mut self) -> String {
        let heard = tokio::time::timeout(Duration::from_secs(30), self.heard.recv()).await;
        heard.expect("a notification within half a minute").unwrap().0
    }

    /// Waits for what the book says of notifications.
    async fn recorded(&self, what: &str, holds: impl Fn(&[Value]) -> bool) {
        let records = async {
            while !holds(&self.twin.notifications()) {
                tokio::task::yield_now().await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(30), records).await;
        assert!(waited.is_ok(), "{what}: {:#?}", self.twin.notifications());
    }
}

fn answered(reply: Reply) -> (StatusCode, HeaderMap, Value) {
    match reply {
        Reply::Answer { status, headers, body } => {
            (status, headers, serde_json::from_slice(&body).unwrap_or_default())
        }
        other => panic!("an answer: {other:?}"),
    }
}

#[tokio::test]
async fn no_fault_changes_what_stands_in_the_book() {
    for (fault, what) in [
        (Fault::LostAnswer, "lost"),
        (Fault::ErrorAfterCharge, "replaced by an error"),
        (Fault::ResetMidAnswer, "cut off"),
        (Fault::WrongSignature, "signed wrongly"),
        (Fault::ClockSkew, "signed at another time"),
        (Fault::KeyRotation, "signed with a new key"),
        (Fault::Slow, "late"),
    ] {
        let bench = Bench::new(Options { slow: Duration::ZERO, ..Options::default() }, vec![]);
        bench.twin.faults().plan(fault, Plan::times(1));
        let reply = bench.order("/orders", "a").await;
        match fault {
            Fault::LostAnswer => assert!(matches!(reply, Reply::Hangup), "{what}"),
            Fault::ResetMidAnswer => assert!(matches!(reply, Reply::Broken { .. }), "{what}"),
            Fault::ErrorAfterCharge => assert_eq!(answered(reply).0.as_u16(), 500, "{what}"),
            Fault::WrongSignature => {
                let (_, headers, _) = answered(reply);
                let signature = headers["signature"].to_str().unwrap();
                assert!(signature.starts_with("Wrong"), "{what}: {signature}");
            }
            Fault::ClockSkew => {
                let (_, headers, _) = answered(reply);
                let signature = headers["signature"].to_str().unwrap();
                let at: u64 = signature.rsplit(' ').next().unwrap().parse().unwrap();
                let wrong = at.abs_diff(SystemClock::new().unix().as_secs());
                assert!((650..=670).contains(&wrong), "{what}: by {wrong} s");
            }
            _ => assert_eq!(answered(reply).0, StatusCode::OK, "{what}"),
        }
        let again = answered(bench.order("/orders", "a").await);
        assert_eq!(again.0, StatusCode::OK, "the second answer is not {what}");
        let book = bench.twin.book();
        assert_eq!(book["totals"]["CNY"]["paid"], 500, "charged once although {what}: {book:#}");
        assert_eq!(book["payments"][0]["requests"], 2, "both requests are counted");
    }
}

#[tokio::test]
async fn a_merchant_is_told_until_it_acknowledges() {
    let mut bench = Bench::new(Options::default(), vec!["no", "not yet"]);
    bench.order("/orders", "a").await;
    for attempt in 0..3 {
        assert_eq!(bench.hear().await, "a", "attempt {attempt}");
    }
    bench
        .recorded("acknowledged at the third attempt", |records| {
            records[0]["state"] == "acknowledged"
                && records[0]["attempts"].as_array().unwrap().len() == 3
        })
        .await;
    let mut deaf = Bench::new(Options::default(), vec!["no"; 9]);
    deaf.order("/orders", "b").await;
    for attempt in 0..3 {
        assert_eq!(deaf.hear().await, "b", "attempt {attempt}");
    }
    deaf.recorded("given up at the end of the ladder", |records| records[0]["state"] == "given_up")
        .await;
}

#[tokio::test]
async fn attempts_of_one_second_say_different_times() {
    let mut bench = Bench::new(Options::default(), vec!["no", "not yet"]);
    bench.order("/orders", "a").await;
    for attempt in 0..3 {
        assert_eq!(bench.hear().await, "a", "attempt {attempt}");
    }
    let wire = bench.twin.wire();
    let mut times: Vec<&Value> = wire["notifications"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|sent| sent["headers"].as_array().unwrap())
        .filter(|field| field[0] == "signed-at")
        .map(|field| &field[1])
        .collect();
    times.dedup();
    assert_eq!(times.len(), 3, "no two are signed alike: {wire:#}");
}

#[tokio::test]
async fn what_keeps_a_notification_from_arriving_is_told_apart() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let authority = Authority::new("told", clock.unix()).unwrap();
    let stranger = Authority::new("stranger", clock.unix()).unwrap();
    let address = ([127, 0, 0, 1], 0).into();
    let (heard, _ears) = mpsc::unbounded_channel();
    let served = |pair: &Pair| {
        let merchant = Arc::new(Merchant { words: Ear::default(), heard: heard.clone() });
        Server::start_at(address, "merchant", merchant, Some(pair), clock.clone()).unwrap()
    };
    let known = served(&authority.server(&["127.0.0.1"]).unwrap());
    let misnamed = served(&authority.server(&["merchant.example"]).unwrap());
    let untrusted = served(&stranger.server(&["127.0.0.1"]).unwrap());
    let trust = Some(authority.certificate().into_bytes());
    for (url, expected) in [
        (format!("https://{}/told", known.address()), Value::Null),
        (
            format!("https://{}/told", misnamed.address()),
            "the certificate is for another name".into(),
        ),
        (format!("https://{}/told", untrusted.address()), "the certificate is not trusted".into()),
        ("http://127.0.0.1:1/told".to_owned(), "connection refused".into()),
    ] {
        let options =
            Options { trust: trust.clone(), notify: Some(url.clone()), ..Options::default() };
        let bench = Bench::new(options, vec![]);
        bench.order("/orders", "a").await;
        bench
            .recorded(&url, |records| {
                records.first().is_some_and(|record| record["attempts"][0].is_object())
            })
            .await;
        let failed = &bench.twin.notifications()[0]["attempts"][0]["failed"];
        assert_eq!(*failed, expected, "{url}");
    }
}

#[tokio::test]
async fn notifications_come_twice_late_or_in_another_order_when_asked_to() {
    let late = Duration::from_mins(10);
    let mut bench = Bench::new(Options { late, ..Options::default() }, vec![]);
    bench.twin.faults().plan(Fault::DuplicateNotification, Plan::times(1));
    bench.order("/orders", "twice").await;
    assert_eq!((bench.hear().await, bench.hear().await), ("twice".into(), "twice".into()), "twice");
    bench.twin.faults().plan(Fault::ReorderedNotification, Plan::times(1));
    bench.order("/orders", "first").await;
    bench.order("/orders", "second").await;
    assert_eq!(bench.hear().await, "second", "the second comes first");
    assert_eq!(bench.hear().await, "first", "and the first behind it");
    bench.twin.faults().plan(Fault::LateNotification, Plan::times(1));
    bench.order("/orders", "late").await;
    bench.order("/orders", "in time").await;
    assert_eq!(bench.hear().await, "in time", "the late one is not there");

    let late = Duration::from_millis(1);
    let mut bench = Bench::new(Options { late, ..Options::default() }, vec![]);
    bench.twin.faults().plan(Fault::ReorderedNotification, Plan::times(1));
    bench.order("/orders", "alone").await;
    assert_eq!(bench.hear().await, "alone", "what nothing follows is late and not lost");
}

#[tokio::test]
async fn whoever_watches_can_pay_plan_faults_and_settle() {
    let mut bench = Bench::new(Options::default(), vec![]);
    bench.order("/tea", "a").await;
    let paid = answered(bench.post("/_pay", &json!({ "order": "a" })).await);
    assert_eq!((paid.0, &paid.2["state"]), (StatusCode::OK, &json!("paid")), "told to pay");
    assert_eq!(bench.hear().await, "a", "and the merchant is told");
    let again = answered(bench.post("/_pay", &json!({ "order": "a" })).await);
    assert_eq!(again.0, StatusCode::CONFLICT, "nobody pays twice");

    let planned = json!({ "name": "lost_answer", "times": 1 });
    assert_eq!(answered(bench.post("/_faults", &planned).await).0, StatusCode::OK, "planned");
    assert!(matches!(bench.order("/orders", "b").await, Reply::Hangup), "and it happens");
    for (plan, what) in [
        (json!({ "name": "lost" }), "another name"),
        (json!({ "name": "slow" }), "no number"),
        (json!({ "name": "slow", "share": 2 }), "a share of two"),
        (json!({ "name": "slow", "times": -1 }), "less than none"),
        (json!({ "name": "slow", "times": 1, "on": "both" }), "on what"),
        (json!({ "name": "slow", "times": 1, "order": 7 }), "a number for an order"),
        (json!({ "name": "slow", "times": 1, "on": 7 }), "a number for on what"),
        (json!({ "name": "slow", "times": 1, "only": "a" }), "a member that is not known"),
    ] {
        let refused = answered(bench.post("/_faults", &plan).await);
        assert_eq!(refused.0, StatusCode::BAD_REQUEST, "{what}");
    }

    for (path, said) in [
        ("/_pay", json!({ "order": "b", "amount": 1 })),
        ("/_settle", json!({ "day": "2026-11-24" })),
        ("/_settle", json!({ "date": 7 })),
        ("/_settle", json!(["2026-11-24"])),
        ("/_rotate", json!({ "keys": 2 })),
    ] {
        let refused = answered(bench.post(path, &said).await);
        assert_eq!(refused.0, StatusCode::BAD_REQUEST, "{path} {said}: {}", refused.2);
    }
    let settled = answered(bench.post("/_settle", &json!({ "date": "2026-11-24" })).await).2;
    assert_eq!((&settled["payments"], &settled["paid"]), (&json!(2), &json!(1000)), "both");
    let get = |path| Request::new(Method::GET, path, HeaderMap::new(), Bytes::new());
    let Reply::Answer { body, .. } = bench.twin.answer(get("/_settlements/2026-11-24")).await
    else {
        panic!("a file")
    };
    assert_eq!(&body[..], b"a\nb\n", "the day's file");
    bench.post("/orders", &json!({ "order": 7 })).await;
    let refusals = answered(bench.twin.answer(get("/_refusals")).await).2;
    assert_eq!(refusals[0]["code"], "malformed", "and why a request was refused");
    let wire = answered(bench.twin.answer(get("/_wire")).await).2;
    assert_eq!(wire["request"]["body"], r#"{"order":7}"#, "and what it was");
}

#[tokio::test]
async fn notifications_go_where_they_are_directed_and_what_was_sent_is_shown() {
    let mut first = Bench::new(Options::default(), vec![]);
    let second = Bench::new(Options::default(), vec![]);
    first.order("/orders", "a").await;
    assert_eq!(first.hear().await, "a", "where it was to go");
    let to = first.twin.notifications()[0]["to"].as_str().unwrap().to_owned();
    second.twin.notify(&to);
    second.order("/orders", "b").await;
    assert_eq!(first.hear().await, "b", "where it was directed since");
    let wire = second.twin.wire();
    assert_eq!(wire["notifications"].as_array().unwrap().len(), 1, "shown: {wire:#}");
    assert_eq!(wire["notifications"][0]["to"], to.as_str(), "and where it went");
}

#[tokio::test]
async fn payers_pay_by_themselves_where_that_is_wanted() {
    let options = Options { pay_after: Some(Duration::from_millis(1)), ..Options::default() };
    let mut bench = Bench::new(options, vec![]);
    bench.order("/tea", "a").await;
    assert_eq!(bench.hear().await, "a", "paid, and told");
}

#[tokio::test]
async fn the_same_seed_decides_the_same() {
    let run = async |seed| {
        let bench = Bench::new(Options { seed, ..Options::default() }, vec![]);
        bench.twin.faults().plan(Fault::LostAnswer, Plan::share("0.5").unwrap());
        let mut fates = Vec::new();
        for order in 0..32 {
            let reply = bench.order("/tea", &order.to_string()).await;
            fates.push(matches!(reply, Reply::Hangup));
        }
        let book = bench.twin.book();
        let ids = book["payments"].as_array().unwrap().iter();
        (fates, ids.map(|payment| payment["id"].clone()).collect::<Vec<_>>())
    };
    let first = run(7).await;
    assert_eq!(first, run(7).await, "lost answers and the provider's numbers");
    assert_ne!(first, run(8).await, "another seed decides otherwise");
}
