//! On whose behalf a call is made.
//!
//! A platform's secret key opens every connected account, so which of them a caller acts on is never
//! the caller's choice alone. A caller that asks for another account than it may is refused: to make
//! the call on the right account instead would move the wrong party's money.

use http::{HeaderMap, HeaderName, HeaderValue};
use tollgate_api::{Fault, codes};

/// The accounts that calls may be made for.
#[derive(Debug)]
pub(super) enum Accounts {
    /// The one of the secret key.
    Own,
    /// This one, always, named in this field.
    One(HeaderName, HeaderValue),
    /// The one of the secret key, or one of these if the caller names it.
    Named(Vec<String>),
}

impl Accounts {
    /// Every call is about this account. `Stripe-Account` names an account connected to the one of
    /// the key; whatever is further away, and everything for an organisation's key, is named by
    /// `Stripe-Context`.
    pub fn one(account: &str, organisation: bool) -> Option<Self> {
        let field = if organisation || account.contains('/') { CONTEXT } else { ACCOUNT };
        HeaderValue::from_str(account).ok().map(|value| Self::One(field, value))
    }

    /// Sets the fields of a call, or refuses what the caller asked for.
    pub fn apply(&self, headers: &mut HeaderMap) -> Result<(), Fault> {
        let names = [ACCOUNT, CONTEXT];
        let mut asked = names
            .iter()
            .flat_map(|name| headers.get_all(name).iter().map(move |value| (name, value)));
        let first = asked.next().map(|(name, value)| (name.clone(), value.clone()));
        if asked.next().is_some() {
            return Err(Fault::new(&codes::AMBIGUOUS_REQUEST));
        }
        let sent = match (self, first) {
            (Self::Own | Self::Named(_), None) => None,
            (Self::One(field, value), None) => Some((field.clone(), value.clone())),
            (Self::One(field, value), Some((_, asked))) if asked == value => {
                Some((field.clone(), value.clone()))
            }
            (Self::Named(allowed), Some((field, asked)))
                if allowed.iter().any(|one| one.as_bytes() == asked.as_bytes()) =>
            {
                Some((field, asked))
            }
            (_, Some(_)) => return Err(Fault::new(&codes::ACCOUNT_DENIED)),
        };
        headers.remove(ACCOUNT);
        headers.remove(CONTEXT);
        if let Some((field, value)) = sent {
            headers.insert(field, value);
        }
        Ok(())
    }
}

/// An account, or the way to one through the accounts that it is connected to.
pub(super) fn is_account(text: &str) -> bool {
    text.split('/').all(|part| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    }) && text.starts_with("acct_")
        && text.len() <= 255
}

const ACCOUNT: HeaderName = HeaderName::from_static("stripe-account");
const CONTEXT: HeaderName = HeaderName::from_static("stripe-context");
