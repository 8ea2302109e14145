//! The keys in force, and keeping those of a URL fresh.
//!
//! Fetches are single-flight: whoever needs keys while one runs waits for that one. They run as
//! tasks of their own, so that a caller who hangs up stops nothing, and they are bounded by a
//! deadline, and so is everybody's waiting. Callers cannot cause more than one fetch per cooldown.
//! While fetching fails the last keys stay in force, up to a bound.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use arc_swap::{ArcSwapOption, Guard};
use parking_lot::Mutex;
use tokio::sync::watch;
use tollgate_api::{Clock, FetchError, Fetcher, Measure, Measures, Tick};
use tollgate_crypto::{KeySet, KeySetError, sha256};

/// The keys of one source, shared by every route that uses it.
pub(super) struct Keys {
    current: ArcSwapOption<Published>,
    remote: Option<Remote>,
}

/// Keys as they were found at one time.
pub(super) struct Published {
    /// The keys; `None` when the issuer published none that can be used.
    pub keys: Option<KeySet>,
    /// Digest of the document: what other keys verified must be verified anew.
    pub generation: [u8; 32],
    fetched: Tick,
    /// The same as wall-clock time; `None` for keys that were never fetched.
    fetched_at: Option<Duration>,
}

struct Remote {
    fetcher: Arc<dyn Fetcher>,
    clock: Arc<dyn Clock>,
    flight: Mutex<Flight>,
    reporters: Mutex<Vec<Weak<Reporter>>>,
}

#[derive(Default)]
struct Flight {
    /// Closed when the fetch that runs is over.
    running: Option<watch::Receiver<()>>,
    demanded: Option<Tick>,
    failing: bool,
}

/// Tells the figures of the keys under the name of one plugin.
pub(super) struct Reporter {
    pub instance: String,
    pub measures: Arc<dyn Measures>,
}

