//! Idempotency keys on their way to Stripe.

use tollgate_api::testing::{exchange, verdict};

use super::*;
use crate::stripe::idempotency::presented;

/// What Stripe is sent, or the fault.
async fn sent(settings: Value, identity: Option<Identity>, key: &[u8]) -> String {
    let plugin = caller(&json!({ "idempotency_key": settings }));
    let mut exchange = exchange();
    let value = http::HeaderValue::from_bytes(key).unwrap();
    exchange.request.headers.insert("idempotency-key", value);
    exchange.identity = identity;
    let result = request(&*plugin, &mut exchange).await;
    match &result {
        Ok(()) => exchange.request.headers["idempotency-key"].to_str().unwrap().to_owned(),
        Err(_) => verdict(&result).to_owned(),
    }
}

const INVALID: &str = "idempotency_key_invalid";

#[test]
fn a_key_is_one_key_in_either_form() {
    for (field, key) in [
        (&b"k1"[..], Some(&b"k1"[..])),
        (b"\"k1\"", Some(b"k1")),
        (b"\"a b\"", Some(b"a b")),
        (br#""a\"b\\c""#, Some(br#"a"b\c"#)),
        (b"a\"b", Some(b"a\"b")),
        (b"\xc3\xa4", Some(b"\xc3\xa4")),
        (b"", None),
        (b"\"\"", None),
        (b"\"k1", None),
        (b"\"k1\" ", None),
        (b"\"k1\";p=1", None),
        (b"\"k1\", \"k2\"", None),
        (b"k1, k2", None),
        (br#""a\b""#, None),
        (b"\"\\", None),
        (b"\"\xc3\xa4\"", None),
    ] {
        assert_eq!(presented(field).as_deref(), key, "{:?}", String::from_utf8_lossy(field));
    }
}

#[tokio::test]
async fn quotes_do_not_reach_stripe() {
    for key in [&b"\"k1\""[..], b"k1"] {
        assert_eq!(sent(json!({}), None, key).await, "k1", "both forms are one key");
    }
}

#[tokio::test]
async fn two_clients_with_one_key_make_two_calls_and_one_client_makes_one() {
    let of = |identity| sent(json!({}), identity, b"order-1");
    let shop = of(Some(client("shop"))).await;
    assert_eq!(shop, of(Some(client("shop"))).await, "the same client");
    assert!(shop.ends_with("-order-1"), "the key can still be read in the Dashboard: {shop}");
    let subject = Identity { subject: Some("shop".into()), client_id: None, ..client("") };
    let issuer = json!({ "iss": "https://b.example" });
    let elsewhere =
        Identity { claims: issuer.as_object().unwrap().clone().into(), ..client("shop") };
    let others = [Some(client("shop2")), Some(subject), Some(elsewhere), None];
    for other in others {
        let name = format!("{other:?}");
        assert_ne!(of(other).await, shop, "{name}");
    }
    let shared = sent(json!({ "scope": "shared" }), Some(client("shop")), b"order-1").await;
    assert_eq!(shared, "order-1", "unless keys are shared on purpose");
}

#[tokio::test]
async fn nobody_can_send_a_key_that_the_gateway_makes_for_another() {
    let shop = sent(json!({}), Some(client("shop")), b"order-1").await;
    for settings in [json!({}), json!({ "scope": "shared" }), json!({ "derive": true })] {
        let stolen = sent(settings.clone(), None, shop.as_bytes()).await;
        assert_eq!(stolen, INVALID, "{settings}");
    }
    let again = sent(json!({}), Some(client("other")), shop.as_bytes()).await;
    assert_ne!(again, shop, "a client's own prefix comes before it");
}

#[tokio::test]
async fn what_stripe_cannot_take_is_refused_or_made_fit() {
    let longest = "k".repeat(255);
    let too_long = "k".repeat(256);
    let derive = json!({ "derive": true });
    assert_eq!(sent(json!({}), None, longest.as_bytes()).await, longest, "255 characters");
    for key in [too_long.as_bytes(), b"\"a b\"", b"\xc3\xa4", b"a b"] {
        let name = String::from_utf8_lossy(key).into_owned();
        assert_eq!(sent(json!({}), None, key).await, INVALID, "{name}");
        assert_eq!(sent(json!({}), Some(client("shop")), key).await, INVALID, "{name}");
        let derived = sent(derive.clone(), None, key).await;
        assert!(derived.starts_with("tollgate-."), "{name}: {derived}");
        assert!(derived.len() <= 255 && derived.is_ascii(), "{name}: {derived}");
        assert_eq!(derived, sent(derive.clone(), None, key).await, "{name}: every time");
    }
    let both = [sent(derive.clone(), None, b"\"a b\"").await, sent(derive, None, b"a b").await];
    assert_eq!(both[0], both[1], "both forms of one key are one key");
}

#[tokio::test]
async fn a_fit_key_does_not_become_unfit_by_its_prefix() {
    let longest = "k".repeat(255);
    let other = "k".repeat(254);
    let of = |key: &str| {
        let key = key.as_bytes().to_vec();
        async move { sent(json!({}), Some(client("shop")), &key).await }
    };
    let (one, two) = (of(&longest).await, of(&other).await);
    assert!(one.len() <= 255 && one.starts_with("tollgate-"), "{one}");
    assert_ne!(one, two, "different keys stay different");
    let readable = of(&"k".repeat(213)).await;
    assert_eq!(readable.len(), 255, "as long as it fits it can be read: {readable}");
}
