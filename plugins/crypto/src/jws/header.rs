//! The protected header of a signed token, read strictly before anything is believed.

use serde_json::{Map, Value};

use super::{Algorithm, JwsError};
use crate::{encoding::base64url_decode, json::parse_object};

/// Bytes of the longest token that is read, unless the caller says otherwise.
pub const MAX_TOKEN_LEN: usize = 16 * 1024;

/// A token's header. What it says is not verified: it only helps to find a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    cty: Option<String>,
}

impl Header {
    /// The algorithm, when it is one that this crate knows.
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.alg.parse().ok()
    }

    /// The key identifier.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The type of token, such as `at+jwt`.
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// The type of the payload.
    pub fn cty(&self) -> Option<&str> {
        self.cty.as_deref()
    }
}

/// Reads the header of a compact token without verifying anything.
///
/// Refused: more than [`MAX_TOKEN_LEN`] bytes, other than three segments, base64url that is not strict,
/// duplicate members, `crit`, `b64`, and every member by which a token brings its own key.
pub fn peek(token: &str) -> Result<Header, JwsError> {
    Compact::split(token, MAX_TOKEN_LEN).map(|compact| compact.header)
}

/// A token cut into its parts.
pub(super) struct Compact<'a> {
    pub header: Header,
    /// Header and payload with the dot between them: what is signed.
    pub signed: &'a str,
    pub payload: &'a str,
    pub signature: &'a str,
}

impl<'a> Compact<'a> {
    pub fn split(token: &'a str, limit: usize) -> Result<Self, JwsError> {
        if token.len() > limit {
            return Err(JwsError::Malformed("too long"));
        }
        let segments = JwsError::Malformed("expected three segments");
        let (signed, signature) = token.rsplit_once('.').ok_or(segments)?;
        let (header, payload) = signed.split_once('.').ok_or(segments)?;
        if payload.contains('.') {
            return Err(segments);
        }
        let members = protected(header).map_err(JwsError::Malformed)?;
        if members.contains_key("b64") {
            return Err(JwsError::Malformed("`b64` is not supported"));
        }
        Ok(Self { header: Header::read(&members)?, signed, payload, signature })
    }
}

impl Header {
    fn read(members: &Map<String, Value>) -> Result<Self, JwsError> {
        let text = |name, error| member(members, name).map_err(|()| JwsError::Malformed(error));
        Ok(Self {
            alg: text("alg", "`alg` is not text")?
                .ok_or(JwsError::Malformed("`alg` is missing"))?,
            kid: kid(members).map_err(JwsError::Malformed)?,
            typ: text("typ", "`typ` is not text")?,
            cty: text("cty", "`cty` is not text")?,
        })
    }
}

/// Decodes a protected header, refusing what is dangerous in signed and in encrypted tokens alike.
pub(crate) fn protected(segment: &str) -> Result<Map<String, Value>, &'static str> {
    if segment.len() > MAX_HEADER_LEN {
        return Err("the header is too long");
    }
    let bytes = base64url_decode(segment).map_err(|_| "the header is not base64url")?;
    let members = parse_object(&bytes).map_err(|_| "the header is not an unambiguous object")?;
    if members.contains_key("crit") {
        // No extension is understood, so every critical one must be refused (RFC 7515 section 4.1.11).
        return Err("`crit` names an extension that is not supported");
    }
    if KEYS_IN_TOKENS.iter().any(|name| members.contains_key(*name)) {
        return Err("the token brings its own key");
    }
    Ok(members)
}

/// A member that must be text when it is there.
pub(crate) fn member(members: &Map<String, Value>, name: &str) -> Result<Option<String>, ()> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(()),
    }
}

/// The key identifier, capped: it is only ever compared.
pub(crate) fn kid(members: &Map<String, Value>) -> Result<Option<String>, &'static str> {
    let kid = member(members, "kid").map_err(|()| "`kid` is not text")?;
    if kid.as_ref().is_some_and(|kid| kid.len() > MAX_KID_LEN) {
        return Err("`kid` is too long");
    }
    Ok(kid)
}

