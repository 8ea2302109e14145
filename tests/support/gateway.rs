//! A gateway in this process.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use tollgate::{
    config::{self, Environment},
    listener::Listeners,
    pipeline::{Chain, Entry, Mode},
    process::{Process, StartError},
    snapshot::Snapshot,
    telemetry::{self, AccessLog, Telemetry, metrics::Place},
};
use tollgate_api::{Clock, Entropy, Needs, Plugin, SystemEntropy};

use super::http1::LOCAL;
use super::{
    Authority, Caller, Folder, Http1, Http2, Metrics, PATIENCE, binary::Records, prepare, within,
};

/// A gateway that runs on the runtime of the test and ends with it.
pub struct Gateway {
    /// Its folder, with `tollgate.yaml`.
    pub folder: Folder,
    addresses: Vec<(Arc<str>, SocketAddr)>,
    running: Running,
}

enum Running {
    /// The whole, as `tollgate run` has it.
    Whole(Process),
    /// Callers' listeners and the exchange loop alone.
    Assembled {
        _listeners: Listeners<tollgate::proxy::Gateway>,
        metrics: Arc<telemetry::Metrics>,
        records: Arc<Records>,
    },
}

/// A compiled configuration that a test changes before it is served.
pub struct Edit<'a> {
    /// The configuration.
    pub snapshot: &'a mut Snapshot,
    /// Where plugins are counted.
    pub metrics: &'a telemetry::Metrics,
}

impl Edit<'_> {
    /// Puts a plugin of the test's own in place of all plugins of the only route.
    pub fn plugin(&mut self, kind: &'static str, plugin: Arc<dyn Plugin>) {
        let name: Arc<str> = format!("pay/{kind}").into();
        let meter = self.metrics.plugin(Place::Route("pay"), &name, false);
        let route = &mut self.snapshot.routes[0];
        let route = Arc::get_mut(route).expect("nobody else has the route yet");
        route.needs = Needs::max(route.needs, plugin.needs());
        let entry = Entry { plugin, kind, name, mode: Mode::Enforced, meter };
        route.chain = Chain::new(vec![entry], 1_000);
    }
}

impl Gateway {
    /// Starts the whole.
    pub(super) fn start(folder: Folder, yaml: &str) -> Self {
        prepare();
        match Process::start(folder.join("tollgate.yaml")) {
            Ok(process) => {
                let addresses = process.addresses();
                Self { folder, addresses, running: Running::Whole(process) }
            }
            Err(StartError::Configuration(report)) => panic!("{report}\n{yaml}"),
            Err(error) => panic!("the gateway does not start: {error}\n{yaml}"),
        }
    }

