//! What goes upstream, and what the caller cannot smuggle in.

use http::header::AUTHORIZATION;

use super::*;

fn mapping() -> Value {
    settings_but(
        "claims_to_headers",
        json!({
            "X-Client-Id": { "claim": "client_id" },
            "X-Tenant": { "claim": "tenant" },
            "X-Tier": { "claim": "tier" },
        }),
    )
}

#[tokio::test]
async fn claims_become_headers_and_the_callers_own_are_gone_even_without_the_claim() {
    let (plugin, issuer) = plugin(mapping());
    let bearer = format!("Bearer {}", issuer.token(&claims_but("tenant", json!(7))));
    let mut exchange = exchange_with(&[
        ("authorization", &bearer),
        ("x-client-id", "admin"),
        ("x-client-id", "root"),
        ("x_client_id", "admin"),
        ("X-Tier", "gold"),
        ("x-other", "stays"),
        ("x_other", "stays"),
    ]);
    request(&*plugin, &mut exchange).await.expect("the token is good");
    let headers = exchange.request.headers;
    let all: Vec<_> = headers.get_all("x-client-id").iter().collect();
    assert_eq!(all, ["fi-1"], "only ours");
    assert_eq!(headers.get("x-tenant").unwrap(), "7", "a number");
    assert!(!headers.contains_key("x-tier"), "no claim, no header, and not the caller's");
    assert!(!headers.contains_key("x_client_id"), "nor one that is spelled alike");
    assert!(headers.contains_key("x-other") && headers.contains_key("x_other"), "others stay");
}

#[tokio::test]
async fn the_callers_identity_headers_are_gone_also_when_the_token_is_refused() {
    let (plugin, issuer) = plugin(mapping());
    let expired = format!("Bearer {}", issuer.token(&claims_but("exp", json!(1))));
    for (authorization, expected) in
        [("Basic dTpw", "token_missing"), (expired.as_str(), "token_expired")]
    {
        let mut exchange =
            exchange_with(&[("authorization", authorization), ("x-client-id", "admin")]);
        assert_eq!(verdict(&request(&*plugin, &mut exchange).await), expected, "refused");
        assert!(!exchange.request.headers.contains_key("x-client-id"), "stripped all the same");
    }
}

#[tokio::test]
async fn a_claim_that_is_no_header_value_is_refused() {
    let (plugin, issuer) = plugin(mapping());
    for value in [json!("a\r\nX-Admin: 1"), json!("Zoë"), json!(["a"]), json!({})] {
        let token = issuer.token(&claims_but("tier", value.clone()));
        assert_eq!(verdict_of(&*plugin, &token).await, "token_claim_invalid", "{value}");
    }
}

#[tokio::test]
async fn the_token_is_forwarded_only_when_told_and_then_marked_sensitive() {
    let (plugin, issuer) = plugin(settings_but("forward_token", json!(true)));
    let token = issuer.token(&claims());
    let mut exchange = bearing(&token);
    request(&*plugin, &mut exchange).await.expect("the token is good");
    let field = exchange.request.headers.get(AUTHORIZATION).expect("forwarded");
    assert!(field.is_sensitive(), "not for logs, not for compression");
    assert!(!format!("{exchange:?}").contains(&token), "nor for Debug");
}
