//! Each demand, met and not met.

use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use tollgate_api::testing::exchange;
use tollgate_crypto::base64url_encode;

use super::*;

#[tokio::test]
async fn a_good_token_proves_an_identity_and_goes_no_further() {
    let (plugin, issuer) = plugin(settings());
    let mut exchange = bearing(&issuer.token(&claims()));
    request(&*plugin, &mut exchange).await.expect("the token is good");
    let identity = exchange.identity.expect("an identity is set");
    assert_eq!(identity.subject.as_deref(), Some("user-1"), "subject");
    assert_eq!(identity.client_id.as_deref(), Some("fi-1"), "client");
    assert_eq!(identity.scopes, ["payments:read", "payments:write"], "scopes");
    assert_eq!(identity.claims.get("iat"), Some(&json!(NOW)), "every claim");
    assert_eq!(identity.proven_by, "jwt", "who proved it");
    assert!(!exchange.request.headers.contains_key(AUTHORIZATION), "the token is not forwarded");
}

#[tokio::test]
async fn every_algorithm_is_accepted_under_its_key_and_no_other() {
    let kinds = [
        (KeyKind::Rsa, Algorithm::Rs256),
        (KeyKind::Rsa, Algorithm::Rs384),
        (KeyKind::Rsa, Algorithm::Rs512),
        (KeyKind::Rsa, Algorithm::Ps256),
        (KeyKind::Rsa, Algorithm::Ps384),
        (KeyKind::Rsa, Algorithm::Ps512),
        (KeyKind::P256, Algorithm::Es256),
        (KeyKind::P384, Algorithm::Es384),
        (KeyKind::Ed25519, Algorithm::EdDsa),
    ];
    let rsa = PrivateKey::generate(KeyKind::Rsa).unwrap();
    for (kind, algorithm) in kinds {
        let key = match kind {
            KeyKind::Rsa => rsa.clone(),
            kind => PrivateKey::generate(kind).unwrap(),
        };
        let issuer = Issuer(SigningKey::new(key, algorithm, Some("k1".to_owned())).unwrap());
        let token = issuer.token(&claims());
        let accepting = bench(&issuer).plugin::<Jwt>(settings());
        assert_eq!(verdict_of(&*accepting, &token).await, "ok", "{algorithm:?}");
    }
    // One key without `alg` serves all RSA algorithms; the route narrows them.
    let mut jwk = rsa.public_key().to_jwk();
    jwk.insert("kid".to_owned(), "k1".into());
    let mut bench = Bench::new();
    bench.sources.put_file("jwks.json", json!({ "keys": [jwk] }).to_string());
    let narrow = bench.plugin::<Jwt>(settings_but("algorithms", json!(["PS256"])));
    for (algorithm, expected) in
        [(Algorithm::Ps256, "ok"), (Algorithm::Rs256, "token_signature_invalid")]
    {
        let key = SigningKey::new(rsa.clone(), algorithm, Some("k1".to_owned())).unwrap();
        let token = Issuer(key).token(&claims());
        assert_eq!(verdict_of(&*narrow, &token).await, expected, "{algorithm:?}");
    }
}

#[tokio::test]
async fn ed25519_goes_by_both_of_its_names_in_settings_and_in_tokens() {
    let issuer = Issuer::with(KeyKind::Ed25519, Algorithm::EdDsa, None);
    let mut bench = bench(&issuer);
    for setting in ["EdDSA", "Ed25519"] {
        let plugin = bench.plugin::<Jwt>(settings_but("algorithms", json!([setting])));
        for alg in ["EdDSA", "Ed25519"] {
            let encode = |part: Value| base64url_encode(part.to_string().as_bytes());
            let signed = format!("{}.{}", encode(json!({"alg": alg})), encode(claims()));
            let signature = issuer.0.sign(signed.as_bytes()).unwrap();
            let token = format!("{signed}.{}", base64url_encode(&signature));
            assert_eq!(verdict_of(&*plugin, &token).await, "ok", "`{alg}` by `{setting}`");
        }
    }
}

