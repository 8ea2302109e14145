//! What one route demands of a verified token. Pure, and run on every use, also of a token that
//! comes from the cache: another route may have put it there.

use std::time::Duration;

use serde_json::Value;
use tollgate_api::{Code, codes};
use tollgate_crypto::Algorithm;

use super::{claim_rule::satisfies, proven::Proven};

/// The demands.
#[derive(Debug)]
pub(super) struct Checks {
    /// Algorithms that may have signed.
    pub algorithms: Vec<Algorithm>,
    /// Whether `typ` must be that of an access token.
    pub access_token_only: bool,
    /// The exact issuer.
    pub issuer: String,
    /// One of these must be an audience.
    pub audiences: Vec<String>,
    /// All of these must be granted.
    pub scopes: Vec<String>,
    /// Claims and the values they may have.
    pub claims: Vec<(String, Vec<Value>)>,
    /// How far clocks may differ.
    pub skew: Duration,
}

impl Checks {
    /// Whether the token may pass at this time; else why not. Scopes come last: only a caller whose
    /// token is otherwise good learns which are lacking.
    pub fn pass(&self, token: &Proven, now: Duration) -> Result<(), &'static Code> {
        if !self.algorithms.contains(&token.algorithm) {
            return Err(&codes::TOKEN_SIGNATURE_INVALID);
        }
        if self.access_token_only && !token.is_access_token {
            return Err(&codes::TOKEN_TYPE_INVALID);
        }
        if token.claims.get("iss").and_then(Value::as_str) != Some(&self.issuer) {
            return Err(&codes::TOKEN_ISSUER_INVALID);
        }
        if now >= token.expires.saturating_add(self.skew) {
            return Err(&codes::TOKEN_EXPIRED);
        }
        let latest = now.saturating_add(self.skew);
        if [token.not_before, token.issued].into_iter().flatten().any(|date| date > latest) {
            return Err(&codes::TOKEN_NOT_YET_VALID);
        }
        if !self.is_audience(token.claims.get("aud")) {
            return Err(&codes::TOKEN_AUDIENCE_INVALID);
        }
        let has = |(name, allowed): &(String, Vec<Value>)| {
            token.claims.get(name).is_some_and(|claim| satisfies(claim, allowed))
        };
        if !self.claims.iter().all(has) {
            return Err(&codes::TOKEN_CLAIM_INVALID);
        }
        if !self.scopes.iter().all(|scope| token.scopes.contains(scope)) {
            return Err(&codes::INSUFFICIENT_SCOPE);
        }
        Ok(())
    }

    /// A text, or a list of texts (RFC 7519 section 4.1.3).
    fn is_audience(&self, claim: Option<&Value>) -> bool {
        let ours = |value: &Value| {
            value.as_str().is_some_and(|name| self.audiences.iter().any(|ours| ours == name))
        };
        match claim {
            Some(Value::Array(list)) => list.iter().all(Value::is_string) && list.iter().any(ours),
            Some(value) => ours(value),
            None => false,
        }
    }
}
