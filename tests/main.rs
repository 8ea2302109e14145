//! What a user, an operator or an attacker sees of a gateway, from outside: real sockets, real TLS,
//! real processes. `support` is the harness; every other file is a subject.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test ends where its assumptions do"
)]

mod support;

mod architecture;
mod bodies;
mod command_line;
mod compliance;
mod conf;
mod connections;
mod failures;
mod framing;
mod harness;
mod heads;
mod limits;
mod malformed;
mod map;
mod panics;
mod payments;
mod providers;
mod reload;
mod sandbox;
mod secrets;
mod streaming;
mod tokens;
