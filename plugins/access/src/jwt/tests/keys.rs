//! Keys from a URL: rotation, outages, floods.

use std::time::Duration;

use futures::future::join_all;
use http::StatusCode;
use tollgate_api::{FetchError, Measure};

use super::*;

fn remote(issuer: &Issuer) -> (Bench, Arc<dyn Plugin>) {
    let mut bench = Bench::new();
    bench.fetch.remote(JWKS).serves(issuer.jwks());
    let plugin = bench.plugin::<Jwt>(remote_settings());
    (bench, plugin)
}

#[tokio::test]
async fn building_fetches_nothing_and_the_first_request_fetches_what_is_missing() {
    let issuer = Issuer::new("k1");
    let (bench, plugin) = remote(&issuer);
    assert_eq!(bench.fetch.remote(JWKS).calls(), 0, "constructors do no I/O");
    assert_eq!(verdict_of(&*plugin, &issuer.token(&claims())).await, "ok", "fetched on demand");
    assert_eq!(bench.fetch.remote(JWKS).calls(), 1, "once");
    assert_eq!(bench.figures.count(Measure::JwksKeys), 1, "one key");
    assert_eq!(bench.figures.count(Measure::JwksFetchedAt), NOW, "its age can be told");
}

#[tokio::test]
async fn the_background_job_fetches_at_once_and_then_as_often_as_told() {
    let issuer = Issuer::new("k1");
    let (mut bench, plugin) = remote(&issuer);
    bench.run_jobs().await;
    let remote = bench.fetch.remote(JWKS);
    assert_eq!(remote.calls(), 1, "at once");
    assert_eq!(verdict_of(&*plugin, &issuer.token(&claims())).await, "ok", "keys are there");
    bench.clock.advance(Duration::from_secs(599));
    bench.run_jobs().await;
    assert_eq!(remote.calls(), 1, "not before its time");
    bench.clock.advance(Duration::from_secs(1));
    bench.run_jobs().await;
    assert_eq!(remote.calls(), 2, "after ten minutes");
    remote.fails(FetchError::Timeout);
    bench.clock.advance(Duration::from_mins(10));
    bench.run_jobs().await;
    bench.run_jobs().await;
    assert_eq!(remote.calls(), 4, "a failed fetch is repeated at the next turn");
    assert_eq!(bench.figures.count(Measure::JwksFailures), 2, "failures are counted");
    assert_eq!(bench.figures.count(Measure::Degraded), 1, "and seen while they last");
    remote.serves(issuer.jwks());
    bench.run_jobs().await;
    assert_eq!(bench.figures.count(Measure::Degraded), 0, "until it is over");
}

#[tokio::test]
async fn routes_with_the_same_source_share_keys_and_fetches_also_across_a_reload() {
    let issuer = Issuer::new("k1");
    let (mut bench, first) = remote(&issuer);
    let second = bench.plugin::<Jwt>(changed(remote_settings(), "scopes", json!([])));
    let token = issuer.token(&claims());
    assert_eq!(verdict_of(&*first, &token).await, "ok", "fetches");
    assert_eq!(verdict_of(&*second, &token).await, "ok", "finds the keys");
    let reloaded = bench.build_named::<Jwt>("new/jwt", remote_settings()).unwrap();
    let told = bench.figures.of("new/jwt", Measure::JwksFetchedAt).is_some();
    assert!(told, "a plugin that finds keys knows their age");
    drop((first, second));
    assert_eq!(verdict_of(&*reloaded, &token).await, "ok", "keys survive a reload");
    assert_eq!(bench.fetch.remote(JWKS).calls(), 1, "one fetch for all");
    let names: Vec<_> =
        std::mem::take(&mut bench.jobs).into_inner().into_iter().map(|job| job.name).collect();
    assert_eq!(names.len(), 3, "each declares the job");
    assert!(names.windows(2).all(|pair| pair[0] == pair[1]), "the same job: {names:?}");
}

