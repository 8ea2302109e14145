//! Puts configurations in force: compile, swap, reconcile what runs in the background; watch the
//! files and start again. A configuration that does not compile changes nothing but the readiness
//! report, a metric and the log: the last good one stays.

mod apply;
mod jobs;
mod watch;

pub use apply::{Actor, LastReload, Outcome, Reloader, Rooms, Standing};
pub use jobs::Scheduler;
pub use watch::watch;
