//! The stores that plugins share: engines behind the traits of the plugin contract.
//!
//! One engine so far, in memory: it serves one process and forgets when the process ends.

mod buckets;
mod gcra;
mod memory;
#[cfg(test)]
mod rate_limit_tests;
mod replay;

pub use memory::MemoryRateLimiters;
pub use replay::MemoryReplaySets;
