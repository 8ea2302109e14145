//! From the caller's idempotency key to Stripe's.
//!
//! Callers send the key as a String of RFC 9651, in quotes (draft-ietf-httpapi-idempotency-key-header),
//! or bare, as Stripe's own libraries do; both forms of one key are one key. Stripe takes up to 255
//! characters, keeps keys by account, and does not know the institution's clients apart: that is done
//! here. What the gateway makes begins with `tollgate-`, and no caller's key may.
//!
//! The same request leads to the same key, on every attempt and after every restart.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue};
use tollgate_api::{Fault, Identity, codes};
use tollgate_crypto::{Sha256, sha256, to_hex};

use super::{IdempotencyKeySettings, KeyScope};

/// Replaces the caller's key by the one for Stripe. `needed` is whether the method is one that Stripe
/// would otherwise carry out anew each time.
pub(super) fn apply(
    settings: IdempotencyKeySettings,
    needed: bool,
    identity: Option<&Identity>,
    headers: &mut HeaderMap,
) -> Result<(), Fault> {
    let invalid = || Fault::new(&codes::IDEMPOTENCY_KEY_INVALID);
    let mut values = headers.get_all(FIELD).iter();
    let Some(value) = values.next() else {
        return if needed && settings.required { Err(invalid()) } else { Ok(()) };
    };
    if values.next().is_some() {
        return Err(invalid());
    }
    let key = presented(value.as_bytes()).ok_or_else(invalid)?;
    let client = match settings.scope {
        KeyScope::Client => identity,
        KeyScope::Shared => None,
    };
    let sent = key_for_stripe(&key, client, settings.derive).ok_or_else(invalid)?;
    let sent = HeaderValue::from_str(&sent).map_err(|_| invalid())?;
    headers.insert(FIELD, sent);
    Ok(())
}

/// The key itself; `None` if the field is not exactly one key.
pub(super) fn presented(field: &[u8]) -> Option<Cow<'_, [u8]>> {
    let Some(quoted) = field.strip_prefix(b"\"") else {
        // A comma may be where two fields were joined on the way.
        let is_one = !field.is_empty() && !field.contains(&b',');
        return is_one.then_some(Cow::Borrowed(field));
    };
    let mut key = Vec::with_capacity(quoted.len());
    let mut rest = quoted.iter();
    loop {
        match rest.next()? {
            b'"' => break,
            b'\\' => match rest.next()? {
                escaped @ (b'"' | b'\\') => key.push(*escaped),
                _ => return None,
            },
            plain @ b' '..=b'~' => key.push(*plain),
            _ => return None,
        }
    }
    let is_one = rest.next().is_none() && !key.is_empty();
    is_one.then_some(Cow::Owned(key))
}

/// What Stripe is sent for this key of this client; `None` if it cannot be sent.
fn key_for_stripe(key: &[u8], client: Option<&Identity>, derive: bool) -> Option<String> {
    let plain = std::str::from_utf8(key).ok().filter(|key| is_plain(key));
    if plain.is_none() && !derive {
        return None;
    }
    let derived = || to_hex(&sha256(key));
    // A point or a hyphen says whether what follows is a digest or the caller's own text.
    let Some(client) = client else {
        return match plain {
            Some(key) => (!key.starts_with(OURS)).then(|| key.to_owned()),
            None => Some(format!("{OURS}.{}", derived())),
        };
    };
    let client = digest(client);
    let scoped = plain.map(|key| format!("{OURS}{client}-{key}"));
    // A key that is fit for Stripe must not become unfit by what is put before it.
    Some(match scoped.filter(|scoped| scoped.len() <= LONGEST) {
        Some(scoped) => scoped,
        None => format!("{OURS}{client}.{}", derived()),
    })
}

/// Who is calling, in 32 characters. What is told apart is whether the name is a client's or a
/// subject's, the issuer, and the name.
fn digest(client: &Identity) -> String {
    let issuer = client.claims.get("iss").and_then(|issuer| issuer.as_str()).unwrap_or_default();
    let (kind, name) = match (&client.client_id, &client.subject) {
        (Some(client), _) => ("client", client.as_str()),
        (None, Some(subject)) => ("subject", subject.as_str()),
        (None, None) => ("nobody", ""),
    };
    let mut digest = Sha256::new();
    for part in [client.proven_by, issuer, kind, name] {
        digest.update(&(part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    let mut text = to_hex(&digest.finish());
    text.truncate(32);
    text
}

fn is_plain(key: &str) -> bool {
    key.len() <= LONGEST && key.bytes().all(|byte| byte.is_ascii_graphic())
}

pub(super) const FIELD: HeaderName = HeaderName::from_static("idempotency-key");

/// What every key that the gateway made begins with.
const OURS: &str = "tollgate-";

/// Of a key, in characters (docs.stripe.com, "Idempotent requests").
const LONGEST: usize = 255;
