//! Who asks, in which version of the API.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::{Engine, engine::general_purpose::STANDARD};

use super::{super::Credentials, refused::Refused};
use crate::sandbox::Request;

/// Whether the request carries a secret key: `Bearer sk_…`, or `Basic` with it as the user.
pub(super) fn check(request: &Request, keys: &Credentials<String>) -> Result<(), Refused> {
    let value = request.only_header("authorization").ok_or_else(|| {
        Refused::unauthorized(
            "You did not provide an API key. You need to provide your API key in the Authorization \
             header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
        )
    })?;
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    let key = match scheme.to_ascii_lowercase().as_str() {
        "bearer" => Some(rest.trim().to_owned()),
        "basic" => basic(rest.trim()),
        _ => None,
    };
    let key = key.ok_or_else(|| {
        Refused::unauthorized("Unrecognized Authorization header: expected Bearer or Basic.")
    })?;
    let is = |good: &String| verify_slices_are_equal(key.as_bytes(), good.as_bytes()).is_ok();
    if keys.seen(is).is_some() {
        return Ok(());
    }
    Err(Refused::unauthorized(format!("Invalid API Key provided: {}", masked(&key))))
}

/// The version that is asked for, or the twin's own. Versions are dates, with a name behind a point.
pub(super) fn version(request: &Request) -> Result<&str, Refused> {
    if !request.headers.contains_key("stripe-version") {
        return Ok(VERSION);
    }
    let version = request.only_header("stripe-version").unwrap_or_default();
    let (date, name) = version.split_once('.').unwrap_or((version, "a"));
    let dated = date.len() == 10
        && date.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if dated && !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Ok(version);
    }
    Err(Refused::invalid(format!("Invalid Stripe API version: {version}")))
}

fn basic(encoded: &str) -> Option<String> {
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    password.is_empty().then(|| user.to_owned())
}

/// Its beginning and its end, as Stripe shows keys that it does not know.
pub(super) fn masked(key: &str) -> String {
    let letters: Vec<char> = key.chars().take(255).collect();
    let shown = |at: usize| at < 8 || at + 4 >= letters.len();
    let hide = |(at, letter): (usize, &char)| if shown(at) { *letter } else { '*' };
    if letters.len() < 16 {
        return "*".repeat(letters.len());
    }
    letters.iter().enumerate().map(hide).collect()
}

/// The version of an account that never chose another.
pub(super) const VERSION: &str = "2025-09-30.clover";
