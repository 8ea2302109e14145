//! Downloaded certificates, and when to download again.
//!
//! Downloads are single-flight: whoever needs keys while one runs waits for that one. They run as
//! tasks of their own, so that a caller who hangs up stops nothing, and are bounded in time. Messages
//! cannot cause more than one download per cooldown. What a download brings replaces what was there:
//! WeChat Pay lists every certificate that counts. While downloads fail, the last ones stay until they
//! expire.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::watch;
use tollgate_api::{Clock, Measure, Measures, Tick};

use super::{
    PlatformKey, Source,
    download::{Downloaded, Failure},
};

/// The certificates of one merchant, shared by all that speak for it.
pub(in crate::wechat_pay) struct Store {
    clock: Arc<dyn Clock>,
    certificates: ArcSwap<Vec<Arc<PlatformKey>>>,
    flight: Mutex<Flight>,
    sources: Mutex<Vec<Weak<Source>>>,
    reporters: Mutex<Vec<Weak<Reporter>>>,
}

#[derive(Default)]
struct Flight {
    /// Closed when the download that runs is over.
    running: Option<watch::Receiver<()>>,
    demanded: Option<Tick>,
    succeeded: Option<Tick>,
    failing: bool,
}

/// Tells the figures of the certificates under the name of one plugin.
pub(in crate::wechat_pay) struct Reporter {
    pub instance: String,
    pub measures: Arc<dyn Measures>,
}

impl Store {
    /// No certificates yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            certificates: ArcSwap::default(),
            flight: Mutex::default(),
            sources: Mutex::default(),
            reporters: Mutex::default(),
        }
    }

    /// The certificates in force.
    pub fn certificates(&self) -> Vec<Arc<PlatformKey>> {
        let now = self.clock.unix();
        let all = self.certificates.load();
        all.iter().filter(|certificate| certificate.is_in_force(now)).cloned().collect()
    }

    /// From now on downloads go through this source, as long as it lives; figures go to this plugin
    /// too.
    pub fn join(&self, source: &Arc<Source>, reporter: &Arc<Reporter>) {
        let mut sources = self.sources.lock();
        sources.retain(|source| source.strong_count() > 0);
        sources.push(Arc::downgrade(source));
        let mut reporters = self.reporters.lock();
        reporters.retain(|reporter| reporter.strong_count() > 0);
        reporters.push(Arc::downgrade(reporter));
        drop((sources, reporters));
        if self.flight.lock().succeeded.is_some() {
            self.report(reporter);
        }
    }

    /// Downloads on behalf of a message, unless that was done less than `cooldown` ago. Returns when
    /// the download, or one that already runs, is over.
    pub async fn demand(self: &Arc<Self>, cooldown: Duration) {
        let running = {
            let mut flight = self.flight.lock();
            if let Some(running) = flight.running() {
                running
            } else {
                let now = self.clock.tick();
                if flight.demanded.is_some_and(|last| now.since(last) < cooldown) {
                    return;
                }
                flight.demanded = Some(now);
                self.start(&mut flight)
            }
        };
        over(running).await;
    }

    /// Downloads if the last success is older than `every`, or the last download failed.
    pub async fn refresh(self: &Arc<Self>, every: Duration) {
        self.tell();
        let running = {
            let mut flight = self.flight.lock();
            let now = self.clock.tick();
            let fresh = flight.succeeded.is_some_and(|last| now.since(last) < every);
            if fresh && !flight.failing {
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
        let store = self.clone();
        tokio::spawn(async move {
            store.download().await;
            drop(done);
        });
        running
    }

    async fn download(&self) {
        let source = self.sources.lock().iter().rev().find_map(Weak::upgrade);
        let Some(source) = source else { return };
        let outcome = source.download(&self.certificates()).await;
        let failed_before = {
            let mut flight = self.flight.lock();
            if outcome.is_ok() {
                flight.succeeded = Some(self.clock.tick());
            }
            std::mem::replace(&mut flight.failing, outcome.is_err())
        };
        match outcome {
            Ok(Downloaded::Certificates(certificates)) => {
                self.certificates.store(Arc::new(certificates.into_iter().map(Arc::new).collect()));
                self.succeeded(failed_before);
            }
            Ok(Downloaded::NoCertificates) => {
                tracing::info!(
                    "the merchant has no platform certificates: it verifies with public keys alone"
                );
                self.succeeded(failed_before);
            }
            Err(failure) => self.failed(&failure),
        }
    }

    fn succeeded(&self, failed_before: bool) {
        for reporter in self.reporters() {
            reporter.gauge(Measure::Degraded, 0.0);
            if failed_before {
                tracing::info!(plugin = %reporter.instance, "platform certificates are downloaded again");
            }
        }
        self.tell();
    }

    fn failed(&self, failure: &Failure) {
        for reporter in self.reporters() {
            reporter.measures.add(&reporter.instance, Measure::ProviderKeyFailures, 1);
            reporter.gauge(Measure::Degraded, 1.0);
            tracing::warn!(plugin = %reporter.instance, "{failure}");
        }
    }

    fn tell(&self) {
        for reporter in self.reporters() {
            self.report(&reporter);
        }
    }

    fn report(&self, reporter: &Reporter) {
        let certificates = self.certificates();
        let count = u32::try_from(certificates.len()).unwrap_or(u32::MAX);
        reporter.gauge(Measure::ProviderKeys, f64::from(count));
        let last = certificates.iter().filter_map(|certificate| certificate.expires_at()).max();
        if let Some(last) = last {
            reporter.gauge(Measure::ProviderKeysExpireAt, last.as_secs_f64());
        }
    }

    fn reporters(&self) -> Vec<Arc<Reporter>> {
        self.reporters.lock().iter().filter_map(Weak::upgrade).collect()
    }
}

impl Flight {
    fn running(&self) -> Option<watch::Receiver<()>> {
        // An error means that the sender is gone: that download is over.
        self.running.clone().filter(|running| running.has_changed().is_ok())
    }
}

impl Reporter {
    fn gauge(&self, measure: Measure, value: f64) {
        self.measures.set(&self.instance, measure, value);
    }
}

async fn over(mut running: watch::Receiver<()>) {
    // Nothing is ever sent: this ends, with an error, when the task has dropped the sender.
    let _ = running.changed().await;
}
