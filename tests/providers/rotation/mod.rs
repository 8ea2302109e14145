//! Keys change while a load runs, each provider's and our own towards it: no exchange fails, no
//! notification is lost, and in the end the old key is used by nobody and good for nothing.

mod alipay;
mod load;
mod stripe;
mod wechat_pay;

use load::{Load, Shop};
use serde_json::Value;

use super::{message::Message, relay::Relay, twin::Stand};
use crate::support::*;

/// Reads the configuration again, and says that it is in force.
async fn reload(gateway: &Gateway) {
    let mut operator = Http1::connect(gateway.address("admin")).await;
    let answer = operator.call("POST", "/config/reload", &[LOCAL], b"", None).await;
    let outcome: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_ne!(outcome["outcome"], "refused", "the new configuration is good: {outcome}");
}

/// Puts something else in place of a part of the configuration, and reads it again.
async fn change(gateway: &Gateway, edits: &[(&str, &str)]) {
    let mut yaml = gateway.folder.read("tollgate.yaml");
    for (from, to) in edits {
        assert!(yaml.contains(from), "`{from}` stands in:\n{yaml}");
        yaml = yaml.replace(from, to);
    }
    gateway.folder.write("tollgate.yaml", yaml);
    reload(gateway).await;
}

/// In how many requests the provider saw each of the merchant's credentials, the oldest first.
fn seen(stand: &Stand) -> Vec<u64> {
    let all = stand.twin.dialect().credentials();
    all.as_array().unwrap().iter().map(|one| one["seen"].as_u64().unwrap()).collect()
}

/// Waits until the institution heard of as many events, and holds it against the twin: none was refused
/// at its first attempt, and each came once.
async fn delivered(stand: &Stand, institution: &Provider, events: usize) {
    let taken = |one: &Value| one["state"] == "acknowledged";
    stand.told("every notification is acknowledged", |all| all.iter().all(taken)).await;
    let complete = |requests: &[Received]| requests.iter().filter(|one| one.complete).count();
    institution.until("every event", |requests| complete(requests) >= events).await;
    assert_eq!(complete(&institution.requests()), events, "each event came once");
    for one in stand.twin.notifications() {
        // On a busy machine an answer may come too late for the provider, which then sends it again.
        let first = &one["attempts"][0];
        let refused = first.get("status").is_some_and(|status| status != 200);
        assert!(!refused, "taken at the first attempt: {one:#}");
    }
}
