//! The texts of values that have a form of their own, checked while the tree is walked so that
//! one run finds all of them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::{self, Debug, Formatter};

use tollgate_api::setting;

/// How the text of a value is checked, and what it is called.
#[derive(Clone)]
pub struct Format {
    /// What was expected, in words that follow "must be".
    pub expected: Cow<'static, str>,
    check: fn(&str) -> Result<(), String>,
}

/// Why a text does not have its format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// What is wrong, if there is more to say than that it is not what was expected.
    pub reason: Option<String>,
    /// What was probably meant.
    pub hint: Option<String>,
    /// At which character of the text, from zero, if the check can tell.
    pub offset: Option<usize>,
}

impl Format {
    /// A format. The check says in a few words what is wrong with a text; after `; hint: ` it may
    /// say what to do.
    pub fn new(expected: &'static str, check: fn(&str) -> Result<(), String>) -> Self {
        Self { expected: Cow::Borrowed(expected), check }
    }

    /// A format of a check that says "expected …" itself.
    pub fn described(check: fn(&str) -> Result<(), String>) -> Self {
        let complaint = check("\0").err().unwrap_or_default();
        let expected = split(&complaint).0.trim_start_matches(EXPECTED).to_owned();
        Self { expected: Cow::Owned(expected), check }
    }

    /// Checks a text.
    pub fn check(&self, text: &str) -> Result<(), Misfit> {
        (self.check)(text).map_err(|complaint| {
            let (reason, hint) = split(&complaint);
            let says_more =
                reason.strip_prefix(EXPECTED).is_none_or(|expected| expected != self.expected);
            let (reason, offset) = locate(reason);
            Misfit {
                reason: says_more.then(|| reason.to_owned()),
                hint: hint.map(str::to_owned),
                offset,
            }
        })
    }
}

/// Takes `… at character 7` apart, where people count from one.
fn locate(reason: &str) -> (&str, Option<usize>) {
    let Some((reason, number)) = reason.rsplit_once(" at character ") else {
        return (reason, None);
    };
    (reason, number.parse::<usize>().ok().and_then(|number| number.checked_sub(1)))
}

fn split(complaint: &str) -> (&str, Option<&str>) {
    match complaint.split_once("; hint: ") {
        Some((reason, hint)) => (reason, Some(hint)),
        None => (complaint, None),
    }
}

impl Debug for Format {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Format").field(&self.expected).finish()
    }
}

/// The formats by the name that a schema gives them. A name that is not here is not checked.
#[derive(Debug, Clone, Default)]
pub struct Formats {
    named: BTreeMap<&'static str, Format>,
}

impl Formats {
    /// The formats of settings everywhere, and those that only the gateway's own settings have.
    pub fn standard() -> Self {
        let settings = setting::formats().into_iter();
        let mut formats = Self::default();
        formats.named.extend(settings.map(|(name, check)| (name, Format::described(check))));
        if let Some(expression) = formats.named.get_mut("expression") {
            expression.expected = Cow::Borrowed("an expression such as `body.amount < 1000`");
        }
        if let Some(expression) = formats.named.get_mut("answer-expression") {
            expression.expected = Cow::Borrowed("an expression such as `answer.status == 200`");
        }
        formats
            .with("ip", Format::new("an IP address such as `192.0.2.1`", ip))
            .with(
                "socket-address",
                Format::new("an address and port such as `127.0.0.1:8443`", socket_address),
            )
            .with("regex", Format::new("a regular expression", pattern))
    }

    /// Adds a format or replaces one.
    #[must_use]
    pub fn with(mut self, name: &'static str, format: Format) -> Self {
        self.named.insert(name, format);
        self
    }

    /// The format of this name.
    pub fn named(&self, name: &str) -> Option<&Format> {
        self.named.get(name)
    }
}

fn ip(text: &str) -> Result<(), String> {
    text.parse::<std::net::IpAddr>().map(drop).map_err(|_| "not an IP address".into())
}

fn socket_address(text: &str) -> Result<(), String> {
    if text.parse::<std::net::SocketAddr>().is_ok() {
        return Ok(());
    }
    let (address, port) = text.rsplit_once(':').ok_or("has no port")?;
    if port.parse::<u16>().is_err() {
        return Err("has no port from 0 to 65535".into());
    }
    if address.contains(':') && !address.starts_with('[') {
        return Err("an IPv6 address stands in brackets".into());
    }
    Err("not an IP address and a port".into())
}

fn pattern(text: &str) -> Result<(), String> {
    regex::Regex::new(text).map(drop).map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "too large once compiled".into(),
        error => {
            let text = error.to_string();
            text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        }
    })
}

const EXPECTED: &str = "expected ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_takes_what_it_promises_and_nothing_else() {
        let cases: [(&str, &[&str], &[&str]); 3] = [
            ("ip", &["::1", "10.0.0.1"], &["10.0.0", "localhost", "010.0.0.1"]),
            (
                "socket-address",
                &["127.0.0.1:0", "[::1]:8443"],
                &["8443", "::1:8443", "localhost:80", "1.2.3.4:70000"],
            ),
            ("regex", &["^a+$"], &["(", "(?=a)"]),
        ];
        let formats = Formats::standard();
        for (name, good, bad) in cases {
            let format = formats.named(name).unwrap();
            for text in good {
                assert_eq!(format.check(text), Ok(()), "{name} takes `{text}`");
            }
            for text in bad {
                assert!(format.check(text).is_err(), "{name} refuses `{text}`");
            }
        }
    }

    #[test]
    fn every_format_of_the_settings_has_words() {
        let formats = Formats::standard();
        for (name, _) in setting::formats() {
            let words = &formats.named(name).unwrap().expected;
            assert!(words.starts_with("a ") || words.starts_with("an "), "{name}: {words}");
        }
    }

    #[test]
    fn a_check_that_describes_itself_is_not_quoted_twice() {
        let format = Format::described(|text| match text {
            "0s" => Err("expected more than zero".into()),
            _ => Err("expected a duration such as `10s`; hint: `10s`?".into()),
        });
        assert_eq!(format.expected, "a duration such as `10s`", "its own words");
        let misfit = format.check("10").unwrap_err();
        assert_eq!(
            misfit,
            Misfit { reason: None, hint: Some("`10s`?".into()), offset: None },
            "nothing more to say"
        );
        let reason = format.check("0s").unwrap_err().reason;
        assert_eq!(reason.as_deref(), Some("expected more than zero"), "more to say");
    }
}
