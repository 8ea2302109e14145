//! Outbound requests for keys and tokens: bounded in size and time, without redirects, without
//! proxies from the environment, and only to the address named in the settings.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, StatusCode};

/// Makes fetchers; a plugin's constructor asks for one per address it is configured with.
pub trait Fetch: Send + Sync + 'static {
    /// A fetcher for this URL alone. `trust` is a PEM bundle that replaces the system's roots.
    /// The error says what is wrong with the URL or bundle.
    fn fetcher(&self, url: &str, trust: Option<&[u8]>) -> Result<Arc<dyn Fetcher>, String>;
}

/// Fetches one configured URL.
pub trait Fetcher: Send + Sync + 'static {
    /// GET within `deadline`, refusing more than `limit` bytes.
    fn get(&self, limit: usize, deadline: Duration) -> BoxFuture<'_, Result<Fetched, FetchError>>;
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Status of the answer; only 2xx is a success for most users.
    pub status: StatusCode,
    /// Its header fields.
    pub headers: HeaderMap,
    /// Its body, within the limit.
    pub body: Bytes,
}

/// Why nothing came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// No connection.
    #[error("no connection could be made")]
    Unreachable,
    /// The server's certificate is not trusted, or TLS failed otherwise.
    #[error("the server's certificate is not trusted, or it does not speak TLS")]
    Untrusted,
    /// The deadline passed.
    #[error("no answer within the deadline")]
    Timeout,
    /// More bytes than allowed.
    #[error("the answer is too large")]
    TooLarge,
    /// A redirect: never followed, because only the configured address is trusted.
    #[error("the answer is a redirect, which is not followed")]
    Redirect,
    /// Broken HTTP.
    #[error("the answer is not valid HTTP")]
    Invalid,
}
