//! A place for work that takes too long for the threads that serve connections.

use std::{num::NonZeroUsize, sync::Arc, thread};

use tokio::{sync::Semaphore, task};

use crate::{Fault, State, codes};

/// Runs expensive work on threads of its own, never more at once than there are processors: beyond
/// that a flood would only make everybody slower.
pub struct Offload(Arc<Semaphore>);

impl Offload {
    /// The one place, shared by all plugins of this gateway.
    pub fn shared(state: &State) -> Arc<Self> {
        state.get_or_create("offload", 0, || {
            let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
            Self(Arc::new(Semaphore::new(processors)))
        })
    }

    /// Runs the work and waits for it. The place is given back when the work ends, not when
    /// somebody stops waiting for it.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let place = self.0.clone().acquire_owned().await;
        let place = place.map_err(|error| Fault::new(&codes::INTERNAL).caused_by(error))?;
        let done = task::spawn_blocking(move || {
            let done = work();
            drop(place);
            done
        });
        done.await.map_err(|_| Fault::new(&codes::INTERNAL).caused_by("expensive work failed"))
    }
}
