//! A token whose signature was verified, read once into what every later use compares.

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value};
use tollgate_api::{Code, Identity, codes};
use tollgate_crypto::{Algorithm, VerifiedToken};

/// What a verified token says. Made only from a [`VerifiedToken`], so it is proof of a signature;
/// whether it is current and meant for a route is checked on every use ([`super::checks`]).
#[derive(Debug)]
pub(super) struct Proven {
    /// Which key set verified it ([`super::keys::Published`]).
    pub generation: [u8; 32],
    /// The algorithm that was verified.
    pub algorithm: Algorithm,
    /// Whether `typ` says that it is an access token.
    pub is_access_token: bool,
    /// `exp`, since the Unix epoch.
    pub expires: Duration,
    /// `nbf`.
    pub not_before: Option<Duration>,
    /// `iat`.
    pub issued: Option<Duration>,
    /// `sub`.
    pub subject: Option<String>,
    /// `client_id`, or else `azp`.
    pub client_id: Option<String>,
    /// `scope`, or else `scp`.
    pub scopes: Vec<String>,
    /// Every claim.
    pub claims: Arc<Map<String, Value>>,
}

impl Proven {
    /// Reads the registered claims; one of the wrong type makes the token malformed.
    pub fn read(token: &VerifiedToken, generation: [u8; 32]) -> Result<Self, &'static Code> {
        let claims = token.claims();
        Ok(Self {
            generation,
            algorithm: token.algorithm(),
            is_access_token: token.typ().is_some_and(is_access_token),
            expires: date(claims, "exp")?.ok_or(&codes::TOKEN_CLAIM_INVALID)?,
            not_before: date(claims, "nbf")?,
            issued: date(claims, "iat")?,
            subject: text(claims, "sub")?,
            client_id: match text(claims, "client_id")? {
                None => text(claims, "azp")?,
                client => client,
            },
            scopes: match scopes(claims, "scope")? {
                None => scopes(claims, "scp")?.unwrap_or_default(),
                Some(scopes) => scopes,
            },
            claims: Arc::new(claims.clone()),
        })
    }

    /// The identity it proves.
    pub fn identity(&self) -> Identity {
        Identity {
            subject: self.subject.clone(),
            client_id: self.client_id.clone(),
            scopes: self.scopes.clone(),
            claims: self.claims.clone(),
            proven_by: super::KIND,
        }
    }
}

/// RFC 9068 section 4, with the media type in either form and any case.
fn is_access_token(typ: &str) -> bool {
    typ.eq_ignore_ascii_case("at+jwt") || typ.eq_ignore_ascii_case("application/at+jwt")
}

type Claim<T> = Result<Option<T>, &'static Code>;

/// A `NumericDate` (RFC 7519 section 2). What lies before the epoch counts as the epoch.
fn date(claims: &Map<String, Value>, name: &str) -> Claim<Duration> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    let number = value.as_number().ok_or(&codes::TOKEN_MALFORMED)?;
    let date = match (number.as_u64(), number.as_f64()) {
        (Some(seconds), _) => Some(Duration::from_secs(seconds)),
        (None, Some(seconds)) if seconds <= 0.0 => Some(Duration::ZERO),
        (None, Some(seconds)) => Duration::try_from_secs_f64(seconds).ok(),
        (None, None) => None,
    };
    date.map(Some).ok_or(&codes::TOKEN_MALFORMED)
}

fn text(claims: &Map<String, Value>, name: &str) -> Claim<String> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(&codes::TOKEN_MALFORMED),
    }
}

/// A list of texts, or one text of words (RFC 8693 section 4.2).
fn scopes(claims: &Map<String, Value>, name: &str) -> Claim<Vec<String>> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(words)) => {
            Ok(Some(words.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()))
        }
        Some(Value::Array(list)) => {
            let texts = list.iter().map(|scope| scope.as_str().map(str::to_owned));
            texts.collect::<Option<_>>().map(Some).ok_or(&codes::TOKEN_MALFORMED)
        }
        Some(_) => Err(&codes::TOKEN_MALFORMED),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Claim<Duration> {
        date(&Map::from_iter([("exp".to_owned(), value.clone())]), "exp")
    }

    #[test]
    fn dates_are_integers_or_decimals_and_nothing_else() {
        let seconds = |seconds| Ok(Some(Duration::from_secs(seconds)));
        assert_eq!(read(&json!(1_767_225_600)), seconds(1_767_225_600), "an integer");
        assert_eq!(
            read(&json!(1_767_225_600.5)),
            Ok(Some(Duration::from_millis(1_767_225_600_500))),
            "a decimal keeps its fraction"
        );
        assert_eq!(read(&json!(u64::MAX)), seconds(u64::MAX), "the largest integer is not rounded");
        assert_eq!(read(&json!(-5)), seconds(0), "before the epoch");
        assert_eq!(read(&json!(-0.5)), seconds(0), "before the epoch by a fraction");
        for wrong in [json!("1767225600"), json!(null), json!([1]), json!(true), json!(1e300)] {
            assert_eq!(read(&wrong), Err(&codes::TOKEN_MALFORMED), "{wrong} is no date");
        }
    }

    #[test]
    fn scopes_are_words_or_a_list_of_texts() {
        let read = |value: Value| scopes(&Map::from_iter([("scope".to_owned(), value)]), "scope");
        let two = Ok(Some(vec!["a".to_owned(), "b:c".to_owned()]));
        assert_eq!(read(json!("a b:c")), two, "words");
        assert_eq!(read(json!(" a  b:c ")), two, "words with spare spaces");
        assert_eq!(read(json!(["a", "b:c"])), two, "a list");
        assert_eq!(read(json!("")), Ok(Some(vec![])), "none");
        for wrong in [json!(["a", 1]), json!(1), json!({})] {
            assert_eq!(read(wrong.clone()), Err(&codes::TOKEN_MALFORMED), "{wrong} is refused");
        }
    }

    #[test]
    fn the_type_of_an_access_token_is_a_media_type() {
        for typ in ["at+jwt", "AT+JWT", "application/at+jwt"] {
            assert!(is_access_token(typ), "`{typ}`");
        }
        for typ in ["JWT", "", "at+jwt;x=1", "xat+jwt", "dpop+jwt"] {
            assert!(!is_access_token(typ), "`{typ}`");
        }
    }
}
