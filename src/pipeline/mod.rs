//! Runs chains of plugins: requests in the order written, answers in reverse; shadowed plugins on
//! a view that is thrown away. Knows nothing of sockets: it is given an exchange and gives it back.

mod chain;
mod registry;
mod verdict;

pub use chain::{Chain, Entry, Mode, Progress};
pub use registry::{DEFINITIONS, definition};
pub use verdict::{Refusal, Refusals};
