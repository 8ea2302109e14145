//! An issuer of access tokens.

use serde_json::{Value, json};
use tollgate_crypto::{Algorithm, KeyKind, PrivateKey, SigningKey, TokenHeader};

use super::{Provider, Reply};

/// An issuer with one key (ES256).
pub struct Issuer {
    key: SigningKey,
}

impl Issuer {
    /// The `iss` of its tokens.
    pub const NAME: &str = "https://id.example";
    /// The `aud` of its tokens.
    pub const AUDIENCE: &str = "payments";

    /// A new issuer, whose key is published under this identifier.
    pub fn new(kid: &str) -> Self {
        let key = PrivateKey::generate(KeyKind::P256).unwrap();
        Self { key: SigningKey::new(key, Algorithm::Es256, Some(kid.to_owned())).unwrap() }
    }

    /// Its public keys, for `jwks_file` or to be served.
    pub fn jwks(&self) -> String {
        json!({ "keys": [self.key.public_jwk()] }).to_string()
    }

    /// Serves its public keys at `/jwks.json`.
    pub async fn serve(&self) -> Provider {
        let document = self.jwks();
        Provider::http1(move |_| {
            Reply::new(200, document.clone()).with("content-type", "application/json")
        })
        .await
    }

    /// A token that is good for an hour, with these claims in addition or instead; `null` leaves
    /// one out.
    pub fn token(&self, claims: &Value) -> String {
        let mut all = json!({
            "iss": Self::NAME,
            "aud": Self::AUDIENCE,
            "sub": "shop",
            "client_id": "shop",
            "iat": now(),
            "exp": now() + 3_600,
        });
        for (name, value) in claims.as_object().unwrap() {
            all[name] = value.clone();
        }
        all.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let claims = all.as_object().unwrap();
        tollgate_crypto::sign(claims, &self.key, &TokenHeader::typ("at+jwt")).unwrap()
    }

    /// The plugin entry that accepts its tokens, with the keys in `jwks.json`.
    pub fn plugin() -> String {
        format!(
            "jwt: {{ issuer: {}, audience: {}, jwks_file: jwks.json }}",
            Self::NAME,
            Self::AUDIENCE
        )
    }
}

/// Seconds since the Unix epoch.
pub fn now() -> u64 {
    use tollgate_api::Clock;
    tollgate_api::SystemClock::new().unix().as_secs()
}
