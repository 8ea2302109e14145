//! A token issuer: OAuth 2.0 client credentials (RFC 6749 section 4.4), access tokens as JWT
//! (RFC 9068), keys published as JWKS (RFC 7517) and rotated on demand.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::{Method, StatusCode, header};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tollgate_api::{Clock, Entropy};

use super::{Reply, Request, Service, http::form_decoded};

/// A client of the issuer.
#[derive(Clone)]
pub struct Client {
    /// Its identifier.
    pub id: &'static str,
    /// Its secret.
    pub secret: String,
    /// The scopes it may ask for, separated by spaces; what it gets if it asks for none.
    pub scope: &'static str,
}

/// The issuer.
pub struct Issuer {
    audience: &'static str,
    clients: Vec<Client>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// Its own address, known once it is served.
    name: Mutex<String>,
    keys: Mutex<Vec<Key>>,
}

struct Key {
    kid: String,
    material: Material,
}

enum Material {
    Rsa(Box<RsaKeyPair>),
    P256(Box<EcdsaKeyPair>),
}

impl Issuer {
    /// An issuer with one RSA key, whose tokens are meant for `audience` unless a client asks for
    /// another. `None` if no key can be made.
    pub fn new(
        audience: &'static str,
        clients: Vec<Client>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Option<Self> {
        let issuer = Self {
            audience,
            clients,
            clock,
            entropy,
            name: Mutex::new(String::new()),
            keys: Mutex::new(Vec::new()),
        };
        issuer.add_key(Material::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).ok()?)));
        Some(issuer)
    }

    /// Says under which name (`iss`) it issues tokens.
    pub fn set_name(&self, name: &str) {
        name.clone_into(&mut self.name.lock());
    }

    /// Signs with a new key (ES256) from now on. The one before stays published, so that tokens
    /// signed with it are good until they expire; older ones are gone. `None` if no key can be made.
    pub fn rotate(&self) -> Option<()> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).ok()?;
        self.add_key(Material::P256(Box::new(pair)));
        let mut keys = self.keys.lock();
        let superfluous = keys.len().saturating_sub(PUBLISHED_KEYS);
        keys.drain(..superfluous);
        Some(())
    }

    /// An access token. `None` if it cannot be signed.
    pub fn token(&self, client: &str, audience: &str, scope: &str) -> Option<String> {
        let now = self.clock.unix().as_secs();
        self.sign(&json!({
            "iss": *self.name.lock(),
            "sub": client,
            "client_id": client,
            "aud": audience,
            "scope": scope,
            "iat": now,
            "exp": now + LIFETIME.as_secs(),
            "jti": self.random(),
        }))
    }

    /// The published keys.
    pub fn jwks(&self) -> Value {
        let keys = self.keys.lock();
        json!({ "keys": keys.iter().map(Key::published).collect::<Vec<_>>() })
    }

    fn add_key(&self, material: Material) {
        let kid = self.random();
        self.keys.lock().push(Key { kid, material });
    }

    fn random(&self) -> String {
        let mut bytes = [0_u8; 9];
        self.entropy.fill(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn sign(&self, claims: &Value) -> Option<String> {
        let keys = self.keys.lock();
        let key = keys.last()?;
        let header = json!({ "typ": "at+jwt", "alg": key.algorithm(), "kid": key.kid });
        let mut token = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        let signature = key.sign(token.as_bytes())?;
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(signature));
        Some(token)
    }

    /// The token endpoint.
    fn grant(&self, request: &Request) -> Reply {
        let Some(form) = Form::parse(request) else {
            return refusal(StatusCode::BAD_REQUEST, "invalid_request");
        };
        let Some(client) = self.authenticate(request, &form) else {
            let mut reply = refusal(StatusCode::UNAUTHORIZED, "invalid_client");
            if let Reply::Answer { headers, .. } = &mut reply {
                let challenge = header::HeaderValue::from_static("Basic realm=\"sandbox\"");
                headers.insert(header::WWW_AUTHENTICATE, challenge);
            }
            return reply;
        };
        if form.field("grant_type") != Some("client_credentials") {
            return refusal(StatusCode::BAD_REQUEST, "unsupported_grant_type");
        }
        let scope = form.field("scope").unwrap_or(client.scope);
        if !scope.split(' ').all(|wanted| client.scope.split(' ').any(|scope| scope == wanted)) {
            return refusal(StatusCode::BAD_REQUEST, "invalid_scope");
        }
        let audience = form.field("audience").unwrap_or(self.audience);
        match self.token(client.id, audience, scope) {
            Some(token) => Reply::json(
                StatusCode::OK,
                &json!({
                    "access_token": token,
                    "token_type": "Bearer",
                    "expires_in": LIFETIME.as_secs(),
                    "scope": scope,
                }),
            ),
            None => refusal(StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
        }
    }

    /// By `Authorization: Basic`, or by `client_id` and `client_secret` in the form.
    fn authenticate(&self, request: &Request, form: &Form) -> Option<&Client> {
        let basic = request.header(&header::AUTHORIZATION).map(|value| {
            let encoded = value.strip_prefix("Basic ")?;
            let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
            text.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned()))
        });
        let (id, secret) = match basic {
            Some(credentials) => credentials?,
            None => (form.field("client_id")?.to_owned(), form.field("client_secret")?.to_owned()),
        };
        let client = self.clients.iter().find(|client| client.id == id)?;
        aws_lc_rs::constant_time::verify_slices_are_equal(
            client.secret.as_bytes(),
            secret.as_bytes(),
        )
        .ok()
        .map(|()| client)
    }
}

