//! Host names in one spelling, and the patterns that match them.
//!
//! Lower case, without the root's trailing dot, port split off. User information, percent-encoding
//! and anything but ASCII are refused: an internationalised name arrives as A-labels (`xn--…`). A
//! name whose last label is a number must be an IPv4 address in its usual form.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use thiserror::Error;

/// A `Host` field or `:authority`, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// The host.
    pub host: Host,
    /// The port, when one was named.
    pub port: Option<u16>,
}

impl Authority {
    /// Parses `host[:port]` (RFC 9110 section 7.2). An empty port counts as none.
    pub fn parse(raw: impl AsRef<[u8]>) -> Result<Self, HostError> {
        let raw = raw.as_ref();
        if raw.len() > MAX_AUTHORITY {
            return Err(HostError::TooLong);
        }
        let text = std::str::from_utf8(raw).map_err(|_| HostError::InvalidCharacter)?;
        if text.contains('@') {
            return Err(HostError::UserInfo);
        }
        let end = if text.starts_with('[') {
            text.find(']').ok_or(HostError::InvalidAddress)? + 1
        } else {
            text.find(':').unwrap_or(text.len())
        };
        let (host, port) = text.split_at(end);
        let port = match port.strip_prefix(':') {
            Some("") => None,
            Some(digits) => Some(parse_port(digits)?),
            None if port.is_empty() => None,
            None => return Err(HostError::InvalidPort),
        };
        Ok(Self { host: Host::parse(host)?, port })
    }
}

/// A host in its one spelling: a lower-case name, an IPv4 address, or an IPv6 address in brackets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Host {
    text: String,
    is_address: bool,
}

impl Host {
    /// Parses a host without a port.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or(HostError::InvalidAddress)?;
            let address = Ipv6Addr::from_str(inner).map_err(|_| HostError::InvalidAddress)?;
            return Ok(Self { text: format!("[{address}]"), is_address: true });
        }
        let text = checked_name(text)?;
        let last = text.rsplit('.').next().unwrap_or_default();
        let is_address = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
        if is_address && Ipv4Addr::from_str(&text).is_err() {
            return Err(HostError::InvalidAddress);
        }
        Ok(Self { text, is_address })
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether this is an IP address, which no wildcard matches.
    pub fn is_address(&self) -> bool {
        self.is_address
    }

    /// The name without its first label, then without its first two, and so on; nothing for an
    /// address.
    pub(super) fn parents(&self) -> impl Iterator<Item = &str> {
        let name = if self.is_address { "" } else { &self.text };
        name.match_indices('.').filter_map(|(at, _)| name.get(at + 1..))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Which hosts a route serves.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HostPattern {
    /// Every host: `*`.
    Any,
    /// `*.example.com`: every name that ends in `.example.com`, with one label before it or more
    /// (unlike a certificate's wildcard, which stands for exactly one). Not `example.com` itself.
    Wildcard(Suffix),
    /// This host alone.
    Exact(Host),
}

/// The part of a wildcard after `*.`, in canonical spelling.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Suffix(Host);

impl Suffix {
    /// The canonical text, without `*.`.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl HostPattern {
    /// Parses `*`, `*.example.com`, `pay.example.com` or an address. A port is refused: the
    /// listener has already chosen it.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let Some(suffix) = text.strip_prefix("*.") else {
            if text.contains('*') {
                return Err(HostError::Wildcard);
            }
            return Host::parse(text).map(Self::Exact);
        };
        if suffix.contains('*') {
            return Err(HostError::Wildcard);
        }
        let host = Host::parse(suffix)?;
        if host.is_address {
            return Err(HostError::Wildcard);
        }
        Ok(Self::Wildcard(Suffix(host)))
    }

    /// Whether a host is served.
    pub fn matches(&self, host: &Host) -> bool {
        match self {
            Self::Any => true,
            Self::Wildcard(suffix) => host.parents().any(|parent| parent == suffix.as_str()),
            Self::Exact(exact) => exact == host,
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Wildcard(suffix) => write!(f, "*.{}", suffix.as_str()),
            Self::Exact(host) => f.write_str(host.as_str()),
        }
    }
}

/// Why a host was refused. Carries nothing of what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HostError {
    /// No host at all.
    #[error("the host is empty")]
    Empty,
    /// Beyond what DNS allows: 253 bytes for a name, 63 for a label.
    #[error("the host is too long")]
    TooLong,
    /// Names are letters, digits, `-`, `_` and `.`; others arrive as A-labels.
    #[error("the host has a character that is not allowed; write other scripts as `xn--` labels")]
    InvalidCharacter,
    /// An empty label, one that begins or ends with `-`, or a bare `xn--`.
    #[error("the host has an invalid label")]
    InvalidLabel,
    /// Not an IPv4 or IPv6 address in its usual form; zones are refused.
    #[error("the host looks like an address and is none")]
    InvalidAddress,
    /// Not a number from 1 to 65535.
    #[error("the port is invalid")]
    InvalidPort,
    /// `user@host`.
    #[error("the host has user information")]
    UserInfo,
    /// `*` anywhere but as the whole first label of a name.
    #[error("a wildcard stands for whole labels at the beginning: `*.example.com`")]
    Wildcard,
}

fn checked_name(text: &str) -> Result<String, HostError> {
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.is_empty() {
        return Err(HostError::Empty);
    }
    if name.len() > MAX_NAME {
        return Err(HostError::TooLong);
    }
    let name = name.to_ascii_lowercase();
    name.split('.').try_for_each(check_label)?;
    Ok(name)
}

fn check_label(label: &str) -> Result<(), HostError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !label.bytes().all(allowed) {
        return Err(HostError::InvalidCharacter);
    }
    if label.len() > MAX_LABEL {
        return Err(HostError::TooLong);
    }
    if label.is_empty() || label.starts_with('-') || label.ends_with('-') {
        return Err(HostError::InvalidLabel);
    }
    Ok(())
}

fn parse_port(digits: &str) -> Result<u16, HostError> {
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(HostError::InvalidPort);
    }
    match digits.parse() {
        Ok(0) | Err(_) => Err(HostError::InvalidPort),
        Ok(port) => Ok(port),
    }
}

const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;
/// A name with its trailing dot, or an address in brackets, and a port.
const MAX_AUTHORITY: usize = MAX_NAME + 1 + 6;
