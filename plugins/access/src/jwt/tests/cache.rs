//! The cache saves work, and decides nothing.

use std::time::Duration;

use tollgate_api::Measure;

use super::*;

#[tokio::test]
async fn a_token_is_verified_once_and_every_demand_is_made_again() {
    let issuer = Issuer::new("k1");
    let mut bench = bench(&issuer);
    let token = issuer.token(&claims());
    let first = bench.build_named::<Jwt>("a/jwt", settings()).unwrap();
    assert_eq!(verdict_of(&*first, &token).await, "ok", "verified");
    assert_eq!(verdict_of(&*first, &token).await, "ok", "remembered");
    assert_eq!(bench.figures.of("a/jwt", Measure::TokenCacheMisses), Some(1.0), "verified once");
    assert_eq!(bench.figures.of("a/jwt", Measure::TokenCacheHits), Some(1.0), "then found");

    for (name, value, expected) in [
        ("audience", json!("refunds"), "token_audience_invalid"),
        ("issuer", json!("https://other.example"), "token_issuer_invalid"),
        ("scopes", json!(["refunds:write"]), "insufficient_scope"),
        ("claims", json!({"tier": "gold"}), "token_claim_invalid"),
    ] {
        let route = settings_but(name, value);
        let other = bench.build_named::<Jwt>("b/jwt", route).unwrap();
        assert_eq!(verdict_of(&*other, &token).await, expected, "another route's `{name}`");
    }
    let misses = bench.figures.of("b/jwt", Measure::TokenCacheMisses);
    assert_eq!(misses, None, "all of them found it in the shared cache");
}

#[tokio::test]
async fn a_route_with_other_algorithms_refuses_what_another_route_remembered() {
    let rsa = PrivateKey::generate(KeyKind::Rsa).unwrap();
    let mut jwk = rsa.public_key().to_jwk();
    jwk.insert("kid".to_owned(), "k1".into());
    let mut bench = Bench::new();
    bench.sources.put_file("jwks.json", json!({ "keys": [jwk] }).to_string());
    let key = SigningKey::new(rsa, Algorithm::Rs256, Some("k1".to_owned())).unwrap();
    let token = Issuer(key).token(&claims());
    let lax = bench.plugin::<Jwt>(settings());
    assert_eq!(verdict_of(&*lax, &token).await, "ok", "remembered here");
    let strict = bench.plugin::<Jwt>(settings_but("algorithms", json!(["PS256"])));
    assert_eq!(verdict_of(&*strict, &token).await, "token_signature_invalid", "refused there");
}

#[tokio::test]
async fn the_type_is_checked_on_a_remembered_token() {
    let issuer = Issuer::new("k1");
    let mut bench = bench(&issuer);
    let token = issuer.token_of_type("JWT", &claims());
    let lax = bench.plugin::<Jwt>(settings());
    assert_eq!(verdict_of(&*lax, &token).await, "ok", "remembered here");
    let strict = bench.plugin::<Jwt>(settings_but("access_token_type", json!("required")));
    assert_eq!(verdict_of(&*strict, &token).await, "token_type_invalid", "refused there");
}

#[tokio::test]
async fn a_token_is_never_remembered_beyond_its_end() {
    let issuer = Issuer::new("k1");
    let mut bench = bench(&issuer);
    let plugin = bench.plugin::<Jwt>(settings());
    let token = issuer.token(&claims());
    assert_eq!(verdict_of(&*plugin, &token).await, "ok", "good for five minutes");
    bench.clock.advance(Duration::from_secs(299));
    assert_eq!(verdict_of(&*plugin, &token).await, "ok", "one second left");
    assert_eq!(bench.figures.count(Measure::TokenCacheHits), 1, "from the cache");
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(verdict_of(&*plugin, &token).await, "ok", "within the clock skew");
    assert_eq!(bench.figures.count(Measure::TokenCacheHits), 1, "but verified anew");
    bench.clock.advance(Duration::from_secs(30));
    assert_eq!(verdict_of(&*plugin, &token).await, "token_expired", "beyond the skew");
}

#[tokio::test]
async fn nothing_is_remembered_when_the_cache_has_no_room_or_the_token_is_huge() {
    let issuer = Issuer::new("k1");
    let mut bench = bench(&issuer);
    let none = bench.plugin::<Jwt>(settings_but("cache", json!(0)));
    let token = issuer.token(&claims());
    let cached = bench.plugin::<Jwt>(settings());
    let huge = issuer.token(&claims_but("padding", json!("x".repeat(9_000))));
    for _ in 0..2 {
        assert_eq!(verdict_of(&*none, &token).await, "ok", "without a cache");
        assert_eq!(verdict_of(&*cached, &huge).await, "ok", "a huge token");
    }
    assert_eq!(bench.figures.of("route/jwt", Measure::TokenCacheHits), None, "never found");
    assert_eq!(bench.figures.of("route/jwt", Measure::TokenCacheMisses), Some(4.0), "verified");
}

#[tokio::test]
async fn a_shadow_does_not_share_what_is_remembered() {
    let issuer = Issuer::new("k1");
    let mut bench = bench(&issuer);
    let token = issuer.token(&claims());
    let plugin = bench.plugin::<Jwt>(settings());
    assert_eq!(verdict_of(&*plugin, &token).await, "ok", "remembered");
    bench.shadow = true;
    let shadow = bench.build_named::<Jwt>("shadow/jwt", settings()).unwrap();
    assert_eq!(verdict_of(&*shadow, &token).await, "ok", "verified again");
    let misses = bench.figures.of("shadow/jwt", Measure::TokenCacheMisses);
    assert_eq!(misses, Some(1.0), "kept apart");
}
