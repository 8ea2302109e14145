//! Webhooks, read and held against the secret by code that knows only their description.

use aws_lc_rs::hmac;

use super::*;
use crate::sandbox::twin::Moment;

/// Whether any `v1` is a signature of the body by this secret.
fn is_proven(header: &str, body: &[u8], secret: &str) -> bool {
    let parts: Vec<(&str, &str)> =
        header.split(',').filter_map(|part| part.split_once('=')).collect();
    let time = parts.iter().find(|(name, _)| *name == "t").unwrap().1;
    let message = [time.as_bytes(), b".", body].concat();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    parts.iter().filter(|(name, _)| *name == "v1").any(|(_, digits)| {
        let bytes: Vec<u8> = (0..digits.len() / 2)
            .map(|at| u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).unwrap())
            .collect();
        hmac::verify(&key, &message, &bytes).is_ok()
    })
}

fn sealed(bench: &Bench, letter: &Letter, how: &Sealing) -> (String, Bytes) {
    let envelope = bench.twin.dialect().seal_letter(letter, how, bench.twin.desk());
    (envelope.headers["stripe-signature"].to_str().unwrap().to_owned(), envelope.body)
}

const RIGHT: Sealing = Sealing { signature: Signature::Right, now: START };

#[test]
fn the_recorded_signature_is_the_twins_too() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/generated/stripe.json");
    let vectors: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let text = |name: &str| vectors[name].as_str().unwrap();
    let secrets = Secrets::new(text("secret").to_owned());
    let header = secrets.sign(text("payload").as_bytes(), &RIGHT);
    assert!(header.starts_with(text("header")), "{header}");
    assert!(header.contains(",v0="), "with another scheme beside it: {header}");
}

#[tokio::test]
async fn what_happens_is_told_signed() {
    let bench = Bench::new();
    let id = bench.paid().await;
    let payment = bench.twin.desk().book().payment(&id).unwrap().clone();
    let (dialect, desk) = (bench.twin.dialect(), bench.twin.desk());
    let letters = dialect.letters(&Event::Paid(payment.clone()), desk);
    let kinds: Vec<&str> = letters.iter().map(|letter| letter.kind.as_str()).collect();
    assert_eq!(kinds, ["payment_intent.succeeded", "charge.succeeded"], "two events");
    let (header, body) = sealed(&bench, &letters[0], &RIGHT);
    assert!(is_proven(&header, &body, &bench.secret), "signed: {header}");
    assert!(header.starts_with(&format!("t={},", START.as_secs())), "with the time: {header}");
    assert!(!is_proven(&header, &[&body[..], b" "].concat(), &bench.secret), "of no other body");
    assert!(!is_proven(&header, &body, "whsec_other"), "with no other secret");
    assert!(!is_proven(&header.replace("t=1", "t=2"), &body, &bench.secret), "at no other time");
    let wrong = sealed(&bench, &letters[0], &Sealing { signature: Signature::Wrong, ..RIGHT });
    assert!(!is_proven(&wrong.0, &wrong.1, &bench.secret), "or wrongly, when that is wanted");
    let event: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(event["data"]["object"]["id"], id.as_str(), "the intent: {event:#}");
    assert_eq!(
        (&event["livemode"], &event["object"]),
        (&json!(false), &json!("event")),
        "in test mode"
    );
    let found = bench.get(&format!("/v1/events/{}", letters[0].id)).await.json;
    assert_eq!(found, event, "and it is found again");

    bench.twin.rotate().await.unwrap();
    let secrets = bench.twin.dialect().keys()["webhook_secrets"].as_array().unwrap().clone();
    let (header, body) = sealed(&bench, &letters[0], &RIGHT);
    assert_eq!(
        (secrets.len(), header.matches("v1=").count()),
        (2, 2),
        "two secrets, two signatures"
    );
    for secret in &secrets {
        assert!(is_proven(&header, &body, secret.as_str().unwrap()), "either proves it");
    }
    bench.twin.retire();
    let (header, body) = sealed(&bench, &letters[0], &RIGHT);
    assert!(!is_proven(&header, &body, &bench.secret), "the old one has ended");
    assert!(is_proven(&header, &body, secrets[1].as_str().unwrap()), "the new one has not");
}

