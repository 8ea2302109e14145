//! What becomes of a webhook.

use http::StatusCode;
use tollgate_api::{
    Answer, Flow, Origin, Outcome, codes,
    testing::{FakeReplaySets, answer_with_body, respond, verdict},
};

use super::*;

fn receiver(more: &Value) -> Arc<dyn Plugin> {
    furnished(Bench::new()).plugin::<Stripe>(with(webhooks(), more))
}

/// The institution's answer of this status, as Stripe sees it.
async fn told(plugin: &dyn Plugin, exchange: &mut Exchange, status: u16) -> (u16, String) {
    let mut answer = answer_with_body(r#"{"internal":"detail"}"#);
    answer.status = StatusCode::from_u16(status).unwrap();
    answer.headers.insert("x-internal", "detail".parse().unwrap());
    respond(plugin, exchange, answer).await.unwrap();
    let answer = exchange.answer.take().unwrap();
    assert!(!answer.headers.contains_key("x-internal"), "what the institution says stays there");
    seen(&answer)
}

fn seen(answer: &Answer) -> (u16, String) {
    let body = answer.body.whole().unwrap();
    (answer.status.as_u16(), String::from_utf8(body.to_vec()).unwrap())
}

/// A later sending of the same event, signed anew as Stripe does.
fn again(body: &[u8], seconds: u64) -> Exchange {
    webhook(&signed(SECRET, NOW - seconds, body), body)
}

#[tokio::test]
async fn the_institution_gets_the_event_as_it_was_signed() {
    let plugin = receiver(&json!({}));
    let mut exchange = sound(EVENT);
    request(&*plugin, &mut exchange).await.unwrap();
    assert_eq!(exchange.request.body.whole().unwrap(), EVENT, "every byte of it");
    assert!(!exchange.request.headers.contains_key("stripe-signature"), "without the signature");
    let identity = exchange.identity.unwrap();
    assert_eq!(identity.client(), Some("stripe"), "limits and rules know who it is");
    assert_eq!(identity.proven_by, "stripe", "and how that was proved");
}

#[tokio::test]
async fn stripe_is_told_that_an_event_was_received_when_the_institution_took_it() {
    for (status, expected) in [
        (200, (200, r#"{"received":true}"#)),
        (202, (200, r#"{"received":true}"#)),
        (204, (200, r#"{"received":true}"#)),
        (302, (502, "")),
        (400, (400, "")),
        (409, (409, "")),
        (500, (500, "")),
        (503, (503, "")),
    ] {
        let plugin = receiver(&json!({}));
        let mut exchange = sound(EVENT);
        request(&*plugin, &mut exchange).await.unwrap();
        let (code, body) = told(&*plugin, &mut exchange, status).await;
        assert_eq!((code, body.as_str()), expected, "after {status}");
    }
}

#[tokio::test]
async fn an_event_is_delivered_once_and_acknowledged_ever_after() {
    let plugin = receiver(&json!({}));
    let mut first = sound(EVENT);
    request(&*plugin, &mut first).await.unwrap();
    let meanwhile = receive(&*plugin, again(EVENT, 1)).await;
    assert_eq!(verdict(&meanwhile), "notification_in_progress", "while it is being delivered");
    assert_eq!(told(&*plugin, &mut first, 200).await.0, 200, "taken");
    let mut second = again(EVENT, 2);
    let Ok(Flow::Respond(answer)) = plugin.on_request(&mut second).resolve().await else {
        panic!("it is not delivered again");
    };
    assert_eq!(seen(&answer), (200, r#"{"received":true}"#.to_owned()), "but acknowledged");
    second.answer = Some(*answer);
    plugin.on_response(&mut second).resolve().await.unwrap();
    assert_eq!(seen(&second.answer.unwrap()).0, 200, "our own answer passes as it is");
    let other = receive(&*plugin, sound(br#"{"id":"evt_2"}"#)).await;
    assert_eq!(verdict(&other), "ok", "another event");
}

#[tokio::test]
async fn what_was_not_taken_may_come_again() {
    let plugin = receiver(&json!({}));
    let mut refused = again(EVENT, 1);
    request(&*plugin, &mut refused).await.unwrap();
    told(&*plugin, &mut refused, 500).await;
    let mut failed = again(EVENT, 2);
    request(&*plugin, &mut failed).await.unwrap();
    let fault = Answer {
        origin: Origin::Fault(&codes::UPSTREAM_TIMEOUT),
        status: StatusCode::GATEWAY_TIMEOUT,
        ..answer_with_body("{}")
    };
    respond(&*plugin, &mut failed, fault).await.unwrap();
    assert_eq!(
        seen(&failed.answer.unwrap()),
        (504, "{}".to_owned()),
        "our faults pass as they are"
    );
    let mut cancelled = again(EVENT, 3);
    request(&*plugin, &mut cancelled).await.unwrap();
    plugin.on_end(&mut cancelled, &Outcome { cancelled: true, ..Outcome::default() });
    assert_eq!(verdict(&receive(&*plugin, again(EVENT, 4)).await), "ok", "delivered at last");
}

#[tokio::test]
async fn the_same_signed_message_does_not_pass_twice_however_it_is_dressed() {
    let plugin = receiver(&json!({}));
    let mut first = sound(EVENT);
    request(&*plugin, &mut first).await.unwrap();
    told(&*plugin, &mut first, 500).await;
    let header = signed(SECRET, NOW, EVENT);
    let other = code("whsec_other", NOW, EVENT);
    for header in [
        header.clone(),
        format!("{header},v0=00"),
        format!("{header},v1={other}"),
        format!("t={NOW},v1={other},v1={}", code(SECRET, NOW, EVENT)),
    ] {
        let replayed = receive(&*plugin, webhook(&header, EVENT)).await;
        assert_eq!(verdict(&replayed), "signature_replayed", "{header}");
    }
}

#[tokio::test]
async fn two_secrets_stand_side_by_side_while_one_replaces_the_other() {
    let both = json!({ "webhook_secrets": [{ "env": "SECRET" }, { "env": "OLD_SECRET" }] });
    let old = signed(OLD_SECRET, NOW, EVENT);
    let new = signed(SECRET, NOW, EVENT);
    // As Stripe signs while both are valid.
    let rolled = format!("{new},v1={}", code(OLD_SECRET, NOW, EVENT));
    for (settings, header, expected) in [
        (&json!({}), &old, "signature_invalid"),
        (&json!({}), &new, "ok"),
        (&json!({}), &rolled, "ok"),
        (&both, &old, "ok"),
        (&both, &new, "ok"),
        (&both, &rolled, "ok"),
    ] {
        let result = receive(&*receiver(settings), webhook(header, EVENT)).await;
        assert_eq!(verdict(&result), expected, "{settings}: {header}");
    }
    let forged = receive(&*receiver(&both), webhook(&signed("whsec_", NOW, EVENT), EVENT)).await;
    assert_eq!(verdict(&forged), "signature_invalid", "the prefix alone is no secret");
}

#[tokio::test]
async fn an_event_for_somebody_else_is_refused() {
    let live = json!({ "livemode": true });
    let test = json!({ "livemode": false });
    let one = json!({ "account": "acct_1" });
    let some = json!({ "accounts": ["acct_2", "acct_1"] });
    for (settings, body, expected) in [
        (&live, r#"{"id":"evt_1","livemode":true}"#, "ok"),
        (&live, r#"{"id":"evt_1","livemode":false}"#, "notification_misdirected"),
        (&live, r#"{"id":"evt_1"}"#, "field_invalid"),
        (&live, r#"{"id":"evt_1","livemode":"true"}"#, "field_invalid"),
        (&test, r#"{"id":"evt_1","livemode":true}"#, "notification_misdirected"),
        (&test, r#"{"id":"evt_1","livemode":false}"#, "ok"),
        (&one, r#"{"id":"evt_1","account":"acct_1"}"#, "ok"),
        (&one, r#"{"id":"evt_1","context":"acct_1"}"#, "ok"),
        (&one, r#"{"id":"evt_1","account":"acct_2"}"#, "notification_misdirected"),
        (&one, r#"{"id":"evt_1","account":null}"#, "notification_misdirected"),
        (
            &one,
            r#"{"id":"evt_1","account":"acct_2","context":"acct_1"}"#,
            "notification_misdirected",
        ),
        (&one, r#"{"id":"evt_1"}"#, "notification_misdirected"),
        (&some, r#"{"id":"evt_1","account":"acct_2"}"#, "ok"),
        (&some, r#"{"id":"evt_1","account":"acct_3"}"#, "notification_misdirected"),
    ] {
        let result = receive(&*receiver(settings), sound(body.as_bytes())).await;
        assert_eq!(verdict(&result), expected, "{settings}: {body}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_event_is_refused_although_it_is_signed() {
    for (body, expected) in [
        ("", "invalid_json"),
        ("id=evt_1", "invalid_json"),
        (r#"{"id":"evt_1","id":"evt_2"}"#, "invalid_json"),
        (r#"{"id":"evt_1"} x"#, "invalid_json"),
        ("[]", "field_invalid"),
        ("{}", "field_invalid"),
        (r#"{"id":1}"#, "field_invalid"),
        (r#"{"id":""}"#, "field_invalid"),
    ] {
        let result = receive(&*receiver(&json!({})), sound(body.as_bytes())).await;
        assert_eq!(verdict(&result), expected, "{body}");
    }
}

#[tokio::test]
async fn without_its_stores_nothing_is_delivered() {
    let mut bench = furnished(Bench::new());
    let sets = FakeReplaySets::new(bench.clock.clone());
    bench.stores.replay_sets = Arc::new(sets.clone());
    let plugin = bench.plugin::<Stripe>(webhooks());
    sets.fail(true);
    assert_eq!(verdict(&receive(&*plugin, sound(EVENT)).await), "store_unavailable", "closed");
    sets.fail(false);
    assert_eq!(verdict(&receive(&*plugin, sound(EVENT)).await), "ok", "and later it goes on");
}

#[tokio::test]
async fn routes_receive_the_same_event_each_and_a_reload_forgets_nothing() {
    let mut bench = furnished(Bench::new());
    let one = bench.build_named::<Stripe>("route/a/stripe", webhooks()).unwrap();
    let two = bench.build_named::<Stripe>("route/b/stripe", webhooks()).unwrap();
    for (name, plugin) in [("a", &one), ("b", &two)] {
        let mut exchange = sound(EVENT);
        let result = request(&**plugin, &mut exchange).await;
        assert_eq!(verdict(&result), "ok", "route {name}: each has an endpoint of its own");
        told(&**plugin, &mut exchange, 200).await;
    }
    let both = json!({ "webhook_secrets": [{ "env": "OLD_SECRET" }, { "env": "SECRET" }] });
    let reloaded = bench.build_named::<Stripe>("route/a/stripe", both).unwrap();
    let replayed = receive(&*reloaded, sound(EVENT)).await;
    assert_eq!(verdict(&replayed), "signature_replayed", "the signature is remembered");
    let mut later = again(EVENT, 5);
    let flow = reloaded.on_request(&mut later).resolve().await;
    assert!(matches!(flow, Ok(Flow::Respond(_))), "and so is the event");
}