#[tokio::test]
async fn another_trust_bundle_is_another_source() {
    let issuer = Issuer::new("k1");
    let (mut bench, first) = remote(&issuer);
    bench.sources.put_file("ca.pem", "-----BEGIN CERTIFICATE-----\n");
    let trusting = changed(remote_settings(), "trust", json!("ca.pem"));
    let second = bench.plugin::<Jwt>(trusting);
    let token = issuer.token(&claims());
    assert_eq!(verdict_of(&*first, &token).await, "ok", "by the system's roots");
    assert_eq!(verdict_of(&*second, &token).await, "ok", "by its own");
    assert_eq!(bench.fetch.remote(JWKS).calls(), 2, "what one trusts says nothing to the other");
}

#[tokio::test]
async fn a_rotated_key_is_found_by_its_first_token_and_the_old_one_is_forgotten() {
    let (old, new) = (Issuer::new("k1"), Issuer::new("k2"));
    let (bench, plugin) = remote(&old);
    let old_token = old.token(&claims());
    assert_eq!(verdict_of(&*plugin, &old_token).await, "ok", "the old key");
    bench.fetch.remote(JWKS).serves(jwks(&[&old, &new]));
    bench.clock.advance(Duration::from_secs(30));
    assert_eq!(verdict_of(&*plugin, &new.token(&claims())).await, "ok", "the new key is fetched");
    assert_eq!(verdict_of(&*plugin, &old_token).await, "ok", "the old one still counts");
    bench.fetch.remote(JWKS).serves(new.jwks());
    bench.clock.advance(Duration::from_secs(30));
    let third = Issuer::new("k3").token(&claims());
    assert_eq!(verdict_of(&*plugin, &third).await, "token_key_unknown", "never published");
    assert_eq!(
        verdict_of(&*plugin, &old_token).await,
        "token_key_unknown",
        "a withdrawn key's token is refused although it was remembered"
    );
}

#[tokio::test]
async fn a_flood_of_unknown_keys_makes_one_fetch_per_cooldown() {
    let issuer = Issuer::new("k1");
    let (bench, plugin) = remote(&issuer);
    let good = issuer.token(&claims());
    assert_eq!(verdict_of(&*plugin, &good).await, "ok", "keys are there");
    let remote = bench.fetch.remote(JWKS);
    bench.clock.advance(Duration::from_secs(30));
    remote.hold();
    let flood: Vec<_> =
        (0..50).map(|number| Issuer::new(&format!("unknown-{number}")).token(&claims())).collect();
    let waiting = join_all(flood.iter().map(|token| verdict_of(&*plugin, token)));
    let release = async {
        while remote.calls() < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(verdict_of(&*plugin, &good).await, "ok", "nobody else waits");
        remote.release();
    };
    let (verdicts, ()) = futures::future::join(waiting, release).await;
    assert!(verdicts.iter().all(|verdict| *verdict == "token_key_unknown"), "{verdicts:?}");
    assert_eq!(remote.calls(), 2, "all shared one fetch");
    bench.clock.advance(Duration::from_secs(29));
    for token in &flood {
        assert_eq!(verdict_of(&*plugin, token).await, "token_key_unknown", "refused at once");
    }
    assert_eq!(remote.calls(), 2, "none within the cooldown");
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(verdict_of(&*plugin, &flood[0]).await, "token_key_unknown", "still unknown");
    assert_eq!(remote.calls(), 3, "one after it");
}

