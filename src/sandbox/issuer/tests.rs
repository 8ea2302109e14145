use tollgate_api::{ManualClock, SystemEntropy};
use tollgate_crypto::{Algorithm, JwsError, KeySet, VerifiedToken};

use super::*;

fn issuer() -> Issuer {
    let client =
        Client { id: "shop", secret: "s3cret".to_owned(), scope: "payments:write cards:check" };
    let clock = Arc::new(ManualClock::default());
    let issuer = Issuer::new("payments", vec![client], clock, Arc::new(SystemEntropy)).unwrap();
    issuer.set_name("https://id.example");
    issuer
}

async fn ask(issuer: &Issuer, authorization: Option<&str>, form: &str) -> (StatusCode, Value) {
    let mut headers = http::HeaderMap::new();
    let form_type = header::HeaderValue::from_static("application/x-www-form-urlencoded");
    headers.insert(header::CONTENT_TYPE, form_type);
    if let Some(value) = authorization {
        let value = format!("Basic {}", STANDARD.encode(value));
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
    }
    let request = Request::new(Method::POST, "/token", headers, form.to_owned().into());
    match issuer.answer(request).await {
        Reply::Answer { status, body, .. } => (status, serde_json::from_slice(&body).unwrap()),
        Reply::Broken { .. } | Reply::Hangup => panic!("an answer"),
    }
}

fn verified(issuer: &Issuer, token: &str) -> Result<VerifiedToken, JwsError> {
    let keys = KeySet::from_jwks(issuer.jwks().to_string().as_bytes()).unwrap();
    tollgate_crypto::verify(token, &keys, &[Algorithm::Rs256, Algorithm::Es256])
}

#[tokio::test]
async fn a_client_gets_a_token_that_the_published_keys_verify() {
    let issuer = issuer();
    let (status, answer) = ask(&issuer, Some("shop:s3cret"), "grant_type=client_credentials").await;
    assert_eq!(status, StatusCode::OK, "the credentials are right");
    let token = verified(&issuer, answer["access_token"].as_str().unwrap()).unwrap();
    assert_eq!(token.typ(), Some("at+jwt"), "an access token (RFC 9068)");
    for (claim, value) in [
        ("iss", json!("https://id.example")),
        ("aud", json!("payments")),
        ("client_id", json!("shop")),
        ("scope", json!("payments:write cards:check")),
        ("exp", json!(3_600)),
    ] {
        assert_eq!(token.claim(claim), Some(&value), "`{claim}`");
    }
}

#[tokio::test]
async fn credentials_may_stand_in_the_form_and_a_scope_may_be_narrowed() {
    let form =
        "grant_type=client_credentials&client_id=shop&client_secret=s3cret&scope=cards%3Acheck";
    let (status, answer) = ask(&issuer(), None, form).await;
    assert_eq!((status, &answer["scope"]), (StatusCode::OK, &json!("cards:check")), "as asked");
}

#[tokio::test]
async fn who_is_not_a_client_or_asks_for_too_much_gets_nothing() {
    let issuer = issuer();
    let grant = "grant_type=client_credentials";
    for (authorization, form, error) in [
        (Some("shop:wrong"), grant, "invalid_client"),
        (Some("nobody:s3cret"), grant, "invalid_client"),
        (Some("shop"), grant, "invalid_client"),
        (None, grant, "invalid_client"),
        (Some("shop:s3cret"), "grant_type=password", "unsupported_grant_type"),
        (Some("shop:s3cret"), "grant_type=client_credentials&scope=admin", "invalid_scope"),
        (Some("shop:s3cret"), "grant_type=a&grant_type=client_credentials", "invalid_request"),
        (Some("shop:s3cret"), "grant_type=%zz", "invalid_request"),
    ] {
        let (status, answer) = ask(&issuer, authorization, form).await;
        assert!(status.is_client_error(), "{authorization:?} with `{form}` is refused");
        assert_eq!(answer, json!({ "error": error }), "{authorization:?} with `{form}`");
    }
}

#[tokio::test]
async fn a_rotated_key_stays_published_for_the_tokens_it_signed() {
    let issuer = issuer();
    let old = issuer.token("shop", "payments", "").unwrap();
    issuer.rotate().unwrap();
    let new = issuer.token("shop", "payments", "").unwrap();
    assert!(verified(&issuer, &old).is_ok(), "the old key is still published");
    assert!(verified(&issuer, &new).is_ok(), "and so is the new one");
    issuer.rotate().unwrap();
    assert!(verified(&issuer, &old).is_err(), "after another rotation it is gone");
}
