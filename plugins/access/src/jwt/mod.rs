//! Access tokens: proves who is calling by a JWT in the `Authorization` header.
//!
//! The signature is verified once and remembered (`cache`); what a route demands is checked on
//! every use (`checks`). Keys come from configuration or from a URL in it (`keys`), never from a
//! token. Whatever cannot be decided is refused. Nothing of a token is logged or repeated.

mod bearer;
mod build;
mod cache;
mod challenge;
mod checks;
mod claim_rule;
mod config;
mod headers;
mod keys;
mod proven;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use http::{HeaderValue, header::AUTHORIZATION};
use tollgate_api::{
    Clock, Code, Exchange, Fault, Flow, Hooks, Measure, Needs, Plugin, Step, codes,
};
use tollgate_crypto::{JwsError, verify};

use self::{
    bearer::Presented,
    cache::TokenCache,
    challenge::Challenges,
    checks::Checks,
    headers::ClaimHeaders,
    keys::{Keys, Reporter},
    proven::Proven,
};

pub use claim_rule::ClaimRule;
pub use config::{AccessTokenType, AlgorithmName, Jwt, KeySettings};

/// The plugin's name in the configuration.
const KIND: &str = "jwt";

/// The plugin, ready to run.
struct TokenCheck {
    clock: Arc<dyn Clock>,
    reporter: Arc<Reporter>,
    keys: Arc<Keys>,
    cache: Option<Arc<TokenCache>>,
    challenges: Challenges,
    checks: Checks,
    headers: ClaimHeaders,
    forward_token: bool,
    keep_stale: Duration,
    cooldown: Duration,
}

/// How far the keys at hand bring us.
enum Progress {
    Proven(Arc<Proven>),
    Refused(Fault),
    /// There are no keys, or none that is still good.
    NoKeys,
    /// The token names a key we do not have; the issuer may have a new one.
    UnknownKey,
}

impl Plugin for TokenCheck {
    fn needs(&self) -> Needs {
        Needs::NOTHING
    }

    fn hooks(&self) -> Hooks {
        Hooks::REQUEST
    }

    fn on_request<'a>(&'a self, exchange: &'a mut Exchange) -> Step<'a, Flow> {
        // Before anything can fail or be skipped.
        self.headers.strip(&mut exchange.request.headers);
        let field = match bearer::presented(&exchange.request.headers) {
            Presented::Token(field) => field,
            Presented::Nothing => return self.refuse(&codes::TOKEN_MISSING),
            Presented::Several => return self.refuse(&codes::AMBIGUOUS_REQUEST),
            Presented::Malformed => return self.refuse(&codes::TOKEN_MALFORMED),
        };
        let wait = match self.prove(&field) {
            Progress::Proven(token) => return self.accept(&token, exchange).into(),
            Progress::Refused(fault) => return Step::Now(Err(fault)),
            Progress::NoKeys => RETRY_WITHOUT_KEYS.min(self.cooldown),
            Progress::UnknownKey => self.cooldown,
        };
        Step::later(async move {
            self.keys.demand(wait).await;
            match self.prove(&field) {
                Progress::Proven(token) => self.accept(&token, exchange),
                Progress::Refused(fault) => Err(fault),
                Progress::NoKeys => Err(self.challenges.fault(&codes::KEYS_UNAVAILABLE)),
                Progress::UnknownKey => Err(self.challenges.fault(&codes::TOKEN_KEY_UNKNOWN)),
            }
        })
    }
}

impl TokenCheck {
    /// Verifies the token, or finds that it was verified before.
    fn prove(&self, field: &HeaderValue) -> Progress {
        let Some(token) = bearer::token(field) else {
            return Progress::Refused(self.challenges.fault(&codes::TOKEN_MALFORMED));
        };
        let current = self.keys.current(self.keep_stale);
        let Some(published) = current.as_ref().and_then(|current| current.as_ref()) else {
            return Progress::NoKeys;
        };
        let Some(keys) = &published.keys else {
            return Progress::NoKeys;
        };
        let cache = self.cache.as_ref().zip(TokenCache::key(token));
        if let Some((cache, key)) = &cache
            && let Some(found) = cache.find(key, published.generation, self.clock.unix())
        {
            self.count(Measure::TokenCacheHits);
            return Progress::Proven(found);
        }
        self.count(Measure::TokenCacheMisses);
        let verified = match verify(token, keys, &self.checks.algorithms) {
            Ok(verified) => verified,
            Err(JwsError::UnknownKid) => return Progress::UnknownKey,
            Err(error) => {
                return Progress::Refused(self.challenges.fault(code_of(error)).caused_by(error));
            }
        };
        match Proven::read(&verified, published.generation) {
            Ok(proven) => {
                let proven = Arc::new(proven);
                if let Some((cache, key)) = cache {
                    cache.keep(key, proven.clone());
                }
                Progress::Proven(proven)
            }
            Err(code) => Progress::Refused(self.challenges.fault(code)),
        }
    }

    /// Makes the demands of this route, and tells what follows who is calling.
    fn accept(&self, token: &Proven, exchange: &mut Exchange) -> Result<Flow, Fault> {
        self.checks.pass(token, self.clock.unix()).map_err(|code| self.challenges.fault(code))?;
        let headers = &mut exchange.request.headers;
        self.headers
            .set(&token.claims, headers)
            .map_err(|_| self.challenges.fault(&codes::TOKEN_CLAIM_INVALID))?;
        if self.forward_token {
            if let Some(field) = headers.get_mut(AUTHORIZATION) {
                field.set_sensitive(true);
            }
        } else {
            headers.remove(AUTHORIZATION);
        }
        exchange.identity = Some(token.identity());
        Ok(Flow::Continue)
    }

    fn refuse<'a>(&self, code: &'static Code) -> Step<'a, Flow> {
        Step::Now(Err(self.challenges.fault(code)))
    }

    fn count(&self, measure: Measure) {
        self.reporter.measures.add(&self.reporter.instance, measure, 1);
    }
}

fn code_of(error: JwsError) -> &'static Code {
    match error {
        JwsError::Malformed(_) => &codes::TOKEN_MALFORMED,
        JwsError::UnknownKid | JwsError::AmbiguousKid => &codes::TOKEN_KEY_UNKNOWN,
        _ => &codes::TOKEN_SIGNATURE_INVALID,
    }
}

/// How soon a fetch is tried again while there are no keys at all and every request is refused.
const RETRY_WITHOUT_KEYS: Duration = Duration::from_secs(1);