#[tokio::test]
async fn failures_cancellations_and_refunds_are_told_under_numbers_of_their_own() {
    let bench = Bench::new();
    let intents = "/v1/payment_intents";
    let id = bench.paid().await;
    bench.post("/v1/refunds", &format!("payment_intent={id}&amount=99")).await;
    let open = bench.post(intents, "amount=5&currency=eur").await.json;
    let path = format!("{intents}/{}", open["id"].as_str().unwrap());
    for _ in 0..2 {
        bench.post(&format!("{path}/confirm"), "payment_method=pm_card_chargeDeclined").await;
    }
    bench.post(&format!("{path}/cancel"), "").await;
    let expected = [
        ("payment_intent.succeeded", 1),
        ("charge.succeeded", 1),
        ("charge.refunded", 1),
        ("refund.updated", 1),
        ("payment_intent.payment_failed", 2),
        ("payment_intent.canceled", 1),
    ];
    let told = async {
        loop {
            let records = bench.twin.notifications();
            let count = |kind: &str| records.iter().filter(|record| record["kind"] == kind).count();
            if expected.iter().all(|(kind, times)| count(kind) == *times) {
                return records;
            }
            tokio::task::yield_now().await;
        }
    };
    let records = tokio::time::timeout(Duration::from_secs(30), told).await;
    let records = records.unwrap_or_else(|_| panic!("{:#?}", bench.twin.notifications()));
    assert_eq!(records[0]["state"], "no_address", "nobody said where to");
    let mut ids: Vec<String> = records.iter().map(|record| record["id"].to_string()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), records.len(), "each has a number of its own");
    let listed = bench.get("/v1/events?limit=100").await.json;
    assert_eq!(listed["data"].as_array().unwrap().len(), records.len(), "and all are listed");
    let failed = bench.get("/v1/events?type=payment_intent.payment_failed").await.json;
    assert_eq!(failed["data"].as_array().unwrap().len(), 2, "by their type too");
    let code = &failed["data"][0]["data"]["object"]["last_payment_error"]["code"];
    assert_eq!(*code, "card_declined", "with the reason");
}

#[tokio::test]
async fn any_success_acknowledges() {
    let bench = Bench::new();
    for (status, expected) in
        [(200, true), (204, true), (299, true), (302, false), (400, false), (500, false)]
    {
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(bench.twin.dialect().acknowledged(status, b""), expected, "{status}");
    }
    let sum = bench.twin.dialect().ladder().iter().sum::<Duration>();
    let date = Moment::of(START + sum, 0).date();
    assert_eq!(date, "2026-01-03", "for most of three days");
}

#[tokio::test]
async fn a_fault_of_signatures_waits_for_a_webhook_because_no_answer_is_signed() {
    let options = Options { notify: Some(NOBODY.to_owned()), ..Options::default() };
    for fault in [Fault::WrongSignature, Fault::ProbeSignature, Fault::ClockSkew] {
        let bench = Bench::with(options.clone());
        bench.twin.faults().plan(fault, Plan::times(1));
        bench.get("/v1/events").await;
        assert_eq!(
            bench.twin.faults().shown()[fault.name()]["times"],
            1,
            "{fault:?}: still planned"
        );
        bench.paid().await;
        let struck = async {
            while bench.twin.faults().shown()[fault.name()]["times"] != 0 {
                tokio::task::yield_now().await;
            }
        };
        let struck = tokio::time::timeout(Duration::from_secs(30), struck).await;
        assert!(struck.is_ok(), "{fault:?} struck a webhook");
        let plan = json!({ "name": fault.name(), "times": 1, "on": "answer" }).to_string();
        let refused = bench.post("/_faults", &plan).await;
        assert_eq!(refused.status, 400, "{fault:?} cannot be for answers: {}", refused.json);
    }
    let bench = Bench::new();
    let slow = bench.post("/_faults", r#"{"name":"slow","times":1,"on":"answer"}"#).await;
    assert_eq!(slow.status, 200, "answers can be slow: {}", slow.json);
}

#[tokio::test]
async fn every_secret_stays_good_until_it_is_ended_however_often_they_change() {
    let bench = Bench::new();
    let id = bench.paid().await;
    let payment = bench.twin.desk().book().payment(&id).unwrap().clone();
    let letters = bench.twin.dialect().letters(&Event::Paid(payment), bench.twin.desk());
    for _ in 0..3 {
        bench.twin.rotate().await.unwrap();
    }
    let (header, body) = sealed(&bench, &letters[0], &RIGHT);
    assert!(is_proven(&header, &body, &bench.secret), "the first one is still good: {header}");
    assert_eq!(header.matches("v1=").count(), 4, "four secrets, four signatures");
    bench.twin.retire();
    let (header, body) = sealed(&bench, &letters[0], &RIGHT);
    assert!(!is_proven(&header, &body, &bench.secret), "until it was ended");
}

/// Nothing listens there.
const NOBODY: &str = "http://127.0.0.1:1/told";
