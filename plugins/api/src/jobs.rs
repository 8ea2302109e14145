//! Background work that belongs to a configuration: declared while it is built, started only after
//! it was swapped in, kept running across reloads while its fingerprint stays the same.

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;

/// One piece of background work.
#[derive(Clone)]
pub struct Job {
    /// Stable name; one job of a name runs at a time.
    pub name: String,
    /// Changes exactly when the job must be restarted.
    pub fingerprint: u64,
    /// Time between the end of a run and the start of the next. The first run starts at once.
    pub every: Duration,
    /// One run. It must end by itself within a bounded time and must not panic.
    pub run: Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>,
}

/// Collects the jobs of a configuration.
#[derive(Default)]
pub struct Jobs(Vec<Job>);

impl Jobs {
    /// Declares a job.
    pub fn every<F, R>(
        &mut self,
        name: impl Into<String>,
        fingerprint: u64,
        every: Duration,
        run: F,
    ) where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let run = Arc::new(move || -> BoxFuture<'static, ()> { Box::pin(run()) });
        self.0.push(Job { name: name.into(), fingerprint, every, run });
    }

    /// All that were declared.
    pub fn into_inner(self) -> Vec<Job> {
        self.0
    }
}
