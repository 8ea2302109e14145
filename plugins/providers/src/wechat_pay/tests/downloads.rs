//! Platform certificates: the first answer is signed with a key that only it brings.

use std::time::Duration;

use serde_json::json;
use tollgate_api::{
    FetchError, Fetched, Measure, Plugin,
    testing::{self, Bench, request, respond, verdict},
};

use super::support::*;

/// WeChat Pay with its first certificate.
fn first() -> Signer<'static> {
    Signer { serial: FIRST_SERIAL, ..wechat_pay() }
}

fn listing(list: &[(&str, &str)]) -> String {
    certificates(api_v3_key(), list)
}

fn only_downloads() -> serde_json::Value {
    json!({ "platform_keys": { "download": true } })
}

async fn judged(plugin: &dyn Plugin, signer: &Signer<'_>) -> &'static str {
    verdict(&respond(plugin, &mut testing::exchange(), signer.answer(200, "{}")).await)
}

/// A bench whose WeChat Pay answers the first download like this, and the verdicts that follow.
async fn bootstrapped(answer: Result<Fetched, FetchError>) -> (Bench, &'static str) {
    let mut bench = upstream();
    serves(&bench, move || answer.clone());
    let plugin = plugin(&mut bench, &only_downloads());
    bench.run_jobs().await;
    let found = judged(&*plugin, &first()).await;
    (bench, found)
}

#[tokio::test]
async fn the_download_is_signed_and_what_it_brings_verifies() {
    let mut bench = upstream();
    let body = listing(&[(FIRST_SERIAL, FIRST_CERTIFICATE)]);
    let caller = serves(&bench, move || Ok(first().fetched(200, body.clone())));
    let plugin = plugin(&mut bench, &only_downloads());
    bench.run_jobs().await;
    let calls = caller.calls();
    assert_eq!(calls.len(), 1, "one call");
    assert_eq!((calls[0].method.as_str(), &*calls[0].target), ("GET", "/v3/certificates"), "which");
    let authorization = calls[0].headers["authorization"].to_str().unwrap();
    let start = "WECHATPAY2-SHA256-RSA2048 mchid=\"1900000109\",";
    assert!(authorization.starts_with(start), "signed by the merchant: {authorization}");
    assert!(calls[0].headers.contains_key("accept"), "with what WeChat Pay demands");
    assert!(calls[0].headers.contains_key("user-agent"), "with what WeChat Pay demands");
    assert_eq!(judged(&*plugin, &first()).await, "ok", "its certificate verifies");
    let expiry = bench.figures.of("route/wechat_pay", Measure::ProviderKeysExpireAt);
    assert_eq!(expiry, Some(1_768_003_200.0), "2026-01-10");
    assert_eq!(bench.figures.of("route/wechat_pay", Measure::ProviderKeys), Some(1.0), "counted");
    let mut call = testing::exchange_with_body("{}");
    assert_eq!(verdict(&request(&*plugin, &mut call).await), "ok", "and calls can be made");
    assert_eq!(call.request.headers["wechatpay-serial"], FIRST_SERIAL, "that name it");
}

#[tokio::test]
async fn nothing_of_a_forged_answer_is_used() {
    let good = listing(&[(FIRST_SERIAL, FIRST_CERTIFICATE)]);
    let attackers = [(ATTACKER_SERIAL, ATTACKER_CERTIFICATE)];
    let by_attacker = Signer { key: &ATTACKER, serial: ATTACKER_SERIAL, ..wechat_pay() };
    let signed = |signer: &Signer<'_>, body: &str| signer.fetched(200, body.to_owned());
    let mut changed = signed(&first(), &good);
    changed.body = format!("{good} ").into();
    let mut bare = signed(&first(), &good);
    bare.headers.remove("wechatpay-signature");
    let in_the_name_of_the_first = Signer { key: &ATTACKER, ..first() };
    let mixed = certificates(&[7; 32], &attackers);
    for (what, answer) in [
        ("certificates under another APIv3 key", signed(&by_attacker, &mixed)),
        ("good certificates, signed by an attacker's", signed(&by_attacker, &good)),
        ("good certificates, signed in their name", signed(&in_the_name_of_the_first, &good)),
        ("a body that was changed", changed),
        ("no signature", bare),
        ("an old answer", signed(&Signer { time: testing::NOW - 300, ..first() }, &good)),
        (
            "another serial number",
            signed(&first(), &listing(&[(SECOND_SERIAL, FIRST_CERTIFICATE)])),
        ),
        ("no certificate", signed(&first(), &listing(&[]))),
        ("no PEM", signed(&first(), &listing(&[(FIRST_SERIAL, "x")]))),
        ("no JSON", signed(&first(), "x")),
        ("an error", first().fetched(500, good.clone())),
        ("a redirect's status", first().fetched(302, good.clone())),
    ] {
        let (bench, found) = bootstrapped(Ok(answer)).await;
        assert_eq!(found, "upstream_unverifiable", "{what}");
        assert_eq!(
            bench.figures.of("route/wechat_pay", Measure::ProviderKeys),
            Some(0.0),
            "{what}"
        );
        assert!(bench.figures.count(Measure::ProviderKeyFailures) > 0, "{what} is counted");
        assert_eq!(bench.figures.of("route/wechat_pay", Measure::Degraded), Some(1.0), "{what}");
    }
    let (_, found) = bootstrapped(Err(FetchError::Timeout)).await;
    assert_eq!(found, "upstream_unverifiable", "no answer at all");
}

#[tokio::test]
async fn one_bad_certificate_spoils_the_answer_that_has_it() {
    let mut bench = upstream();
    let mut list: serde_json::Value =
        serde_json::from_str(&listing(&[(FIRST_SERIAL, FIRST_CERTIFICATE)])).unwrap();
    let forged = certificates(&[7; 32], &[(ATTACKER_SERIAL, ATTACKER_CERTIFICATE)]);
    let forged: serde_json::Value = serde_json::from_str(&forged).unwrap();
    list["data"].as_array_mut().unwrap().push(forged["data"][0].clone());
    let body = list.to_string();
    serves(&bench, move || Ok(first().fetched(200, body.clone())));
    let plugin = plugin(&mut bench, &only_downloads());
    bench.run_jobs().await;
    assert_eq!(judged(&*plugin, &first()).await, "upstream_unverifiable", "all or nothing");
}

#[tokio::test]
async fn without_any_key_no_call_leaves() {
    let mut bench = upstream();
    serves(&bench, || Err(FetchError::Unreachable));
    let plugin = plugin(&mut bench, &only_downloads());
    let refused = request(&*plugin, &mut testing::exchange_with_body("{}")).await;
    assert_eq!(verdict(&refused), "provider_keys_unavailable", "its answer could not be verified");
}

#[tokio::test]
async fn unknown_serial_numbers_cause_one_download_a_minute_however_many_they_are() {
    let mut bench = upstream();
    let body = listing(&[(FIRST_SERIAL, FIRST_CERTIFICATE)]);
    let caller = serves(&bench, move || Ok(first().fetched(200, body.clone())));
    let plugin = plugin(&mut bench, &only_downloads());
    bench.run_jobs().await;
    let before = caller.calls().len();
    for nonce in ["a", "b", "c", "d"] {
        let unknown = Signer { serial: SECOND_SERIAL, nonce, ..wechat_pay() };
        let found = judged(&*plugin, &unknown).await;
        assert_eq!(found, "upstream_signature_key_unknown", "{nonce}");
    }
    assert_eq!(caller.calls().len(), before + 1, "one download for four messages");
    bench.clock.advance(Duration::from_mins(1));
    let later = Signer { serial: SECOND_SERIAL, time: testing::NOW + 60, ..wechat_pay() };
    judged(&*plugin, &later).await;
    assert_eq!(caller.calls().len(), before + 2, "and another after a minute");
    for serial in [PUBLIC_KEY_ID, "PUB_KEY_ID_0", "xyz", &"A".repeat(41)] {
        bench.clock.advance(Duration::from_mins(2));
        judged(&*plugin, &Signer { serial, ..wechat_pay() }).await;
    }
    assert_eq!(caller.calls().len(), before + 2, "none for what is no serial number");
}

#[tokio::test]
async fn messages_that_wait_for_the_same_certificate_share_one_download() {
    let mut bench = upstream();
    let body = listing(&[(FIRST_SERIAL, FIRST_CERTIFICATE)]);
    let caller = serves(&bench, move || Ok(first().fetched(200, body.clone())));
    let plugin = plugin(&mut bench, &only_downloads());
    let waiting = ["a", "b", "c"].map(|nonce| {
        let plugin = plugin.clone();
        async move { judged(&*plugin, &Signer { nonce, ..first() }).await }
    });
    let found = futures::future::join_all(waiting).await;
    assert_eq!(found, ["ok", "ok", "ok"], "all of them were verified");
    assert_eq!(caller.calls().len(), 1, "by one download");
}

#[tokio::test]
async fn a_merchant_that_has_public_keys_alone_is_no_failure() {
    let mut bench = upstream();
    let caller = serves(&bench, || {
        let body = "{\"code\":\"NOT_FOUND\",\"message\":\"no certificates\"}";
        Ok(wechat_pay().fetched(404, body))
    });
    let keys = json!({
        "public_keys": [{ "id": PUBLIC_KEY_ID, "key": "keys/wechat_pay.pem" }],
        "download": { "every": "2h" },
    });
    let plugin = plugin(&mut bench, &json!({ "platform_keys": keys }));
    bench.run_jobs().await;
    bench.run_jobs().await;
    assert_eq!(caller.calls().len(), 1, "not asked again before its time");
    assert_eq!(bench.figures.count(Measure::ProviderKeyFailures), 0, "no failure");
    assert_eq!(judged(&*plugin, &wechat_pay()).await, "ok", "the public key verifies");
    assert_eq!(judged(&*plugin, &first()).await, "upstream_signature_key_unknown", "nothing else");
    bench.clock.advance(Duration::from_hours(2));
    bench.run_jobs().await;
    assert_eq!(caller.calls().len(), 3, "by the message, and in time");
}

#[tokio::test]
async fn a_route_downloads_through_the_upstream_it_names_and_shares_what_is_there() {
    let mut bench = upstream();
    let body = listing(&[(FIRST_SERIAL, FIRST_CERTIFICATE)]);
    let caller = serves(&bench, move || Ok(first().fetched(200, body.clone())));
    let _calls = plugin(&mut bench, &only_downloads());
    bench.run_jobs().await;
    bench.side = tollgate_api::Side::Route;
    let download = json!({ "download": { "upstream": "own" } });
    let notifications = plugin(&mut bench, &json!({ "platform_keys": download }));
    let body = notification_of("EV-1", "{}");
    let mut exchange = first().notification(body);
    assert_eq!(verdict(&request(&*notifications, &mut exchange).await), "ok", "it is known");
    assert_eq!(caller.calls().len(), 1, "without another download");
}

#[tokio::test]
async fn a_merchants_sandbox_lends_it_no_keys() {
    let mut bench = upstream();
    let sandbox = certificates(&[b'x'; 32], &[(ATTACKER_SERIAL, ATTACKER_CERTIFICATE)]);
    let by_sandbox = || Signer { key: &ATTACKER, serial: ATTACKER_SERIAL, ..wechat_pay() };
    serves(&bench, move || Ok(by_sandbox().fetched(200, sandbox.clone())));
    bench.sources.put_variable("SANDBOX_KEY", vec![b'x'; 32]);
    let key = json!({ "env": "SANDBOX_KEY" });
    let mut changes = only_downloads();
    changes["api_v3_key"] = key;
    let other = plugin(&mut bench, &changes);
    bench.run_jobs().await;
    assert_eq!(judged(&*other, &by_sandbox()).await, "ok", "the sandbox's own");
    serves(&bench, || Err(FetchError::Unreachable));
    let plugin = plugin(&mut bench, &only_downloads());
    let found = judged(&*plugin, &Signer { nonce: "n-2", ..by_sandbox() }).await;
    assert_eq!(found, "upstream_unverifiable", "the same merchant under its own APIv3 key");
}
