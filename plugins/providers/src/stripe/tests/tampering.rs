//! Webhooks that somebody changed on the way: what is refused, and by which name.

use std::time::Duration;

use tollgate_api::testing::verdict;

use super::*;
use crate::{stripe::signature::Secrets, verification::VerifyingKey};

async fn verdict_of(header: &str, body: &[u8]) -> &'static str {
    let plugin = furnished(Bench::new()).plugin::<Stripe>(webhooks());
    verdict(&receive(&*plugin, webhook(header, body)).await)
}

#[tokio::test]
async fn every_byte_of_a_webhook_counts() {
    let header = signed(SECRET, NOW, EVENT);
    assert_eq!(verdict_of(&header, EVENT).await, "ok", "untouched");
    for at in 0..EVENT.len() {
        let mut body = EVENT.to_vec();
        body[at] ^= 1;
        assert_eq!(verdict_of(&header, &body).await, "signature_invalid", "byte {at} of the body");
    }
    for body in [&EVENT[1..], &EVENT[..EVENT.len() - 1], &[EVENT, b" "].concat(), b""] {
        assert_eq!(verdict_of(&header, body).await, "signature_invalid", "{} bytes", body.len());
    }
}

#[tokio::test]
async fn every_byte_of_a_signature_counts() {
    let header = signed(SECRET, NOW, EVENT);
    for at in 0..header.len() {
        let mut changed = header.clone().into_bytes();
        // Another digit for a digit, another letter for a letter.
        changed[at] = match changed[at] {
            b'9' => b'8',
            b'f' => b'e',
            b'z' => b'y',
            other => other + 1,
        };
        let changed = String::from_utf8(changed).unwrap();
        let code = verdict_of(&changed, EVENT).await;
        assert!(code.starts_with("signature_"), "byte {at}, {changed}: {code}");
    }
}

#[tokio::test]
async fn each_way_to_break_a_header_has_its_name() {
    let hex = code(SECRET, NOW, EVENT);
    let upper = hex.to_uppercase();
    let wrong = code("whsec_other", NOW, EVENT);
    let sound = format!("t={NOW},v1={hex}");
    for (header, expected) in [
        (sound.clone(), "ok"),
        (format!("v1={hex},t={NOW}"), "ok"),
        (format!("v0={wrong},t={NOW},v1={hex},v2=x=y"), "ok"),
        (format!("t={NOW},v1={wrong},v1={hex}"), "ok"),
        (format!("t={NOW},v1={wrong}"), "signature_invalid"),
        (format!("t={NOW},t={NOW},v1={hex}"), "signature_malformed"),
        (format!("t={NOW},v1={hex},t={NOW}"), "signature_malformed"),
        (format!("t={NOW},v1={upper}"), "signature_malformed"),
        (format!("t={NOW},v1={}", &hex[..63]), "signature_malformed"),
        (format!("t={NOW},v1={hex}00"), "signature_malformed"),
        (format!("t={NOW},v1="), "signature_malformed"),
        (format!("t={NOW}, v1={hex}"), "signature_malformed"),
        (format!("t={NOW};v1={hex}"), "signature_malformed"),
        (format!("t={NOW},v1={hex},"), "signature_malformed"),
        (format!("t={NOW},v1={hex},=x"), "signature_malformed"),
        (format!("t={NOW},v1={hex},v1"), "signature_malformed"),
        (format!("t= {NOW},v1={hex}"), "signature_malformed"),
        (format!("t=+{NOW},v1={hex}"), "signature_malformed"),
        (format!("t=-{NOW},v1={hex}"), "signature_malformed"),
        (format!("t={NOW}.0,v1={hex}"), "signature_malformed"),
        (format!("t=,v1={hex}"), "signature_malformed"),
        (format!("t={NOW}000,v1={hex}"), "signature_malformed"),
        (format!("t=0{NOW},v1={hex}"), "signature_invalid"),
        (format!("T={NOW},v1={hex}"), "signature_missing"),
        (format!("t={NOW},V1={hex}"), "signature_missing"),
        (format!("t={NOW}"), "signature_missing"),
        (format!("v1={hex}"), "signature_missing"),
        (String::new(), "signature_missing"),
    ] {
        assert_eq!(verdict_of(&header, EVENT).await, expected, "`{header}`");
    }
}

#[tokio::test]
async fn a_signature_stands_in_its_field_exactly_once() {
    let plugin = furnished(Bench::new()).plugin::<Stripe>(webhooks());
    let header = signed(SECRET, NOW, EVENT);
    let mut twice = webhook(&header, EVENT);
    twice.request.headers.append("stripe-signature", header.parse().unwrap());
    assert_eq!(verdict(&receive(&*plugin, twice).await), "signature_malformed", "twice");
    let mut none = webhook(&header, EVENT);
    none.request.headers.remove("stripe-signature");
    assert_eq!(verdict(&receive(&*plugin, none).await), "signature_missing", "not at all");
    let sound = receive(&*plugin, webhook(&header, EVENT)).await;
    assert_eq!(verdict(&sound), "ok", "and what was refused did not use it up");
}

#[tokio::test]
async fn the_time_is_bounded_on_both_sides() {
    let wide = json!({ "tolerance": "10m", "future_tolerance": "1m" });
    let narrow = json!({ "tolerance": "1s", "future_tolerance": "0s" });
    for (settings, offset, expected) in [
        (json!({}), 300, "ok"),
        (json!({}), 301, "signature_expired"),
        (json!({}), -30, "ok"),
        (json!({}), -31, "signature_expired"),
        (wide.clone(), 600, "ok"),
        (wide.clone(), 601, "signature_expired"),
        (wide.clone(), -60, "ok"),
        (wide, -61, "signature_expired"),
        (narrow.clone(), 1, "ok"),
        (narrow.clone(), 0, "ok"),
        (narrow.clone(), 2, "signature_expired"),
        (narrow, -1, "signature_expired"),
    ] {
        let mut bench = furnished(Bench::new());
        let now = Duration::from_secs(NOW.saturating_add_signed(offset));
        bench.clock = Arc::new(tollgate_api::ManualClock::at(now));
        let plugin = bench.plugin::<Stripe>(with(webhooks(), &settings));
        let result = receive(&*plugin, sound(EVENT)).await;
        assert_eq!(verdict(&result), expected, "{settings}, {offset} s later");
    }
}

#[tokio::test]
async fn a_header_of_many_signatures_costs_one_pass_over_the_body() {
    let secrets = Secrets(
        [tollgate_crypto::HmacSha256Key::new(&tollgate_crypto::Secret::from(SECRET))].into(),
    );
    let codes = secrets.codes();
    let message = signed_message(&NOW.to_string(), EVENT);
    let right = tollgate_crypto::from_hex(&code(SECRET, NOW, EVENT)).unwrap();
    assert!(codes.verify(&message, &right), "the right one");
    assert!(!codes.verify(&message, &[0; 32]), "another one");
    // Had it been made anew, it would be that of the other bytes.
    assert!(codes.verify(b"other bytes", &right), "the code was made once");
    let many = format!("t={NOW}{}", format!(",v1={}", code("whsec_x", NOW, EVENT)).repeat(100));
    assert_eq!(verdict_of(&many, EVENT).await, "signature_invalid", "however many there are");
}
