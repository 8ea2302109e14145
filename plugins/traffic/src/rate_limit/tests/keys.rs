//! Which requests are counted together.

use std::{net::IpAddr, sync::Arc};

use serde_json::{Value, json};
use tollgate_api::{
    Exchange, Identity,
    testing::{exchange, exchange_from, exchange_with, exchange_with_body, request, verdict},
};

use super::{RateLimit, bench};

fn identified(client_id: Option<&str>, subject: Option<&str>) -> Exchange {
    let mut exchange = exchange();
    exchange.identity = Some(Identity {
        subject: subject.map(Into::into),
        client_id: client_id.map(Into::into),
        scopes: vec![],
        claims: Arc::default(),
        proven_by: "jwt",
    });
    exchange
}

/// Whether the plugin counts these two requests together.
async fn together(per: Value, mut first: Exchange, mut second: Exchange) -> bool {
    let (mut bench, limiters) = bench();
    let plugin = bench.plugin::<RateLimit>(json!({ "per": per, "limit": "1/s" }));
    request(&*plugin, &mut first).await.unwrap();
    request(&*plugin, &mut second).await.unwrap();
    let taken = limiters.taken();
    assert!(taken.iter().all(|(key, ..)| key.len() == 32), "keys have a fixed size");
    taken[0].0 == taken[1].0
}

#[tokio::test]
async fn clients_are_counted_by_identity_and_strangers_by_address() {
    let client = |id| identified(Some(id), Some("alice"));
    let per = json!("client");
    assert!(together(per.clone(), client("shop"), client("shop")).await, "the same client");
    assert!(!together(per.clone(), client("shop"), client("app")).await, "two clients");
    let mut elsewhere = client("shop");
    elsewhere.client = [198, 51, 100, 9].into();
    assert!(together(per.clone(), client("shop"), elsewhere).await, "whatever its address");
    let subject = |name| identified(None, Some(name));
    assert!(!together(per.clone(), subject("a"), subject("b")).await, "without a client: subjects");
    assert!(together(per.clone(), exchange(), exchange()).await, "a stranger by address");
    let stranger = exchange_from([192, 0, 2, 10].into());
    assert!(
        !together(per.clone(), identified(Some("192.0.2.10"), None), stranger).await,
        "a client that is named like an address is not that address"
    );
    assert!(together(per, identified(None, None), exchange()).await, "an identity without a name");
}

#[tokio::test]
async fn addresses_are_counted_by_v4_address_and_v6_network() {
    let from = |text: &str| exchange_from(text.parse::<IpAddr>().unwrap());
    for (first, second, expected) in [
        ("192.0.2.1", "192.0.2.1", true),
        ("192.0.2.1", "192.0.2.2", false),
        ("192.0.2.1", "::ffff:192.0.2.1", true),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::2", true),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
    ] {
        let same = together(json!("address"), from(first), from(second)).await;
        assert_eq!(same, expected, "{first} and {second}");
    }
}

#[tokio::test]
async fn a_route_is_counted_as_a_whole() {
    let other = exchange_from([198, 51, 100, 1].into());
    assert!(together(json!("route"), exchange(), other).await, "whoever calls");
}

#[tokio::test]
async fn headers_are_counted_by_value_and_cannot_be_dodged() {
    let per = || json!({ "header": "X-Tenant" });
    let with = |values: &[&str]| {
        let fields: Vec<_> = values.iter().map(|value| ("x-tenant", *value)).collect();
        exchange_with(&fields)
    };
    for (first, second, expected, why) in [
        (vec!["a"], vec!["a"], true, "the same value"),
        (vec!["a"], vec!["b"], false, "two values"),
        (vec![], vec![], true, "all without the field share a bucket"),
        (vec![], vec![""], true, "an empty value is none"),
        (vec!["a"], vec![], false, "without the field is nobody's bucket"),
        (vec!["a", "b"], vec!["c", "d"], true, "repeating the field gains no new bucket"),
        (vec!["a", "b"], vec!["a"], false, "nor somebody else's"),
    ] {
        assert_eq!(together(per(), with(&first), with(&second)).await, expected, "{why}");
    }
}

#[tokio::test]
async fn expressions_are_counted_by_what_they_yield() {
    let per = || json!({ "expression": "body.merchant" });
    let body = |text: &str| exchange_with_body(text.to_owned());
    for (first, second, expected, why) in [
        (r#"{"merchant":"a"}"#, r#"{"x":1,"merchant":"a"}"#, true, "the same value"),
        (r#"{"merchant":"a"}"#, r#"{"merchant":"b"}"#, false, "two values"),
        (r"{}", r"[", true, "nothing to count by: one bucket"),
        (r"{}", r#"{"merchant":""}"#, true, "an empty text is none"),
        (r#"{"merchant":1}"#, r#"{"merchant":"1"}"#, true, "a number counts as its text"),
    ] {
        assert_eq!(together(per(), body(first), body(second)).await, expected, "{why}");
    }
}

#[tokio::test]
async fn an_expression_that_yields_no_key_refuses_the_request() {
    let (mut bench, limiters) = bench();
    let settings = json!({ "per": { "expression": "body.merchant" }, "limit": "1/s" });
    let plugin = bench.plugin::<RateLimit>(settings);
    let mut exchange = exchange_with_body(r#"{"merchant":{}}"#);
    let result = request(&*plugin, &mut exchange).await;
    assert_eq!(verdict(&result), "expression_failed", "an object is no key");
    assert!(limiters.taken().is_empty(), "nothing was counted");
}
