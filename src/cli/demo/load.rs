//! Payments at a steady rate while something else happens.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

use super::call::{Call, Client};

/// A load that runs until it is stopped.
pub(super) struct Load {
    stopped: Arc<AtomicBool>,
    shared: Arc<Shared>,
    workers: JoinSet<()>,
}

/// What a load saw.
pub(super) struct Seen {
    /// Requests that were answered 200.
    pub good: u64,
    /// Everything else, by what it was.
    pub failures: BTreeMap<String, u64>,
}

#[derive(Default)]
struct Shared {
    next: AtomicU64,
    good: AtomicU64,
    failures: Mutex<BTreeMap<String, u64>>,
}

impl Load {
    /// Begins to send payments, each with an order number of its own.
    pub fn start(client: &Client, url: &str, token: &str) -> Self {
        let (stopped, shared) = (Arc::new(AtomicBool::new(false)), Arc::new(Shared::default()));
        let mut workers = JoinSet::new();
        for _ in 0..WORKERS {
            let (stopped, shared) = (stopped.clone(), shared.clone());
            let (client, url, token) = (client.clone(), url.to_owned(), token.to_owned());
            workers.spawn(async move {
                let mut ticks = interval(PAUSE);
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                while !stopped.load(Ordering::Relaxed) {
                    ticks.tick().await;
                    shared.pay(&client, &url, &token).await;
                }
            });
        }
        Self { stopped, shared, workers }
    }

    /// How many payments were answered 200 so far.
    pub fn good(&self) -> u64 {
        self.shared.good.load(Ordering::Relaxed)
    }

    /// Ends it; every request that was begun is counted.
    pub async fn stop(mut self) -> Seen {
        self.stopped.store(true, Ordering::Relaxed);
        while let Some(ended) = self.workers.join_next().await {
            if ended.is_err() {
                self.shared.fail("a worker failed");
            }
        }
        let failures = std::mem::take(&mut *self.shared.failures.lock());
        Seen { good: self.good(), failures }
    }
}

impl Shared {
    async fn pay(&self, client: &Client, url: &str, token: &str) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let order = format!("load-{number}");
        let body = super::walk::payment(&order, "1.00", "USD");
        match client.send(&Call::post(url.to_owned(), Some(token), body)).await {
            Ok(answer)
                if answer.status == http::StatusCode::OK && answer.text("order_id") == order =>
            {
                self.good.fetch_add(1, Ordering::Relaxed);
            }
            Ok(answer) => self.fail(&format!(
                "{} {}",
                answer.status.as_u16(),
                answer.header("tollgate-error")
            )),
            Err(error) => self.fail(&error),
        }
    }

    fn fail(&self, what: &str) {
        let mut failures = self.failures.lock();
        if failures.len() < KINDS || failures.contains_key(what) {
            *failures.entry(what.to_owned()).or_default() += 1;
        }
    }
}

impl Seen {
    /// How many failed.
    pub fn failed(&self) -> u64 {
        self.failures.values().sum()
    }
}

const WORKERS: usize = 8;
/// Between two requests of a worker: 200 requests per second in all, where the machine keeps up.
const PAUSE: Duration = Duration::from_millis(40);
/// Kinds of failure that are told apart.
const KINDS: usize = 20;
