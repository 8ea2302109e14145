//! The listener from outside: raw sockets, TLS clients, HTTP/2 clients, and a tiny handler.

mod http1;
mod http2;
mod lifecycle;
mod secrets;
mod support;
mod tls;
