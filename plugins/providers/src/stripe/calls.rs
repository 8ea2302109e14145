//! Calls to Stripe: one credential, one version, one account, one idempotency key.

use http::{HeaderName, HeaderValue, Method, header::AUTHORIZATION};
use tollgate_api::{Exchange, Flow, Hooks, Needs, Plugin, Step};

use super::{IdempotencyKeySettings, account::Accounts, idempotency};

/// The plugin on an upstream. Answers pass untouched: `Request-Id`, `Idempotent-Replayed` and
/// `Stripe-Should-Retry` are for the caller.
pub(super) struct Calls {
    /// `Bearer …`, marked sensitive.
    pub authorization: HeaderValue,
    pub version: Option<HeaderValue>,
    pub accounts: Accounts,
    pub idempotency_key: IdempotencyKeySettings,
}

impl Plugin for Calls {
    fn needs(&self) -> Needs {
        Needs::NOTHING
    }

    fn hooks(&self) -> Hooks {
        Hooks::REQUEST
    }

    fn on_request<'a>(&'a self, exchange: &'a mut Exchange) -> Step<'a, Flow> {
        let request = &mut exchange.request;
        request.headers.insert(AUTHORIZATION, self.authorization.clone());
        match &self.version {
            Some(version) => request.headers.insert(VERSION, version.clone()),
            None => request.headers.remove(VERSION),
        };
        let applied = self.accounts.apply(&mut request.headers).and_then(|()| {
            idempotency::apply(
                self.idempotency_key,
                request.method == Method::POST,
                exchange.identity.as_ref(),
                &mut request.headers,
            )
        });
        Step::Now(applied.map(|()| Flow::Continue))
    }
}

pub(super) const VERSION: HeaderName = HeaderName::from_static("stripe-version");
