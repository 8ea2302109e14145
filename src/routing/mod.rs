//! Which route a request takes: pure matching and specificity. No I/O, no engine types, no
//! configuration schema; the configuration hands typed values in, the exchange loop asks.
//!
//! Everything here keeps one promise: *what was matched is what is forwarded*. A request target is
//! parsed once ([`Target`]), and a spelling that two servers could read differently is refused.
//!
//! # Which route wins
//!
//! A route matches when every condition it names holds. Among the routes that match, the most
//! specific wins, compared in this order:
//!
//! 1. **host**: exact, then the wildcard with more labels, then any host;
//! 2. **path**: exact, then a template, then the open patterns (prefixes and templates that end in
//!    `{*rest}`). Two templates, and two open patterns, are compared segment by segment from the
//!    left: a literal beats `{name}`, a longer pattern beats its own beginning, and at the same
//!    length `{*rest}` beats a prefix;
//! 3. **method**: named beats any;
//! 4. **headers**: more conditions, then more of them with a value;
//! 5. **query parameters**: likewise.
//!
//! The listener is a condition but adds no specificity. A host level without a match falls through
//! to the next: a route for any host serves a path that the exact host does not have. Two routes
//! that one request could match equally well are a [`Conflict`], found when the table is built.
//!
//! # When none wins
//!
//! No route: [`Found::NotFound`]. Routes that differ from the request in the method alone, at
//! whatever level: [`Found::MethodNotAllowed`] with all their methods. `HEAD` and `OPTIONS` are
//! methods like any other, never implied. A header or query parameter that decides the route and
//! was sent twice: [`Found::Ambiguous`].

mod condition;
mod conflict;
mod host;
mod index;
mod leaf;
mod paths;
mod pattern;
mod query;
mod rule;
mod table;
mod target;

#[cfg(test)]
mod tests;

pub use self::condition::{HeaderMatch, QueryMatch, RouteMatch, ValueMatch};
pub use self::conflict::Conflict;
pub use self::host::{Authority, Host, HostError, HostPattern};
pub use self::pattern::{PathPattern, PatternError};
pub use self::rule::Ambiguity;
pub use self::table::{Found, Input, Params, RouteId, Table};
pub use self::target::{Target, TargetError};
