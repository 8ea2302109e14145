//! Applications that order without a pause, each on a connection of its own.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::task::JoinHandle;

use crate::support::*;

/// What an application does, over and over.
pub trait Shop: Send + Sync + 'static {
    /// An order under this name, from its making to the moment it is known to be paid. It panics if
    /// anything of it fails.
    fn order(&self, caller: &mut Http1, name: &str) -> impl Future<Output = ()> + Send;
}

/// A load that runs.
pub struct Load {
    ending: Arc<AtomicBool>,
    done: Vec<Arc<AtomicUsize>>,
    workers: Vec<JoinHandle<()>>,
}

impl Load {
    /// Begins, with four applications whose orders are named after this.
    pub fn start(shop: &Arc<impl Shop>, gateway: SocketAddr, name: &str) -> Self {
        let ending = Arc::new(AtomicBool::new(false));
        let done: Vec<_> = (0..WORKERS).map(|_| Arc::new(AtomicUsize::new(0))).collect();
        let workers = done.iter().enumerate().map(|(worker, done)| {
            let (shop, ending, done) = (shop.clone(), ending.clone(), done.clone());
            let name = format!("{name}-{worker}");
            tokio::spawn(async move {
                // The same connection for all the time: no reload may close it.
                let mut caller = Http1::connect(gateway).await;
                while !ending.load(Ordering::SeqCst) {
                    let number = done.load(Ordering::SeqCst);
                    shop.order(&mut caller, &format!("{name}-{number}")).await;
                    done.fetch_add(1, Ordering::SeqCst);
                }
            })
        });
        let workers = workers.collect();
        Self { ending, done, workers }
    }

    /// Waits until each application has ordered as often again. One more than that is begun and ended
    /// after this was called.
    pub async fn turns(&self, count: usize) {
        let before: Vec<usize> = self.done.iter().map(|one| one.load(Ordering::SeqCst)).collect();
        within("orders", async {
            loop {
                let failed = self.workers.iter().any(JoinHandle::is_finished);
                let mut pairs = self.done.iter().zip(&before);
                if failed || pairs.all(|(now, then)| now.load(Ordering::SeqCst) > then + count) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert!(!self.workers.iter().any(JoinHandle::is_finished), "an application failed");
    }

    /// Ends, and says how many orders there were. Every exchange of every application was good.
    pub async fn end(self) -> usize {
        self.ending.store(true, Ordering::SeqCst);
        for worker in self.workers {
            worker.await.expect("no exchange of this application failed");
        }
        self.done.iter().map(|one| one.load(Ordering::SeqCst)).sum()
    }
}

const WORKERS: usize = 4;
