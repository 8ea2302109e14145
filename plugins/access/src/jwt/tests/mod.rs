//! What the tests of `jwt` share: issuers that sign, and a bench with keys in place.

mod attacks;
mod cache;
mod checks;
mod headers;
mod keys;
mod settings;

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tollgate_api::{
    Exchange, Fault, Plugin,
    testing::{Bench, NOW, exchange_with, request, verdict},
};
use tollgate_crypto::{Algorithm, KeyKind, PrivateKey, SigningKey, TokenHeader, sign};

use super::Jwt;

/// Where the keys are in tests with a remote key set.
const JWKS: &str = "https://id.example/jwks.json";

/// Somebody who signs tokens.
struct Issuer(SigningKey);

impl Issuer {
    fn new(kid: &str) -> Self {
        Self::with(KeyKind::P256, Algorithm::Es256, Some(kid))
    }

    fn with(kind: KeyKind, algorithm: Algorithm, name: Option<&str>) -> Self {
        let key = PrivateKey::generate(kind).unwrap();
        Self(SigningKey::new(key, algorithm, name.map(str::to_owned)).unwrap())
    }

    fn token(&self, claims: &Value) -> String {
        self.token_of_type("at+jwt", claims)
    }

    fn token_of_type(&self, typ: &str, claims: &Value) -> String {
        sign(claims.as_object().unwrap(), &self.0, &TokenHeader::typ(typ)).unwrap()
    }

    fn jwks(&self) -> String {
        jwks(&[self])
    }
}

fn jwks(issuers: &[&Issuer]) -> String {
    let keys: Vec<Map<String, Value>> =
        issuers.iter().map(|issuer| issuer.0.public_jwk()).collect();
    json!({ "keys": keys }).to_string()
}

/// Claims of a token that [`settings`] accept for five minutes.
fn claims() -> Value {
    json!({
        "iss": "https://id.example",
        "sub": "user-1",
        "aud": "payments",
        "exp": NOW + 300,
        "iat": NOW,
        "client_id": "fi-1",
        "scope": "payments:read payments:write",
    })
}

/// The same with one claim changed, or removed by `null`.
fn claims_but(name: &str, value: Value) -> Value {
    changed(claims(), name, value)
}

/// Settings with keys in `jwks.json`.
fn settings() -> Value {
    json!({
        "issuer": "https://id.example",
        "audience": "payments",
        "jwks_file": "jwks.json",
        "scopes": ["payments:write"],
    })
}

fn settings_but(name: &str, value: Value) -> Value {
    changed(settings(), name, value)
}

/// Settings with keys at [`JWKS`].
fn remote_settings() -> Value {
    let settings = changed(settings(), "jwks_file", Value::Null);
    changed(settings, "jwks", json!(JWKS))
}

fn changed(mut object: Value, name: &str, value: Value) -> Value {
    let members = object.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
    object
}

/// A bench that has the issuer's keys in `jwks.json`.
fn bench(issuer: &Issuer) -> Bench {
    let mut bench = Bench::new();
    bench.sources.put_file("jwks.json", issuer.jwks());
    bench
}

/// A plugin, and the issuer it believes.
fn plugin(settings: Value) -> (Arc<dyn Plugin>, Issuer) {
    let issuer = Issuer::new("k1");
    let plugin = bench(&issuer).plugin::<Jwt>(settings);
    (plugin, issuer)
}

fn bearing(token: &str) -> Exchange {
    exchange_with(&[("authorization", &format!("Bearer {token}"))])
}

async fn present(plugin: &dyn Plugin, token: &str) -> Result<(), Fault> {
    request(plugin, &mut bearing(token)).await
}

async fn verdict_of(plugin: &dyn Plugin, token: &str) -> &'static str {
    verdict(&present(plugin, token).await)
}
