//! The room against small servers on loopback.

mod calling;
mod choosing;
mod connecting;
mod health;
mod http1;
mod http2;
mod isolation;
mod resolving;
mod support;