#[tokio::test]
async fn a_caller_who_hangs_up_does_not_stop_the_fetch_for_the_others() {
    let issuer = Issuer::new("k1");
    let (bench, plugin) = remote(&issuer);
    let remote = bench.fetch.remote(JWKS);
    remote.hold();
    let token = issuer.token(&claims());
    {
        let mut exchange = bearing(&token);
        let leaving = request(&*plugin, &mut exchange);
        futures::pin_mut!(leaving);
        assert!(futures::poll!(&mut leaving).is_pending(), "waits for keys");
    }
    let release = async {
        while remote.calls() < 1 {
            tokio::task::yield_now().await;
        }
        remote.release();
    };
    let (verdict, ()) = futures::future::join(verdict_of(&*plugin, &token), release).await;
    assert_eq!(verdict, "ok", "the fetch of the one who left serves the next");
    assert_eq!(remote.calls(), 1, "one fetch");
}

#[tokio::test]
async fn stale_keys_serve_while_fetching_fails_up_to_the_bound_and_then_all_is_refused() {
    let issuer = Issuer::new("k1");
    let (mut bench, plugin) = remote(&issuer);
    bench.run_jobs().await;
    let remote = bench.fetch.remote(JWKS);
    let lasting = issuer.token(&claims_but("exp", json!(NOW + 1_000_000)));
    for failure in [FetchError::Unreachable, FetchError::Timeout, FetchError::TooLarge] {
        remote.fails(failure);
        bench.clock.advance(Duration::from_mins(10));
        bench.run_jobs().await;
        assert_eq!(verdict_of(&*plugin, &lasting).await, "ok", "stale keys serve: {failure}");
    }
    for (status, body) in [
        (StatusCode::INTERNAL_SERVER_ERROR, issuer.jwks()),
        (StatusCode::OK, "<html>".to_owned()),
        (StatusCode::OK, "{}".to_owned()),
        (StatusCode::NO_CONTENT, String::new()),
    ] {
        remote.answers(status, body.clone());
        bench.clock.advance(Duration::from_mins(10));
        bench.run_jobs().await;
        assert_eq!(verdict_of(&*plugin, &lasting).await, "ok", "{status} with {body}");
    }
    bench.clock.advance(Duration::from_hours(24) - Duration::from_mins(70));
    assert_eq!(verdict_of(&*plugin, &lasting).await, "ok", "the last moment");
    remote.fails(FetchError::Unreachable);
    bench.clock.advance(Duration::from_secs(1));
    let fault = present(&*plugin, &lasting).await.unwrap_err();
    assert_eq!(fault.code().name, "keys_unavailable", "after a day all is refused");
    assert_eq!(fault.code().status, 503, "and it is not the caller's fault");
    assert!(fault.headers().contains_key("retry-after"), "who may try again");
    remote.serves(issuer.jwks());
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(verdict_of(&*plugin, &lasting).await, "ok", "and recovers by itself");
}

#[tokio::test]
async fn without_keys_a_fetch_is_tried_once_a_second_at_most() {
    let issuer = Issuer::new("k1");
    let (bench, plugin) = remote(&issuer);
    let remote = bench.fetch.remote(JWKS);
    remote.fails(FetchError::Unreachable);
    let token = issuer.token(&claims());
    for _ in 0..20 {
        assert_eq!(verdict_of(&*plugin, &token).await, "keys_unavailable", "fails closed");
    }
    assert_eq!(remote.calls(), 1, "one try");
    bench.clock.advance(Duration::from_secs(1));
    remote.serves(issuer.jwks());
    assert_eq!(verdict_of(&*plugin, &token).await, "ok", "the next one succeeds");
}

#[tokio::test]
async fn an_issuer_that_withdraws_its_last_key_is_believed() {
    let issuer = Issuer::new("k1");
    let (mut bench, plugin) = remote(&issuer);
    let token = issuer.token(&claims());
    assert_eq!(verdict_of(&*plugin, &token).await, "ok", "keys are there");
    bench.fetch.remote(JWKS).serves(r#"{"keys":[]}"#);
    bench.clock.advance(Duration::from_mins(10));
    bench.run_jobs().await;
    let token = issuer.token(&claims_but("exp", json!(NOW + 10_000)));
    assert_eq!(verdict_of(&*plugin, &token).await, "keys_unavailable", "no key, no token");
}
