//! Calls to a provider on a plugin's own behalf: its certificates, the state of a payment.
//!
//! A call goes to the endpoints of one upstream, with that upstream's trust, client identity and
//! connection limits, and past its plugins: whoever calls signs and verifies by itself. It is one
//! attempt, never repeated.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, Method};

use crate::{FetchError, Fetched};

/// Who can be called from where a plugin stands.
pub trait Callers: Send + Sync {
    /// The upstream that the plugin stands on; `None` on a route.
    fn own(&self) -> Option<Arc<dyn Caller>>;

    /// The upstream of this name; from a route every upstream, from an upstream only itself.
    fn named(&self, upstream: &str) -> Option<Arc<dyn Caller>>;
}

/// Calls one upstream.
pub trait Caller: Send + Sync + 'static {
    /// Sends the request and reads the whole answer within `deadline`, refusing a body of more than
    /// `limit` bytes.
    fn call(
        &self,
        call: Call,
        limit: usize,
        deadline: Duration,
    ) -> BoxFuture<'_, Result<Fetched, FetchError>>;
}

/// A request of a plugin's own. `Host` and framing are added.
#[derive(Debug, Clone)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// Path and query as they are sent.
    pub target: String,
    /// Header fields.
    pub headers: HeaderMap,
    /// The body; empty for none.
    pub body: Bytes,
}

impl Call {
    /// A GET without header fields.
    pub fn get(target: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            target: target.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }
}
