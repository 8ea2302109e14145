//! The drain of a listener: told once, seen by every connection, over when all are gone.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{sync::watch, time::sleep};

/// One listener's side of its drain.
pub(super) struct DrainControl {
    begun: Arc<AtomicBool>,
    signal: watch::Sender<()>,
}

impl DrainControl {
    /// A drain that has not begun, and its first witness.
    pub(super) fn new() -> (Self, Drain) {
        let (signal, receiver) = watch::channel(());
        let begun = Arc::new(AtomicBool::new(false));
        (Self { begun: begun.clone(), signal }, Drain { begun, signal: receiver })
    }

    /// Begins the drain; once is enough.
    pub(super) fn begin(&self) {
        self.begun.store(true, Ordering::Release);
        self.signal.send_replace(());
    }

    /// Ends when no [`Drain`] of this listener is left.
    pub(super) async fn finished(&self) {
        self.signal.closed().await;
    }

    /// Whether no [`Drain`] is left.
    pub(super) fn is_finished(&self) -> bool {
        self.signal.is_closed()
    }
}

/// Tells whether the listener is draining. While a clone lives, the drain is not over.
#[derive(Debug, Clone)]
pub struct Drain {
    begun: Arc<AtomicBool>,
    signal: watch::Receiver<()>,
}

impl Drain {
    /// Whether the drain has begun: no further request is read from a connection.
    pub fn begun(&self) -> bool {
        self.begun.load(Ordering::Acquire)
    }

    /// Waits until the drain has gone on for this long.
    pub(super) async fn lasts(&mut self, duration: Duration) {
        self.begins().await;
        sleep(duration).await;
    }

    /// Waits until the drain begins.
    pub async fn begins(&mut self) {
        while !self.begun() {
            if self.signal.changed().await.is_err() {
                // The manager is gone, which nobody may outlive.
                self.begun.store(true, Ordering::Release);
            }
        }
    }
}

/// How long after connecting a caller may begin its first request although the listener drains:
/// whoever has only just connected is about to send.
pub(super) const FRESH: Duration = Duration::from_secs(1);
