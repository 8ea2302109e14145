//! The exchange loop: reads the head, runs the chains, calls the provider, pumps or holds the
//! bodies, answers. One loop for held and streamed bodies, HTTP/1.1 and HTTP/2, on both sides.
//!
//! It stands on Pingora's sessions and connectors alone; what `pingora-proxy` would have done about
//! framing, hop-by-hop fields and hang-ups is done here, and `tests/` proves it from outside.

mod answer;
mod attempt;
mod caller;
mod converse;
mod exchange;
mod failure;
mod forward;
mod gateway;
mod head;
mod hop;
mod incoming;
mod memory;
mod record;
mod render;
mod rules;
mod talk;
mod wire;

pub use gateway::Gateway;
pub use memory::HeldMemory;
pub use render::{ERROR_HEADER, fault as render_fault};
