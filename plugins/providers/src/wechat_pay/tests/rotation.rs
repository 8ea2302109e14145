//! Keys change while messages pass, and the old one ends up unused.

use std::{sync::Mutex, time::Duration};

use serde_json::json;
use tollgate_api::{
    Clock as _, FetchError, Measure, Plugin,
    testing::{self, Bench, request, respond, verdict},
};

use super::support::*;

async fn judged(bench: &Bench, plugin: &dyn Plugin, key: &Signer<'_>, nonce: &str) -> &'static str {
    let signer = Signer { time: bench.clock.unix().as_secs(), nonce, ..key.clone() };
    verdict(&respond(plugin, &mut testing::exchange(), signer.answer(200, "{}")).await)
}

async fn named(plugin: &dyn Plugin) -> String {
    let mut call = testing::exchange_with_body("{}");
    assert_eq!(verdict(&request(plugin, &mut call).await), "ok", "a call can be made");
    call.request.headers["wechatpay-serial"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn certificates_overlap_and_an_expired_one_is_used_for_nothing() {
    let first = Signer { serial: FIRST_SERIAL, ..wechat_pay() };
    let second = Signer { key: &SECOND, serial: SECOND_SERIAL, ..wechat_pay() };
    let mut bench = upstream();
    let listed = std::sync::Arc::new(Mutex::new(&BOTH[..1]));
    let (now, shown) = (bench.clock.clone(), listed.clone());
    serves(&bench, move || {
        let body = certificates(api_v3_key(), *shown.lock().unwrap());
        let signer = Signer { serial: FIRST_SERIAL, ..wechat_pay() };
        Ok(Signer { time: now.unix().as_secs(), ..signer }.fetched(200, body))
    });
    let plugin = plugin(&mut bench, &json!({ "platform_keys": { "download": true } }));
    bench.run_jobs().await;
    assert_eq!(judged(&bench, &*plugin, &first, "1").await, "ok", "the first alone");
    assert_eq!(named(&*plugin).await, FIRST_SERIAL, "calls name it");

    // The second appears before anybody has asked; the first message that it signs finds it.
    *listed.lock().unwrap() = &BOTH[..];
    assert_eq!(judged(&bench, &*plugin, &second, "2").await, "ok", "found on demand");
    assert_eq!(judged(&bench, &*plugin, &first, "3").await, "ok", "both sign side by side");
    assert_eq!(named(&*plugin).await, SECOND_SERIAL, "calls name the one that expires last");
    assert_eq!(bench.figures.of("route/wechat_pay", Measure::ProviderKeys), Some(2.0), "both");

    // The first expires at the end of 2026-01-10T00:00:00Z, although downloads fail from now on.
    serves(&bench, || Err(FetchError::Unreachable));
    at(&bench, 1_768_003_200);
    assert_eq!(judged(&bench, &*plugin, &first, "4").await, "ok", "to its last second");
    bench.clock.advance(Duration::from_secs(1));
    let after = judged(&bench, &*plugin, &first, "5").await;
    assert_eq!(after, "upstream_signature_key_unknown", "and no longer");
    assert_eq!(judged(&bench, &*plugin, &second, "6").await, "ok", "the second goes on");
    bench.run_jobs().await;
    assert_eq!(bench.figures.of("route/wechat_pay", Measure::ProviderKeys), Some(1.0), "one left");
}

#[tokio::test]
async fn a_certificate_that_is_listed_no_longer_is_withdrawn() {
    let mut bench = upstream();
    let listed = std::sync::Arc::new(Mutex::new(true));
    let shown = listed.clone();
    serves(&bench, move || {
        let list = if *shown.lock().unwrap() { &BOTH[..] } else { &BOTH[1..] };
        let signer = Signer { key: &SECOND, serial: SECOND_SERIAL, ..wechat_pay() };
        let time = testing::NOW + if list.len() == 1 { 3_600 } else { 0 };
        Ok(Signer { time, ..signer }.fetched(200, certificates(api_v3_key(), list)))
    });
    let plugin = plugin(&mut bench, &json!({ "platform_keys": { "download": true } }));
    bench.run_jobs().await;
    let first = Signer { serial: FIRST_SERIAL, ..wechat_pay() };
    assert_eq!(judged(&bench, &*plugin, &first, "1").await, "ok", "listed");
    *listed.lock().unwrap() = false;
    bench.clock.advance(Duration::from_hours(1));
    bench.run_jobs().await;
    let after = judged(&bench, &*plugin, &first, "2").await;
    assert_eq!(after, "upstream_signature_key_unknown", "withdrawn, though it has not expired");
}

#[tokio::test]
async fn public_keys_and_certificates_count_side_by_side() {
    let mut bench = upstream();
    let keys = json!({
        "public_keys": [{ "id": PUBLIC_KEY_ID, "key": "keys/wechat_pay.pem" }],
        "certificates": ["keys/second.pem"],
    });
    let plugin = plugin(&mut bench, &json!({ "platform_keys": keys }));
    let second = Signer { key: &SECOND, serial: SECOND_SERIAL, ..wechat_pay() };
    assert_eq!(judged(&bench, &*plugin, &wechat_pay(), "1").await, "ok", "the public key");
    assert_eq!(judged(&bench, &*plugin, &second, "2").await, "ok", "the certificate");
    let crossed = Signer { key: &SECOND, ..wechat_pay() };
    let found = judged(&bench, &*plugin, &crossed, "3").await;
    assert_eq!(found, "upstream_signature_invalid", "never one in the other's name");
    assert_eq!(named(&*plugin).await, PUBLIC_KEY_ID, "calls name the public key");
}

#[tokio::test]
async fn a_reload_keeps_what_was_downloaded() {
    let mut bench = upstream();
    let body = certificates(api_v3_key(), &[(FIRST_SERIAL, FIRST_CERTIFICATE)]);
    let first = Signer { serial: FIRST_SERIAL, ..wechat_pay() };
    let answer = first.fetched(200, body);
    let caller = serves(&bench, move || Ok(answer.clone()));
    let changes = json!({ "platform_keys": { "download": true } });
    let before = plugin(&mut bench, &changes);
    bench.run_jobs().await;
    let after = plugin(&mut bench, &changes);
    drop(before);
    assert_eq!(judged(&bench, &*after, &first, "1").await, "ok", "known at once");
    assert_eq!(caller.calls().len(), 1, "without another download");
}

const BOTH: [(&str, &str); 2] =
    [(FIRST_SERIAL, FIRST_CERTIFICATE), (SECOND_SERIAL, SECOND_CERTIFICATE)];