    pub(super) fn assemble(
        folder: Folder,
        yaml: &str,
        clock: Arc<dyn Clock>,
        edit: impl FnOnce(&mut Edit<'_>),
    ) -> Self {
        prepare();
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let metrics = Arc::new(telemetry::Metrics::new());
        let environment = Environment::new(clock.clone(), entropy.clone(), metrics.clone());
        let path: PathBuf = folder.join("tollgate.yaml");
        let (mut snapshot, _) = config::build(&path, &environment, 1)
            .unwrap_or_else(|refusal| panic!("{}\n{yaml}", refusal.report));
        edit(&mut Edit { snapshot: &mut snapshot, metrics: &metrics });
        let records = Arc::new(Records::default());
        let log = AccessLog::start(records.writer(), 10_000, metrics.clone()).unwrap();
        let telemetry = Arc::new(Telemetry::new(metrics.clone(), Some(log)));
        let specs = snapshot.listeners.clone();
        let gateway = Arc::new(tollgate::proxy::Gateway::new(
            Arc::new(snapshot),
            clock.clone(),
            entropy,
            telemetry,
        ));
        let listeners = Listeners::new(gateway, clock);
        let prepared = listeners.prepare(specs).expect("free ports");
        listeners.commit(prepared);
        let addresses = listeners.addresses();
        let running = Running::Assembled { _listeners: listeners, metrics, records };
        Self { folder, addresses, running }
    }

    /// The process, to reload or drain it.
    pub fn process(&self) -> &Process {
        match &self.running {
            Running::Whole(process) => process,
            Running::Assembled { .. } => panic!("an assembled gateway has no process"),
        }
    }

    /// The address of this listener; the operators' is `admin`.
    pub fn address(&self, listener: &str) -> SocketAddr {
        find(&self.addresses, listener)
    }

    /// A caller over HTTP/1.1 at the listener `plain`.
    pub async fn http1(&self) -> Http1 {
        Http1::connect(self.address("plain")).await
    }

    /// A caller over HTTP/1.1 with TLS at the listener `tls`.
    pub async fn http1_tls(&self, authority: &Authority) -> Http1 {
        Http1::connect_tls(self.address("tls"), authority).await
    }

    /// A caller over HTTP/2 at the listener `tls`.
    pub async fn http2(&self, authority: &Authority) -> Http2 {
        Http2::connect_tls(self.address("tls"), authority).await
    }

    /// A caller over either, at the listener `tls`.
    pub async fn caller(&self, http2: bool, authority: &Authority) -> Caller {
        if http2 {
            Caller::Http2(self.http2(authority).await)
        } else {
            Caller::Http1(Box::new(self.http1_tls(authority).await))
        }
    }

    /// The URL of a path at this listener, for [`Gateway::client`].
    pub fn url(&self, listener: &str, path: &str) -> String {
        let scheme = if listener == "tls" { "https" } else { "http" };
        format!("{scheme}://localhost:{}{path}", self.address(listener).port())
    }

    /// A client as applications have it: a pool, HTTP/2 where it is offered.
    pub fn client(authority: &Authority) -> reqwest::Client {
        prepare();
        let root = reqwest::Certificate::from_pem(authority.pem().as_bytes()).unwrap();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([root]);
        client.timeout(PATIENCE).build().unwrap()
    }

    /// What operators see at `/metrics`.
    pub async fn metrics(&self) -> Metrics {
        match &self.running {
            Running::Whole(_) => read_metrics(self.address("admin")).await,
            Running::Assembled { metrics, .. } => Metrics(metrics.encode()),
        }
    }

    /// Waits until this is true of the metrics.
    pub async fn metrics_until(&self, what: &str, holds: impl Fn(&Metrics) -> bool) -> Metrics {
        within(what, async {
            loop {
                let metrics = self.metrics().await;
                if holds(&metrics) {
                    return metrics;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }

    /// Waits for the access-log record of which this is true; of an assembled gateway alone.
    pub async fn record(
        &self,
        what: &str,
        fits: impl Fn(&serde_json::Value) -> bool,
    ) -> serde_json::Value {
        self.records().find(what, fits).await
    }

    /// The access log; of an assembled gateway alone.
    pub fn records(&self) -> &Arc<Records> {
        match &self.running {
            Running::Assembled { records, .. } => records,
            Running::Whole(_) => panic!("the access log of a whole process is on standard output"),
        }
    }
}

pub(super) fn find<N: AsRef<str>>(addresses: &[(N, SocketAddr)], listener: &str) -> SocketAddr {
    addresses
        .iter()
        .find(|(name, _)| name.as_ref() == listener)
        .unwrap_or_else(|| panic!("no listener `{listener}`"))
        .1
}

pub(super) async fn read_metrics(admin: SocketAddr) -> Metrics {
    let answer = Http1::connect(admin).await.call("GET", "/metrics", &[LOCAL], b"", None).await;
    assert_eq!(answer.status, 200, "the metrics can be read: {}", answer.text());
    Metrics(answer.text())
}

impl Drop for Gateway {
    /// A test that fails shows what the gateway recorded.
    fn drop(&mut self) {
        if let (true, Running::Assembled { records, .. }) =
            (std::thread::panicking(), &self.running)
        {
            eprintln!("access log:\n{}", records.text());
        }
    }
}