#[tokio::test]
async fn each_claim_is_checked() {
    let demanding = changed(
        settings_but("claims", json!({"tier": ["gold", "silver"], "tenant": 7, "live": true})),
        "access_token_type",
        json!("required"),
    );
    let (plugin, issuer) = plugin(demanding);
    let good = |name: &str, value: Value| {
        let all = changed(claims(), "tier", json!("gold"));
        let all = changed(changed(all, "tenant", json!(7)), "live", json!(true));
        changed(all, name, value)
    };
    let exp = |seconds: i64| json!(i64::try_from(NOW).unwrap() + seconds);
    for (name, value, expected) in [
        ("x", json!(1), "ok"),
        ("iss", json!(null), "token_issuer_invalid"),
        ("iss", json!("https://id.example/"), "token_issuer_invalid"),
        ("iss", json!(["https://id.example"]), "token_issuer_invalid"),
        ("aud", json!(null), "token_audience_invalid"),
        ("aud", json!("payments2"), "token_audience_invalid"),
        ("aud", json!("PAYMENTS"), "token_audience_invalid"),
        ("aud", json!([]), "token_audience_invalid"),
        ("aud", json!(["other"]), "token_audience_invalid"),
        ("aud", json!(["payments", 1]), "token_audience_invalid"),
        ("aud", json!({"payments": 1}), "token_audience_invalid"),
        ("aud", json!(["other", "payments"]), "ok"),
        ("exp", json!(null), "token_claim_invalid"),
        ("exp", json!("soon"), "token_malformed"),
        ("exp", exp(-29), "ok"),
        ("exp", exp(-30), "token_expired"),
        ("exp", json!(-1), "token_expired"),
        ("exp", json!(u64::MAX), "ok"),
        ("exp", json!(1_767_225_570.25), "ok"),
        ("exp", json!(1_767_225_569.75), "token_expired"),
        ("nbf", exp(30), "ok"),
        ("nbf", exp(31), "token_not_yet_valid"),
        ("nbf", json!("now"), "token_malformed"),
        ("iat", exp(30), "ok"),
        ("iat", exp(31), "token_not_yet_valid"),
        ("iat", json!(null), "ok"),
        ("sub", json!(7), "token_malformed"),
        ("client_id", json!(["fi-1"]), "token_malformed"),
        ("tier", json!(null), "token_claim_invalid"),
        ("tier", json!("bronze"), "token_claim_invalid"),
        ("tier", json!(["bronze", "silver"]), "ok"),
        ("tenant", json!("7"), "token_claim_invalid"),
        ("tenant", json!(8), "token_claim_invalid"),
        ("live", json!("true"), "token_claim_invalid"),
        ("scope", json!(null), "insufficient_scope"),
        ("scope", json!("payments:read"), "insufficient_scope"),
        ("scope", json!("payments:write:all"), "insufficient_scope"),
        ("scope", json!(["payments:write"]), "ok"),
        ("scope", json!(1), "token_malformed"),
    ] {
        let token = issuer.token(&good(name, value.clone()));
        assert_eq!(verdict_of(&*plugin, &token).await, expected, "`{name}` is {value}");
    }
    let listed = changed(good("scope", json!(null)), "scp", json!(["payments:write"]));
    assert_eq!(verdict_of(&*plugin, &issuer.token(&listed)).await, "ok", "scopes in `scp`");
    for (typ, expected) in
        [("JWT", "token_type_invalid"), ("application/AT+JWT", "ok"), ("", "token_type_invalid")]
    {
        let token = issuer.token_of_type(typ, &good("x", json!(1)));
        assert_eq!(verdict_of(&*plugin, &token).await, expected, "`typ` is `{typ}`");
    }
}

