//! Addresses of services: absolute, over TLS unless on this machine.

use std::{fmt, net::IpAddr, str::FromStr};

use http::{Uri, uri::Authority};

use super::text::{TextError, text_setting};

/// An absolute `https` URL. `http` is allowed on loopback alone. Credentials and fragments are
/// refused: credentials are secrets and belong in a reference, a fragment is never sent.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Url(Uri);

impl Url {
    /// The URL as HTTP clients take it.
    pub fn uri(&self) -> &Uri {
        &self.0
    }

    /// The host, without the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        self.0.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
    }

    /// The port, written or implied.
    pub fn port(&self) -> u16 {
        self.0.port_u16().unwrap_or(if self.is_tls() { 443 } else { 80 })
    }

    /// Whether the scheme is `https`.
    pub fn is_tls(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }

    /// Whether the host is this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(self.host())
    }
}

impl FromStr for Url {
    type Err = TextError;

    /// Errors never quote the text: it may hold credentials.
    fn from_str(text: &str) -> Result<Self, TextError> {
        let error = || TextError::new("expected a URL such as `https://api.provider.example`");
        if text.contains('#') {
            return Err(TextError::new("expected a URL without a fragment (`#`)"));
        }
        if !text.is_empty() && !text.starts_with('/') && !text.contains("://") {
            return Err(error().hint("it starts with `https://`"));
        }
        let Ok(uri) = text.parse::<Uri>() else {
            return Err(error());
        };
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(error());
        };
        if authority.as_str().contains('@') {
            return Err(TextError::new("expected a URL without credentials")
                .hint("credentials are secrets: put them into a setting of their own"));
        }
        let url = Self(uri.clone());
        if !has_valid_host(authority) {
            return Err(TextError::new("expected a URL with a valid host and port"));
        }
        match scheme {
            "https" => Ok(url),
            "http" if url.is_loopback() => Ok(url),
            "http" => Err(TextError::new("expected `https`: `http` is allowed on loopback only")),
            _ => Err(TextError::new("expected a URL that starts with `https://`")),
        }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

text_setting!(Url, "url", "a URL such as `https://api.provider.example`");

fn has_valid_host(authority: &Authority) -> bool {
    let host = authority.host();
    let after = authority.as_str().strip_prefix(host).unwrap_or_default();
    let port_is_valid = match after.strip_prefix(':') {
        Some(port) => port.parse::<u16>().is_ok_and(|port| port > 0),
        None => after.is_empty(),
    };
    let host_is_valid = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            host.len() <= 253
                && host.split('.').all(|label| {
                    (1..=63).contains(&label.len())
                        && label
                            .bytes()
                            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
                })
        }
    };
    host_is_valid && port_is_valid
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}
