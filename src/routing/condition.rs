//! What a route asks of a request, as configuration hands it in.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method};

use super::host::HostPattern;
use super::pattern::PathPattern;

/// The conditions of one route; all of them must hold.
#[derive(Clone, Debug)]
pub struct RouteMatch {
    /// Names of listeners; empty: every listener.
    pub listeners: Vec<Arc<str>>,
    /// Any of these hosts; empty: every host.
    pub hosts: Vec<HostPattern>,
    /// The path.
    pub path: PathPattern,
    /// Any of these methods; empty: every method.
    pub methods: Vec<Method>,
    /// Every one of these headers.
    pub headers: Vec<HeaderMatch>,
    /// Every one of these query parameters.
    pub query: Vec<QueryMatch>,
}

impl RouteMatch {
    /// A route for a path, with no other condition.
    pub fn new(path: PathPattern) -> Self {
        Self {
            listeners: Vec::new(),
            hosts: Vec::new(),
            path,
            methods: Vec::new(),
            headers: Vec::new(),
            query: Vec::new(),
        }
    }
}

/// A condition on a header. A header whose value is asked for and that was sent on several lines
/// makes the request ambiguous.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderMatch {
    /// The header.
    pub name: HeaderName,
    /// What its value must be, compared byte by byte.
    pub value: ValueMatch<HeaderValue>,
}

/// A condition on a query parameter, name and value decoded. A parameter that was sent more than
/// once makes the request ambiguous.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryMatch {
    /// The decoded name.
    pub name: Arc<str>,
    /// What its decoded value must be.
    pub value: ValueMatch<Arc<str>>,
}

/// A condition on a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueMatch<T> {
    /// Any value, an empty one included.
    Present,
    /// This value.
    Exact(T),
}

impl<T> ValueMatch<T> {
    pub(super) fn is_exact(&self) -> bool {
        matches!(self, Self::Exact(_))
    }
}