impl Service for Issuer {
    async fn answer(&self, request: Request) -> Reply {
        match (request.method.clone(), request.path.as_str()) {
            (Method::GET, "/jwks.json") => Reply::json(StatusCode::OK, &self.jwks()),
            (Method::POST, "/token") => self.grant(&request),
            (Method::POST, "/rotate") => match self.rotate() {
                Some(()) => Reply::json(StatusCode::OK, &self.jwks()),
                None => refusal(StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
            },
            _ => Reply::not_found(),
        }
    }
}

impl Key {
    fn algorithm(&self) -> &'static str {
        match &self.material {
            Material::Rsa(_) => "RS256",
            Material::P256(_) => "ES256",
        }
    }

    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match &self.material {
            Material::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).ok()?;
                Some(signature)
            }
            Material::P256(pair) => {
                pair.sign(&random, message).ok().map(|signature| signature.as_ref().to_vec())
            }
        }
    }

    fn published(&self) -> Value {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match &self.material {
            Material::Rsa(pair) => {
                let public = pair.public_key();
                json!({
                    "kty": "RSA",
                    "n": encode(public.modulus().big_endian_without_leading_zero()),
                    "e": encode(public.exponent().big_endian_without_leading_zero()),
                    "use": "sig",
                    "alg": self.algorithm(),
                    "kid": self.kid,
                })
            }
            Material::P256(pair) => {
                // 0x04, then x and y of 32 bytes each.
                let (_, point) = pair.public_key().as_ref().split_at(1);
                let (x, y) = point.split_at(32);
                json!({
                    "kty": "EC",
                    "crv": "P-256",
                    "x": encode(x),
                    "y": encode(y),
                    "use": "sig",
                    "alg": self.algorithm(),
                    "kid": self.kid,
                })
            }
        }
    }
}

/// The fields of `application/x-www-form-urlencoded`, each at most once.
struct Form(Vec<(String, String)>);

impl Form {
    fn parse(request: &Request) -> Option<Self> {
        if !request.is_of_type("application/x-www-form-urlencoded") {
            return None;
        }
        let mut fields = Vec::<(String, String)>::new();
        for pair in str::from_utf8(&request.body).ok()?.split('&') {
            let (name, value) = pair.split_once('=')?;
            let (name, value) = (form_decoded(name)?, form_decoded(value)?);
            if fields.len() == FORM_FIELDS || fields.iter().any(|(other, _)| *other == name) {
                return None;
            }
            fields.push((name, value));
        }
        Some(Self(fields))
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

fn refusal(status: StatusCode, error: &str) -> Reply {
    Reply::json(status, &json!({ "error": error }))
}

const LIFETIME: Duration = Duration::from_hours(1);
const PUBLISHED_KEYS: usize = 2;
const FORM_FIELDS: usize = 16;

#[cfg(test)]
mod tests;
