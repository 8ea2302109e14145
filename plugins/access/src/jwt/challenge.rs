//! Refusals as RFC 6750 section 3 wants them told, without repeating anything the caller sent.

use http::{
    HeaderValue,
    header::{RETRY_AFTER, WWW_AUTHENTICATE},
};
use tollgate_api::{Code, Fault, codes};

/// Makes faults with their `WWW-Authenticate`.
#[derive(Debug)]
pub(super) struct Challenges {
    realm: String,
    scopes: String,
}

impl Challenges {
    /// `realm` and `scopes` must fit into a quoted string: [`is_quotable`].
    pub fn new(realm: String, scopes: &[String]) -> Self {
        Self { realm, scopes: scopes.join(" ") }
    }

    /// The refusal of this kind.
    pub fn fault(&self, code: &'static Code) -> Fault {
        if *code == codes::KEYS_UNAVAILABLE {
            return Fault::new(code).with_header(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        let (realm, title, scopes) = (&self.realm, code.title, &self.scopes);
        let invalid = |error: &str| {
            format!("Bearer realm=\"{realm}\", error=\"{error}\", error_description=\"{title}\"")
        };
        let challenge = if *code == codes::TOKEN_MISSING {
            // Who presents nothing learns nothing but the scheme (RFC 6750 section 3.1).
            format!("Bearer realm=\"{realm}\"")
        } else if *code == codes::INSUFFICIENT_SCOPE {
            format!("{}, scope=\"{scopes}\"", invalid("insufficient_scope"))
        } else if *code == codes::AMBIGUOUS_REQUEST {
            invalid("invalid_request")
        } else {
            invalid("invalid_token")
        };
        let value =
            HeaderValue::try_from(challenge).unwrap_or_else(|_| HeaderValue::from_static("Bearer"));
        Fault::new(code).with_header(WWW_AUTHENTICATE, value)
    }
}

/// Whether a text can stand in a quoted string as it is.
pub(super) fn is_quotable(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\')
}

/// Whether a text is one scope (RFC 6749 section 3.3).
pub(super) fn is_scope(text: &str) -> bool {
    !text.is_empty() && is_quotable(text) && !text.contains(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenge(code: &'static Code) -> String {
        let challenges = Challenges::new("pay".to_owned(), &["a".to_owned(), "b".to_owned()]);
        let fault = challenges.fault(code);
        fault.headers().get(WWW_AUTHENTICATE).map_or_else(String::new, |value| {
            value.to_str().expect("a challenge is text").to_owned()
        })
    }

    #[test]
    fn each_refusal_has_its_challenge() {
        assert_eq!(challenge(&codes::TOKEN_MISSING), "Bearer realm=\"pay\"", "nothing presented");
        assert_eq!(
            challenge(&codes::TOKEN_EXPIRED),
            "Bearer realm=\"pay\", error=\"invalid_token\", \
             error_description=\"The access token has expired\"",
            "a bad token"
        );
        assert_eq!(
            challenge(&codes::INSUFFICIENT_SCOPE),
            "Bearer realm=\"pay\", error=\"insufficient_scope\", \
             error_description=\"The access token lacks a required scope\", scope=\"a b\"",
            "a scope is lacking"
        );
        assert!(
            challenge(&codes::AMBIGUOUS_REQUEST).contains("error=\"invalid_request\""),
            "two tokens are a bad request"
        );
        assert_eq!(challenge(&codes::KEYS_UNAVAILABLE), "", "not the caller's fault");
    }

    #[test]
    fn every_title_fits_into_a_challenge() {
        for code in codes::ALL {
            assert!(is_quotable(code.title), "the title of `{}` can be quoted", code.name);
        }
    }
}