#[derive(Debug, Clone, Copy, thiserror::Error)]
enum Failure {
    #[error("the key set could not be fetched: {0}")]
    Fetch(#[from] FetchError),
    #[error("the key set's server answered {0} instead of 200")]
    Status(u16),
    #[error("the key set cannot be read: {0}")]
    Document(#[from] KeySetError),
}

impl Keys {
    /// Keys that never change.
    pub fn fixed(keys: KeySet) -> Self {
        let published =
            Published { keys: Some(keys), generation: [0; 32], fetched: Tick(0), fetched_at: None };
        Self { current: ArcSwapOption::from_pointee(published), remote: None }
    }

    /// Keys that an issuer publishes. None are in force until the first fetch.
    pub fn published(fetcher: Arc<dyn Fetcher>, clock: Arc<dyn Clock>) -> Self {
        let (flight, reporters) = (Mutex::default(), Mutex::default());
        let remote = Remote { fetcher, clock, flight, reporters };
        Self { current: ArcSwapOption::empty(), remote: Some(remote) }
    }

    /// The keys in force, if any were found within `keep`.
    pub fn current(&self, keep: Duration) -> Option<Guard<Option<Arc<Published>>>> {
        let current = self.current.load();
        let published = current.as_ref()?;
        let is_kept = self
            .remote
            .as_ref()
            .is_none_or(|remote| remote.clock.tick().since(published.fetched) <= keep);
        (is_kept && published.keys.is_some()).then_some(current)
    }

    /// Figures go to this plugin too, for as long as it lives.
    pub fn report_to(&self, reporter: &Arc<Reporter>) {
        if let Some(remote) = &self.remote {
            let mut reporters = remote.reporters.lock();
            reporters.retain(|reporter| reporter.strong_count() > 0);
            reporters.push(Arc::downgrade(reporter));
        }
        if let Some(published) = self.current.load().as_ref() {
            reporter.published(published);
        }
    }

    /// Fetches on behalf of a caller, unless that was done less than `cooldown` ago. Returns when
    /// the fetch, or one that already runs, is over; `false` if there was none.
    pub async fn demand(self: &Arc<Self>, cooldown: Duration) -> bool {
        let Some(remote) = &self.remote else { return false };
        let running = {
            let mut flight = remote.flight.lock();
            if let Some(running) = flight.running() {
                running
            } else {
                let now = remote.clock.tick();
                if flight.demanded.is_some_and(|last| now.since(last) < cooldown) {
                    return false;
                }
                flight.demanded = Some(now);
                self.start(&mut flight)
            }
        };
        over(running).await;
        true
    }

    /// Fetches if the last success is older than `refresh`, or the last fetch failed.
    pub async fn refresh(self: &Arc<Self>, refresh: Duration) {
        let Some(remote) = &self.remote else { return };
        let age = self.current.load().as_ref().map(|last| remote.clock.tick().since(last.fetched));
        let running = {
            let mut flight = remote.flight.lock();
            if !flight.failing && age.is_some_and(|age| age < refresh) {
                return;
            }
            match flight.running() {
                Some(running) => running,
                None => self.start(&mut flight),
            }
        };
        over(running).await;
    }

    fn start(self: &Arc<Self>, flight: &mut Flight) -> watch::Receiver<()> {
        let (done, running) = watch::channel(());
        flight.running = Some(running.clone());
        let keys = self.clone();
        tokio::spawn(async move {
            keys.fetch().await;
            drop(done);
        });
        running
    }

    async fn fetch(&self) {
        let Some(remote) = &self.remote else { return };
        let outcome = remote.get().await;
        let failed_before = std::mem::replace(&mut remote.flight.lock().failing, outcome.is_err());
        match outcome {
            Ok(published) => {
                remote.each_reporter(|reporter| {
                    reporter.published(&published);
                    reporter.gauge(Measure::Degraded, 0.0);
                    if failed_before {
                        tracing::info!(plugin = %reporter.instance, "the key set is fetched again");
                    }
                });
                self.current.store(Some(Arc::new(published)));
            }
            Err(failure) => {
                remote.each_reporter(|reporter| {
                    reporter.measures.add(&reporter.instance, Measure::JwksFailures, 1);
                    reporter.gauge(Measure::Degraded, 1.0);
                    tracing::warn!(plugin = %reporter.instance, "{failure}");
                });
            }
        }
    }
}

impl Remote {
    async fn get(&self) -> Result<Published, Failure> {
        // The fetcher keeps to the deadline; the timeout keeps callers from depending on that.
        let get = self.fetcher.get(LARGEST, DEADLINE);
        let fetched = tokio::time::timeout(DEADLINE + Duration::from_secs(1), get)
            .await
            .unwrap_or(Err(FetchError::Timeout))?;
        if fetched.status != http::StatusCode::OK {
            return Err(Failure::Status(fetched.status.as_u16()));
        }
        let keys = match KeySet::from_jwks(&fetched.body) {
            Ok(keys) => Some(keys),
            // The issuer says, in good form, that none is valid any more. That is no outage.
            Err(KeySetError::NoUsableKey { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let generation = sha256(&fetched.body);
        let (fetched, fetched_at) = (self.clock.tick(), Some(self.clock.unix()));
        Ok(Published { keys, generation, fetched, fetched_at })
    }

    fn each_reporter(&self, tell: impl Fn(&Reporter)) {
        for reporter in self.reporters.lock().iter().filter_map(Weak::upgrade) {
            tell(&reporter);
        }
    }
}

impl Flight {
    fn running(&self) -> Option<watch::Receiver<()>> {
        // An error means that the sender is gone: that fetch is over.
        self.running.clone().filter(|running| running.has_changed().is_ok())
    }
}

impl Reporter {
    fn published(&self, published: &Published) {
        let count = published.keys.as_ref().map_or(0, |keys| keys.keys().len());
        self.gauge(Measure::JwksKeys, f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
        if let Some(time) = published.fetched_at {
            self.gauge(Measure::JwksFetchedAt, time.as_secs_f64());
        }
    }

    fn gauge(&self, measure: Measure, value: f64) {
        self.measures.set(&self.instance, measure, value);
    }
}

async fn over(mut running: watch::Receiver<()>) {
    // Nothing is ever sent: this ends, with an error, when the fetch's task has dropped the sender.
    let _ = running.changed().await;
}

/// Bytes of the largest key set that is read.
const LARGEST: usize = 256 * 1024;
/// How long one fetch may take, and therefore how long a caller waits for keys.
const DEADLINE: Duration = Duration::from_secs(5);
