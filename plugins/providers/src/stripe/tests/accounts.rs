//! Whom a caller may act for.

use tollgate_api::testing::{exchange_with, verdict};

use super::*;

/// Whether it passes, and which account is named how.
async fn asks(plugin: &dyn Plugin, headers: &[(&str, &str)]) -> String {
    let fields: Vec<_> = headers.iter().copied().chain([("idempotency-key", "k1")]).collect();
    let mut exchange = exchange_with(&fields);
    let result = request(plugin, &mut exchange).await;
    let headers = &exchange.request.headers;
    let named = ["stripe-account", "stripe-context"].into_iter().flat_map(|name| {
        headers
            .get_all(name)
            .iter()
            .map(move |value| format!(" {name}={}", value.to_str().unwrap()))
    });
    match &result {
        Ok(()) => named.fold("ok".to_owned(), |text, one| text + &one),
        Err(_) => verdict(&result).to_owned(),
    }
}

const NONE: &[(&str, &str)] = &[];
const ONE: &[(&str, &str)] = &[("stripe-account", "acct_1")];
const TWO: &[(&str, &str)] = &[("stripe-account", "acct_2")];
const CONTEXT: &[(&str, &str)] = &[("stripe-context", "acct_1")];
const BOTH: &[(&str, &str)] = &[("stripe-account", "acct_1"), ("stripe-context", "acct_1")];
const TWICE: &[(&str, &str)] = &[("stripe-account", "acct_1"), ("stripe-account", "acct_1")];

#[tokio::test]
async fn a_caller_acts_on_no_account_but_those_it_may() {
    let own = json!({});
    let one = json!({ "account": "acct_1" });
    let some = json!({ "accounts": ["acct_1", "acct_3"] });
    for (settings, asked, expected) in [
        (&own, NONE, "ok"),
        (&own, ONE, "account_denied"),
        (&own, CONTEXT, "account_denied"),
        (&one, NONE, "ok stripe-account=acct_1"),
        (&one, ONE, "ok stripe-account=acct_1"),
        (&one, CONTEXT, "ok stripe-account=acct_1"),
        (&one, TWO, "account_denied"),
        (&some, NONE, "ok"),
        (&some, ONE, "ok stripe-account=acct_1"),
        (&some, CONTEXT, "ok stripe-context=acct_1"),
        (&some, TWO, "account_denied"),
        (&some, BOTH, "ambiguous_request"),
        (&some, TWICE, "ambiguous_request"),
        (&own, TWICE, "ambiguous_request"),
    ] {
        assert_eq!(asks(&*caller(settings), asked).await, expected, "{settings}: {asked:?}");
    }
}

#[tokio::test]
async fn what_is_not_connected_directly_is_named_as_a_context() {
    let far = json!({ "account": "acct_1/acct_2" });
    let named = asks(&*caller(&far), NONE).await;
    assert_eq!(named, "ok stripe-context=acct_1/acct_2", "through another account");
    let mut bench = furnished(Bench::upstream());
    bench.sources.put_variable("KEY", "sk_org_test_0Canary");
    let plugin = bench.plugin::<Stripe>(with(calls(), &json!({ "account": "acct_1" })));
    let named = asks(&*plugin, NONE).await;
    assert_eq!(named, "ok stripe-context=acct_1", "with an organisation's key");
}