#[tokio::test]
async fn all_scopes_are_required_and_any_audience_suffices() {
    let settings = changed(settings(), "scopes", json!(["payments:read", "payments:write"]));
    let settings = changed(settings, "audience", json!(null));
    let (plugin, issuer) = plugin(changed(settings, "audiences", json!(["refunds", "payments"])));
    assert_eq!(verdict_of(&*plugin, &issuer.token(&claims())).await, "ok", "both scopes");
    let one = issuer.token(&claims_but("scope", json!("payments:write")));
    assert_eq!(verdict_of(&*plugin, &one).await, "insufficient_scope", "one of two scopes");
    let other = issuer.token(&claims_but("aud", json!("refunds")));
    assert_eq!(verdict_of(&*plugin, &other).await, "ok", "the other audience");
}

#[tokio::test]
async fn the_client_is_named_by_azp_when_there_is_no_client_id() {
    let (plugin, issuer) = plugin(settings());
    let claims = changed(claims_but("client_id", json!(null)), "azp", json!("app-7"));
    let mut exchange = bearing(&issuer.token(&claims));
    request(&*plugin, &mut exchange).await.expect("the token is good");
    let client = exchange.identity.and_then(|identity| identity.client_id);
    assert_eq!(client.as_deref(), Some("app-7"), "`azp` names the client");
}

#[tokio::test]
async fn refusals_tell_how_to_do_better_and_echo_nothing() {
    let (plugin, issuer) = plugin(settings_but("realm", json!("acme")));
    let challenge = |fault: &Fault| {
        let value = fault.headers().get(WWW_AUTHENTICATE).expect("a challenge");
        (fault.code().status, value.to_str().expect("text").to_owned())
    };
    let none = request(&*plugin, &mut exchange()).await.unwrap_err();
    assert_eq!(challenge(&none), (401, "Bearer realm=\"acme\"".to_owned()), "no token");
    let token = issuer.token(&claims_but("aud", json!("evil-audience")));
    let (status, text) = challenge(&present(&*plugin, &token).await.unwrap_err());
    assert_eq!(status, 401, "a bad token");
    assert!(text.starts_with("Bearer realm=\"acme\", error=\"invalid_token\""), "{text}");
    assert!(!text.contains("evil"), "nothing of the token is repeated");
    let token = issuer.token(&claims_but("scope", json!("x")));
    let (status, text) = challenge(&present(&*plugin, &token).await.unwrap_err());
    assert_eq!(status, 403, "a lacking scope");
    assert!(
        text.contains("error=\"insufficient_scope\"") && text.ends_with("scope=\"payments:write\""),
        "{text}"
    );
}

#[tokio::test]
async fn the_token_counts_only_in_one_authorization_field() {
    let (plugin, issuer) = plugin(settings());
    let token = issuer.token(&claims());
    let bearer = format!("Bearer {token}");
    for (fields, expected) in [
        (vec![("authorization", bearer.as_str())], "ok"),
        (vec![("x-access-token", token.as_str())], "token_missing"),
        (vec![("proxy-authorization", bearer.as_str())], "token_missing"),
        (vec![("authorization", "Basic dTpw")], "token_missing"),
        (
            vec![("authorization", bearer.as_str()), ("authorization", bearer.as_str())],
            "ambiguous_request",
        ),
        (
            vec![("authorization", "Basic dTpw"), ("authorization", bearer.as_str())],
            "ambiguous_request",
        ),
        (vec![("authorization", "Bearer")], "token_malformed"),
        (vec![("authorization", "Bearer a.b")], "token_malformed"),
    ] {
        let mut exchange = exchange_with(&fields);
        let names: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
        assert_eq!(verdict(&request(&*plugin, &mut exchange).await), expected, "{names:?}");
        assert_eq!(exchange.identity.is_some(), expected == "ok", "identity only with proof");
    }
    let mut exchange = exchange();
    exchange.request.query = Some(format!("access_token={token}"));
    assert_eq!(verdict(&request(&*plugin, &mut exchange).await), "token_missing", "in the query");
}
