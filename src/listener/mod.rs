//! Sockets, TLS, and the loops that read requests from callers' connections.
//!
//! [`Listeners`] binds every socket before anything is reported, accepts connections, finishes TLS
//! within a deadline, and hands each parsed request to a [`Handler`]. It promises that a request
//! head arrives within a total deadline and a size, that a malformed head is answered exactly once
//! and its connection closed, that a reload changes certificates, limits and addresses without
//! losing a request, and that a drain ends when the last exchange ends. What an exchange does is
//! the handler's business: callers' requests and the operators' come through the same door.

mod accept;
mod admission;
mod certificate;
mod connection;
mod drain;
mod handler;
mod head;
mod http1;
mod http2;
mod manager;
mod refusal;
mod socket;
mod spec;
mod tls;

#[cfg(test)]
mod tests;

pub use certificate::Certificate;
pub use drain::Drain;
pub use handler::{After, Event, Handler, HandshakeFailure, TurnedAway};
pub use manager::{BindError, Listeners, Prepared};
pub use spec::{Limits, ListenerSpec};
pub use tls::{ClientAuth, TlsSpec, trust_from_pem};
