//! Finding the token: in the `Authorization` header, once, and nowhere else.
//!
//! RFC 6750 also allows a form field and a query parameter. Both end up in logs and caches, so they
//! are not looked at.

use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};

/// What the request presents.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Presented {
    /// The field with a bearer token; [`token`] reads it.
    Token(HeaderValue),
    /// No `Authorization`, or another scheme.
    Nothing,
    /// The field occurs more than once: it is not clear which one counts.
    Several,
    /// The scheme is Bearer, but what follows is no token.
    Malformed,
}

/// Looks for the token.
pub(super) fn presented(headers: &HeaderMap) -> Presented {
    let mut fields = headers.get_all(AUTHORIZATION).iter();
    let Some(field) = fields.next() else {
        return Presented::Nothing;
    };
    if fields.next().is_some() {
        return Presented::Several;
    }
    let scheme = field.as_bytes().get(..SCHEME.len());
    if !scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME)) {
        return Presented::Nothing;
    }
    match (field.as_bytes().get(SCHEME.len()), token(field)) {
        (None | Some(b' '), Some(_)) => Presented::Token(field.clone()),
        (None | Some(b' '), None) => Presented::Malformed,
        _ => Presented::Nothing,
    }
}

/// The token in a field that [`presented`] found.
pub(super) fn token(field: &HeaderValue) -> Option<&str> {
    let token = field.to_str().ok()?.get(SCHEME.len()..)?.trim_start_matches(' ');
    // `b64token` of RFC 6750 section 2.1, as far as a JWT can be one.
    let is_token = !token.is_empty()
        && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte));
    is_token.then_some(token)
}

const SCHEME: &[u8] = b"bearer";

#[cfg(test)]
mod tests {
    use super::*;

    fn found(fields: &[&str]) -> Presented {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(AUTHORIZATION, HeaderValue::from_str(field).unwrap());
        }
        presented(&headers)
    }

    #[test]
    fn the_token_follows_the_scheme_in_any_case() {
        for field in ["Bearer a.b.c", "bearer a.b.c", "BEARER   a.b.c"] {
            let Presented::Token(value) = found(&[field]) else {
                panic!("`{field}` holds a token");
            };
            assert_eq!(token(&value), Some("a.b.c"), "`{field}` holds the token");
        }
    }

    #[test]
    fn everything_else_is_nothing_several_or_malformed() {
        assert_eq!(found(&[]), Presented::Nothing, "no field");
        for other in ["Basic dTpw", "Bearerx a.b.c", "DPoP a.b.c", "", "bear", "Bearer:a"] {
            assert_eq!(found(&[other]), Presented::Nothing, "`{other}` is another scheme");
        }
        for broken in ["Bearer", "Bearer ", "Bearer a b", "Bearer a,Bearer b", "Bearer \"a\""] {
            assert_eq!(found(&[broken]), Presented::Malformed, "`{broken}` holds no token");
        }
        assert_eq!(found(&["Bearer a", "Bearer a"]), Presented::Several, "even if equal");
        assert_eq!(found(&["Basic x", "Bearer a"]), Presented::Several, "of any scheme");
    }
}