/// Bytes of the longest header segment.
const MAX_HEADER_LEN: usize = 4 * 1024;

/// Bytes of the longest key identifier.
pub(crate) const MAX_KID_LEN: usize = 256;

/// Members that carry or point to a key (RFC 7515 sections 4.1.2, 4.1.3, 4.1.5 and 4.1.6).
const KEYS_IN_TOKENS: [&str; 4] = ["jku", "jwk", "x5u", "x5c"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::base64url_encode;

    fn token(header: &str) -> String {
        format!("{}.e30.c2ln", base64url_encode(header.as_bytes()))
    }

    #[test]
    fn a_header_is_read() {
        let header =
            peek(&token(r#"{"alg":"PS256","kid":"k1","typ":"at+jwt","cty":"x","x5t":"y"}"#))
                .unwrap();
        assert_eq!(header.algorithm(), Some(Algorithm::Ps256), "alg");
        assert_eq!(header.kid(), Some("k1"), "kid");
        assert_eq!(header.typ(), Some("at+jwt"), "typ");
        assert_eq!(header.cty(), Some("x"), "cty");
        let header = peek(&token(r#"{"alg":"none"}"#)).unwrap();
        assert_eq!(header.algorithm(), None, "an unknown algorithm is not malformed");
    }

    #[test]
    fn a_malformed_or_dangerous_header_is_refused() {
        let long_kid = format!(r#"{{"alg":"RS256","kid":"{}"}}"#, "k".repeat(257));
        let long_header = format!(r#"{{"alg":"RS256","typ":"{}"}}"#, "t".repeat(5000));
        for (header, why) in [
            ("", "an empty header"),
            ("[]", "not an object"),
            (r#"{"kid":"k"}"#, "no alg"),
            (r#"{"alg":1}"#, "alg not text"),
            (r#"{"alg":null}"#, "alg null"),
            (r#"{"alg":"RS256","kid":7}"#, "kid not text"),
            (r#"{"alg":"RS256","typ":[]}"#, "typ not text"),
            (r#"{"alg":"RS256","alg":"none"}"#, "a duplicate member"),
            (r#"{"alg":"RS256","crit":["exp"],"exp":1}"#, "crit"),
            (r#"{"alg":"RS256","crit":[]}"#, "an empty crit"),
            (r#"{"alg":"RS256","b64":false}"#, "b64"),
            (r#"{"alg":"RS256","jwk":{}}"#, "jwk"),
            (r#"{"alg":"RS256","jku":"https://evil.example"}"#, "jku"),
            (r#"{"alg":"RS256","x5u":"https://evil.example"}"#, "x5u"),
            (r#"{"alg":"RS256","x5c":[]}"#, "x5c"),
            (&long_kid, "a kid that is too long"),
            (&long_header, "a header that is too long"),
        ] {
            assert!(
                matches!(peek(&token(header)), Err(JwsError::Malformed(_))),
                "{why} is refused"
            );
        }
    }

    #[test]
    fn a_token_has_three_segments_and_a_bounded_length() {
        let good = token(r#"{"alg":"RS256"}"#);
        assert!(peek(&good).is_ok(), "the base case is fine");
        let header = good.split('.').next().unwrap();
        for (token, why) in [
            (String::new(), "nothing"),
            (header.to_owned(), "one segment"),
            (format!("{header}.e30"), "two segments"),
            (format!("{good}."), "four segments"),
            (format!("{good}.x.y"), "five segments"),
            (format!("{header}=.e30.c2ln"), "padding"),
            (format!(" {good}"), "whitespace"),
            (format!("{header}.{}.c2ln", "A".repeat(MAX_TOKEN_LEN)), "too long"),
        ] {
            assert!(matches!(peek(&token), Err(JwsError::Malformed(_))), "{why} is refused");
        }
    }
}
